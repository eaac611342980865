//! What each term adds to a score.

use super::{distance, fixtures};
use crate::steps::noisy_rows;
use alike::recipe::{Descriptor, Draft, Plan, Share, SplitError};

/// Dimensions of `moments`.
const SHORT: usize = 144;

/// Rows of `shape`, and rows of `moments` from another seed, as the fixtures have them.
fn pictures(count: usize, seed: u32) -> Vec<[Vec<f32>; 2]> {
    let short = noisy_rows(count, seed + 1).into_iter().map(|row| row[..SHORT].to_vec());
    noisy_rows(count, seed).into_iter().zip(short).map(|(long, short)| [long, short]).collect()
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

/// Of the first sources of a recipe, which are `shape` and `moments`, or `shape` alone.
fn plan(recipe: &str) -> Plan {
    let draft = Draft::new(&recipe.parse().unwrap(), &[]).unwrap();
    let gallery = pictures(60, 5);
    let sources = draft.sources().len();
    draft.learn(&gallery.iter().map(|rows| slices(&rows[..sources])).collect::<Vec<_>>()).unwrap()
}

fn split(recipe: &str) -> Result<Vec<Share>, SplitError> {
    let (plan, pair) = (plan(recipe), pictures(2, 77));
    let rows = |picture: usize| slices(&pair[picture][..plan.sources().len()]);
    plan.split(&rows(0), &rows(1))
}

fn score(recipe: &str) -> f64 {
    let (plan, pair) = (plan(recipe), pictures(2, 77));
    let [a, b] = [0, 1].map(|i: usize| match plan.describe(&slices(&pair[i][..plan.sources().len()])) {
        Some(Descriptor::Vector(vector)) => vector,
        other => panic!("a vector was expected, not {other:?}"),
    });
    a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn column(shares: &[Share], of: impl Fn(&Share) -> f64) -> Vec<f64> {
    shares.iter().map(of).collect()
}

#[test]
fn parts_are_those_of_numpy_behind_linear_steps_too() {
    for wanted in fixtures().splits {
        let shares = split(&wanted.recipe).unwrap();
        let parts = column(&shares, |share| share.part);
        assert!(distance(&parts, &wanted.parts) < 1e-5, "{}: {parts:?}, wanted {:?}", wanted.recipe, wanted.parts);
        assert!(distance(&column(&shares, |share| share.cosine), &wanted.cosines) < 1e-5);
        assert!((parts.iter().sum::<f64>() - score(&wanted.recipe)).abs() < 1e-6, "{}", wanted.recipe);
        assert!((column(&shares, |share| share.share).iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!([&*shares[0].name, &*shares[1].term], ["shape", "moments/1"]);
    }
}

/// Each term's part is its weight times the score of a recipe that is that term alone.
#[test]
fn parts_of_a_sum_are_weighted_cosines_of_its_terms() {
    for (recipe, terms) in [
        ("shape", vec![(1.0, "shape")]),
        ("shape | whiten(8, 0.5)", vec![(1.0, "shape | whiten(8, 0.5)")]),
        ("shape | power(0.5) | pca(4)", vec![(1.0, "shape | power(0.5) | pca(4)")]),
        (
            "3*(shape | center | pca(16)) + (shape | power(0.5))",
            vec![(0.75, "shape | center | pca(16)"), (0.25, "shape | power(0.5)")],
        ),
        (
            "(3*shape + (shape | pca(3))) + 2*(shape | center)",
            vec![(0.25, "shape"), (1.0 / 12.0, "shape | pca(3)"), (2.0 / 3.0, "shape | center")],
        ),
    ] {
        let shares = split(recipe).unwrap();
        assert_eq!(shares.len(), terms.len(), "{recipe}: {shares:?}");
        for (share, (weight, alone)) in shares.iter().zip(&terms) {
            assert!((share.weight - weight).abs() < 1e-5, "{recipe}: {share:?}");
            assert!((share.cosine - score(alone)).abs() < 1e-5, "{recipe}: {share:?}");
            assert_eq!(share.name, *alone);
            assert!((share.part - weight * share.cosine).abs() < 1e-5, "{recipe}: {share:?}");
            assert!((share.share - share.part / score(recipe)).abs() < 1e-4, "{recipe}: {share:?}");
        }
    }
}

#[test]
fn what_is_added_has_its_part_too_and_parts_do_not_depend_on_who_asks() {
    let recipe = "sum(shape, shape | center)";
    let shares = split(recipe).unwrap();
    assert!((column(&shares, |share| share.part).iter().sum::<f64>() - score(recipe)).abs() < 1e-6);
    assert_eq!([shares[0].weight, shares[1].weight], [0.5, 0.5]);
    let (plan, pair) = (plan("(shape + moments) | pca(12)"), pictures(2, 77));
    let [a, b] = [&pair[0], &pair[1]].map(|rows| slices(rows));
    let (one, other) = (plan.split(&a, &b).unwrap(), plan.split(&b, &a).unwrap());
    assert!(distance(&column(&one, |share| share.part), &column(&other, |share| share.part)) < 1e-12);
}

#[test]
fn a_sum_within_a_sum_counts_by_its_terms_and_behind_a_curve_as_one() {
    let names = |recipe: &str| split(recipe).unwrap().into_iter().map(|share| share.name).collect::<Vec<_>>();
    assert_eq!(names("((shape + moments) | center) + shape"), ["shape/1", "moments", "shape/1"], "two are the same");
    assert_eq!(
        names("((shape + moments) | power(0.5)) + shape"),
        ["0.5*(shape) + 0.5*(moments) | power(0.5)", "shape"]
    );
}

#[test]
fn scores_that_do_not_fall_apart_are_refused_with_the_reason() {
    let refused = |recipe: &str| split(recipe).unwrap_err();
    assert!(matches!(refused("shape + moments | hash(mean)"), SplitError::Code { .. }));
    assert!(matches!(refused("shape | hash(itq, 16)"), SplitError::Code { .. }));
    let curved = |step: &str| SplitError::NotLinear { step: step.to_owned() };
    assert_eq!(refused("shape + moments | power(0.5)"), curved("power(0.5)"));
    assert_eq!(refused("shape + moments | power(0.5) | center"), curved("power(0.5)"));
    assert!(matches!(refused("shape + moments | pca(12) | whiten(4)"), SplitError::MixedMean { .. }));
    assert!(matches!(refused("sum(shape, shape | center) | center"), SplitError::MixedMean { .. }));
    let missing = plan("shape + moments").split(&[&[1.0; 324]], &[&[1.0; 324]]).unwrap_err();
    assert!(matches!(missing, SplitError::Nothing { .. }), "{missing}");
    let text = refused("shape + moments | power(0.5)").to_string();
    assert!(text.starts_with("`power(0.5)` stands behind a sum and isn't linear"), "{text}");
}

#[test]
fn a_term_alone_has_it_all_and_of_a_score_of_nothing_none_has_a_share() {
    let row = |first: f32, second: f32| [first, second].into_iter().chain([0.0; 322]).collect::<Vec<f32>>();
    let (a, b) = (row(1.0, 0.0), row(0.0, 1.0));
    let shares = |recipe| column(&plan(recipe).split(&[&a], &[&b]).unwrap(), |share| share.share);
    assert_eq!(shares("shape"), [1.0]);
    assert!(shares("shape + (shape | power(2))").iter().all(|share| !share.is_finite()));
}
