//! Energies of Gabor filters on the picture at a half, a quarter and an eighth of its size.

use super::super::convolution::halved;
use super::super::gabor;
use super::super::reduce::SIDE;

const OCTAVES: usize = 3;
const DIRECTIONS: usize = 4;
pub(super) const DIMS: usize = OCTAVES * DIRECTIONS * 2;

/// Added to the sum of energies (grey levels in 0..=1): a constant picture has none, and rounding isn't texture.
const SILENCE: f32 = 1e-3;

/// For each octave the means of the directions, strongest first, then their deviations; in all at most 1.
pub(super) fn energies(grey: &[f32]) -> Vec<f32> {
    let mean = grey.iter().sum::<f32>() / grey.len() as f32;
    let mut plane: Vec<f32> = grey.iter().map(|g| g - mean).collect();
    let mut side = SIDE;
    let mut energies = Vec::with_capacity(DIMS);
    for _ in 0..OCTAVES {
        plane = halved(&plane, side);
        side /= 2;
        energies.extend(of_octave(&plane, side));
    }
    let total = energies.iter().sum::<f32>() + SILENCE;
    energies.iter().map(|e| e / total).collect()
}

fn of_octave(plane: &[f32], side: usize) -> Vec<f32> {
    let magnitudes = gabor::magnitudes(plane, side, DIRECTIONS);
    let mut moments: Vec<(f32, f32)> = magnitudes.iter().map(|plane| mean_and_deviation(plane)).collect();
    moments.sort_by(|a, b| b.0.total_cmp(&a.0));
    moments.iter().map(|m| m.0).chain(moments.iter().map(|m| m.1)).collect()
}

fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
    (mean, variance.sqrt())
}
