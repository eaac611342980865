//! `gist`: which waves are how strong, and where.
//!
//! Oliva and Torralba, Modeling the shape of the scene: a holistic representation of the spatial envelope, IJCV 2001.
//! The logarithm of grey (1 to 256) less its mean nearby, over 0.2 and its deviation nearby; the magnitudes of Gabor
//! filters of 4 octaves (waves of 4, 8, 16 and 32 pixels of 128) in 8 directions, each averaged over 4 x 4 cells.
//! "Nearby" is a Gaussian of 6 pixels: waves longer than about a quarter of the picture go. Octaves are found on halved
//! planes, by the same filters, instead of in the Fourier domain.

use super::convolution::{along_columns, along_rows, halved};
use super::gabor;
use super::reduce::{self, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::sync::Arc;

const OCTAVES: usize = 4;
const DIRECTIONS: usize = 8;
const CELLS: usize = 4;
const NEARBY: f32 = 6.0;
const NEARBY_RADIUS: usize = 18;
/// Contrast below which it isn't evened out.
const FLOOR: f32 = 0.2;

struct Gist {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Gist { id: SourceId::new("gist/1", "") })
}

impl Source for Gist {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        OCTAVES * DIRECTIONS * CELLS * CELLS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let mut plane = even_contrast(&forward.reduced(picture).grey());
        let mut side = SIDE;
        let mut gist = Vec::with_capacity(self.dims());
        for _ in 0..OCTAVES {
            gist.extend(gabor::magnitudes(&plane, side, DIRECTIONS).iter().flat_map(|plane| cells(plane, side)));
            plane = halved(&plane, side);
            side /= 2;
        }
        Ok(gist)
    }
}

fn even_contrast(grey: &[f32]) -> Vec<f32> {
    let taps = gaussian();
    let nearby = |plane: &[f32]| along_columns(&along_rows(plane, SIDE, &taps), SIDE, &taps);
    let mut plane: Vec<f32> = grey.iter().map(|g| (255.0 * g).ln_1p()).collect();
    let mean = nearby(&plane);
    plane.iter_mut().zip(mean).for_each(|(x, m)| *x -= m);
    let variance = nearby(&plane.iter().map(|x| x * x).collect::<Vec<_>>());
    plane.iter_mut().zip(variance).for_each(|(x, v)| *x /= FLOOR + v.sqrt());
    plane
}

fn gaussian() -> Vec<f32> {
    let weight = |i: usize| (-(i as f32 - NEARBY_RADIUS as f32).powi(2) / (2.0 * NEARBY * NEARBY)).exp();
    let weights: Vec<f32> = (0..=2 * NEARBY_RADIUS).map(weight).collect();
    let total: f32 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

/// The means of a plane's cells, row by row.
fn cells(plane: &[f32], side: usize) -> [f32; CELLS * CELLS] {
    let size = side / CELLS;
    let mut sums = [0.0; CELLS * CELLS];
    for (i, x) in plane.iter().enumerate() {
        sums[i / side / size * CELLS + i % side / size] += x;
    }
    sums.map(|sum| sum / (size * size) as f32)
}
