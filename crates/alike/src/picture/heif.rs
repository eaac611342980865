//! HEIC and AVIF, by the system's libheif, in builds with the feature `heif`.

use super::decode::{Cost, Decoded, area};
use super::pixels::{self, Narrowing};
use super::{DecodeOptions, PictureError};
use image::ColorType;
use image::metadata::Orientation;
use libheif_rs::{ColorSpace, HeifContext, HeifError, HeifErrorCode, LibHeif, RgbChroma};
use std::sync::OnceLock;

/// Loads the codecs that are plugins, once: unloading them while another worker decodes is asking for trouble.
fn library() -> &'static LibHeif {
    static LIBRARY: OnceLock<LibHeif> = OnceLock::new();
    LIBRARY.get_or_init(LibHeif::new)
}

pub(super) fn decode(bytes: &[u8], format: &str, options: &DecodeOptions) -> Result<Decoded, PictureError> {
    let refused = |error| refused(error, format);
    let library = library();
    let context = HeifContext::read_from_bytes(bytes).map_err(refused)?;
    let handle = context.primary_image_handle().map_err(refused)?;
    let (width, height) = (handle.width(), handle.height());
    let (color, chroma) = if handle.has_alpha_channel() {
        (ColorType::Rgba8, RgbChroma::Rgba)
    } else {
        (ColorType::Rgb8, RgbChroma::Rgb)
    };
    let channels = u64::from(color.channel_count());
    let sample_bytes = if handle.luma_bits_per_pixel() > 8 { 2 } else { 1 };
    let cost = Cost {
        full_size: (width, height),
        reduction: 1,
        // The codec's planes, their copy turned upright, their conversion to 8 bits interleaved, and the output. The size is
        // that of the container; a codec's data that contradict it are held to libheif's own limit.
        decoding_bytes: area((width, height)).saturating_mul(channels * sample_bytes * 2 + channels + channels),
        // Turned by libheif, as boxes of the file say. Exif repeats that, for programs that don't read these boxes.
        orientation: Orientation::NoTransforms,
    };
    let _share = cost.check(options)?;
    // Without options: this version of the binding would free them before they are used.
    let image = library.decode(&handle, ColorSpace::Rgb(chroma), None).map_err(refused)?;
    let plane = image.planes().interleaved.ok_or_else(|| damaged("no pixels came out"))?;
    if (plane.width, plane.height) != (width, height) {
        return Err(damaged("the picture has another size than its header says"));
    }
    let row_bytes = width as usize * channels as usize;
    let rows = plane.data.chunks_exact(plane.stride).map(|row| &row[..row_bytes]);
    let mut samples = rows.collect::<Vec<_>>().concat();
    if color == ColorType::Rgba8 && image.is_premultiplied_alpha() {
        samples.as_chunks_mut::<4>().0.iter_mut().for_each(divide_by_alpha);
    }
    let rgb = pixels::to_rgb(samples, color, Narrowing::UpperByte)?;
    Ok(Decoded { full_size: cost.full_size, reduction: 1, rgb, orientation: cost.orientation, partial: false })
}

/// Colours as they were before they were multiplied by alpha.
fn divide_by_alpha(pixel: &mut [u8; 4]) {
    let alpha = u32::from(pixel[3]).max(1);
    for color in &mut pixel[..3] {
        *color = ((u32::from(*color) * 255 + alpha / 2) / alpha).min(255) as u8;
    }
}

fn refused(error: HeifError, format: &str) -> PictureError {
    match error.code {
        HeifErrorCode::UnsupportedFileType | HeifErrorCode::UnsupportedFeature | HeifErrorCode::PluginLoadingError => {
            PictureError::Unsupported { format: format!("{format} ({})", error.message) }
        }
        _ => damaged(&error.message),
    }
}

fn damaged(reason: &str) -> PictureError {
    PictureError::Damaged { reason: reason.to_owned() }
}
