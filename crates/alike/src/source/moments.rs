//! `moments`: colour moments.
//!
//! Stricker and Orengo, Similarity of color images, SPIE Storage and Retrieval for Image and Video Databases 1995: of
//! each channel the mean, the standard deviation and the cube root of the third central moment, here of L*, a* and b*
//! over 100, in each of 4 x 4 parts. The means are mostly those of any picture: `moments | center` tells more apart.

use super::colorspace::lab;
use super::reduce::{self, Reduced, SIDE};
use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use std::sync::Arc;

const PARTS: usize = 4;
const SIZE: usize = SIDE / PARTS;
const CHANNELS: usize = 3;

struct Moments {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Moments { id: SourceId::new("moments/1", "") })
}

impl Source for Moments {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        PARTS * PARTS * CHANNELS * 3
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let parts = parts(forward.reduced(picture));
        Ok(parts.iter().flat_map(|part| (0..CHANNELS).flat_map(|channel| moments(part, channel))).collect())
    }
}

/// The pixels of each part, row by row.
fn parts(picture: &Reduced) -> Vec<Vec<[f32; CHANNELS]>> {
    let mut parts = vec![Vec::new(); PARTS * PARTS];
    for (i, pixel) in picture.pixels.iter().enumerate() {
        let (x, y) = (i % SIDE, i / SIDE);
        parts[y / SIZE * PARTS + x / SIZE].push(lab(*pixel).map(|v| v / 100.0));
    }
    parts
}

fn moments(part: &[[f32; CHANNELS]], channel: usize) -> [f32; 3] {
    let mean_of = |power: i32, from: f32| {
        part.iter().map(|pixel| (pixel[channel] - from).powi(power)).sum::<f32>() / part.len() as f32
    };
    let mean = mean_of(1, 0.0);
    [mean, mean_of(2, mean).sqrt(), mean_of(3, mean).cbrt()]
}
