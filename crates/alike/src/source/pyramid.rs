//! Histograms over parts of the picture: the whole (weight 1/2), its middle half (1/4) and its four quarters (1/16 each). The
//! whole and the middle stay nearly the same when the picture is turned.

use super::reduce::{Reduced, SIDE};
use std::ops::Range;

/// Tiles per axis: parts are unions of tiles.
const TILES: usize = 4;

/// A part of the picture: the tiles in `x` and `y`, and its share of the result.
struct Part {
    x: Range<usize>,
    y: Range<usize>,
    weight: f32,
}

/// How many parts there are.
pub(super) const PARTS: usize = 6;

const EACH: [Part; PARTS] = [
    Part { x: 0..4, y: 0..4, weight: 0.5 },
    Part { x: 1..3, y: 1..3, weight: 0.25 },
    Part { x: 0..2, y: 0..2, weight: 0.0625 },
    Part { x: 2..4, y: 0..2, weight: 0.0625 },
    Part { x: 0..2, y: 2..4, weight: 0.0625 },
    Part { x: 2..4, y: 2..4, weight: 0.0625 },
];

/// A histogram of each part, square-rooted, at unit length all together. `count` adds 1 in all for a pixel.
pub(super) fn histograms<const BINS: usize>(picture: &Reduced, count: impl Fn(&mut [f32; BINS], [f32; 3])) -> Vec<f32> {
    let mut tiles = vec![[0.0; BINS]; TILES * TILES];
    for (i, pixel) in picture.pixels.iter().enumerate() {
        let (x, y) = (i % SIDE, i / SIDE);
        count(&mut tiles[y * TILES / SIDE * TILES + x * TILES / SIDE], *pixel);
    }
    EACH.iter().flat_map(|part| of_part(&tiles, part)).collect()
}

fn of_part<const BINS: usize>(tiles: &[[f32; BINS]], part: &Part) -> [f32; BINS] {
    let mut sum = [0.0_f32; BINS];
    for tile in part.y.clone().flat_map(|y| part.x.clone().map(move |x| y * TILES + x)) {
        sum.iter_mut().zip(tiles[tile]).for_each(|(s, n)| *s += n);
    }
    let pixels = (part.x.len() * part.y.len() * (SIDE / TILES).pow(2)) as f32;
    sum.map(|n| (n / pixels * part.weight).sqrt())
}

/// The two whole numbers beside `x >= 0`, with their nearness.
pub(super) fn shares(x: f32) -> [(usize, f32); 2] {
    let below = x as usize;
    let fraction = x - below as f32;
    [(below, 1.0 - fraction), (below + 1, fraction)]
}
