//! Windows of a picture at several scales, each a picture of its own for a network.
//!
//! At each scale `s` of `1..=S` there are `s` x `s` windows that overlap by half, their sides `2 / (s + 1)` of the
//! picture's. The vectors of all windows, scaled to unit length, are added up: multi-scale orderless pooling (Gong, Wang,
//! Guo and Lazebnik, ECCV 2014) with the sum of R-MAC (Tolias, Sicre and Jégou, ICLR 2016). A network of fixed input size
//! so sees details that shrinking the whole picture loses; it runs 5 times for two scales, 14 times for three.

use crate::picture::Picture;
use crate::recipe::{Arguments, whole};
use std::borrow::Cow;

/// How many scales, from 1, which is the whole picture alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scales(u32);

impl Scales {
    const MOST: u64 = 3;

    /// Of `scales=S`, 1 without it; `None` for numbers out of range.
    pub(super) fn take(arguments: &mut Arguments<'_>) -> Option<Self> {
        let number = arguments.named_number("scales").unwrap_or(1.0);
        whole(number).filter(|scales| (1..=Self::MOST).contains(scales)).map(|scales| Self(scales as u32))
    }

    pub(super) fn count(self) -> u32 {
        self.0
    }

    /// For canonical text, which names them only where they change a number.
    pub(super) fn argument(self) -> Option<String> {
        (self.0 > 1).then(|| format!("scales={}", self.0))
    }
}

/// The windows of one scale, row by row.
pub(crate) fn windows(picture: &Picture, scale: u32) -> impl Iterator<Item = Cow<'_, Picture>> {
    let (columns, rows) = (spans(picture.width(), scale), spans(picture.height(), scale));
    rows.flat_map(move |row| columns.clone().map(move |column| (column, row))).map(move |(column, row)| match scale {
        1 => Cow::Borrowed(picture),
        _ => Cow::Owned(picture.crop(column, row)),
    })
}

/// First pixel and length of the windows along one side. Pixels that a window covers in part belong to it.
fn spans(side: u32, scale: u32) -> impl Iterator<Item = (u32, u32)> + Clone {
    let step = move |i: u32| u64::from(i) * u64::from(side);
    let parts = u64::from(scale + 1);
    (0..scale).map(move |i| {
        let (first, end) = (step(i) / parts, step(i + 2).div_ceil(parts));
        (first as u32, (end - first) as u32)
    })
}
