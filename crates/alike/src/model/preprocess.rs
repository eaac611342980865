//! From a picture to the network's input, as the manifest says.

use super::ModelError;
use super::manifest::{Channels, Input, Resize, Scale, ShortestEdge};
use crate::picture::Picture;
use crate::resize;
use std::borrow::Cow;

/// Pixels that an intermediate picture may have: a shortest edge of 256 allows a ratio of 1 to 1000.
const MAX_RESIZED_PIXELS: u64 = 1 << 26;

/// Where the input's rectangle lies in the resized picture.
#[derive(Debug, PartialEq, Eq)]
struct Crop {
    left: u32,
    top: u32,
}

/// A rectangle of a picture, in shares of its width and height, each in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// From the left edge.
    pub left: f64,
    /// From the upper edge.
    pub top: f64,
    /// 1 where nothing is cropped off.
    pub width: f64,
    /// 1 where nothing is cropped off.
    pub height: f64,
}

/// What is left of a picture of this size when it has been resized and cropped.
pub(crate) fn seen(width: u32, height: u32, input: &Input) -> Seen {
    let (width, height) = resized_size(width, height, input);
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    Seen {
        left: share(centre(width, input.width), width),
        top: share(centre(height, input.height), height),
        width: share(input.width, width),
        height: share(input.height, height),
    }
}

/// See [`Model::least`](super::Model::least).
pub(crate) fn least(input: &Input) -> u32 {
    let looked_at = match input.resize {
        Resize::Stretch => input.width.max(input.height),
        Resize::ShortestEdge(ShortestEdge { shortest_edge, .. }) => shortest_edge,
    };
    looked_at.saturating_mul(3).div_ceil(2)
}

/// Fills `tensor`, `3 * height * width` values, channel by channel, with the picture.
pub(crate) fn fill(tensor: &mut [f32], picture: &Picture, input: &Input) -> Result<(), ModelError> {
    let (resized, crop) = resized(picture, input)?;
    let tables = tables(input);
    let (width, area) = (input.width as usize, input.width as usize * input.height as usize);
    let stride = resized.width() as usize * 3;
    let rows = resized.rgb().chunks_exact(stride).skip(crop.top as usize).take(input.height as usize);
    for (y, row) in rows.enumerate() {
        let pixels = &row[crop.left as usize * 3..][..width * 3];
        for (channel, plane) in tensor.chunks_exact_mut(area).enumerate() {
            let from = source_channel(input.channels, channel);
            let table = &tables[channel];
            for (value, pixel) in plane[y * width..][..width].iter_mut().zip(pixels.chunks_exact(3)) {
                *value = table[usize::from(pixel[from])];
            }
        }
    }
    Ok(())
}

fn source_channel(channels: Channels, plane: usize) -> usize {
    match channels {
        Channels::Rgb => plane,
        Channels::Bgr => 2 - plane,
    }
}

/// What each level becomes, per plane: 256 values are cheaper to make than every pixel's.
fn tables(input: &Input) -> [[f32; 256]; 3] {
    let divisor = if input.scale == Scale::Unit { 255.0 } else { 1.0 };
    std::array::from_fn(|c| std::array::from_fn(|level| (level as f32 / divisor - input.mean[c]) / input.std[c]))
}

fn resized<'a>(picture: &'a Picture, input: &Input) -> Result<(Cow<'a, Picture>, Crop), ModelError> {
    let (width, height) = resized_size(picture.width(), picture.height(), input);
    if u64::from(width) * u64::from(height) > MAX_RESIZED_PIXELS {
        return Err(ModelError::TooElongated { width: picture.width(), height: picture.height() });
    }
    let crop = Crop { left: centre(width, input.width), top: centre(height, input.height) };
    if (picture.width(), picture.height()) == (width, height) {
        return Ok((Cow::Borrowed(picture), crop));
    }
    let picture = match input.resize {
        Resize::Stretch => resize::opencv_bilinear(picture, width, height),
        Resize::ShortestEdge(edge) => resize::pillow(picture, width, height, edge.filter),
    };
    Ok((Cow::Owned(picture), crop))
}

fn resized_size(width: u32, height: u32, input: &Input) -> (u32, u32) {
    match input.resize {
        Resize::Stretch => (input.width, input.height),
        Resize::ShortestEdge(ShortestEdge { shortest_edge, .. }) => shortest_edge_size(width, height, shortest_edge),
    }
}

/// torchvision's `Resize(edge)`: the longer side is rounded down.
fn shortest_edge_size(width: u32, height: u32, edge: u32) -> (u32, u32) {
    let longer =
        |long: u32, short: u32| u32::try_from(u64::from(edge) * u64::from(long) / u64::from(short)).unwrap_or(u32::MAX);
    if width <= height { (edge, longer(height, width)) } else { (longer(width, height), edge) }
}

/// torchvision's `CenterCrop`: `int(round((size - crop) / 2.0))`, where Python rounds a half to even.
fn centre(size: u32, crop: u32) -> u32 {
    (f64::from(size - crop) / 2.0).round_ties_even() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out by hand from torchvision's two formulas, with halves on both sides of an even number.
    #[test]
    fn sizes_and_offsets_are_torchvisions() {
        assert_eq!(shortest_edge_size(500, 375, 256), (341, 256));
        assert_eq!(shortest_edge_size(375, 500, 256), (256, 341));
        assert_eq!(shortest_edge_size(3, 2, 255), (382, 255));
        assert_eq!(centre(341, 224), 58);
        assert_eq!(centre(229, 224), 2);
        assert_eq!(centre(231, 224), 4);
    }
}
