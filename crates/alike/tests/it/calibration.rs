//! What scores mean: isotonic regression beside scikit-learn's, cut-offs counted by hand, planted backgrounds.

use alike::calibration::{
    Background, Calibration, Origin, Pair, Verdict, cross_validated, from_background, from_labels, non_increasing,
};
use alike::recipe::DescriptorKind;
use serde_json::Value;

fn fixtures() -> Value {
    serde_json::from_str(include_str!("fixtures/calibration.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn near(got: f64, wanted: f64, within: f64) {
    assert!((got - wanted).abs() <= within, "got {got}, wanted {wanted} within {within}");
}

/// Pairs of one group; `right` of the first `scores` at each score are relevant.
fn pairs(counts: &[(f32, usize, usize)], group: u32) -> Vec<Pair> {
    let of = |&(score, count, right): &(f32, usize, usize)| {
        (0..count).map(move |i| Pair { score, relevant: i < right, group })
    };
    counts.iter().flat_map(of).collect()
}

fn learnt(counts: &[(f32, usize, usize)]) -> Calibration {
    from_labels(&pairs(counts, 0), Origin::default())
}

#[test]
fn isotonic_regression_is_that_of_scikit_learn() {
    for case in fixtures()["isotonic"].as_array().unwrap() {
        let wanted = numbers(&case["fitted"]);
        let blocks = non_increasing(&numbers(&case["values"]), &numbers(&case["weights"]));
        let got: Vec<f64> = blocks.iter().flat_map(|&(count, value)| vec![value; count]).collect();
        assert_eq!(got.len(), wanted.len());
        got.iter().zip(&wanted).for_each(|(&got, &wanted)| near(got, wanted, 1e-12));
    }
    assert!(non_increasing(&[], &[]).is_empty());
}

#[test]
fn probabilities_are_shares_with_half_a_pair_at_either_end() {
    let calibration = learnt(&[(0.9, 39, 39), (0.7, 10, 4), (0.6, 10, 6), (0.2, 99, 0)]);
    near(calibration.probability(1.0), 39.0 / 39.5, 1e-12);
    near(calibration.probability(0.9), 39.0 / 39.5, 1e-12);
    // 4 of 10 above 6 of 10 would rise: 10 of 20.
    near(calibration.probability(0.89), 0.5, 1e-12);
    near(calibration.probability(0.6), 0.5, 1e-12);
    near(calibration.probability(0.59), 0.5 / 99.5, 1e-12);
    assert_eq!([0.95, 0.5, 0.001].map(|least| calibration.least_score(least)), [Some(0.9), Some(0.6), Some(f32::MIN)]);
    assert_eq!(calibration.least_score(0.999), None);
    near(calibration.probability(-1.0), 0.5 / 99.5, 1e-12);
}

#[test]
fn few_pairs_prove_little() {
    let calibration = learnt(&[(0.9, 2, 2), (0.8, 98, 95), (0.1, 900, 0)]);
    // 2 of 2.5 would be less than the 95 of 98 below it: together 97 of 100.5.
    near(calibration.probability(0.95), 97.0 / 100.5, 1e-12);
    near(calibration.probability(0.8), 97.0 / 100.5, 1e-12);
}

#[test]
fn a_cutoff_is_the_least_score_above_which_the_precision_holds() {
    let calibration = learnt(&[(0.9, 10, 10), (0.8, 10, 7), (0.7, 20, 19), (0.6, 40, 4), (0.1, 1000, 0)]);
    // Of those above: 10/10, 17/20, 36/40, 40/80, 40/1080.
    assert_eq!(calibration.cutoff(0.9), Some(0.7));
    assert_eq!(calibration.cutoff(0.86), Some(0.7));
    assert_eq!(calibration.cutoff(0.5), Some(0.6));
    assert_eq!(calibration.cutoff(0.01), Some(0.1));
    // Ten pairs can't tell .95 from 1.
    assert_eq!(calibration.cutoff(0.95), None);
}

#[test]
fn equal_scores_are_never_divided() {
    // The first forty alone would do, but half as many unrelated ones share their score.
    let calibration = learnt(&[(0.75, 40, 40), (0.75, 20, 0), (0.5, 100, 0)]);
    assert_eq!(calibration.cutoff(0.9), None);
    assert_eq!(calibration.cutoff(0.6), Some(0.75));
}

#[test]
fn a_precision_that_no_score_reaches_has_no_cutoff() {
    assert_eq!(learnt(&[(0.9, 500, 100), (0.1, 500, 0)]).cutoff(0.5), None);
    assert_eq!(learnt(&[]).cutoff(0.5), None);
    near(learnt(&[]).probability(0.9), 0.0, 0.0);
}

#[test]
fn words_follow_probabilities() {
    let words = [1.0, 0.95, 0.949, 0.5, 0.499, 0.0].map(|probability| Verdict::of(probability).to_string());
    assert_eq!(words, ["same", "same", "similar", "similar", "unrelated", "unrelated"]);
}

#[test]
fn what_is_measured_was_not_learnt_from() {
    // In group 1 unrelated pairs reach .8, in the others .6 at most: each is cut by what the others show.
    let usual = [(0.9, 30, 30), (0.6, 100, 0)];
    let mut all: Vec<Pair> = [0, 2, 3].into_iter().flat_map(|group| pairs(&usual, group)).collect();
    all.extend(pairs(&[(0.95, 20, 0), (0.85, 10, 10)], 1));
    let [held_out] = &cross_validated(&all, &[0.9])[..] else { panic!("one precision") };
    let found = |group: usize| (held_out[group].found, held_out[group].right, held_out[group].relevant);
    // Learnt from the usual ones: cut at .9, where 20 unrelated ones stand and none of the ten others.
    assert_eq!(found(1), (20.0, 0.0, 10.0));
    // With group 1 among those learnt from, 20 of 80 above .9 are wrong, and no score is right in nine of ten.
    assert_eq!(found(0), (0.0, 0.0, 30.0));
}

/// Fisher's z that fall off by the factor e for each `scale`, evenly spread, as scores of vectors.
fn exponential(count: usize, scale: f64) -> Vec<f32> {
    let z = |i: usize| -scale * (1.0 - (i as f64 + 0.5) / count as f64).ln();
    (0..count).map(|i| z(i).tanh() as f32).collect()
}

#[test]
fn an_exponential_tail_is_found_again_under_what_stands_out() {
    let mut scores = exponential(20_000, 0.07);
    scores.extend((0..200).map(|i| 0.95 + i as f32 * 1e-4));
    let background = Background::fit(&scores, DescriptorKind::Vector(64)).unwrap();
    for z in [0.2f64, 0.4, 0.8] {
        let wanted = (-z / 0.07).exp();
        near(background.reach(z.tanh() as f32) / wanted, 1.0, 0.15 + z);
    }
    near(background.reach(0.0), 1.0, 0.0);
}

#[test]
fn codes_are_correlations_of_their_bits() {
    let vectors = exponential(20_000, 0.1);
    let codes: Vec<f32> = vectors.iter().map(|score| (1.0 + score) / 2.0).collect();
    let of_vectors = Background::fit(&vectors, DescriptorKind::Vector(64)).unwrap();
    let of_codes = Background::fit(&codes, DescriptorKind::Code(64)).unwrap();
    for score in [0.3f32, 0.5, 0.7] {
        near(of_codes.reach((1.0 + score) / 2.0) / of_vectors.reach(score), 1.0, 1e-3);
    }
}

/// Agreements of bits that fall by half with each step of Fisher's z: what reaches the k-th is 2^-k.
#[test]
fn few_different_scores_are_a_geometric_tail() {
    let score = |k: i32| ((1.0 + (f64::from(k) * 0.06).tanh()) / 2.0) as f32;
    let scores: Vec<f32> = (0..14).flat_map(|k| vec![score(k); 1 << (14 - k)]).collect();
    let background = Background::fit(&scores, DescriptorKind::Code(64)).unwrap();
    for k in [4, 6, 10] {
        near(background.reach(score(k)) / 0.5f64.powi(k), 1.0, 0.02);
    }
}

#[test]
fn a_normal_tail_is_never_taken_as_thinner_than_it_is() {
    let normal = &fixtures()["normal"];
    let scores: Vec<f32> = numbers(&normal["scores"]).iter().map(|&score| score as f32).collect();
    let background = Background::fit(&scores, DescriptorKind::Vector(64)).unwrap();
    for at in normal["at"].as_array().unwrap() {
        let (got, wanted) = (background.reach(at["score"].as_f64().unwrap() as f32), at["reach"].as_f64().unwrap());
        assert!(got >= wanted && got <= 20.0 * wanted, "got {got}, wanted {wanted} or a few times as much");
    }
}

#[test]
fn scores_without_a_tail_give_no_background() {
    for scores in [vec![], vec![0.5], vec![0.25; 1000], vec![f32::NAN; 100]] {
        assert!(Background::fit(&scores, DescriptorKind::Vector(8)).is_none());
    }
}

#[test]
fn the_precision_of_a_planted_background_is_about_what_is_wanted() {
    let unrelated = exponential(50_000, 0.07);
    let related: Vec<f32> = (0..500).map(|i| (0.4 + 1.2 * f64::from(i) / 500.0).tanh() as f32).collect();
    let scores: Vec<f32> = unrelated.iter().chain(&related).copied().collect();
    let background = Background::fit(&scores, DescriptorKind::Vector(64)).unwrap();
    let calibration = from_background(&background, &scores, scores.len() as f64, Origin::default());
    for wanted in [0.8, 0.9, 0.95] {
        let cutoff = calibration.cutoff(wanted).unwrap();
        let above = |scores: &[f32]| scores.iter().filter(|&&score| score >= cutoff).count() as f64;
        near(above(&related) / (above(&related) + above(&unrelated)), wanted, 0.03);
    }
    assert!(calibration.probability(0.9) > 0.95 && calibration.probability(0.1) < 0.05);
}

#[test]
fn where_nothing_stands_out_nothing_is_similar() {
    let scores = exponential(50_000, 0.07);
    let background = Background::fit(&scores, DescriptorKind::Vector(64)).unwrap();
    let calibration = from_background(&background, &scores, scores.len() as f64, Origin::default());
    assert_eq!(calibration.cutoff(0.5), None);
    assert!(calibration.probability(0.99) < 0.5);
}

#[test]
fn the_order_of_pairs_changes_nothing() {
    let mut some = pairs(&[(0.9, 30, 29), (0.7, 40, 20), (0.2, 200, 1)], 0);
    let forward = from_labels(&some, Origin::default());
    some.reverse();
    assert_eq!(from_labels(&some, Origin::default()), forward);
    let kept: Calibration = serde_json::from_str(&serde_json::to_string(&forward).unwrap()).unwrap();
    assert_eq!(kept.cutoff(0.9), forward.cutoff(0.9));
    near(kept.probability(0.8), forward.probability(0.8), 1e-12);
}
