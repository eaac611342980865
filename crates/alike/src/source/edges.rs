//! `edges`: which way edges run, and where: the edge histogram of MPEG-7.
//!
//! Manjunath, Ohm, Vasudevan and Yamada, Color and texture descriptors, IEEE TCSVT 2001; with the global and semi-global
//! bins of Park, Jeon and Won, Efficient use of local edge histogram descriptor, ACM Multimedia Workshops 2000. Each
//! block of 2 x 2 pixels of grey is an edge of the kind whose filter responds most, if that is by 11 levels of 255 at
//! least: vertical, horizontal, at 45 degrees, at 135, or without direction. The shares of the kinds in each of 4 x 4
//! parts make 80 numbers; those in the whole picture 5; those in each column and row of parts, and in the five squares of
//! 2 x 2 parts in the corners and the middle, 65. Neither quantised nor square-rooted: that finds less. All zero where
//! there are no edges.

use super::reduce::{self, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::ops::Range;
use std::sync::Arc;

const KINDS: usize = 5;
/// Per axis.
const PARTS: usize = 4;
/// Per axis of a part.
const BLOCKS: usize = SIDE / 2 / PARTS;
const THRESHOLD: f32 = 11.0 / 255.0;

/// The parts in these rows and columns.
struct Region {
    y: Range<usize>,
    x: Range<usize>,
}

const fn region(y: Range<usize>, x: Range<usize>) -> Region {
    Region { y, x }
}

/// The whole, then what is semi-global.
const REGIONS: [Region; 14] = [
    region(0..4, 0..4),
    region(0..4, 0..1),
    region(0..4, 1..2),
    region(0..4, 2..3),
    region(0..4, 3..4),
    region(0..1, 0..4),
    region(1..2, 0..4),
    region(2..3, 0..4),
    region(3..4, 0..4),
    region(0..2, 0..2),
    region(0..2, 2..4),
    region(2..4, 0..2),
    region(2..4, 2..4),
    region(1..3, 1..3),
];

type Shares = [f32; KINDS];

struct Edges {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Edges { id: SourceId::new("edges/1", "") })
}

impl Source for Edges {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        (PARTS * PARTS + REGIONS.len()) * KINDS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let parts = parts(&forward.reduced(picture).grey());
        let regions = REGIONS.iter().map(|region| mean(&parts, region));
        Ok(parts.iter().copied().chain(regions).flatten().collect())
    }
}

fn parts(grey: &[f32]) -> [Shares; PARTS * PARTS] {
    let mut parts = [[0.0; KINDS]; PARTS * PARTS];
    for (y, rows) in grey.chunks_exact(2 * SIDE).enumerate() {
        let (upper, lower) = rows.split_at(SIDE);
        for x in 0..SIDE / 2 {
            let at = 2 * x;
            if let Some(kind) = kind([upper[at], upper[at + 1], lower[at], lower[at + 1]]) {
                parts[y / BLOCKS * PARTS + x / BLOCKS][kind] += 1.0;
            }
        }
    }
    parts.map(|counts| counts.map(|n| n / (BLOCKS * BLOCKS) as f32))
}

/// The filter that responds most to a block, row by row; the first of equals.
fn kind([a, b, c, d]: [f32; 4]) -> Option<usize> {
    let root = std::f32::consts::SQRT_2;
    let responses = [a - b + c - d, a + b - c - d, root * (a - d), root * (b - c), 2.0 * (a - b - c + d)];
    let strengths = responses.map(f32::abs);
    let strongest = (1..KINDS).fold(0, |best, i| if strengths[i] > strengths[best] { i } else { best });
    (strengths[strongest] >= THRESHOLD).then_some(strongest)
}

fn mean(parts: &[Shares], region: &Region) -> Shares {
    let mut sum = [0.0; KINDS];
    for part in region.y.clone().flat_map(|y| region.x.clone().map(move |x| y * PARTS + x)) {
        sum.iter_mut().zip(parts[part]).for_each(|(s, share)| *s += share);
    }
    sum.map(|s| s / (region.y.len() * region.x.len()) as f32)
}
