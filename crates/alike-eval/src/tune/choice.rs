//! The answer of a search, and whether it holds.

use super::measure::Measured;

/// The simplest of those within one standard error of the best (Breiman, Friedman, Olshen and Stone, *Classification and
/// Regression Trees*, 1984, section 3.4.3), of the difference from it, query by query: a search that tries hundreds finds
/// some that are best by luck. Simple is what has few sources and steps, then what has small descriptors; of equally simple
/// ones the best counts, and the first of equals.
pub(super) fn simplest<'a>(tried: impl Iterator<Item = &'a Measured> + Clone) -> Option<&'a Measured> {
    let best = tried.clone().reduce(|best, one| if one.mean > best.mean { one } else { best })?;
    let simpler = |a: &'a Measured, b: &'a Measured| {
        let [of_a, of_b] = [a, b].map(|one| (one.candidate.parts(), one.bytes));
        if of_b < of_a || (of_b == of_a && b.mean > a.mean) { b } else { a }
    };
    tried.filter(|one| best.mean - one.mean <= standard_error(best, one)).reduce(simpler)
}

/// Of the mean difference.
fn standard_error(a: &Measured, b: &Measured) -> f64 {
    let count = a.values.len() as f64;
    let mean = a.mean - b.mean;
    let squares = a.values.iter().zip(&b.values).map(|(a, b)| (a - b - mean).powi(2)).sum::<f64>();
    (squares / (count * (count - 1.0).max(1.0))).sqrt()
}
