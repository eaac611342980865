//! Steps that make a vector of a vector, against numpy and scikit-learn.

use alike::recipe::{Descriptor, DescriptorKind, Draft, LearnError, Plan, RecipeError};

fn draft(recipe: &str) -> Result<Draft, RecipeError> {
    Draft::new(&recipe.parse()?, &[])
}

const DIMS: usize = 324;

/// Numbers between -1 and 1 of a linear congruential generator, spread and shifted by dimension;
/// `training/step_fixtures.py` makes the same.
pub(crate) fn noisy_rows(count: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    (0..count).map(|_| (0..DIMS).map(|i| (noise() * (1 + i % 7) as f64 + (i % 3) as f64) as f32).collect()).collect()
}

/// Of a recipe with one source.
fn learnt(recipe: &str, gallery: &[Vec<f32>]) -> Plan {
    let pictures: Vec<Vec<&[f32]>> = gallery.iter().map(|row| vec![row.as_slice()]).collect();
    draft(recipe).unwrap().learn(&pictures).unwrap()
}

fn vector(plan: &Plan, rows: &[&[f32]]) -> Vec<f32> {
    let Some(Descriptor::Vector(vector)) = plan.describe(rows) else { panic!("a vector was expected") };
    vector
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[derive(serde::Deserialize)]
struct Expected {
    recipe: String,
    gallery: usize,
    /// Of the second query with the first, of the third with the first and the second, and so on.
    scores: Vec<f64>,
}

/// From `training/step_fixtures.py`. Scores tell all but the signs of axes, which nothing decides.
#[test]
fn scores_are_those_of_numpy_and_scikit_learn() {
    let fixtures: Vec<Expected> = serde_json::from_str(include_str!("fixtures/steps.json")).unwrap();
    assert!(fixtures.len() > 10);
    let queries = noisy_rows(4, 77);
    for Expected { recipe, gallery, scores } in fixtures {
        let plan = learnt(&recipe, &noisy_rows(gallery, 5));
        let vectors: Vec<_> = queries.iter().map(|row| vector(&plan, &[row])).collect();
        let pairs = (0..vectors.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let got: Vec<f64> = pairs.map(|(i, j)| dot(&vectors[i], &vectors[j])).collect();
        assert_eq!(got.len(), scores.len());
        let worst = got.iter().zip(&scores).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-5, "{recipe} from {gallery}: {got:?}, wanted {scores:?}");
    }
}

#[test]
fn steps_keep_the_dimensions_they_are_asked_for() {
    let dims = |recipe| draft(recipe).unwrap().kind();
    assert_eq!(dims("shape | center"), DescriptorKind::Vector(324));
    assert_eq!(dims("shape | power(0.5) | pca(64) | whiten(12, 0.25)"), DescriptorKind::Vector(12));
    assert_eq!(dims("shape | pca(64) | hash(itq, 100)"), DescriptorKind::Code(100));
    assert_eq!(dims("(shape | pca(64)) + shape"), DescriptorKind::Vector(388));
    assert_eq!(dims("sum(shape, shape | center)"), DescriptorKind::Vector(324));
}

#[test]
fn the_canonical_form_names_all_steps() {
    for (written, canonical) in [
        ("shape|center|pca(64)", "shape/1 | center/1 | pca/1(64)"),
        ("shape | whiten(8)", "shape/1 | whiten/1(8, 0.5)"),
        ("shape | power(0.50)", "shape/1 | power(0.5)"),
        ("(shape | center) + shape", "0.5*(shape/1 | center/1) + 0.5*shape/1"),
        ("sum(shape, shape | center)", "sum(shape/1, shape/1 | center/1)"),
        ("3*sum(shape, shape) + shape", "0.75*sum(shape/1, shape/1) + 0.25*shape/1"),
    ] {
        assert_eq!(draft(written).unwrap().canonical(), canonical);
    }
}

#[test]
fn numbers_of_steps_are_checked() {
    let message = |recipe: &str| draft(recipe).expect_err(recipe).to_string();
    for recipe in ["shape | pca(0)", "shape | pca(325)", "shape | pca(2.5)", "shape | whiten(-1)"] {
        assert!(
            message(recipe).ends_with("at column 9: wanted a whole number from 1 to 324, which the vector has"),
            "{recipe}"
        );
    }
    assert!(message("shape | pca(8) | pca(9)").ends_with("from 1 to 8, which the vector has"));
    for (recipe, takes) in [
        ("shape | pca", "takes a number of dimensions, as in pca(64)"),
        ("shape | pca(8, 8)", "takes a number of dimensions, as in pca(64)"),
        ("shape | center(1)", "takes no arguments"),
        ("shape | center@x", "takes no model"),
        ("shape | power(0)", "as in power(0.5)"),
        ("shape | whiten(8, 2)", "as in whiten(64) or whiten(64, 0.25)"),
        ("sum(shape)", "takes two recipes at least, as in sum(layer(\"a\"), layer(\"b\"))"),
        ("sum(2*shape, shape)", "takes recipes without a weight of their own, as in sum(layer(\"a\"), layer(\"b\"))"),
    ] {
        assert!(message(recipe).ends_with(takes), "{recipe}: {}", message(recipe));
    }
    assert_eq!(message("sum(shape, shape | pca(8))"), "`sum` at column 1 adds vectors of equal length, got 324 and 8");
    assert!(message("sum(shape, shape | hash(mean))").starts_with("a code can't be part of a sum"));
}

#[test]
fn steps_within_a_sum_learn_for_themselves() {
    let gallery = noisy_rows(50, 8);
    let plan = learnt("3*(shape | center | pca(16)) + (shape | pca(4))", &gallery);
    let (first, second) = (learnt("shape | center | pca(16)", &gallery), learnt("shape | pca(4)", &gallery));
    let [a, b] = &noisy_rows(2, 9)[..] else { panic!("two rows") };
    let score = |plan: &Plan| dot(&vector(plan, &[a]), &vector(plan, &[b]));
    assert!((score(&plan) - (0.75 * score(&first) + 0.25 * score(&second))).abs() < 1e-5);
    let again = draft("3*(shape | center | pca(16)) + (shape | pca(4))").unwrap();
    let again = again.with_parameters(&plan.parameters().unwrap()).unwrap();
    assert_eq!(vector(&again, &[a]), vector(&plan, &[a]));
}

#[test]
fn what_is_added_counts_alike() {
    let gallery = noisy_rows(30, 8);
    let plan = learnt("sum(shape, shape | center)", &gallery);
    let (plain, centred) = (learnt("shape", &gallery), learnt("shape | center", &gallery));
    let row = &noisy_rows(1, 9)[0];
    let (a, b) = (vector(&plain, &[row]), vector(&centred, &[row]));
    let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let length = dot(&sum, &sum).sqrt();
    assert!((dot(&vector(&plan, &[row]), &sum) / length - 1.0).abs() < 1e-6);
}

#[test]
fn a_gallery_too_small_for_a_step_is_said_to_be() {
    let gallery = noisy_rows(16, 3);
    let pictures: Vec<Vec<&[f32]>> = gallery.iter().map(|row| vec![row.as_slice()]).collect();
    let error = draft("shape | center | pca(16)").unwrap().learn(&pictures).unwrap_err();
    assert!(matches!(error, LearnError::TooFew { got: 16, wanted: 17, .. }), "{error}");
    assert!(draft("shape | center | pca(15)").unwrap().learn(&pictures).is_ok());
}
