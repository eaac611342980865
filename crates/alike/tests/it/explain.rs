//! Scores taken apart: by terms, and by places of pictures.

mod places;
mod terms;

use serde::Deserialize;

/// From `training/explain_fixtures.py`.
#[derive(Deserialize)]
struct Fixtures {
    splits: Vec<Split>,
    heats: Vec<Heats>,
}

#[derive(Deserialize)]
struct Split {
    recipe: String,
    cosines: Vec<f64>,
    parts: Vec<f64>,
}

/// Of the first and the second of three drawn pictures.
#[derive(Deserialize)]
struct Heats {
    recipe: String,
    query: Vec<f64>,
    hit: Vec<f64>,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/explain.json")).unwrap()
}

/// The largest difference of two lists of equal length.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
