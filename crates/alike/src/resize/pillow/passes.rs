//! The two passes: the columns of each row, and the rows.

use super::{PRECISION, Window};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

#[inline(always)]
fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Columns of all rows, for a side that stays.
pub(super) fn copy_columns<const CHANNELS: usize>(samples: &[u8], stride: usize, columns: Range<usize>) -> Vec<u8> {
    let mut out = vec![0; samples.len() / stride * columns.len() * CHANNELS];
    Arch::new().dispatch(Copy::<CHANNELS> { samples, stride, columns, out: &mut out });
    out
}

struct Copy<'a, const CHANNELS: usize> {
    samples: &'a [u8],
    /// Bytes a row.
    stride: usize,
    columns: Range<usize>,
    out: &'a mut [u8],
}

impl<const CHANNELS: usize> WithSimd for Copy<'_, CHANNELS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.columns.len();
        for (row, out) in self.samples.chunks_exact(self.stride).zip(self.out.chunks_exact_mut(width * CHANNELS)) {
            let pixels = &row.as_chunks::<CHANNELS>().0[self.columns.clone()];
            // A count that is known here, so that the compiler makes a loop of vectors for each channel.
            for (channel, plane) in (0..CHANNELS).zip(out.chunks_exact_mut(width)) {
                for (level, pixel) in plane.iter_mut().zip(pixels) {
                    *level = pixel[channel];
                }
            }
        }
    }
}

/// The first pass, usually: columns of all rows.
pub(super) fn filter_columns<const CHANNELS: usize>(samples: &[u8], stride: usize, windows: &[Window]) -> Vec<u8> {
    let mut out = vec![0; samples.len() / stride * windows.len() * CHANNELS];
    #[cfg(target_arch = "x86_64")]
    if let (3, Some(simd)) = (CHANNELS, pulp::x86::V3::try_new()) {
        super::avx2::filter_columns(simd, samples, stride, windows, &mut out);
        return out;
    }
    Arch::new().dispatch(Columns::<CHANNELS> { samples, stride, windows, out: &mut out });
    out
}

struct Columns<'a, const CHANNELS: usize> {
    samples: &'a [u8],
    /// Bytes a row.
    stride: usize,
    windows: &'a [Window],
    out: &'a mut [u8],
}

impl<const CHANNELS: usize> WithSimd for Columns<'_, CHANNELS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.windows.len();
        for (row, out) in self.samples.chunks_exact(self.stride).zip(self.out.chunks_exact_mut(width * CHANNELS)) {
            for (x, window) in self.windows.iter().enumerate() {
                let mut sums = [1 << (PRECISION - 1); CHANNELS];
                let pixels = row[window.first * CHANNELS..].as_chunks::<CHANNELS>().0;
                for (pixel, &weight) in pixels.iter().zip(&window.weights) {
                    for c in 0..CHANNELS {
                        sums[c] += i32::from(pixel[c]) * weight;
                    }
                }
                for c in 0..CHANNELS {
                    out[c * width + x] = rounded(sums[c]);
                }
            }
        }
    }
}

/// The second pass, usually: rows, whatever the samples of a row are.
pub(super) fn filter_rows(samples: &[u8], stride: usize, windows: &[Window]) -> Vec<u8> {
    let mut out = vec![0; windows.len() * stride];
    Arch::new().dispatch(Rows { samples, stride, windows, out: &mut out });
    out
}

struct Rows<'a> {
    samples: &'a [u8],
    stride: usize,
    windows: &'a [Window],
    out: &'a mut [u8],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut sums = vec![0; self.stride];
        for (window, out) in self.windows.iter().zip(self.out.chunks_exact_mut(self.stride)) {
            sums.fill(1 << (PRECISION - 1));
            let rows = self.samples[window.first * self.stride..].chunks_exact(self.stride);
            for (row, &weight) in rows.zip(&window.weights) {
                for (sum, &sample) in sums.iter_mut().zip(row) {
                    *sum += i32::from(sample) * weight;
                }
            }
            for (level, &sum) in out.iter_mut().zip(&sums) {
                *level = rounded(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, windows};
    use super::*;

    /// Other tests run the loops of this processor alone.
    #[test]
    fn the_portable_loop_gives_the_same() {
        let (stride, height) = (3 * 97, 5);
        let samples: Vec<u8> =
            (0..stride as u32 * height).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for to in [1, 30, 97, 200] {
            let windows = windows(97, to, 0..to, Filter::Lanczos);
            let mut out = vec![0; (height * to * 3) as usize];
            Columns::<3> { samples: &samples, stride, windows: &windows, out: &mut out }.with_simd(pulp::Scalar);
            assert_eq!(out, filter_columns::<3>(&samples, stride, &windows), "97 to {to}");
        }
    }
}
