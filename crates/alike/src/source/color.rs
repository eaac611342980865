//! `color`: histograms in HSV over parts of the picture.
//!
//! Swain and Ballard, Color Indexing, IJCV 1991, in the HSV space of Smith, Color Gamut Transform Pairs, SIGGRAPH 1978;
//! square-rooted, so that the dot product is the Bhattacharyya coefficient. A histogram has 5 bins of value for greys
//! and 16 hues x 4 saturations x 5 values for colours; a pixel is shared among its neighbouring bins in proportion, so
//! that a slight change of light moves little.

use super::colorspace::hsv;
use super::pyramid::{self, shares};
use super::{Forward, Source, SourceError, SourceId, reduce};
use crate::picture::Picture;
use std::sync::Arc;

const HUES: usize = 16;
const SATURATIONS: usize = 4;
const VALUES: usize = 5;
const BINS: usize = VALUES * (1 + HUES * SATURATIONS);
type Histogram = [f32; BINS];

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
        pyramid::PARTS * BINS
    }

    fn least(&self) -> Option<u32> {
        reduce::LEAST
    }

    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        Ok(pyramid::histograms(forward.reduced(picture), |histogram, pixel| count(histogram, hsv(pixel))))
    }
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
