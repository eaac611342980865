//! What decoding a JPEG takes, from its header: libjpeg-turbo-rs holds whole planes where libjpeg goes row by row.

use libjpeg_turbo_rs::{ColorSpace, Decoder, FrameHeader};

/// Side of a block of coefficients.
const BLOCK: u64 = 8;

/// Blocks of a component in a unit of its picture, across and down.
type Factors = (u64, u64);

/// Bytes at the worst moment, at 1/`reduction` of the size. Beside the samples of all components these are either the
/// coefficients, where they come in several scans, or the picture, with the samples that are spread over its pixels. The
/// first component has the most samples.
pub(super) fn peak_bytes(decoder: &Decoder<'_>, reduction: u32) -> u64 {
    let frame = decoder.header();
    let side = BLOCK / u64::from(reduction);
    let factors = factors(frame);
    let (h, v) = factors[0];
    let units = u64::from(frame.width).div_ceil(h * BLOCK) * u64::from(frame.height).div_ceil(v * BLOCK);
    let samples = |own: &Factors| own.0 * own.1 * block_side((h, v), *own, side).pow(2);
    let pixels = samples(&(h, v));
    // 16 bits each, and a byte for each block.
    let coefficients = |own: &Factors| if frame.is_progressive { own.0 * own.1 * (BLOCK * BLOCK * 2 + 1) } else { 0 };
    let is_spread = factors.iter().any(|own| samples(own) != pixels) && !is_spread_by_row(decoder, &factors, side);
    let spread = if is_spread { 2 * pixels } else { 0 };
    let (inks, rgb) = (4 * pixels, 3 * pixels);
    let picture = if factors.len() == 4 { inks } else { rgb };
    let planes: u64 = factors.iter().map(samples).sum();
    let decoding = planes + factors.iter().map(coefficients).sum::<u64>().max(spread + picture);
    let mixing = if factors.len() == 4 { inks + rgb } else { 0 };
    units * decoding.max(mixing)
}

fn factors(frame: &FrameHeader) -> Vec<Factors> {
    let components = frame.components.iter();
    components.map(|own| (u64::from(own.horizontal_sampling), u64::from(own.vertical_sampling))).collect()
}

/// A block's side in samples: that of the first component, doubled as long as it makes up for fewer blocks.
fn block_side((h, v): Factors, own: Factors, side: u64) -> u64 {
    let fits = |doubled: &u64| (h * side).is_multiple_of(own.0 * doubled) && (v * side).is_multiple_of(own.1 * doubled);
    let doubled = std::iter::successors(Some(side * 2), |side| Some(side * 2)).take_while(|side| *side <= BLOCK);
    doubled.take_while(fits).last().unwrap_or(side)
}

fn is_spread_by_row(decoder: &Decoder<'_>, factors: &[Factors], side: u64) -> bool {
    side == BLOCK && factors.len() == 3 && factors[1] == factors[2] && decoder.jpeg_color_space() != ColorSpace::Rgb
}
