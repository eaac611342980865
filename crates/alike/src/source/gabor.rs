//! Gabor filters of one wavelength, 4 pixels; longer waves are found on a halved plane.
//!
//! A Gaussian of standard deviation 2 pixels, of sum 1, times a complex wave; cut off 5 pixels from its centre. It is
//! round, so that the filter is a product of one along rows and one along columns.

use super::convolution::{along_columns, along_rows};

const WAVELENGTH: f32 = 4.0;
const SIGMA: f32 = 2.0;
const RADIUS: usize = 5;
const TAPS: usize = 2 * RADIUS + 1;

/// A complex filter along one axis.
struct Taps {
    re: [f32; TAPS],
    im: [f32; TAPS],
}

/// The magnitudes of the filters of `directions` waves, the first along the rows, the others turned by equal angles
/// from right to down, in all half a turn.
pub(super) fn magnitudes(plane: &[f32], side: usize, directions: usize) -> Vec<Vec<f32>> {
    let angle = |i| std::f32::consts::PI * i as f32 / directions as f32;
    (0..directions).map(|i| of_direction(plane, side, angle(i))).collect()
}

fn of_direction(plane: &[f32], side: usize, angle: f32) -> Vec<f32> {
    let (x, y) = (taps(angle.cos()), taps(angle.sin()));
    let (re, im) = (along_rows(plane, side, &x.re), along_rows(plane, side, &x.im));
    let down = |plane: &[f32], taps: &[f32]| along_columns(plane, side, taps);
    let re_parts = down(&re, &y.re).into_iter().zip(down(&im, &y.im)).map(|(a, b)| a - b);
    let im_parts = down(&re, &y.im).into_iter().zip(down(&im, &y.re)).map(|(a, b)| a + b);
    re_parts.zip(im_parts).map(|(re, im)| (re * re + im * im).sqrt()).collect()
}

/// `share` of the wave's frequency lies along the axis.
fn taps(share: f32) -> Taps {
    let mut taps = Taps { re: [0.0; TAPS], im: [0.0; TAPS] };
    for (i, (re, im)) in taps.re.iter_mut().zip(&mut taps.im).enumerate() {
        let t = i as f32 - RADIUS as f32;
        let gauss = (-t * t / (2.0 * SIGMA * SIGMA)).exp() / (SIGMA * std::f32::consts::TAU.sqrt());
        let phase = std::f32::consts::TAU / WAVELENGTH * share * t;
        (*re, *im) = (gauss * phase.cos(), gauss * phase.sin());
    }
    taps
}
