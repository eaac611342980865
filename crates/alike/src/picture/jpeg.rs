//! JPEG, by libjpeg, so that pixels equal those of OpenCV, whose numbers ours are compared with.

use super::decode::{Cost, Decoded};
use super::libjpeg::{Decompressor, OnDamage, Refusal};
use super::pixels;
use super::{DecodeOptions, PictureError};
use image::metadata::Orientation;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Decoded, PictureError> {
    let on_damage = if options.lenient { OnDamage::Remember } else { OnDamage::Refuse };
    let mut decompressor = Decompressor::open(bytes, on_damage).map_err(refused)?;
    let header = decompressor.header();
    let (width, height) = (header.width, header.height);
    let orientation = decompressor.exif().and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let pixels = u64::from(width) * u64::from(height);
    let decoder_bytes = header.held_bytes.div_ceil(pixels.max(1));
    let cost = Cost { width, height, decoder_bytes, output_bytes: 3, orientation };
    let _share = cost.check(options)?;
    let mut rgb = vec![pixels::NOTHING; pixels as usize * 3];
    let read = if header.cmyk {
        read_cmyk(&mut decompressor, &mut rgb, width)
    } else {
        read_rgb(&mut decompressor, &mut rgb, width)
    };
    let damage = read.err().or_else(|| decompressor.damage().cloned());
    match damage {
        Some(damage) if !options.lenient || is_plain(&rgb) => Err(refused(damage)),
        damage => Ok(Decoded { width, height, rgb, orientation, partial: damage.is_some() }),
    }
}

fn read_rgb(decompressor: &mut Decompressor<'_>, rgb: &mut [u8], width: u32) -> Result<(), Refusal> {
    decompressor.start()?;
    for row in rgb.chunks_exact_mut(width as usize * 3) {
        decompressor.read_row(row)?;
    }
    decompressor.finish()
}

/// Four inks are taken for inverted, as Adobe's programs store them and OpenCV and Pillow read them, and mixed as OpenCV
/// does.
fn read_cmyk(decompressor: &mut Decompressor<'_>, rgb: &mut [u8], width: u32) -> Result<(), Refusal> {
    decompressor.start()?;
    let mut inks = vec![0; width as usize * 4];
    for row in rgb.chunks_exact_mut(width as usize * 3) {
        decompressor.read_row(&mut inks)?;
        for (pixel, &[c, m, y, k]) in row.as_chunks_mut::<3>().0.iter_mut().zip(inks.as_chunks::<4>().0) {
            *pixel = [c, m, y].map(|ink| k - (((255 - u16::from(ink)) * u16::from(k)) >> 8) as u8);
        }
    }
    decompressor.finish()
}

/// Whether nothing is to be seen: where no data came, libjpeg leaves one colour.
fn is_plain(rgb: &[u8]) -> bool {
    let mut pixels = rgb.as_chunks::<3>().0.iter();
    let first = pixels.next();
    pixels.all(|pixel| Some(pixel) == first)
}

fn refused(refusal: Refusal) -> PictureError {
    match refusal {
        Refusal { reason, unsupported: true } => PictureError::Unsupported { format: format!("JPEG ({reason})") },
        Refusal { reason, unsupported: false } => PictureError::Damaged { reason },
    }
}
