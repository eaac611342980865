//! `sift`: what small parts of the picture look like, on a fixed grid.
//!
//! Upright SIFT descriptors (Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004): 4 x 4 cells of 8
//! directions under a Gaussian window, each pixel shared among its neighbouring cells and directions in proportion, no number
//! above 0.2 of the length. On a dense grid of three scales, as PHOW (Bosch, Zisserman and Muñoz, Image classification using
//! random forests and ferns, ICCV 2007), but of grey that isn't smoothed, which finds more on Corel-1k. Divided by their sum
//! and square-rooted (RootSIFT: Arandjelović and Zisserman, CVPR 2012), so that each has unit length, or none where the
//! picture is flat.
//!
//! A row has 116 descriptors of 128 numbers, scale by scale and row by row of the grid: 59,392 bytes a picture. They are
//! what the step `vlad` takes.

use super::reduce::{self, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::f32::consts::TAU;
use std::sync::Arc;

const DIRECTIONS: usize = 8;
/// Cells along a side of a descriptor.
const CELLS: usize = 4;
/// Numbers of a descriptor.
const PART: usize = CELLS * CELLS * DIRECTIONS;
const LIMIT: f32 = 0.2;
/// Length of a descriptor below which it counts as flat: gradients of about a tenth of a grey level.
const FLAT: f32 = 1e-3;

/// `grid * grid` descriptors with cells of so many pixels.
struct Scale {
    cell: usize,
    grid: usize,
}

const SCALES: [Scale; 3] = [Scale { cell: 6, grid: 8 }, Scale { cell: 9, grid: 6 }, Scale { cell: 14, grid: 4 }];

/// How much of each direction there is: of a pixel, or of a cell.
type Directions = [f32; DIRECTIONS];

struct Sift {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Sift { id: SourceId::new("sift/1", "") })
}

impl Source for Sift {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        SCALES.iter().map(|scale| scale.grid * scale.grid * PART).sum()
    }

    fn part_dims(&self) -> Option<usize> {
        Some(PART)
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let gradients = gradients(&forward.reduced(picture).grey());
        Ok(SCALES.iter().flat_map(|scale| scale.descriptors(&gradients)).collect())
    }
}

/// Of each pixel by central differences, 0 at the border; directions turn from right to up.
fn gradients(grey: &[f32]) -> Vec<Directions> {
    let mut gradients = vec![[0.0; DIRECTIONS]; SIDE * SIDE];
    for y in 1..SIDE - 1 {
        for i in y * SIDE + 1..(y + 1) * SIDE - 1 {
            let (right, up) = (grey[i + 1] - grey[i - 1], grey[i - SIDE] - grey[i + SIDE]);
            let turn = (up.atan2(right) / TAU).rem_euclid(1.0) * DIRECTIONS as f32;
            let (below, magnitude) = (turn as usize, right.hypot(up));
            let fraction = turn - below as f32;
            gradients[i][below % DIRECTIONS] += magnitude * (1.0 - fraction);
            gradients[i][(below + 1) % DIRECTIONS] += magnitude * fraction;
        }
    }
    gradients
}

/// The pixels along one axis that count for a cell, from the first one, with their weights.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    fn sum(&self, values: &[Directions], start: usize, stride: usize) -> Directions {
        let mut sum = [0.0; DIRECTIONS];
        for (value, weight) in values[start + self.first * stride..].iter().step_by(stride).zip(&self.weights) {
            sum.iter_mut().zip(value).for_each(|(sum, x)| *sum += x * weight);
        }
        sum
    }
}

impl Scale {
    /// Windows are products of one along the row and one along the column, so that rows are summed up first.
    fn descriptors(&self, gradients: &[Directions]) -> Vec<f32> {
        let taps: Vec<Taps> = (0..self.grid * CELLS).map(|i| self.taps(i / CELLS, i % CELLS)).collect();
        let of_row = |y: usize| taps.iter().map(move |taps| taps.sum(gradients, y * SIDE, 1));
        let rows: Vec<Directions> = (0..SIDE).flat_map(of_row).collect();
        let descriptor = |i: usize| {
            let (y, x) = (i / self.grid * CELLS, i % self.grid * CELLS);
            let cell = |i: usize| taps[y + i / CELLS].sum(&rows, x + i % CELLS, taps.len());
            rooted((0..CELLS * CELLS).flat_map(cell).collect())
        };
        (0..self.grid * self.grid).flat_map(descriptor).collect()
    }

    /// Of a cell of the descriptor at this place of the grid: falling to zero one cell away, times the Gaussian window,
    /// whose deviation is half a descriptor.
    fn taps(&self, place: usize, cell: usize) -> Taps {
        let side = CELLS * self.cell;
        let centre = side / 2 + place * (SIDE - 1 - side) / (self.grid - 1);
        let weight = |x: usize| {
            let from_centre = (x as f32 - centre as f32) / self.cell as f32;
            let from_cell = from_centre + (CELLS - 1) as f32 / 2.0 - cell as f32;
            let window = (-from_centre * from_centre / (CELLS * CELLS / 2) as f32).exp();
            (1.0 - from_cell.abs()).max(0.0) * window / self.cell as f32
        };
        let first = (centre + cell * self.cell).saturating_sub(side * 5 / 8);
        Taps { first, weights: (first..SIDE.min(first + 2 * self.cell + 1)).map(weight).collect() }
    }
}

fn rooted(mut descriptor: Vec<f32>) -> Vec<f32> {
    let length = descriptor.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length < FLAT {
        return vec![0.0; PART];
    }
    descriptor.iter_mut().for_each(|x| *x = x.min(LIMIT * length));
    let sum: f32 = descriptor.iter().sum();
    descriptor.iter().map(|x| (x / sum).sqrt()).collect()
}
