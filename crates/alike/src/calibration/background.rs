//! Without labels: which scores do pictures reach that have nothing to do with each other?
//!
//! Most pairs of a gallery are unrelated, and the greatest scores are those of the related ones: what lies between shows
//! the tail of the unrelated, and is continued under the others. Of Fisher's z of the scores, which takes away the bound
//! at 1, the tail is taken as exponential, as it is of every distribution in Gumbel's domain (Pickands, *Statistical
//! inference using extreme order statistics*, 1975); its scale is fitted to the scores between the 90th and the 98th
//! percentile, by the likelihood of an exponential distribution cut off at both ends, so that it doesn't matter what is
//! above. Scores of codes are few and equally far apart, which makes it a geometric distribution. It is an estimate: where
//! more than one pair in fifty is related, these count as background.

use super::curve::{Point, merged};
use super::{Calibration, Origin};
use crate::recipe::DescriptorKind;

/// The tail begins at this share of all pairs, ..
const BEGIN: f64 = 0.90;
/// .. and is looked at up to this one.
const END: f64 = 0.98;

/// The upper tail of the scores of unrelated pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Background {
    kind: DescriptorKind,
    /// Fisher's z where the tail begins.
    begin: f64,
    /// Share of pairs beyond.
    share: f64,
    /// Mean excess.
    scale: f64,
}

impl Background {
    /// From the scores of pairs that were drawn without looking; `kind` is what they compare. `None` where the scores
    /// show no tail: too few of them, or all alike.
    pub fn fit(scores: &[f32], kind: DescriptorKind) -> Option<Self> {
        let mut z: Vec<f64> = scores.iter().map(|&score| fisher_z(score, kind)).collect();
        z.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| z.get((share * z.len() as f64) as usize).copied();
        let (begin, end) = (at(BEGIN)?, at(END)?);
        let within: Vec<f64> = z.iter().filter(|z| (begin..=end).contains(*z)).map(|z| z - begin).collect();
        let steps = within.windows(2).filter(|pair| pair[0] < pair[1]).count();
        // The last step reaches as far as the others.
        let step = (end - begin) / steps as f64;
        let width = end - begin + step;
        let scale = scale(within.iter().sum::<f64>() / within.len() as f64, step, width)?;
        let share = within.len() as f64 / z.len() as f64 / -(-width / scale).exp_m1();
        Some(Self { kind, begin, share, scale })
    }

    /// The share of unrelated pairs that reach the score; 1 below the tail.
    pub fn reach(&self, score: f32) -> f64 {
        let excess = fisher_z(score, self.kind) - self.begin;
        if excess < 0.0 { 1.0 } else { (self.share * (-excess / self.scale).exp()).min(1.0) }
    }
}

/// The inverse hyperbolic tangent of the correlation: the cosine of vectors; of codes the agreement of bits of -1 and 1.
fn fisher_z(score: f32, kind: DescriptorKind) -> f64 {
    let correlation = match kind {
        DescriptorKind::Vector(_) => f64::from(score),
        DescriptorKind::Code(_) => 2.0 * f64::from(score) - 1.0,
    };
    // An f32 just below 1 is the greatest that tells anything.
    let most = 1.0 - f64::from(f32::EPSILON);
    correlation.clamp(-most, most).atanh()
}

/// The scale of the distribution on multiples of `step`, cut off at `width`, that falls by the factor e with each `scale` and
/// has this mean: the likelihood's maximum. The mean rises with the scale, so that halving the interval finds it. `None`
/// where no scale fits.
fn scale(mean: f64, step: f64, width: f64) -> Option<f64> {
    let of = |scale: f64| step / (step / scale).exp_m1() - width / (width / scale).exp_m1();
    let (mut low, mut high) = (width * 1e-2, width * 1e3);
    let fits = width.is_finite() && mean > of(low) && mean < of(high);
    if !fits {
        return None;
    }
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if of(middle) < mean { low = middle } else { high = middle }
    }
    Some(low)
}

/// Compares what was found with what unrelated pictures would give: above a score stand `pairs * reach` of them, which
/// over the number found is the false discovery rate (Benjamini and Hochberg, *Controlling the false discovery rate*,
/// 1995; Efron, *Large-scale inference*, 2010, chapters 2 and 5). `found` are the greatest scores of `pairs` pairs.
pub fn from_background(background: &Background, found: &[f32], pairs: f64, origin: Origin) -> Calibration {
    let counted = merged(found.iter().map(|&score| Point { score, pairs: 1.0, relevant: 0.0 }));
    let mut reach = 0.0;
    let less_unrelated = counted.iter().map(|point| {
        let more = background.reach(point.score) - reach;
        reach += more;
        Point { relevant: point.pairs - more * pairs, ..*point }
    });
    Calibration::of(&less_unrelated.collect::<Vec<_>>(), origin)
}
