//! Which recipe is best for which class, and whether the class's queries allow to say so.

use crate::bootstrap::{Bootstrap, Estimate, Resampled};
use crate::evaluation::{ClassWinner, Comparison, RecipeResult};

/// With fewer queries no winner is supported, whatever the resamples say. Of `n` differences with equal signs all
/// resamples have that sign, but the permutation test of pairs gives p = 2 / 2^n: below .05 from 6 on.
const LEAST_QUERIES: usize = 6;

/// A recipe's mean over the queries of a class.
struct Measured {
    recipe: usize,
    mean: f64,
    resampled: Resampled,
}

/// For each class the recipe with the highest mean of a metric, the first of equals, against the others on the same
/// queries. `class_of` is the class of each query. Classes without a query that counts have none, and so has a single
/// recipe.
pub fn class_winners(
    results: &[RecipeResult],
    class_of: &[Option<usize>],
    metric: &str,
    bootstrap: &Bootstrap,
) -> Vec<ClassWinner> {
    let classes = class_of.iter().flatten().max().map_or(0, |last| last + 1);
    let winner = |class| {
        let values = results.iter().map(|result| values(result, class_of, class, metric));
        winner(class, metric, &values.collect::<Vec<_>>(), bootstrap)
    };
    (0..classes).filter_map(winner).collect()
}

/// The metric of each query of the class that counts, a row each.
fn values(result: &RecipeResult, class_of: &[Option<usize>], class: usize, metric: &str) -> Vec<Vec<f64>> {
    let Some(column) = result.metrics.0.iter().position(|(name, _)| name == metric) else { return Vec::new() };
    let mine = result.per_query.iter().zip(class_of).filter(|(_, of)| **of == Some(class));
    mine.filter_map(|(query, _)| Some(vec![*query.metrics.get(column)?])).collect()
}

fn winner(class: usize, metric: &str, values: &[Vec<Vec<f64>>], bootstrap: &Bootstrap) -> Option<ClassWinner> {
    let ranked = ranked(values, bootstrap);
    let [best, others @ ..] = &ranked[..] else { return None };
    let against = |other: &Measured| {
        let Estimate { mean, low, high, p } = best.resampled.minus(&other.resampled)[0];
        Comparison {
            metric: metric.to_owned(),
            a: best.recipe,
            b: other.recipe,
            difference: mean,
            ci95: (low, high),
            p,
        }
    };
    let queries = values[best.recipe].len();
    Some(ClassWinner {
        class,
        queries,
        mean: best.mean,
        comparison: against(others.first()?),
        supported: queries >= LEAST_QUERIES && others.iter().all(|other| against(other).is_significant()),
    })
}

/// The recipes that have values, best first.
fn ranked(values: &[Vec<Vec<f64>>], bootstrap: &Bootstrap) -> Vec<Measured> {
    let measured = |(recipe, rows): (usize, &Vec<Vec<f64>>)| {
        let resampled = bootstrap.resample(rows);
        let mean = resampled.estimates().first()?.mean;
        Some(Measured { recipe, mean, resampled })
    };
    let mut ranked: Vec<Measured> = values.iter().enumerate().filter_map(measured).collect();
    ranked.sort_by(|a, b| b.mean.total_cmp(&a.mean)); // stable: of equals the first recipe leads
    ranked
}
