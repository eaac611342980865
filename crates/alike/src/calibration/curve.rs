//! From counts of pairs at each score to the probability of a score, and to cut-offs.

use super::isotonic::non_increasing;
use serde::{Deserialize, Serialize};

/// All pairs of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// The score they share.
    pub score: f32,
    /// How many they are.
    pub pairs: f64,
    /// How many of them are relevant: counted, or what is left when the expected number of unrelated ones is taken away,
    /// which may be less than nothing.
    pub relevant: f64,
}

/// Pairs with this score or more, but less than the step before, have this probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    score: f32,
    probability: f64,
}

/// Where a precision is reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Reached {
    /// Share of relevant pairs among those with this score or more.
    precision: f64,
    score: f32,
    /// Pairs with this score or more.
    pairs: f64,
}

/// Two precisions that are nearer than this share a cut-off, which keeps the list of them short.
const RESOLUTION: f64 = 1e-3;

/// Points by score, the greatest first, each score once.
pub(super) fn merged(points: impl IntoIterator<Item = Point>) -> Vec<Point> {
    let mut points: Vec<Point> = points.into_iter().collect();
    points.sort_by(|a, b| b.score.total_cmp(&a.score));
    points.dedup_by(|next, first| {
        let same = next.score == first.score;
        if same {
            first.pairs += next.pairs;
            first.relevant += next.relevant;
        }
        same
    });
    points
}

/// Pairs that are added at either end, so that a few pairs prove little and no probability is 0 or 1.
const ADDED: f64 = 0.5;

/// A probability that never rises as the score falls: isotonic regression of the shares (Zadrozny and Elkan,
/// *Transforming classifier scores into accurate multiclass probability estimates*, 2002), as if half an unrelated pair
/// stood above all others, and half a relevant one below.
pub(super) fn steps(points: &[Point]) -> Vec<Step> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let above = Point { score: first.score, pairs: ADDED, relevant: 0.0 };
    let below = Point { score: last.score, pairs: ADDED, relevant: ADDED };
    let points: Vec<Point> = [above].into_iter().chain(points.iter().copied()).chain([below]).collect();
    let shares: Vec<f64> = points.iter().map(|point| point.relevant / point.pairs).collect();
    let pairs: Vec<f64> = points.iter().map(|point| point.pairs).collect();
    let mut end = 0;
    let step = |(count, share): (usize, f64)| {
        end += count;
        Step { score: points[end - 1].score, probability: share.clamp(0.0, 1.0) }
    };
    non_increasing(&shares, &pairs).into_iter().map(step).collect()
}

/// The least score of each precision, from the lowest score up.
pub(super) fn reached(points: &[Point]) -> Vec<Reached> {
    let (mut pairs, mut relevant) = (0.0, 0.0);
    let above = points.iter().map(|point| {
        pairs += point.pairs;
        relevant += point.relevant;
        Reached { precision: relevant / pairs, score: point.score, pairs }
    });
    let above: Vec<Reached> = above.collect();
    let mut reached: Vec<Reached> = Vec::new();
    for &candidate in above.iter().rev() {
        if reached.last().map_or(0.0, |last| last.precision + RESOLUTION) <= candidate.precision {
            reached.push(candidate);
        }
    }
    reached
}

/// That of the step that the score stands on; scores below the last step have its probability.
pub(super) fn probability(steps: &[Step], score: f32) -> f64 {
    let step = steps.partition_point(|step| step.score > score);
    steps.get(step).or(steps.last()).map_or(0.0, |step| step.probability)
}

/// Below the last step the probability is that of the last step.
pub(super) fn least_score(steps: &[Step], probability: f64) -> Option<f32> {
    let reach = steps.iter().take_while(|step| step.probability >= probability).count();
    if reach == steps.len() { steps.first().map(|_| f32::MIN) } else { steps[..reach].last().map(|step| step.score) }
}

/// `None` where the precision isn't reached, or by fewer than 1 / (1 - precision) pairs: among these not one would be
/// wrong, which shows nothing.
pub(super) fn cutoff(reached: &[Reached], precision: f64) -> Option<f32> {
    let first = reached.iter().find(|reached| reached.precision >= precision)?;
    (first.pairs * (1.0 - precision) >= 1.0 - 1e-9).then_some(first.score)
}
