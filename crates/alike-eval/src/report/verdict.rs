//! Which recipe is better, and whether the numbers allow to say so.

use crate::evaluation::{Comparison, Evaluation};

/// How the recipes stand to each other under one metric.
#[derive(Debug, PartialEq)]
pub(super) enum Standing {
    /// There is no number to compare.
    Nothing,
    /// There is one recipe.
    Alone(usize),
    /// The first of several, significantly better than each other one.
    Best(usize),
    /// The first of several, but not significantly better than these.
    Ahead {
        /// The recipe with the highest mean.
        leader: usize,
        /// Those that it doesn't beat.
        unbeaten: Vec<usize>,
    },
    /// The first of several; nothing was tested.
    Untested(usize),
}

/// The metric a report speaks of first.
pub(super) fn primary(evaluation: &Evaluation) -> Option<&str> {
    let names = evaluation.metric_names();
    names.iter().find(|&&name| name == "mAP").or(names.first()).copied()
}

/// The recipe with the highest mean, the first of equals.
pub(super) fn leader(evaluation: &Evaluation, metric: &str) -> Option<usize> {
    let mean = |i: usize| Some((i, evaluation.results[i].metrics.get(metric)?));
    measured(evaluation, metric)
        .filter_map(mean)
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(i, _)| i)
}

/// Recipes that have a mean. One of which no picture has a descriptor has none, and there is nothing to beat.
pub(super) fn measured<'a>(evaluation: &'a Evaluation, metric: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_measured = move |i: &usize| evaluation.results[*i].metrics.get(metric).is_some_and(f64::is_finite);
    (0..evaluation.results.len()).filter(is_measured)
}

/// Where the recipes stand.
pub(super) fn standing(evaluation: &Evaluation, metric: &str) -> Standing {
    let Some(leader) = leader(evaluation, metric) else { return Standing::Nothing };
    let others: Vec<usize> = measured(evaluation, metric).filter(|&i| i != leader).collect();
    if others.is_empty() {
        return Standing::Alone(leader);
    }
    if others.iter().all(|&other| comparison(evaluation, metric, leader, other).is_none()) {
        return Standing::Untested(leader);
    }
    let unbeaten: Vec<usize> =
        others.into_iter().filter(|&other| !is_better(evaluation, metric, leader, other)).collect();
    if unbeaten.is_empty() { Standing::Best(leader) } else { Standing::Ahead { leader, unbeaten } }
}

/// The recipe that is significantly better than each other one.
pub fn best(evaluation: &Evaluation, metric: &str) -> Option<usize> {
    match standing(evaluation, metric) {
        Standing::Best(best) => Some(best),
        _ => None,
    }
}

/// The comparison of `a` with `b`, turned so that a positive difference speaks for `a`.
pub(super) fn comparison(evaluation: &Evaluation, metric: &str, a: usize, b: usize) -> Option<Comparison> {
    let of_pair = |c: &&Comparison| c.metric == metric && ((c.a, c.b) == (a, b) || (c.a, c.b) == (b, a));
    let found = evaluation.comparisons.iter().find(of_pair)?.clone();
    if found.a == a {
        return Some(found);
    }
    let (low, high) = found.ci95;
    Some(Comparison { a, b, difference: -found.difference, ci95: (-high, -low), ..found })
}

fn is_better(evaluation: &Evaluation, metric: &str, a: usize, b: usize) -> bool {
    comparison(evaluation, metric, a, b).is_some_and(|c| c.difference > 0.0 && c.is_significant())
}
