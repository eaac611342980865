//! `ahash`, `dhash`, `phash`, `whash`: codes of a picture's rough shape in grey, for finding copies.
//!
//! Of `size * size` bits, 64 where a recipe names no size. They equal those of the Python package imagehash 4.3 with its
//! defaults on the same upright pixels, resized by Pillow before 13: bit `i` is entry `i` of its flattened array, so that
//! the bits in order, four by four, are its hexadecimal text.
//!
//! | source | bit is set where | source of the method |
//! |---|---|---|
//! | `ahash` | a pixel of `size x size` exceeds their mean | Krawetz, Looks Like It, hackerfactor.com 2011 |
//! | `dhash` | a pixel of `(size + 1) x size` exceeds its left neighbour | Krawetz, Kind of Like That, hackerfactor.com 2013 |
//! | `phash` | a low frequency of the cosine transform exceeds their median | Zauner, Implementation and benchmarking of perceptual image hash functions, 2010; Krawetz 2011 |
//! | `whash` | a mean over a block exceeds their median: Haar wavelets | Petrov, Wavelet image hash in Python, 2016 |

mod dct;
mod grey;
mod haar;

use super::{Forward, Source, SourceError, SourceId};
use crate::picture::Picture;
use crate::recipe::{Arguments, whole};
use grey::Grey;
use std::sync::Arc;

/// Bits along a side where a recipe names no size.
const SIDE: u64 = 8;
/// For [`Entry::takes`](super::Entry::takes).
pub(super) const SIZES: &str = "a size from 2 to 32, as in phash(8)";
/// The same of `whash`.
pub(super) const POWERS_OF_TWO: &str = "a size of 2, 4, 8, 16 or 32, as in whash(8)";

/// The bits of a picture, `size * size` of them.
type Bits = fn(&Grey, usize) -> Vec<bool>;

struct Perceptual {
    id: SourceId,
    size: usize,
    bits: Bits,
}

pub(super) fn ahash(args: &mut Arguments<'_>) -> Option<Arc<dyn Source>> {
    Some(build("ahash/1", size(args)?, brighter_than_mean))
}

pub(super) fn dhash(args: &mut Arguments<'_>) -> Option<Arc<dyn Source>> {
    Some(build("dhash/1", size(args)?, brighter_than_left))
}

pub(super) fn phash(args: &mut Arguments<'_>) -> Option<Arc<dyn Source>> {
    Some(build("phash/1", size(args)?, dct::bits))
}

pub(super) fn whash(args: &mut Arguments<'_>) -> Option<Arc<dyn Source>> {
    let size = size(args).filter(|size| size.is_power_of_two())?;
    Some(build("whash/1", size, haar::bits))
}

fn size(args: &mut Arguments<'_>) -> Option<usize> {
    let size = if args.is_empty() { SIDE } else { whole(args.number()?)? };
    (2..=32).contains(&size).then_some(size as usize)
}

fn build(name: &str, size: usize, bits: Bits) -> Arc<dyn Source> {
    Arc::new(Perceptual { id: SourceId::new(format!("{name}({size})"), ""), size, bits })
}

impl Source for Perceptual {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        self.size * self.size
    }

    fn is_code(&self) -> bool {
        true
    }

    fn describe(&self, picture: &Picture, _forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let bits = (self.bits)(&Grey::new(picture), self.size);
        Ok(bits.into_iter().map(|is_set| if is_set { 1.0 } else { -1.0 }).collect())
    }
}

fn brighter_than_mean(grey: &Grey, size: usize) -> Vec<bool> {
    let pixels = grey.resized(size, size);
    let sum: usize = pixels.iter().map(|&pixel| usize::from(pixel)).sum();
    pixels.iter().map(|&pixel| usize::from(pixel) * pixels.len() > sum).collect()
}

fn brighter_than_left(grey: &Grey, size: usize) -> Vec<bool> {
    let pixels = grey.resized(size + 1, size);
    pixels.chunks_exact(size + 1).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0])).collect()
}
