//! Samples of any kind to RGB of 8 bits, and pictures turned upright.

use super::PictureError;
use image::ColorType;
use image::metadata::Orientation;

/// What stands where a damaged picture has no pixels: mid grey.
pub(super) const NOTHING: u8 = 128;

/// Bytes a pixel that [`to_rgb`] holds beside the samples, at most. Wider samples are narrowed in their own buffer.
pub(super) const CONVERTING_BYTES: u64 = 3;

/// How 16 bits become 8. OpenCV, whose pixels ours shall equal, does it in two ways.
#[derive(Debug, Clone, Copy)]
pub(super) enum Narrowing {
    /// The upper byte, as for PNG.
    UpperByte,
    /// The nearest level, as libtiff does.
    Nearest,
}

impl Narrowing {
    fn apply(self, samples: Vec<u8>) -> Vec<u8> {
        narrow(samples, |[low, high]: [u8; 2]| {
            let wide = u16::from_ne_bytes([low, high]);
            match self {
                Self::UpperByte => (wide >> 8) as u8,
                Self::Nearest => ((u32::from(wide) + 128) / 257) as u8,
            }
        })
    }
}

/// Makes one byte of each `N`, in place: a second buffer would double what a hostile picture can take.
fn narrow<const N: usize>(mut samples: Vec<u8>, level: impl Fn([u8; N]) -> u8) -> Vec<u8> {
    let count = samples.len() / N;
    for i in 0..count {
        let sample = std::array::from_fn(|byte| samples[i * N + byte]);
        samples[i] = level(sample);
    }
    samples.truncate(count);
    samples
}

/// A decoder's output, `color` samples in native byte order, as RGB.
pub(super) fn to_rgb(samples: Vec<u8>, color: ColorType, narrowing: Narrowing) -> Result<Vec<u8>, PictureError> {
    let (samples, color) = match color {
        ColorType::L16 => (narrowing.apply(samples), ColorType::L8),
        ColorType::La16 => (narrowing.apply(samples), ColorType::La8),
        ColorType::Rgb16 => (narrowing.apply(samples), ColorType::Rgb8),
        ColorType::Rgba16 => (narrowing.apply(samples), ColorType::Rgba8),
        ColorType::Rgb32F => (from_floats(samples), ColorType::Rgb8),
        ColorType::Rgba32F => (from_floats(samples), ColorType::Rgba8),
        narrow => (samples, narrow),
    };
    Ok(match color {
        ColorType::Rgb8 => {
            let mut samples = samples;
            samples.shrink_to_fit(); // it may have been narrowed
            samples
        }
        ColorType::L8 => samples.iter().flat_map(|&v| [v; 3]).collect(),
        ColorType::La8 => samples.chunks_exact(2).flat_map(|p| on_white([p[0]; 3], p[1])).collect(),
        ColorType::Rgba8 => samples.chunks_exact(4).flat_map(|p| on_white([p[0], p[1], p[2]], p[3])).collect(),
        other => return Err(PictureError::Unsupported { format: format!("{other:?}") }),
    })
}

/// 0..1 to 0..255; what lies outside (high dynamic range) is clamped, what is no number is black.
fn from_floats(samples: Vec<u8>) -> Vec<u8> {
    narrow(samples, |bytes: [u8; 4]| (f32::from_ne_bytes(bytes) * 255.0).round() as u8)
}

fn on_white(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    let alpha = u16::from(alpha);
    rgb.map(|c| ((u16::from(c) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

/// Applies an EXIF orientation. Returns width, height, pixels.
pub(super) fn upright(width: u32, height: u32, rgb: Vec<u8>, orientation: Orientation) -> (u32, u32, Vec<u8>) {
    let (w, h) = (width as usize, height as usize);
    let (turned_width, turned_height) = upright_size((width, height), orientation);
    if orientation == Orientation::NoTransforms {
        return (width, height, rgb);
    }
    let mut out = Vec::with_capacity(rgb.len());
    for y in 0..turned_height as usize {
        for x in 0..turned_width as usize {
            let (from_x, from_y) = match orientation {
                Orientation::NoTransforms => (x, y),
                Orientation::FlipHorizontal => (w - 1 - x, y),
                Orientation::Rotate180 => (w - 1 - x, h - 1 - y),
                Orientation::FlipVertical => (x, h - 1 - y),
                Orientation::Rotate90FlipH => (y, x),
                Orientation::Rotate90 => (y, h - 1 - x),
                Orientation::Rotate270FlipH => (w - 1 - y, h - 1 - x),
                Orientation::Rotate270 => (w - 1 - y, x),
            };
            let at = (from_y * w + from_x) * 3;
            out.extend_from_slice(&rgb[at..at + 3]);
        }
    }
    (turned_width, turned_height, out)
}

/// Width and height after an EXIF orientation was applied.
pub(super) fn upright_size((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    match orientation {
        Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}
