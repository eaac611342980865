//! Pillow's filters.

use crate::picture::Picture;
use std::borrow::Cow;
use std::f64::consts::PI;

/// A Pillow resampling filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Triangle, support 1.
    Bilinear,
    /// Catmull-Rom like cubic with a = -0.5, support 2.
    Bicubic,
    /// Sinc windowed by a sinc, support 3.
    Lanczos,
}

/// `Image.resize((width, height), filter)` of Pillow before 13, bit by bit: antialiased when it shrinks; columns
/// first, except where a picture more than 100 times as high as wide loses height. Pillow 13 takes the rows first for
/// more shapes and differs by one level there. A target side of 0 counts as 1.
pub fn pillow(picture: &Picture, width: u32, height: u32, filter: Filter) -> Picture {
    let (width, height) = (width.max(1), height.max(1));
    let from = (picture.width(), picture.height());
    let rgb = resampled::<3>(picture.rgb(), from, (width, height), filter);
    picture.with_pixels(width, height, rgb)
}

/// The same of one byte a pixel. `from` and `to` are width and height, at least 1.
pub(crate) fn pillow_grey(grey: &[u8], from: (u32, u32), to: (u32, u32), filter: Filter) -> Vec<u8> {
    resampled::<1>(grey, from, to, filter)
}

fn resampled<const CHANNELS: usize>(samples: &[u8], from: (u32, u32), to: (u32, u32), filter: Filter) -> Vec<u8> {
    let (from_w, from_h, to_w, to_h) = (from.0 as usize, from.1 as usize, to.0 as usize, to.1 as usize);
    let is_ribbon = from_h > from_w * 100;
    if is_ribbon && to_h < from_h {
        let lower = to_height(samples, from_w * CHANNELS, (from_h, to_h), filter);
        return to_width::<CHANNELS>(&lower, (from_w, to_w), filter).into_owned();
    }
    let narrower = to_width::<CHANNELS>(samples, (from_w, to_w), filter);
    to_height(&narrower, to_w * CHANNELS, (from_h, to_h), filter).into_owned()
}

fn to_width<const CHANNELS: usize>(samples: &[u8], (from, to): (usize, usize), filter: Filter) -> Cow<'_, [u8]> {
    if from == to {
        return samples.into();
    }
    filter_columns::<CHANNELS>(samples, from, &windows(from, to, filter)).into()
}

/// `stride`: bytes a row.
fn to_height(samples: &[u8], stride: usize, (from, to): (usize, usize), filter: Filter) -> Cow<'_, [u8]> {
    if from == to {
        return samples.into();
    }
    filter_rows(samples, stride, &windows(from, to, filter)).into()
}

/// Bits after the point of Pillow's 8-bit weights.
const PRECISION: u32 = 32 - 8 - 2;

/// The input samples that make one output sample: the first one and the weights from there on.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

fn windows(from: usize, to: usize, filter: Filter) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let window = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weigh = |i: usize| filter.weight((i as f64 - centre + 0.5) * (1.0 / stretch));
        let weights: Vec<f64> = (first..end).map(weigh).collect();
        let total: f64 = weights.iter().sum();
        Window { first, weights: weights.iter().map(|w| fixed_point(w / total)).collect() }
    };
    (0..to).map(window).collect()
}

fn fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION);
    (scaled + 0.5_f64.copysign(scaled)) as i32
}

impl Filter {
    /// As manifests write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
            Self::Lanczos => "lanczos",
        }
    }

    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}

fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn filter_columns<const CHANNELS: usize>(samples: &[u8], width: usize, windows: &[Window]) -> Vec<u8> {
    let rows = samples.chunks_exact(width * CHANNELS);
    let mut out = Vec::with_capacity(rows.len() * windows.len() * CHANNELS);
    for row in rows {
        for window in windows {
            let mut sums = [1 << (PRECISION - 1); CHANNELS];
            for (pixel, &weight) in row[window.first * CHANNELS..].as_chunks::<CHANNELS>().0.iter().zip(&window.weights)
            {
                for c in 0..CHANNELS {
                    sums[c] += i32::from(pixel[c]) * weight;
                }
            }
            out.extend(sums.map(rounded));
        }
    }
    out
}

fn filter_rows(samples: &[u8], stride: usize, windows: &[Window]) -> Vec<u8> {
    let mut out = Vec::with_capacity(windows.len() * stride);
    let mut sums = vec![0; stride];
    for window in windows {
        sums.fill(1 << (PRECISION - 1));
        let rows = samples[window.first * stride..].chunks_exact(stride);
        for (row, &weight) in rows.zip(&window.weights) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(sample) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| rounded(sum)));
    }
    out
}
