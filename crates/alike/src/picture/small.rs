//! Small pictures for people: no numbers depend on how these are made.

use super::Picture;
use image::codecs::jpeg::JpegEncoder;
use image::flat::{FlatSamples, SampleLayout};
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder, ImageResult, Rgb};

/// Of JPEGs: what looks right on a screen.
const QUALITY: u8 = 85;

/// Pixels that are filtered in one direction, at most.
const MOST_FILTERED: u64 = 16 << 20;

impl Picture {
    /// Made smaller to fit into a box where it is larger, in its own proportions, at least one pixel long and wide.
    #[must_use]
    pub fn fitted(&self, width: u32, height: u32) -> Self {
        let scale = (f64::from(width) / f64::from(self.width)).min(f64::from(height) / f64::from(self.height));
        if scale >= 1.0 {
            return self.clone();
        }
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let layout = SampleLayout::row_major_packed(3, self.width, self.height);
        let samples = FlatSamples { samples: &*self.rgb, layout, color_hint: None };
        let Ok(view) = samples.as_view::<Rgb<u8>>() else { return self.clone() };
        // The filter holds 16 bytes for each of the picture's columns or rows: of a large one boxes of pixels will do.
        let is_large = u64::from(self.width) * u64::from(height) > MOST_FILTERED;
        let small = if is_large {
            imageops::thumbnail(&view, width, height)
        } else {
            imageops::resize(&view, width, height, FilterType::CatmullRom)
        };
        self.with_pixels(width, height, small.into_raw())
    }

    /// As a JPEG file.
    pub fn to_jpeg(&self) -> ImageResult<Vec<u8>> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        encoder.write_image(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }
}
