//! JPEG, by a port of libjpeg-turbo, so that pixels equal those of OpenCV, whose numbers ours are compared with: whole, or
//! reduced by the inverse transform.

mod memory;

use super::decode::{Cost, Decoded};
use super::{DecodeOptions, PictureError};
use image::metadata::Orientation;
use libjpeg_turbo_rs::decode::boundary::{MarkerBoundary, find_first_sos, scan_next_boundary};
use libjpeg_turbo_rs::{
    DecodeLimits, DecodeWarning, Decoder, FrameHeader, JpegError, PixelFormat, RestartResyncStrategy, ResyncAction,
    ScalingFactor,
};
use std::borrow::Cow;

/// Scans that a picture may have. An honest one has a dozen; each takes time for the whole picture, however few bytes
/// it has.
const MAX_SCANS: usize = 500;

/// The marker behind the last scan.
const END: [u8; 2] = [0xff, 0xd9];

/// 8, 4, 2 or 1: the most that the shorter side can be divided by, rounded down, and still be at least `least`.
pub(super) fn reduction((width, height): (u32, u32), least: Option<u32>) -> u32 {
    let serves = |reduction: &u32| least.is_some_and(|least| width.min(height) / reduction >= least);
    [8, 4, 2].into_iter().find(serves).unwrap_or(1)
}

/// Decodes into the memory of `spare`, where it is large enough.
pub(super) fn decode(
    bytes: &[u8],
    least: Option<u32>,
    options: &DecodeOptions,
    spare: Vec<u8>,
) -> Result<Decoded, PictureError> {
    let ended = is_ended(bytes);
    // Where the scans of a progressive picture break off, its header is not complete.
    let bytes = if options.lenient && !ended { Cow::Owned([bytes, &END].concat()) } else { Cow::Borrowed(bytes) };
    let decoder = open(&bytes).map_err(refused)?;
    let frame = decoder.header();
    check_supported(frame)?;
    let full_size = (u32::from(frame.width), u32::from(frame.height));
    let reduction = reduction(full_size, least);
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let decoding_bytes = memory::peak_bytes(&decoder, reduction);
    let cost = Cost { full_size, reduction, decoding_bytes, orientation };
    let _share = cost.check(options)?;
    let has_inks = frame.components.len() == 4;
    // The decoder would hold inks twice, which `peak_bytes` doesn't count.
    let spare = if has_inks { Vec::new() } else { spare };
    let (samples, damage) = read(decoder, &bytes, reduction, options.lenient, spare)?;
    let damage = damage.or_else(|| (!ended).then(|| damaged("its end is missing")));
    let rgb = if has_inks { mixed(&samples) } else { samples };
    match damage {
        Some(error) if !options.lenient || is_plain(&rgb) => Err(error),
        damage => Ok(Decoded { full_size, reduction, rgb, orientation, partial: damage.is_some() }),
    }
}

/// Reads the header, and finds the scans of a progressive picture. Nothing is allocated by the size that it claims.
fn open(bytes: &[u8]) -> Result<Decoder<'_>, JpegError> {
    let limits = DecodeLimits { max_pixels: u64::MAX, max_scans: MAX_SCANS, ..DecodeLimits::default() };
    Decoder::new_with_limits(bytes, limits)
}

/// Whether there is an end behind the beginning of the first scan. The decoder reads one scan no further than it needs.
fn is_ended(bytes: &[u8]) -> bool {
    let scan = find_first_sos(bytes).unwrap_or(0);
    bytes[scan..].windows(END.len()).rposition(|pair| pair == END).is_some()
}

/// Refuses what the decoder gets wrong, or this program has no use for. libjpeg reads some of it: luma in fewer samples than
/// chroma, which nobody writes, and black in fewer samples than cyan.
fn check_supported(frame: &FrameHeader) -> Result<(), PictureError> {
    let factors = |i: usize| (frame.components[i].horizontal_sampling, frame.components[i].vertical_sampling);
    let (h, v) = factors(0);
    let divides = |i: usize| h.is_multiple_of(factors(i).0) && v.is_multiple_of(factors(i).1);
    let reason = match frame.components.len() {
        _ if frame.is_lossless => "lossless".to_owned(),
        _ if frame.precision != 8 => format!("{} bits", frame.precision),
        2 => "2 components".to_owned(),
        count if !(1..count).all(divides) => "unusual sampling factors".to_owned(),
        4 if factors(3) != factors(0) || factors(2) != factors(1) => "unusual sampling factors of inks".to_owned(),
        _ => return Ok(()),
    };
    Err(unsupported(&reason))
}

/// RGB or inks, and what is wrong with them.
fn read(
    decoder: Decoder<'_>,
    bytes: &[u8],
    reduction: u32,
    lenient: bool,
    spare: Vec<u8>,
) -> Result<(Vec<u8>, Option<PictureError>), PictureError> {
    match read_scans(decoder, reduction, lenient, spare) {
        Ok((samples, warnings)) => {
            let damage = warnings.first().map(|warning| damaged(&warning.to_string()));
            Ok((samples, damage))
        }
        Err(error) if lenient => match read_earlier_scans(bytes, reduction) {
            Some(samples) => Ok((samples, Some(refused(error)))),
            None => Err(refused(error)),
        },
        Err(error) => Err(refused(error)),
    }
}

fn read_scans(
    mut decoder: Decoder<'_>,
    reduction: u32,
    lenient: bool,
    spare: Vec<u8>,
) -> Result<(Vec<u8>, Vec<DecodeWarning>), JpegError> {
    let format = if decoder.header().components.len() == 4 { PixelFormat::Cmyk } else { PixelFormat::Rgb };
    decoder.set_output_format(format);
    decoder.set_scale(ScalingFactor::try_new(1, reduction)?);
    decoder.set_block_smoothing(true); // as libjpeg does where scans are missing
    decoder.set_lenient(lenient);
    if !lenient {
        decoder.set_resync_strategy(Refuse);
    }
    decode_reusing(&decoder, spare)
}

/// Where `spare` is too small, the decoder takes memory of its own, and says so if there is none.
fn decode_reusing(decoder: &Decoder<'_>, mut spare: Vec<u8>) -> Result<(Vec<u8>, Vec<DecodeWarning>), JpegError> {
    let length = decoder.output_buffer_size()?;
    if spare.capacity() < length {
        drop(spare);
        let image = decoder.decode_image()?;
        return Ok((image.data, image.warnings));
    }
    spare.resize(length, 0);
    let image = decoder.decode_image_into(&mut spare)?;
    Ok((spare, image.warnings))
}

/// Refuses data without the restart marker that is due.
struct Refuse;

impl RestartResyncStrategy for Refuse {
    fn on_desync(&mut self, _: u8, _: Option<u8>) -> ResyncAction {
        ResyncAction::Abort
    }
}

/// The scans before the first one that can't be read. Each scan of a progressive picture refines all of it.
fn read_earlier_scans(bytes: &[u8], reduction: u32) -> Option<Vec<u8>> {
    let read = |length: usize| {
        let bytes = [&bytes[..length], &END].concat();
        let (samples, _) = open(&bytes).and_then(|decoder| read_scans(decoder, reduction, true, Vec::new())).ok()?;
        Some(samples)
    };
    let starts: Vec<usize> = scan_starts(bytes).collect();
    // Up to the start of its data, a scan says nothing.
    let readable = starts.partition_point(|&start| read(start).is_some());
    read(starts[..readable].last().copied()?)
}

/// Where the data of the scans begin.
fn scan_starts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    std::iter::successors(find_first_sos(bytes), |&start| match scan_next_boundary(bytes, start) {
        MarkerBoundary::Sos(next) => Some(next),
        MarkerBoundary::Eoi(_) | MarkerBoundary::NeedMore(_) => None,
    })
}

/// Four inks are taken for inverted, as Adobe's programs store them and OpenCV and Pillow read them, and mixed as OpenCV
/// does.
fn mixed(inks: &[u8]) -> Vec<u8> {
    let mix = |&[c, m, y, k]: &[u8; 4]| [c, m, y].map(|ink| k - (((255 - u16::from(ink)) * u16::from(k)) >> 8) as u8);
    inks.as_chunks().0.iter().flat_map(mix).collect()
}

/// Whether nothing is to be seen: where no data came, there is one colour.
fn is_plain(rgb: &[u8]) -> bool {
    let mut pixels = rgb.as_chunks::<3>().0.iter();
    let first = pixels.next();
    pixels.all(|pixel| Some(pixel) == first)
}

fn refused(error: JpegError) -> PictureError {
    match error {
        JpegError::Unsupported(reason) => unsupported(&reason),
        JpegError::LimitExceeded { what, .. } if what.starts_with("scan") => {
            damaged(&format!("more than {MAX_SCANS} scans"))
        }
        JpegError::LimitExceeded { .. } => unsupported(&error.to_string()),
        JpegError::AllocationFailed { .. } => PictureError::Io(std::io::ErrorKind::OutOfMemory.into()),
        JpegError::CorruptData(reason) => damaged(&reason),
        error => damaged(&error.to_string()),
    }
}

fn unsupported(reason: &str) -> PictureError {
    PictureError::Unsupported { format: format!("JPEG ({reason})") }
}

fn damaged(reason: &str) -> PictureError {
    PictureError::Damaged { reason: reason.to_owned() }
}
