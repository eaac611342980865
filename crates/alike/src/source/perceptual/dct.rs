//! `phash`: the lowest frequencies of the cosine transform of a picture four times as large as the code.

use super::grey::Grey;
use crate::recipe::median;
use std::f64::consts::PI;

/// Pixels for each frequency that is kept, along a side.
const OVERSAMPLING: usize = 4;
/// Of the largest value: nearer than that to the median counts as equal, where otherwise rounding would decide, as it does
/// with scipy. Pictures that are symmetric or made of squares have many zeros.
const EQUAL: f64 = 1e-12;

pub(super) fn bits(grey: &Grey, size: usize) -> Vec<bool> {
    let side = size * OVERSAMPLING;
    let pixels: Vec<f64> = grey.resized(side, side).into_iter().map(f64::from).collect();
    let frequencies = low_frequencies(&pixels, side, size);
    let largest = frequencies.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let threshold = median(frequencies.clone()) + EQUAL * largest;
    frequencies.iter().map(|&frequency| frequency > threshold).collect()
}

/// The first `count` x `count` of the DCT-II, not normalised, of `side` x `side` pixels; vertical frequencies are rows.
fn low_frequencies(pixels: &[f64], side: usize, count: usize) -> Vec<f64> {
    let cosine = |frequency: usize, at: usize| (PI * (frequency * (2 * at + 1)) as f64 / (2 * side) as f64).cos();
    let cosines: Vec<f64> = (0..count * side).map(|i| cosine(i / side, i % side)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let in_row = |row| cosines.chunks_exact(side).map(move |cosines| dot(row, cosines));
    let rows: Vec<f64> = pixels.chunks_exact(side).flat_map(in_row).collect();
    let frequency = |i: usize| {
        let column = rows.iter().skip(i % count).step_by(count);
        column.zip(&cosines[i / count * side..]).map(|(a, b)| a * b).sum()
    };
    (0..count * count).map(frequency).collect()
}
