//! `whash`: Haar wavelets of a picture as large as a power of two allows.
//!
//! Computed as PyWavelets does, in the order of its sums: blocks of few levels of grey are often as bright as their median
//! but for rounding.

use super::grey::Grey;
use super::median;
use std::f64::consts::FRAC_1_SQRT_2;

/// A block of 2 x 2, pixels or bands, row by row.
type Block = [f64; 4];

pub(super) fn bits(grey: &Grey, size: usize) -> Vec<bool> {
    let side = (1 << grey.shorter_side().ilog2()).max(size);
    let pixels = grey.resized(side, side).into_iter().map(|pixel| f64::from(pixel) / 255.0).collect();
    let mut low = without_mean(pixels, side);
    let mut left = side;
    while left > size {
        low = analysed(&low, left).into_iter().map(|[low, ..]| low).collect();
        left /= 2;
    }
    let median = median(&low);
    low.iter().map(|&mean| mean > median).collect()
}

/// Taken apart down to one number, which becomes 0, and put together again.
fn without_mean(pixels: Vec<f64>, side: usize) -> Vec<f64> {
    if side == 1 {
        return vec![0.0];
    }
    let mut blocks = analysed(&pixels, side);
    let low = without_mean(blocks.iter().map(|block| block[0]).collect(), side / 2);
    blocks.iter_mut().zip(low).for_each(|(block, low)| block[0] = low);
    synthesised(&blocks, side)
}

/// One level: for each block of pixels its low band and the three others. Columns first.
fn analysed(pixels: &[f64], side: usize) -> Vec<Block> {
    let block = |i: usize| {
        let at = i / (side / 2) * 2 * side + i % (side / 2) * 2;
        let [[upper_left, lower_left], [upper_right, lower_right]] =
            [at, at + 1].map(|at| pair([pixels[at], pixels[at + side]]));
        let ([low, across], [down, diagonal]) = (pair([upper_left, upper_right]), pair([lower_left, lower_right]));
        [low, across, down, diagonal]
    };
    (0..pixels.len() / 4).map(block).collect()
}

/// The inverse of [`analysed`].
fn synthesised(blocks: &[Block], side: usize) -> Vec<f64> {
    let mut pixels = vec![0.0; side * side];
    for (i, &[low, across, down, diagonal]) in blocks.iter().enumerate() {
        let at = i / (side / 2) * 2 * side + i % (side / 2) * 2;
        let (lows, highs) = (pair([low, across]), pair([down, diagonal]));
        for x in 0..2 {
            [pixels[at + x], pixels[at + x + side]] = pair([lows[x], highs[x]]);
        }
    }
    pixels
}

/// Sum and difference, each times the square root of a half: its own inverse.
fn pair([a, b]: [f64; 2]) -> [f64; 2] {
    [FRAC_1_SQRT_2 * a + FRAC_1_SQRT_2 * b, FRAC_1_SQRT_2 * a - FRAC_1_SQRT_2 * b]
}
