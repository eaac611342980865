//! `texture`: fine patterns by local binary patterns, coarse ones by Gabor energies; both stay when the picture is turned.
//!
//! - Uniform rotation-invariant patterns of 8 points at radius 1 and radius 3, each counted together with the variance of
//!   its points (Ojala, Pietikäinen and Mäenpää, Multiresolution gray-scale and rotation invariant texture
//!   classification with local binary patterns, PAMI 2002): 10 patterns x 7 variances, over the whole picture and over
//!   its four quarters, square-rooted. In grey, red-green and yellow-blue (as Mäenpää and Pietikäinen, Classification
//!   with color and texture: jointly or separately?, Pattern Recognition 2004, compare).
//! - Mean and standard deviation of the magnitudes of Gabor filters (Manjunath and Ma, Texture features for browsing and
//!   retrieval of image data, PAMI 1996) in 4 directions and 3 octaves; the directions of an octave are put in order of
//!   strength instead of angle. Divided by their sum, so that contrast drops out, and square-rooted.

mod energies;
mod lbp;

use super::{Forward, Source, SourceError, SourceId, reduce};
use crate::picture::Picture;
use std::sync::Arc;

/// The energies' part of the result; the patterns have the rest.
const GABOR_WEIGHT: f32 = 0.3;

struct Texture {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Texture { id: SourceId::new("texture/2", "") })
}

impl Source for Texture {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        lbp::DIMS + energies::DIMS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let channels = forward.reduced(picture).opponents();
        let patterns = lbp::histograms(&channels).into_iter().map(|n| (n * (1.0 - GABOR_WEIGHT)).sqrt());
        let energies = energies::energies(&channels[0]).into_iter().map(|e| (e * GABOR_WEIGHT).sqrt());
        Ok(patterns.chain(energies).collect())
    }
}
