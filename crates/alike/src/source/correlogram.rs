//! `correlogram`: how often a colour has itself nearby: the colour autocorrelogram.
//!
//! Huang, Kumar, Mitra, Zhu and Zabih, Image indexing using color correlograms, CVPR 1997: for each colour and distance
//! the probability that a pixel so far from one of that colour has it, too. Far is the larger of the distances along the
//! axes: 1, 3, 5 and 7 pixels; pixels beyond the picture's edge have no colour. Colours are the 196 boxes of 4
//! lightnesses (L* of 25 each) x 7 a* x 7 b* (16 each, the middle one about grey, the outermost open).

use super::colorspace::lab;
use super::reduce::{self, Reduced, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::sync::Arc;

const LIGHTNESSES: usize = 4;
/// Of a* and of b*.
const HUES: usize = 7;
const HUE_STEP: f32 = 16.0;
const COLORS: usize = LIGHTNESSES * HUES * HUES;
const DISTANCES: [usize; 4] = [1, 3, 5, 7];
const MARGIN: usize = 7;
const WIDTH: usize = SIDE + 2 * MARGIN;
/// Beyond the picture's edge.
const NO_COLOR: u8 = u8::MAX;

struct Correlogram {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Correlogram { id: SourceId::new("correlogram/1", "") })
}

impl Source for Correlogram {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        DISTANCES.len() * COLORS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let colors = quantised(forward.reduced(picture));
        Ok(DISTANCES.iter().flat_map(|&distance| at_distance(&colors, distance)).collect())
    }
}

/// Each pixel's colour, with a margin of none about the picture.
fn quantised(picture: &Reduced) -> Vec<u8> {
    let mut colors = vec![NO_COLOR; WIDTH * WIDTH];
    for (y, row) in picture.pixels.chunks_exact(SIDE).enumerate() {
        let colors = &mut colors[(y + MARGIN) * WIDTH + MARGIN..][..SIDE];
        colors.iter_mut().zip(row).for_each(|(color, pixel)| *color = box_of(lab(*pixel)));
    }
    colors
}

fn box_of([l, a, b]: [f32; 3]) -> u8 {
    let lightness = ((l / 100.0 * LIGHTNESSES as f32) as usize).min(LIGHTNESSES - 1);
    // Casts of what is negative give 0.
    let hue = |x: f32| ((x / HUE_STEP + HUES as f32 / 2.0) as usize).min(HUES - 1);
    ((lightness * HUES + hue(a)) * HUES + hue(b)) as u8
}

/// For each colour the share of its pixels' neighbours that have it, too.
fn at_distance(colors: &[u8], distance: usize) -> [f32; COLORS] {
    let (mut pixels, mut neighbours) = ([0_u32; COLORS], [0_u32; COLORS]);
    for y in MARGIN..MARGIN + SIDE {
        let row = &colors[y * WIDTH + MARGIN..][..SIDE];
        for (color, count) in row.iter().zip(same_around(colors, y, distance)) {
            pixels[usize::from(*color)] += 1;
            neighbours[usize::from(*color)] += u32::from(count);
        }
    }
    let share = |color: usize| neighbours[color] as f32 / (8 * distance as u32 * pixels[color].max(1)) as f32;
    std::array::from_fn(share)
}

/// For each pixel of a row, how many of the `8 * distance` pixels around it have its colour.
fn same_around(colors: &[u8], y: usize, distance: usize) -> [u8; SIDE] {
    let row = &colors[y * WIDTH + MARGIN..][..SIDE];
    let mut counts = [0; SIDE];
    let mut add = |y: usize, x: usize| {
        let others = &colors[y * WIDTH + x..][..SIDE];
        counts.iter_mut().zip(row.iter().zip(others)).for_each(|(n, (a, b))| *n += u8::from(a == b));
    };
    for x in MARGIN - distance..=MARGIN + distance {
        add(y - distance, x);
        add(y + distance, x);
    }
    for y in y - distance + 1..y + distance {
        add(y, MARGIN - distance);
        add(y, MARGIN + distance);
    }
    counts
}
