//! How sure a mean is, and whether one recipe is better than another: the percentile bootstrap over queries (Efron and
//! Tibshirani, *An Introduction to the Bootstrap*, 1993, chapters 13 and 16).

use std::sync::atomic::{AtomicUsize, Ordering};

/// Draws the same queries each time for the same seed, whatever the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// Where the sequence of random numbers begins.
    pub seed: u64,
    /// How often as many queries as there are are drawn, with replacement.
    pub resamples: usize,
    /// How many threads draw; the result doesn't depend on it.
    pub threads: usize,
}

/// A mean and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Mean over the queries.
    pub mean: f64,
    /// Of the means of the resamples, 2.5 % are below.
    pub low: f64,
    /// Of the means of the resamples, 2.5 % are above.
    pub high: f64,
    /// Two-sided p value of the mean being 0: twice the smaller share of resampled means on either side of 0, with one
    /// added to both counts, so that it is never 0.
    pub p: f64,
}

/// The means of a recipe's metrics over all queries, and over each resample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resampled {
    observed: Vec<f64>,
    /// `means[resample][metric]`.
    means: Vec<Vec<f64>>,
}

impl Bootstrap {
    /// Draws. `rows[q][m]` is metric `m` of query `q`; all rows are equally long. For as many rows the same queries are
    /// drawn, so that two recipes can be compared draw by draw.
    pub fn resample(&self, rows: &[Vec<f64>]) -> Resampled {
        let Some(columns) = rows.first().map(Vec::len) else { return Resampled::default() };
        let next = AtomicUsize::new(0);
        let draw_some = || {
            let mut drawn = Vec::new();
            loop {
                let resample = next.fetch_add(1, Ordering::Relaxed);
                if resample >= self.resamples {
                    return drawn;
                }
                drawn.push((resample, self.resampled_mean(rows, columns, resample as u64)));
            }
        };
        let mut all: Vec<(usize, Vec<f64>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(draw_some)).collect();
            workers
                .into_iter()
                .flat_map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        all.sort_unstable_by_key(|(resample, _)| *resample);
        let observed = (0..columns).map(|m| rows.iter().map(|row| row[m]).sum::<f64>() / rows.len() as f64).collect();
        Resampled { observed, means: all.into_iter().map(|(_, means)| means).collect() }
    }

    fn resampled_mean(&self, rows: &[Vec<f64>], columns: usize, resample: u64) -> Vec<f64> {
        let mut random = Random::new(self.seed, resample);
        let mut sums = vec![0.0; columns];
        for _ in 0..rows.len() {
            for (sum, value) in sums.iter_mut().zip(&rows[random.below(rows.len())]) {
                *sum += value;
            }
        }
        sums.iter().map(|sum| sum / rows.len() as f64).collect()
    }
}

impl Resampled {
    /// The estimate of each metric; none without queries.
    pub fn estimates(&self) -> Vec<Estimate> {
        (0..self.observed.len()).map(|m| estimate(self.observed[m], self.means.iter().map(|means| means[m]))).collect()
    }

    /// The estimate of each metric's difference to another recipe's: the paired test, since the same queries were drawn
    /// for both, and the mean of differences is the difference of means.
    pub fn minus(&self, other: &Self) -> Vec<Estimate> {
        let metrics = self.observed.len().min(other.observed.len());
        let difference = |m: usize| {
            let drawn = self.means.iter().zip(&other.means).map(|(a, b)| a[m] - b[m]);
            estimate(self.observed[m] - other.observed[m], drawn)
        };
        (0..metrics).map(difference).collect()
    }
}

impl Resampled {
    /// The estimate of the sum of one metric over that of another, as of a precision that is pooled over queries.
    /// Resamples in which the other's sum is 0 don't count.
    pub fn ratio(&self, numerator: usize, denominator: usize) -> Estimate {
        let ratio = |means: &Vec<f64>| means[numerator] / means[denominator];
        let drawn = self.means.iter().map(ratio).filter(|ratio| ratio.is_finite());
        estimate(ratio(&self.observed), drawn)
    }
}

fn estimate(mean: f64, drawn: impl Iterator<Item = f64>) -> Estimate {
    let mut drawn: Vec<f64> = drawn.collect();
    drawn.sort_unstable_by(f64::total_cmp);
    Estimate { mean, low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975), p: p_value(&drawn) }
}

/// Linear interpolation between order statistics, as numpy does by default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => low + (high - low) * (place - place.floor()),
        _ => f64::NAN,
    }
}

fn p_value(means: &[f64]) -> f64 {
    let share = |count: usize| (count + 1) as f64 / (means.len() + 1) as f64;
    let below = means.iter().filter(|&&mean| mean <= 0.0).count();
    let above = means.iter().filter(|&&mean| mean >= 0.0).count();
    (2.0 * share(below.min(above))).min(1.0)
}

/// SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each pair of seed and stream.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mixed(seed ^ mixed(stream.wrapping_add(GOLDEN))))
    }

    /// In `0..n`, by the upper half of a product (Lemire 2019, without the rejection that would matter for huge `n`).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(GOLDEN);
        ((u128::from(mixed(self.0)) * n as u128) >> 64) as usize
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
