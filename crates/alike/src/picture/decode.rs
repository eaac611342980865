//! The decoders behind one door: what a picture will cost is known before it is decoded, and none of them can bring the
//! process down.

use super::budget::Share;
use super::format::{Format, description, sniff};
use super::pixels::Narrowing;
use super::{DecodeOptions, Picture, PictureError, jpeg, pixels};
use image::codecs::{bmp, gif, png, pnm, qoi, tga, tiff, webp};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat};
use std::cell::Cell;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the metadata of a PNG may take.
const METADATA_BYTES: u64 = 64 << 20;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a decoder. Panics there are caught and become [`PictureError::Damaged`]; a program's
/// panic hook can ask, and need not print what nobody has to know.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Pixels as they are stored, not yet upright.
pub(super) struct Decoded {
    /// Width and height in the file.
    pub(super) full_size: (u32, u32),
    /// What these are divided by, rounded up.
    pub(super) reduction: u32,
    pub(super) rgb: Vec<u8>,
    pub(super) orientation: Orientation,
    pub(super) partial: bool,
}

/// What a picture will cost, from its header.
pub(super) struct Cost {
    /// Width and height in the file.
    pub(super) full_size: (u32, u32),
    /// What these are divided by, rounded up.
    pub(super) reduction: u32,
    /// Bytes at the worst moment until there is RGB.
    pub(super) decoding_bytes: u64,
    pub(super) orientation: Orientation,
}

/// Width and height after a reduction.
fn reduced((width, height): (u32, u32), reduction: u32) -> (u32, u32) {
    (width.div_ceil(reduction), height.div_ceil(reduction))
}

pub(super) fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

impl Cost {
    /// Bytes at the worst moment: until there is RGB, or while turning it upright.
    fn bytes(&self) -> u64 {
        let turning = if self.orientation == Orientation::NoTransforms { 0 } else { 3 + 3 };
        let pixels = area(reduced(self.full_size, self.reduction));
        self.decoding_bytes.max(pixels.saturating_mul(turning))
    }

    /// Refuses what is over the limits, and waits for a share of the budget.
    pub(super) fn check<'a>(&self, options: &'a DecodeOptions) -> Result<Option<Share<'a>>, PictureError> {
        let (max_pixels, max_bytes) = (options.limits.max_pixels, options.limits.max_bytes);
        let (width, height) = self.full_size;
        if area(self.full_size) == 0 {
            return Err(PictureError::Damaged { reason: format!("{width} x {height} pixels") });
        }
        if area(self.full_size) > max_pixels {
            return Err(PictureError::TooManyPixels { width, height, max_pixels });
        }
        if self.bytes() > max_bytes {
            return Err(PictureError::TooMuchMemory { bytes: self.bytes(), max_bytes });
        }
        Ok(options.budget.as_ref().map(|budget| budget.take(self.bytes())))
    }
}

/// As [`Picture::decode_at_least`], into the memory of `spare` where that can be.
pub(super) fn decode(
    bytes: &[u8],
    extension: Option<&str>,
    least: Option<u32>,
    options: &DecodeOptions,
    spare: Vec<u8>,
) -> Result<Picture, PictureError> {
    if bytes.len() as u64 > options.limits.max_bytes {
        return Err(PictureError::TooMuchMemory { bytes: bytes.len() as u64, max_bytes: options.limits.max_bytes });
    }
    let format = sniff(bytes, extension).ok_or_else(|| PictureError::NotAPicture { got: description(bytes) })?;
    let Decoded { full_size, reduction, rgb, orientation, partial } = caught(|| match format {
        Format::Jpeg => jpeg::decode(bytes, least, options, spare),
        Format::Other(format) => decode_other(bytes, format, options),
        #[cfg(feature = "heif")]
        Format::Heif(format) => super::heif::decode(bytes, format, options),
        #[cfg(not(feature = "heif"))]
        Format::Heif(format) => Err(PictureError::NeedsHeif { format }),
        Format::Unsupported(format) => Err(PictureError::Unsupported { format: format.to_owned() }),
    })?;
    let (width, height) = reduced(full_size, reduction);
    let (width, height, rgb) = pixels::upright(width, height, rgb, orientation);
    let full_size = pixels::upright_size(full_size, orientation);
    Ok(Picture { width, height, rgb, partial, full_size, reduction, reducible: format == Format::Jpeg })
}

/// A decoder that panics on a hostile file has found a bug of its own, not a reason to end a run over thousands.
fn caught<T>(decode: impl FnOnce() -> Result<T, PictureError>) -> Result<T, PictureError> {
    DECODING.set(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(false);
    decoded.unwrap_or_else(|_| Err(PictureError::Damaged { reason: "the decoder gave up on it".to_owned() }))
}

/// Decoders of the `image` crate, with the bytes a pixel that each holds beside its output.
fn decode_other(bytes: &[u8], format: ImageFormat, options: &DecodeOptions) -> Result<Decoded, PictureError> {
    let input = Cursor::new(bytes);
    let options = Reading { options, format };
    match format {
        ImageFormat::Png => {
            // Colour profiles and texts are inflated while the header is read.
            let mut limits = image::Limits::no_limits();
            limits.max_alloc = Some(options.options.limits.max_bytes.min(METADATA_BYTES));
            read(png::PngDecoder::with_limits(input, limits), 0, &options)
        }
        // Beside the canvas, the frame that is drawn onto it.
        ImageFormat::Gif => read(gif::GifDecoder::new(input), 4, &options),
        ImageFormat::WebP => read(webp::WebPDecoder::new(input), 4, &options),
        ImageFormat::Bmp => read(bmp::BmpDecoder::new(input), 0, &options),
        ImageFormat::Tiff => read(tiff::TiffDecoder::new(input), 4, &options),
        ImageFormat::Pnm => read(pnm::PnmDecoder::new(input), 0, &options),
        ImageFormat::Qoi => read(qoi::QoiDecoder::new(input), 4, &options),
        ImageFormat::Tga => read(tga::TgaDecoder::new(input), 4, &options),
        other => Err(PictureError::Unsupported { format: format!("{other:?}") }),
    }
}

struct Reading<'a> {
    options: &'a DecodeOptions,
    format: ImageFormat,
}

fn read<D: ImageDecoder>(
    decoder: image::ImageResult<D>,
    decoder_bytes: u64,
    &Reading { options, format }: &Reading<'_>,
) -> Result<Decoded, PictureError> {
    let mut decoder = decoder.map_err(refused)?;
    let full_size = decoder.dimensions();
    let color = decoder.color_type();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let output_bytes = u64::from(color.bytes_per_pixel());
    let converting_bytes = if color == ColorType::Rgb8 { 0 } else { pixels::CONVERTING_BYTES };
    let decoding_bytes = area(full_size).saturating_mul(output_bytes + decoder_bytes.max(converting_bytes));
    let cost = Cost { full_size, reduction: 1, decoding_bytes, orientation };
    let _share = cost.check(options)?;
    let mut limits = image::Limits::no_limits();
    // TIFF counts the output as part of it. A frame of a GIF may be larger than the canvas that the cost is taken from.
    let beside = if format == ImageFormat::Tiff { 0 } else { decoder.total_bytes() };
    limits.max_alloc = Some(options.limits.max_bytes.saturating_sub(beside));
    decoder.set_limits(limits).map_err(refused)?;
    let mut samples = vec![pixels::NOTHING; decoder.total_bytes() as usize];
    let partial = match decoder.read_image(&mut samples) {
        Ok(()) => false,
        Err(_) if options.lenient && samples.iter().any(|&sample| sample != pixels::NOTHING) => true,
        Err(error) => return Err(refused(error)),
    };
    let narrowing = if format == ImageFormat::Tiff { Narrowing::Nearest } else { Narrowing::UpperByte };
    let rgb = pixels::to_rgb(samples, color, narrowing)?;
    Ok(Decoded { full_size, reduction: 1, rgb, orientation, partial })
}

fn refused(error: ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(error) => PictureError::Unsupported { format: error.to_string() },
        error => PictureError::Damaged { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No file is known on which a decoder panics, so here is one that does.
    #[test]
    fn a_panic_of_a_decoder_is_caught_and_known_for_one_while_it_lasts() {
        let mut told = false;
        let result: Result<(), _> = caught(|| {
            told = is_decoding();
            panic!("an index out of bounds");
        });
        assert!(matches!(result, Err(PictureError::Damaged { .. })));
        assert!(told && !is_decoding());
    }
}
