//! A picture in grey, as Pillow makes it.

use crate::picture::Picture;
use crate::resize::{Filter, pillow_grey};

/// One byte a pixel, row by row.
pub(super) struct Grey {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Grey {
    /// `convert("L")`: the luma of ITU-R BT.601 by weights in 1/65536.
    pub(super) fn new(picture: &Picture) -> Self {
        let luma = |&[r, g, b]: &[u8; 3]| {
            ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + (1 << 15)) >> 16) as u8
        };
        let pixels = picture.rgb().as_chunks().0.iter().map(luma).collect();
        Self { width: picture.width(), height: picture.height(), pixels }
    }

    pub(super) fn shorter_side(&self) -> usize {
        self.width.min(self.height) as usize
    }

    /// `resize((width, height), LANCZOS)`.
    pub(super) fn resized(&self, width: usize, height: usize) -> Vec<u8> {
        let (from, to) = ((self.width, self.height), (width as u32, height as u32));
        pillow_grey(&self.pixels, from, to, Filter::Lanczos)
    }
}
