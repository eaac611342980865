//! From a picture to the network's input, as the manifest says.

use super::manifest::{Channels, Input, Resize, Scale, ShortestEdge};
use crate::picture::Picture;
use crate::resize::{self, Bilinear, Filter, Part};
use pulp::{Arch, Simd, WithSimd};

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

/// Makes pictures the input of a network, and keeps what the next one needs, too.
pub(super) struct Preprocessor {
    pub(super) input: Input,
    /// For the size of the last picture that was stretched.
    bilinear: Option<Bilinear>,
}

impl Preprocessor {
    pub(super) fn new(input: Input) -> Self {
        Self { input, bilinear: None }
    }

    /// Fills `tensor`, `3 * height * width` values, channel by channel, with the picture.
    pub(super) fn fill(&mut self, tensor: &mut [f32], picture: &Picture) {
        match self.input.resize {
            Resize::Stretch => self.stretch(tensor, picture),
            Resize::ShortestEdge(edge) => self.crop(tensor, picture, edge.filter),
        }
    }

    fn stretch(&mut self, tensor: &mut [f32], picture: &Picture) {
        let (from, to) = ((picture.width(), picture.height()), (self.input.width, self.input.height));
        let kept = self.bilinear.take().filter(|bilinear| bilinear.is_for(from, to));
        let bilinear = self.bilinear.insert(kept.unwrap_or_else(|| Bilinear::new(from, to)));
        bilinear.each_row(picture, |y, levels| fill_row(tensor, y, levels, &self.input));
    }

    /// Resizes no more than the centre that is wanted, so that it doesn't matter how elongated a picture is.
    fn crop(&self, tensor: &mut [f32], picture: &Picture, filter: Filter) {
        let (width, height) = resized_size(picture.width(), picture.height(), &self.input);
        let (left, top) = (centre(width, self.input.width), centre(height, self.input.height));
        let part = Part { left, top, width: self.input.width, height: self.input.height };
        let levels = resize::pillow_part(picture, (width, height), part, filter);
        for (y, row) in levels.chunks_exact(self.input.width as usize * 3).enumerate() {
            fill_row(tensor, y, resize::planes(row), &self.input);
        }
    }
}

/// `levels`: of red, green and blue.
fn fill_row(tensor: &mut [f32], y: usize, levels: [&[u8]; 3], input: &Input) {
    let (width, area) = (input.width as usize, input.width as usize * input.height as usize);
    for (channel, plane) in tensor.chunks_exact_mut(area).enumerate() {
        let values = &mut plane[y * width..][..width];
        let levels = levels[source_channel(input.channels, channel)];
        let factors = if input.scale == Scale::Unit { INVERSE_OF_255 } else { [1.0, 0.0] };
        Arch::new().dispatch(Normalise { levels, values, factors, mean: input.mean[channel], std: input.std[channel] });
    }
}

fn source_channel(channels: Channels, plane: usize) -> usize {
    match channels {
        Channels::Rgb => plane,
        Channels::Bgr => 2 - plane,
    }
}

/// 1/255 in two parts. A level times the first is exact, so that the sum of both products is rounded once, to what a
/// division by 255 gives, for all 256 levels and in less time.
const INVERSE_OF_255: [f32; 2] = [257.0 / 65_536.0, 1.0 / 255.0 / 65_536.0];

/// One channel of a row.
struct Normalise<'a> {
    levels: &'a [u8],
    values: &'a mut [f32],
    /// Whose sum the levels are multiplied by.
    factors: [f32; 2],
    mean: f32,
    std: f32,
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    /// To the numbers of numpy and torchvision, bit by bit.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [first, second] = self.factors;
        for (value, &level) in self.values.iter_mut().zip(self.levels) {
            let level = f32::from(level);
            *value = (level * first + level * second - self.mean) / self.std;
        }
    }
}

fn resized_size(width: u32, height: u32, input: &Input) -> (u32, u32) {
    match input.resize {
        Resize::Stretch => (input.width, input.height),
        Resize::ShortestEdge(ShortestEdge { shortest_edge, .. }) => shortest_edge_size(width, height, shortest_edge),
    }
}

/// torchvision's `Resize(edge)`: the longer side is rounded down. One that no `u32` holds, of a picture millions of times as
/// long as wide, is cut short.
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
