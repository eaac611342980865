//! Resampling that equals OpenCV's and Pillow's, because a model's numbers and a perceptual hash's bits depend on it.

mod opencv;
mod pillow;

pub(crate) use opencv::Bilinear;
pub use opencv::opencv_bilinear;
pub use pillow::{Filter, pillow};
pub(crate) use pillow::{Part, pillow_grey, pillow_part};

/// Red, green and blue of a row that has them one after the other.
pub(crate) fn planes(row: &[u8]) -> [&[u8]; 3] {
    let width = row.len() / 3;
    [0, 1, 2].map(|channel| &row[channel * width..][..width])
}

/// The bytes of a row and some after it, as many as `copy` has in all: there, where the samples end too early.
fn with_margin<'a>(samples: &'a [u8], row: usize, stride: usize, copy: &'a mut [u8]) -> &'a [u8] {
    let from_row = &samples[row * stride..];
    if from_row.len() >= copy.len() {
        return from_row;
    }
    copy[..stride].copy_from_slice(&from_row[..stride]);
    copy
}

fn interleaved([red, green, blue]: [&[u8]; 3]) -> impl Iterator<Item = u8> {
    red.iter().zip(green).zip(blue).flat_map(|((red, green), blue)| [*red, *green, *blue])
}
