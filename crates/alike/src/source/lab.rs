//! `lab`: histograms in CIE L*a*b*, where distances are about as large as they look, over parts of the picture.
//!
//! Swain and Ballard, Color Indexing, IJCV 1991, in the space of CIE 15:2004 under D65; square-rooted, so that the dot product
//! is the Bhattacharyya coefficient. A histogram has 5 levels of L* x 8 of a* x 8 of b*, the latter from -64 to 64 with what
//! lies beyond; a pixel is shared among its neighbouring bins in proportion. Parts are those of `color`.

use super::colorspace::lab;
use super::pyramid::{self, shares};
use super::{Forward, Source, SourceError, SourceId, reduce};
use crate::picture::Picture;
use std::sync::Arc;

const LEVELS: usize = 5;
const HUES: usize = 8;
const BINS: usize = LEVELS * HUES * HUES;
/// Beyond it colours of pictures are rare.
const FARTHEST: f32 = 64.0;

struct Lab {
    id: SourceId,
}

pub(super) fn build() -> Arc<dyn Source> {
    Arc::new(Lab { id: SourceId::new("lab/1", "") })
}

impl Source for Lab {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        pyramid::PARTS * BINS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        Ok(pyramid::histograms(forward.reduced(picture), |histogram, pixel| count(histogram, lab(pixel))))
    }
}

/// Shares one pixel among two levels of each number.
fn count(histogram: &mut [f32; BINS], [light, a, b]: [f32; 3]) {
    let level = |x: f32, levels: usize| shares(x.clamp(0.0, 1.0) * (levels - 1) as f32);
    let hue = |x: f32| level((x + FARTHEST) / (2.0 * FARTHEST), HUES);
    let (a, b) = (hue(a), hue(b));
    for (light, l) in level(light / 100.0, LEVELS) {
        for (a, share) in a {
            for (b, last) in b {
                // The level beyond the last has a share of 0.
                let bin = (light.min(LEVELS - 1) * HUES + a.min(HUES - 1)) * HUES + b.min(HUES - 1);
                histogram[bin] += l * share * last;
            }
        }
    }
}
