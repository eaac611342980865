//! `color`: histograms in HSV over parts of the picture.
//!
//! Swain and Ballard, Color Indexing, IJCV 1991, in the HSV space of Smith, Color Gamut Transform Pairs, SIGGRAPH 1978;
//! square-rooted, so that the dot product is the Bhattacharyya coefficient. A histogram has 5 bins of value for greys
//! and 16 hues x 4 saturations x 5 values for colours; a pixel is shared among its neighbouring bins in proportion, so
//! that a slight change of light moves little. Parts: the whole picture (weight 1/2), its middle half (1/4) and its four
//! quarters (1/16 each). The whole and the middle stay nearly the same when the picture is turned.

use super::colorspace::hsv;
use super::reduce::{Reduced, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::sync::Arc;

const HUES: usize = 16;
const SATURATIONS: usize = 4;
const VALUES: usize = 5;
const BINS: usize = VALUES * (1 + HUES * SATURATIONS);
/// Tiles per axis: parts are unions of tiles.
const TILES: usize = 4;

type Histogram = [f32; BINS];

/// A part of the picture: the tiles in `x` and `y`, and its share of the result.
struct Part {
    x: std::ops::Range<usize>,
    y: std::ops::Range<usize>,
    weight: f32,
}

const PARTS: [Part; 6] = [
    Part { x: 0..4, y: 0..4, weight: 0.5 },
    Part { x: 1..3, y: 1..3, weight: 0.25 },
    Part { x: 0..2, y: 0..2, weight: 0.0625 },
    Part { x: 2..4, y: 0..2, weight: 0.0625 },
    Part { x: 0..2, y: 2..4, weight: 0.0625 },
    Part { x: 2..4, y: 2..4, weight: 0.0625 },
];

struct Color {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Color { id: SourceId::new("color/1", "") })
}

impl Source for Color {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        PARTS.len() * BINS
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let tiles = tiles(forward.reduced(picture));
        Ok(PARTS.iter().flat_map(|part| of_part(&tiles, part)).collect())
    }
}

fn tiles(picture: &Reduced) -> Vec<Histogram> {
    let mut tiles = vec![[0.0; BINS]; TILES * TILES];
    for (i, pixel) in picture.pixels.iter().enumerate() {
        let (x, y) = (i % SIDE, i / SIDE);
        count(&mut tiles[y * TILES / SIDE * TILES + x * TILES / SIDE], hsv(*pixel));
    }
    tiles
}

fn of_part(tiles: &[Histogram], part: &Part) -> Histogram {
    let mut sum = [0.0_f32; BINS];
    for tile in part.y.clone().flat_map(|y| part.x.clone().map(move |x| y * TILES + x)) {
        sum.iter_mut().zip(tiles[tile]).for_each(|(s, n)| *s += n);
    }
    let pixels = (part.x.len() * part.y.len() * (SIDE / TILES).pow(2)) as f32;
    sum.map(|n| (n / pixels * part.weight).sqrt())
}

/// Shares one pixel among two hues, two saturations (the lowest of them grey) and two values.
fn count(histogram: &mut Histogram, [hue, saturation, value]: [f32; 3]) {
    let hues = shares(hue * HUES as f32);
    for (value, v) in shares(value * (VALUES - 1) as f32) {
        let value = value.min(VALUES - 1);
        for (saturation, s) in shares(saturation * SATURATIONS as f32) {
            match saturation.min(SATURATIONS) {
                0 => histogram[value] += v * s,
                saturation => {
                    for (hue, h) in hues {
                        let bin = (saturation - 1) * HUES + hue % HUES;
                        histogram[VALUES * (1 + bin) + value] += v * s * h;
                    }
                }
            }
        }
    }
}

/// The two whole numbers beside `x >= 0`, with their nearness.
fn shares(x: f32) -> [(usize, f32); 2] {
    let below = x as usize;
    let fraction = x - below as f32;
    [(below, 1.0 - fraction), (below + 1, fraction)]
}
