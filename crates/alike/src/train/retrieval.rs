//! How well held-out pictures find those of their class among the others.

use super::HeldOut;
use super::design::{Design, padded};

/// Queries searched at a time.
const BATCH: usize = 256;

/// Vectors at unit length, each with its class.
pub(super) struct Side<'a> {
    pub(super) vectors: &'a [Vec<f32>],
    pub(super) labels: &'a [usize],
}

/// What a query found.
struct Answer {
    precision: f64,
    /// The class of the most similar picture.
    nearest: usize,
}

/// Each query searched in the gallery by cosine: its average precision, and the class of the nearest picture as a guess at
/// its own.
pub(super) fn search(gallery: &Side<'_>, queries: &Side<'_>, classes: usize, threads: usize) -> HeldOut {
    let rows = gallery.vectors.iter().map(|vector| vector.iter().copied());
    let design = Design::new(rows, gallery.vectors[0].len());
    let mut answers = Vec::with_capacity(queries.labels.len());
    for (vectors, labels) in queries.vectors.chunks(BATCH).zip(queries.labels.chunks(BATCH)) {
        let width = padded(vectors.len());
        let scores = design.times(&columns(vectors, design.columns, width), width, threads);
        let of_query = |query: usize| scores.iter().skip(query).step_by(width).take(gallery.labels.len()).copied();
        answers.extend(labels.iter().enumerate().map(|(query, label)| answer(of_query(query), gallery.labels, *label)));
    }
    let map = answers.iter().map(|answer| answer.precision).sum::<f64>() / answers.len() as f64;
    let guesses = answers.iter().map(|answer| answer.nearest);
    HeldOut::new(queries.labels.iter().copied().zip(guesses), classes, map)
}

/// A column for each vector, padded.
fn columns(vectors: &[Vec<f32>], rows: usize, width: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; rows * width];
    for (column, vector) in vectors.iter().enumerate() {
        vector.iter().enumerate().for_each(|(row, x)| matrix[row * width + column] = f64::from(*x));
    }
    matrix
}

/// Equal scores count in the order of the gallery.
fn answer(scores: impl Iterator<Item = f64>, labels: &[usize], label: usize) -> Answer {
    let mut ranked: Vec<(f64, usize)> = scores.zip(labels.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found, mut sum) = (0, 0.0);
    for (rank, _) in (1..).zip(&ranked).filter(|(_, (_, other))| *other == label) {
        found += 1;
        sum += f64::from(found) / f64::from(rank);
    }
    Answer { precision: sum / f64::from(found.max(1)), nearest: ranked[0].1 }
}
