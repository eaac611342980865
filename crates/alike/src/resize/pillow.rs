//! Pillow's filters.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod passes;

use super::{interleaved, planes};
use crate::picture::Picture;
use passes::{copy_columns, filter_columns, filter_rows};
use std::f64::consts::PI;
use std::ops::Range;

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
    let whole = Part { left: 0, top: 0, width, height };
    let rows = pillow_part(picture, (width, height), whole, filter);
    let rgb = rows.chunks_exact(width as usize * 3).flat_map(|row| interleaved(planes(row))).collect();
    picture.with_pixels(width, height, rgb)
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A part of what [`pillow`] gives: row by row, in each the levels of red, then of green, then of blue.
pub(crate) fn pillow_part(picture: &Picture, to: (u32, u32), part: Part, filter: Filter) -> Vec<u8> {
    resampled::<3>(picture.rgb(), (picture.width(), picture.height()), to, part, filter)
}

/// The whole of a picture of one byte a pixel. `from` and `to` are width and height, at least 1.
pub(crate) fn pillow_grey(grey: &[u8], from: (u32, u32), to: (u32, u32), filter: Filter) -> Vec<u8> {
    resampled::<1>(grey, from, to, Part { left: 0, top: 0, width: to.0, height: to.1 }, filter)
}

/// Channels are interleaved in the samples, and in planes in each row of the result.
fn resampled<const CHANNELS: usize>(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    part: Part,
    filter: Filter,
) -> Vec<u8> {
    let stride = from.0 as usize * CHANNELS;
    let columns = windows(from.0, to.0, part.left..part.left + part.width, filter);
    let mut rows = windows(from.1, to.1, part.top..part.top + part.height, filter);
    let is_ribbon = u64::from(from.1) > u64::from(from.0) * 100;
    if is_ribbon && to.1 < from.1 {
        return filter_columns::<CHANNELS>(&filter_rows(samples, stride, &rows), stride, &columns);
    }
    let needed = rows[0].first..rows[rows.len() - 1].end();
    let samples = &samples[needed.start * stride..needed.end * stride];
    let narrower = if from.0 == to.0 {
        copy_columns::<CHANNELS>(samples, stride, part.left as usize..(part.left + part.width) as usize)
    } else {
        filter_columns::<CHANNELS>(samples, stride, &columns)
    };
    if from.1 == to.1 {
        return narrower;
    }
    rows.iter_mut().for_each(|window| window.first -= needed.start);
    filter_rows(&narrower, columns.len() * CHANNELS, &rows)
}

/// Bits after the point of Pillow's 8-bit weights.
const PRECISION: u32 = 32 - 8 - 2;

/// The input samples that make one output sample: the first one and the weights from there on.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

impl Window {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// Those of the `wanted` output samples. A side that stays gets one sample of full weight each.
fn windows(from: u32, to: u32, wanted: Range<u32>, filter: Filter) -> Vec<Window> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let window = |at: u32| {
        if from == to {
            return Window { first: at as usize, weights: vec![fixed_point(1.0)] };
        }
        let centre = (f64::from(at) + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from as usize);
        let weigh = |i: usize| filter.weight((i as f64 - centre + 0.5) * (1.0 / stretch));
        let weights: Vec<f64> = (first..end).map(weigh).collect();
        let total: f64 = weights.iter().sum();
        Window { first, weights: weights.iter().map(|w| fixed_point(w / total)).collect() }
    };
    wanted.map(window).collect()
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
