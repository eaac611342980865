//! JPEG, by zune-jpeg directly: its strict mode tells damage, which the `image` crate's wrapper hides. Pictures whose
//! chroma was stored at half size go through jpeg-decoder, which brings it back as libjpeg-turbo does, the decoder of
//! OpenCV and Pillow: in one step for both axes, rounded once. zune-jpeg rounds after each axis; over a whole picture a
//! network sees that (cosine of features .99986 in the middle, against .99996).

use super::decode::{Cost, Decoded};
use super::pixels;
use super::{DecodeOptions, PictureError};
use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

/// Every JPEG ends with this marker.
const END_OF_IMAGE: &[u8] = b"\xff\xd9";

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Decoded, PictureError> {
    let mut decoder = decoder(bytes, true);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| damaged_because("no frame header"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let cost = Cost {
        width,
        height,
        // Progressive pictures, and others whose components come one after the other, keep all their coefficients,
        // 16 bits each, until the last scan; half-sized chroma and luma are planes of their own at first.
        decoder_bytes: if info.sof.is_sequential_dct() && is_one_scan(bytes, info.components) {
            2
        } else {
            u64::from(info.components) * 2 + 2
        },
        output_bytes: 3,
        orientation,
    };
    let _share = cost.check(options)?;
    let (rgb, partial) = match decode_strictly(bytes, &mut decoder, &cost) {
        Ok(rgb) => (rgb, false),
        Err(error) if !options.lenient => return Err(error),
        Err(error) => (decode_leniently(bytes, &cost, error)?, true),
    };
    Ok(Decoded { width, height, rgb, orientation, partial })
}

fn decode_strictly(bytes: &[u8], decoder: &mut Decoder<'_>, cost: &Cost) -> Result<Vec<u8>, PictureError> {
    let rgb = if decoder.input_colorspace() == Some(ColorSpace::YCbCr) && has_half_chroma(bytes) {
        jpeg_decoder::Decoder::new(bytes).decode().map_err(|error| damaged_because(&error.to_string()))?
    } else {
        let mut rgb = vec![pixels::NOTHING; cost.pixels() as usize * 3];
        decoder.decode_into(&mut rgb).map_err(damaged)?;
        rgb
    };
    if rgb.len() as u64 != cost.pixels() * 3 {
        return Err(damaged_because("the picture has another size than its header says"));
    }
    missing_end(bytes).map_or(Ok(rgb), |why| Err(damaged_because(why)))
}

/// Whether chroma was stored at half its width, height or both, from the frame header.
fn has_half_chroma(bytes: &[u8]) -> bool {
    // SOF0 to SOF15, less those markers of the range that define tables.
    let is_frame = |marker| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    // Precision, height, width, then for each of the components: name, sampling factors, quantisation table.
    match segment(bytes, is_frame) {
        Some(&[_, _, _, _, _, 3, _, luma, _, _, blue, _, _, red, _, ..]) => {
            matches!(luma, 0x22 | 0x21 | 0x12) && (blue, red) == (0x11, 0x11)
        }
        _ => false,
    }
}

/// Where the first scan's header begins, behind its marker and length: with the number of its components.
fn first_scan(bytes: &[u8]) -> Option<&[u8]> {
    const START_OF_SCAN: u8 = 0xda;
    segment(bytes, |marker| marker == START_OF_SCAN)
}

/// The content of the first segment with such a marker, and all that follows.
fn segment(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        let &[0xff, marker, high, low, ..] = rest else { return None };
        rest = match marker {
            _ if wanted(marker) => return rest.get(4..),
            0xff => &rest[1..], // a fill byte
            _ => rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?,
        };
    }
}

/// Whether the first scan holds all components. Says no where in doubt.
fn is_one_scan(bytes: &[u8], components: u8) -> bool {
    first_scan(bytes).and_then(<[u8]>::first) == Some(&components)
}

/// Strict mode accepts a picture whose entropy-coded data break off exactly between two blocks. The search begins behind
/// the metadata, where a thumbnail has an end of its own.
fn missing_end(bytes: &[u8]) -> Option<&'static str> {
    let scans = first_scan(bytes).unwrap_or(bytes);
    let found = scans.windows(END_OF_IMAGE.len()).any(|window| window == END_OF_IMAGE);
    (!found).then_some("the end of the image is missing")
}

fn decode_leniently(bytes: &[u8], cost: &Cost, strict: PictureError) -> Result<Vec<u8>, PictureError> {
    let mut rgb = vec![pixels::NOTHING; cost.pixels() as usize * 3];
    let kept = decoder(bytes, false).decode_into(&mut rgb).is_ok() || rgb.iter().any(|&v| v != pixels::NOTHING);
    if kept { Ok(rgb) } else { Err(strict) }
}

type Decoder<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn decoder(bytes: &[u8], strict: bool) -> Decoder<'_> {
    // The size is limited by `Cost::check`, where the caller can set it.
    let options =
        DecoderOptions::default().set_strict_mode(strict).set_max_width(usize::MAX).set_max_height(usize::MAX);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options.jpeg_set_out_colorspace(ColorSpace::RGB))
}

fn damaged(error: DecodeErrors) -> PictureError {
    match error {
        DecodeErrors::Unsupported(scheme) => PictureError::Unsupported { format: format!("JPEG ({scheme:?})") },
        error => damaged_because(&format!("{error:?}")),
    }
}

fn damaged_because(reason: &str) -> PictureError {
    PictureError::Damaged { reason: reason.trim().trim_end_matches('.').to_owned() }
}
