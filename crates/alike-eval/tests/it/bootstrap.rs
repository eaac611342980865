//! Intervals against numpy, written by `training/bootstrap_fixtures.py`.

use alike_eval::bootstrap::{Bootstrap, Estimate};
use serde_json::Value;

fn column(values: &Value) -> Vec<Vec<f64>> {
    values.as_array().unwrap().iter().map(|value| vec![value.as_f64().unwrap()]).collect()
}

pub(crate) fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/bootstrap.json")).unwrap()
}

pub(crate) fn check(got: Estimate, wanted: &Value, within: f64) {
    for (name, got) in [("mean", got.mean), ("low", got.low), ("high", got.high), ("p", got.p)] {
        let wanted = wanted[name].as_f64().unwrap();
        assert!((got - wanted).abs() <= within, "{name}: got {got}, wanted {wanted}");
    }
}

#[test]
fn the_same_draws_give_the_numbers_of_numpy() {
    let fixture = fixture();
    let (a, b) = (column(&fixture["a"]), column(&fixture["b"]));
    let bootstrap = Bootstrap {
        seed: fixture["seed"].as_u64().unwrap(),
        resamples: fixture["few"].as_u64().unwrap() as usize,
        threads: 3,
    };
    check(bootstrap.resample(&a).estimates()[0], &fixture["cases"]["a"]["same"], 1e-12);
    check(bootstrap.resample(&b).estimates()[0], &fixture["cases"]["b"]["same"], 1e-12);
    check(bootstrap.resample(&a).minus(&bootstrap.resample(&b))[0], &fixture["cases"]["a minus b"]["same"], 1e-12);
}

#[test]
fn numpys_own_draws_give_nearly_the_same() {
    let fixture = fixture();
    let (a, b) = (column(&fixture["a"]), column(&fixture["b"]));
    let bootstrap = Bootstrap { seed: 1, resamples: fixture["many"].as_u64().unwrap() as usize, threads: 1 };
    // Of 10,000 resamples the ends of an interval scatter by about 2 % of its width.
    check(bootstrap.resample(&a).estimates()[0], &fixture["cases"]["a"]["numpy"], 0.004);
    check(bootstrap.resample(&a).minus(&bootstrap.resample(&b))[0], &fixture["cases"]["a minus b"]["numpy"], 0.012);
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let rows: Vec<Vec<f64>> = (0..50).map(|i| vec![f64::from(i % 7), f64::from(i * i % 11)]).collect();
    let with = |seed, threads| Bootstrap { seed, resamples: 500, threads }.resample(&rows).estimates();
    assert_eq!(with(3, 1), with(3, 4));
    assert_ne!(with(3, 1), with(4, 1));
}

#[test]
fn equal_recipes_differ_by_nothing() {
    let rows: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i % 3)]).collect();
    let bootstrap = Bootstrap { seed: 0, resamples: 300, threads: 2 };
    let same = bootstrap.resample(&rows).minus(&bootstrap.resample(&rows))[0];
    assert_eq!(same, Estimate { mean: 0.0, low: 0.0, high: 0.0, p: 1.0 });
    assert!(bootstrap.resample(&[]).estimates().is_empty());
}

#[test]
fn a_ratio_is_that_of_sums() {
    let bootstrap = Bootstrap { seed: 7, resamples: 2000, threads: 2 };
    let rows =
        |scale: f64| -> Vec<Vec<f64>> { (1..=20).map(|i| vec![scale * f64::from(i), f64::from(i), 0.0]).collect() };
    // Whoever is drawn, the sums have the ratio of each.
    let constant = bootstrap.resample(&rows(0.25)).ratio(0, 1);
    assert!([constant.mean, constant.low, constant.high].iter().all(|ratio| (ratio - 0.25).abs() < 1e-12));
    // One of two rows twice, or both: 0/3, 2/4 or 2/1 per row drawn.
    let two = bootstrap.resample(&[vec![0.0, 3.0], vec![2.0, 1.0]]).ratio(0, 1);
    assert!((two.mean - 0.5).abs() < 1e-12 && two.low.abs() < 1e-12 && (two.high - 2.0).abs() < 1e-12, "{two:?}");
    assert!(!bootstrap.resample(&rows(1.0)).ratio(0, 2).mean.is_finite());
}
