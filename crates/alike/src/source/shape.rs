//! `shape`: histograms of oriented gradients.
//!
//! Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005: 9 directions without sign, cells
//! of a quarter of the picture's side, blocks of 2 x 2 cells that overlap by one cell, L2-Hys with a limit of 0.2.
//! Gradients are central differences of grey; a pixel votes with its magnitude for one direction of one cell. Large
//! cells, because the same thing seldom lies at the same place twice. All zero for a picture of one colour.

use super::reduce::{self, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::sync::Arc;

const DIRECTIONS: usize = 9;
const CELLS: usize = 4;
const BLOCK: usize = 2;
const BLOCKS: usize = CELLS - BLOCK + 1;
const LIMIT: f32 = 0.2;
const EPSILON: f32 = 1e-5;

type Cell = [f32; DIRECTIONS];

struct Shape {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Shape { id: SourceId::new("shape/1", "") })
}

impl Source for Shape {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        BLOCKS * BLOCKS * BLOCK * BLOCK * DIRECTIONS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let cells = cells(&forward.reduced(picture).grey());
        Ok((0..BLOCKS * BLOCKS).flat_map(|i| block(&cells, i / BLOCKS, i % BLOCKS)).collect())
    }
}

fn cells(grey: &[f32]) -> Vec<Cell> {
    const SIZE: usize = SIDE / CELLS;
    let mut cells = vec![[0.0; DIRECTIONS]; CELLS * CELLS];
    for i in 0..SIDE * SIDE {
        let (x, y) = (i % SIDE, i / SIDE);
        let inside = |at: usize| at > 0 && at < SIDE - 1;
        let dx = if inside(x) { grey[i + 1] - grey[i - 1] } else { 0.0 };
        let dy = if inside(y) { grey[i + SIDE] - grey[i - SIDE] } else { 0.0 };
        let turn = (dy.atan2(dx) / std::f32::consts::PI).rem_euclid(1.0);
        let direction = ((turn * DIRECTIONS as f32) as usize).min(DIRECTIONS - 1);
        cells[y / SIZE * CELLS + x / SIZE][direction] += dx.hypot(dy) / (SIZE * SIZE) as f32;
    }
    cells
}

fn block(cells: &[Cell], y: usize, x: usize) -> Vec<f32> {
    let rows = (y..y + BLOCK).flat_map(|y| &cells[y * CELLS + x..][..BLOCK]);
    let mut block: Vec<f32> = rows.flatten().copied().collect();
    normalise(&mut block);
    block.iter_mut().for_each(|v| *v = v.min(LIMIT));
    normalise(&mut block);
    block
}

fn normalise(block: &mut [f32]) {
    let norm = (block.iter().map(|v| v * v).sum::<f32>() + EPSILON * EPSILON).sqrt();
    block.iter_mut().for_each(|v| *v /= norm);
}
