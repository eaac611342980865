//! Energies of Gabor filters: one wavelength of 4 pixels, on the picture at a half, a quarter and an eighth of its size.

use super::super::reduce::SIDE;

const OCTAVES: usize = 3;
const DIRECTIONS: usize = 4;
pub(super) const DIMS: usize = OCTAVES * DIRECTIONS * 2;

const WAVELENGTH: f32 = 4.0;
const SIGMA: f32 = 2.0;
const RADIUS: usize = 5;
const TAPS: usize = 2 * RADIUS + 1;

/// Added to the sum of energies (grey levels in 0..=1): a constant picture has none, and rounding isn't texture.
const SILENCE: f32 = 1e-3;

/// A complex filter along one axis.
struct Taps {
    re: [f32; TAPS],
    im: [f32; TAPS],
}

/// Real and imaginary parts of a filtered plane.
struct Plane {
    re: Vec<f32>,
    im: Vec<f32>,
}

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
    let mut moments: Vec<(f32, f32)> = (0..DIRECTIONS)
        .map(|i| {
            let angle = std::f32::consts::PI * i as f32 / DIRECTIONS as f32;
            let across = along_rows(plane, side, &taps(angle.cos()));
            mean_and_deviation(&magnitudes(&across, side, &taps(angle.sin())))
        })
        .collect();
    moments.sort_by(|a, b| b.0.total_cmp(&a.0));
    moments.iter().map(|m| m.0).chain(moments.iter().map(|m| m.1)).collect()
}

/// A Gaussian times a wave with `share` of the frequency along this axis; the two axes multiply to the whole filter.
fn taps(share: f32) -> Taps {
    let mut taps = Taps { re: [0.0; TAPS], im: [0.0; TAPS] };
    for (i, (re, im)) in taps.re.iter_mut().zip(&mut taps.im).enumerate() {
        let t = i as f32 - RADIUS as f32;
        let gauss = (-t * t / (2.0 * SIGMA * SIGMA)).exp() / (SIGMA * (2.0 * std::f32::consts::PI).sqrt());
        let phase = std::f32::consts::TAU / WAVELENGTH * share * t;
        (*re, *im) = (gauss * phase.cos(), gauss * phase.sin());
    }
    taps
}

fn along_rows(plane: &[f32], side: usize, taps: &Taps) -> Plane {
    let mut out = Plane { re: vec![0.0; plane.len()], im: vec![0.0; plane.len()] };
    let mut padded = vec![0.0; side + 2 * RADIUS];
    for (y, row) in plane.chunks_exact(side).enumerate() {
        padded[..RADIUS].fill(row[0]);
        padded[RADIUS..RADIUS + side].copy_from_slice(row);
        padded[RADIUS + side..].fill(row[side - 1]);
        for t in 0..TAPS {
            let shifted = &padded[t..t + side];
            add_scaled(&mut out.re[y * side..][..side], shifted, taps.re[t]);
            add_scaled(&mut out.im[y * side..][..side], shifted, taps.im[t]);
        }
    }
    out
}

fn magnitudes(plane: &Plane, side: usize, taps: &Taps) -> Vec<f32> {
    let mut magnitudes = Vec::with_capacity(plane.re.len());
    for y in 0..side {
        let (mut re, mut im) = (vec![0.0; side], vec![0.0; side]);
        for t in 0..TAPS {
            let from = (y + t).saturating_sub(RADIUS).min(side - 1) * side;
            let (row_re, row_im) = (&plane.re[from..from + side], &plane.im[from..from + side]);
            add_scaled(&mut re, row_re, taps.re[t]);
            add_scaled(&mut re, row_im, -taps.im[t]);
            add_scaled(&mut im, row_re, taps.im[t]);
            add_scaled(&mut im, row_im, taps.re[t]);
        }
        magnitudes.extend(re.iter().zip(&im).map(|(re, im)| (re * re + im * im).sqrt()));
    }
    magnitudes
}

fn add_scaled(sum: &mut [f32], row: &[f32], factor: f32) {
    sum.iter_mut().zip(row).for_each(|(s, x)| *s += x * factor);
}

fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
    (mean, variance.sqrt())
}

/// Half the size, each pixel the mean of four.
fn halved(plane: &[f32], side: usize) -> Vec<f32> {
    let half = side / 2;
    let pixel = |i: usize| {
        let at = i / half * 2 * side + i % half * 2;
        (plane[at] + plane[at + 1] + plane[at + side] + plane[at + side + 1]) / 4.0
    };
    (0..half * half).map(pixel).collect()
}
