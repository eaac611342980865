//! A part of a picture that a person points at.

use super::Picture;

/// A rectangle in fractions of a picture's sides, 0 at the left and the top: the same part of it in any size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Region {
    /// `None` unless it lies within the picture and has an area. Where a sum is greater than 1 by rounding alone, it is
    /// taken as 1.
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Option<Self> {
        const ROUNDING: f64 = 1e-6;
        let is_within = |start: f64, length: f64| start >= 0.0 && length > 0.0 && start + length <= 1.0 + ROUNDING;
        (is_within(left, width) && is_within(top, height)).then_some(Self { left, top, width, height })
    }
}

impl Picture {
    /// The pixels that a region covers in the middle, at least one. They are a picture of their own.
    pub fn region(&self, region: Region) -> Self {
        let columns = covered(region.left, region.width, self.width);
        let rows = covered(region.top, region.height, self.height);
        self.crop(columns, rows)
    }
}

/// First pixel and number of pixels of a side.
fn covered(start: f64, length: f64, side: u32) -> (u32, u32) {
    let pixel = |fraction: f64| ((fraction * f64::from(side)).round() as u32).min(side);
    let first = pixel(start).min(side - 1);
    (first, pixel(start + length).saturating_sub(first).max(1))
}
