//! `whash`: Haar wavelets of a picture as large as a power of two allows.
//!
//! Computed as PyWavelets does, in the order of its sums: blocks of few levels of grey are often as bright as their median
//! but for rounding.

use super::grey::Grey;
use crate::recipe::median;
use std::f64::consts::FRAC_1_SQRT_2;

pub(super) fn bits(grey: &Grey, size: usize) -> Vec<bool> {
    let side = (1 << grey.shorter_side().ilog2()).max(size);
    let mut pixels: Vec<f64> = grey.resized(side, side).into_iter().map(|pixel| f64::from(pixel) / 255.0).collect();
    steps(side).for_each(|step| analyse(&mut pixels, side, step));
    // The mean.
    pixels[0] = 0.0;
    steps(side).rev().for_each(|step| synthesise(&mut pixels, side, step));
    let block = side / size;
    steps(block).for_each(|step| analyse(&mut pixels, side, step));
    let rows = pixels.chunks_exact(side).step_by(block);
    let low: Vec<f64> = rows.flat_map(|row| row.iter().step_by(block).copied()).collect();
    let median = median(low.clone());
    low.iter().map(|&mean| mean > median).collect()
}

/// 1, 2, 4, .. below `end`, which is a power of two.
fn steps(end: usize) -> impl DoubleEndedIterator<Item = usize> {
    (0..end.ilog2()).map(|level| 1 << level)
}

/// One level of the transform, in place: of each four numbers that lie `step` apart the first becomes their low band, the
/// others the three high ones. Columns first.
fn analyse(pixels: &mut [f64], side: usize, step: usize) {
    for [upper_left, upper_right, lower_left, lower_right] in blocks(side, step) {
        turn(pixels, upper_left, lower_left);
        turn(pixels, upper_right, lower_right);
        turn(pixels, upper_left, upper_right);
        turn(pixels, lower_left, lower_right);
    }
}

/// The inverse of [`analyse`].
fn synthesise(pixels: &mut [f64], side: usize, step: usize) {
    for [upper_left, upper_right, lower_left, lower_right] in blocks(side, step) {
        turn(pixels, upper_left, upper_right);
        turn(pixels, lower_left, lower_right);
        turn(pixels, upper_left, lower_left);
        turn(pixels, upper_right, lower_right);
    }
}

/// Places of four numbers that lie `step` apart, block by block.
fn blocks(side: usize, step: usize) -> impl Iterator<Item = [usize; 4]> {
    let along = move || (0..side).step_by(2 * step);
    let corners = move |at: usize| [at, at + step, at + step * side, at + step * side + step];
    along().flat_map(move |y| along().map(move |x| corners(y * side + x)))
}

/// Sum and difference of two numbers, each times the square root of a half: its own inverse.
fn turn(pixels: &mut [f64], i: usize, j: usize) {
    let (a, b) = (FRAC_1_SQRT_2 * pixels[i], FRAC_1_SQRT_2 * pixels[j]);
    (pixels[i], pixels[j]) = (a + b, a - b);
}
