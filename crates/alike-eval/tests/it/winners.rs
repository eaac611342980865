//! Which recipe wins for which class: by the paired test that `bootstrap.rs` holds against numpy.

use crate::bootstrap::{check, fixture};
use crate::report::sample::{RECIPES, result};
use alike_eval::bootstrap::{Bootstrap, Estimate};
use alike_eval::evaluation::{ClassWinner, Metrics, QueryResult, RecipeResult};
use alike_eval::winners::class_winners;

/// A recipe with these values of each query; `None` for a query that doesn't count.
fn recipe(values: &[Option<f64>]) -> RecipeResult {
    let query = |(query, value): (usize, &Option<f64>)| QueryResult {
        query,
        path: format!("{query}.jpg"),
        label: None,
        relevant: u32::from(value.is_some()),
        metrics: value.map(|value| vec![0.5, value]).unwrap_or_default(),
        hits: Vec::new(),
    };
    let metrics = Metrics(vec![("P@1".to_owned(), 0.5), ("mAP".to_owned(), 0.5)]);
    let per_query = values.iter().enumerate().map(query).collect();
    RecipeResult { metrics, per_query, ..result(&RECIPES[0], &[]) }
}

fn winners(recipes: &[Vec<f64>]) -> Vec<ClassWinner> {
    let results: Vec<RecipeResult> =
        recipes.iter().map(|values| recipe(&values.iter().copied().map(Some).collect::<Vec<_>>())).collect();
    let bootstrap = Bootstrap { seed: 5, resamples: 2000, threads: 2 };
    class_winners(&results, &vec![Some(0); recipes[0].len()], "mAP", &bootstrap)
}

#[test]
fn the_lead_in_a_class_is_numpys_difference_on_its_queries_alone() {
    let fixture = fixture();
    let values = |name: &str| fixture[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
    // Between the queries of the class stand those of another, some without a class, and some that don't count.
    let mixed = |name: &str| -> Vec<Option<f64>> {
        values(name).flat_map(|value| [Some(value), Some(1.0 - value), Some(0.9), None]).collect()
    };
    let class_of: Vec<Option<usize>> = values("a").flat_map(|_| [Some(2), Some(0), None, Some(2)]).collect();
    let results = [recipe(&mixed("b")), recipe(&mixed("a"))];
    let (seed, resamples) = (fixture["seed"].as_u64().unwrap(), fixture["few"].as_u64().unwrap() as usize);
    let winners = class_winners(&results, &class_of, "mAP", &Bootstrap { seed, resamples, threads: 1 });
    let [other, winner] = &winners[..] else { panic!("{winners:?}") };
    assert_eq!((winner.class, winner.queries, winner.comparison.a, winner.comparison.b), (2, 37, 1, 0));
    let comparison = &winner.comparison;
    let (low, high) = comparison.ci95;
    let estimate = Estimate { mean: comparison.difference, low, high, p: comparison.p };
    check(estimate, &fixture["cases"]["a minus b"]["same"], 1e-12);
    assert_eq!(winner.supported, comparison.is_significant());
    assert!((winner.mean - fixture["cases"]["a"]["same"]["mean"].as_f64().unwrap()).abs() < 1e-12);
    assert_eq!((other.class, other.comparison.a), (0, 0), "what is left to 1 turns the order around");
}

#[test]
fn six_queries_are_the_least_that_support_a_winner() {
    let lead = |queries: usize| {
        let worse: Vec<f64> = (0..queries).map(|i| 0.1 * i as f64).collect();
        let better = worse.iter().map(|value| value + 0.2).collect();
        winners(&[worse, better]).remove(0)
    };
    let (few, enough) = (lead(5), lead(6));
    assert!(few.comparison.is_significant() && !few.supported, "resamples of equal signs can't be of another");
    assert!(enough.supported && enough.comparison.a == 1);
}

#[test]
fn a_winner_beats_every_other_recipe_and_not_the_runner_up_alone() {
    let leader = vec![0.8; 8];
    let runner_up: Vec<f64> = (0..8).map(|i| 0.74 + 0.005 * f64::from(i)).collect();
    // Lower in the mean, but so scattered that nothing can be said.
    let scattered = vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.2, 0.2, 0.2];
    assert!(winners(&[leader.clone(), runner_up.clone()])[0].supported);
    let three = &winners(&[scattered, leader, runner_up])[0];
    assert_eq!((three.comparison.a, three.comparison.b), (1, 2));
    assert!(three.comparison.is_significant() && !three.supported);
}

#[test]
fn without_another_recipe_there_is_no_winner() {
    assert!(winners(&[vec![0.5; 9]]).is_empty());
    let equal = &winners(&[vec![0.5; 9], vec![0.5; 9]])[0];
    assert_eq!((equal.comparison.a, equal.comparison.difference, equal.supported), (0, 0.0, false));
}
