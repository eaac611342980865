//! Thresholds that are learnt from the gallery.

use super::sigmoid;

/// The median of each dimension.
pub(super) fn medians(vectors: &[&[f32]]) -> Vec<f32> {
    let of_dimension = |i: usize| median(vectors.iter().map(|vector| vector[i].into()).collect()) as f32;
    (0..vectors[0].len()).map(of_dimension).collect()
}

/// Of an even number of values the mean of the two in the middle. There is at least one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// One for all dimensions: where the sigmoid is the mean of the sigmoids of all numbers of all vectors.
pub(super) fn notebook_mean(vectors: &[&[f32]]) -> f32 {
    let numbers = vectors.iter().map(|vector| vector.len()).sum::<usize>() as f64;
    let mean = vectors.iter().copied().flatten().map(|x| sigmoid(*x)).sum::<f64>() / numbers;
    (mean / (1.0 - mean)).ln() as f32
}
