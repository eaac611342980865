//! Rows in bytes, list by list: the layout of a `.i8` file.

use super::exact::norm;
use super::kernels::{BYTES, GROUP};
use std::ops::Range;

/// Rows of `dims` numbers as bytes with a scale for each row, sorted into lists.
///
/// A number `x` of a row is `(byte - 128) * scale`, where the scale is the row's largest magnitude / 127; rows are padded
/// with 128, that is with zeros, to a multiple of 64 bytes. One list alone is a plain scan of everything.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// Where each list begins, and where the last one ends.
    starts: &'a [u32],
    /// Which row of the segment this is.
    places: &'a [u32],
    scales: &'a [f32],
    bytes: &'a [u8],
    stride: usize,
}

/// Words that begin a file: magic number, version, number of lists, of rows, of dimensions.
const HEADER: usize = 16;
const MAGIC: u32 = u32::from_le_bytes(*b"i8ls");
const VERSION: u32 = 1;

/// Bytes of a row.
pub(crate) fn stride(dims: usize) -> usize {
    dims.next_multiple_of(BYTES)
}

impl<'a> Lists<'a> {
    /// Reads what [`write()`] wrote, after checking that nothing in it leads astray: `None` if something does.
    pub fn read(data: &'a [u8], rows: usize, dims: usize) -> Option<Self> {
        let lists = Self::checked(data, rows, dims)?;
        let within = lists.places.iter().fold(true, |all, &place| all & ((place as usize) < rows));
        (lists.starts.is_sorted() && within).then_some(lists)
    }

    /// The same for data that [`read`](Self::read) has read before: doesn't look at every row again.
    pub(crate) fn checked(data: &'a [u8], rows: usize, dims: usize) -> Option<Self> {
        let words = |from: usize, count: usize| -> Option<&'a [u32]> {
            bytemuck::try_cast_slice(data.get(from * 4..from.checked_add(count)?.checked_mul(4)?)?).ok()
        };
        let header = words(0, HEADER)?;
        let lists = header[2] as usize;
        if header[..2] != [MAGIC, VERSION] || (header[3] as usize, header[4] as usize) != (rows, dims) || lists == 0 {
            return None;
        }
        let starts = words(HEADER, lists + 1)?;
        let places = words(HEADER + lists + 1, rows)?;
        let scales: &[f32] = bytemuck::try_cast_slice(words(HEADER + lists + 1 + rows, rows)?).ok()?;
        let stride = stride(dims);
        let bytes = data.get(numbers_at(lists, rows)..)?.get(..rows.checked_mul(stride)?)?;
        let whole = starts[0] == 0 && starts[lists] as usize == rows;
        whole.then_some(Self { starts, places, scales, bytes, stride })
    }

    /// Number of lists, at least 1.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn list(&self, list: usize) -> Range<usize> {
        self.starts[list] as usize..self.starts[list + 1] as usize
    }

    /// Rows of the segment, in the order of the lists.
    pub fn places(&self) -> &'a [u32] {
        self.places
    }

    /// Bytes and scales of rows, counted in the order of the lists.
    pub(super) fn rows(&self, range: Range<usize>) -> (&'a [u8], &'a [f32]) {
        (&self.bytes[range.start * self.stride..range.end * self.stride], &self.scales[range])
    }
}

/// Where the numbers begin: at a cache line.
fn numbers_at(lists: usize, rows: usize) -> usize {
    ((HEADER + lists + 1 + 2 * rows) * 4).next_multiple_of(64)
}

/// Writes rows as [`Lists`]; `list_of` says in which of `lists` each row belongs (`None`: one list of all). Rows keep
/// their order within a list.
///
/// # Errors
///
/// Those of `out`.
pub fn write<'r, E>(
    rows: usize,
    dims: usize,
    row: impl Fn(usize) -> &'r [f32],
    (lists, list_of): (usize, Option<&[u32]>),
    mut out: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let list_of = |row: usize| list_of.map_or(0, |lists| lists[row]);
    let mut starts = vec![0u32; lists + 1];
    (0..rows).for_each(|row| starts[list_of(row) as usize + 1] += 1);
    (0..lists).for_each(|list| starts[list + 1] += starts[list]);
    let mut places = vec![0u32; rows];
    let mut next = starts.clone();
    for row in 0..rows {
        let at = &mut next[list_of(row) as usize];
        places[*at as usize] = row as u32;
        *at += 1;
    }
    let mut header = [0u32; HEADER];
    header[..5].copy_from_slice(&[MAGIC, VERSION, lists as u32, rows as u32, dims as u32]);
    let scales: Vec<f32> = places.iter().map(|&place| scale(row(place as usize))).collect();
    out(bytemuck::cast_slice(&header))?;
    out(bytemuck::cast_slice(&starts))?;
    out(bytemuck::cast_slice(&places))?;
    out(bytemuck::cast_slice(&scales))?;
    out(&vec![0; numbers_at(lists, rows) - (HEADER + lists + 1 + 2 * rows) * 4])?;
    let mut bytes = vec![128u8; stride(dims)];
    for (&place, &scale) in places.iter().zip(&scales) {
        let inverse = inverse(scale);
        for (byte, &x) in bytes.iter_mut().zip(row(place as usize)) {
            *byte = to_byte(x, inverse).cast_unsigned() ^ 128;
        }
        out(&bytes)?;
    }
    Ok(())
}

fn scale(row: &[f32]) -> f32 {
    row.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 127.0
}

/// 0 where it would not be finite.
fn inverse(scale: f32) -> f32 {
    if scale.is_normal() { 1.0 / scale } else { 0.0 }
}

/// The nearest whole number of one within 127 of 0. Behind this sum's point there is room for no more than whole numbers,
/// so that it is rounded by the addition, and its lowest byte is the number's: quicker than a call of `round`.
fn to_byte(x: f32, inverse: f32) -> i8 {
    const WHOLE: f32 = 12_582_912.0; // 1.5 * 2^23
    (x * inverse + WHOLE).to_bits() as i8
}

/// A query in bytes, padded with zeros. Scores by it are in units of its scale, which doesn't change which rows are best.
#[derive(Debug, Clone)]
pub(super) struct Quantised {
    pub(super) numbers: Vec<i8>,
    /// Of the numbers.
    pub(super) sum: i32,
    pub(super) scale: f32,
}

impl Quantised {
    pub(super) fn new(query: &[f32]) -> Self {
        let scale = scale(query);
        let inverse = inverse(scale);
        let mut numbers = vec![0; stride(query.len())];
        for (number, &x) in numbers.iter_mut().zip(query) {
            *number = to_byte(x, inverse);
        }
        let sum = numbers.iter().map(|&number| i32::from(number)).sum();
        Self { numbers, sum, scale }
    }
}

/// How far a score by bytes may be from the true one: with a query `q = scale * numbers + e` and a row `r` that is
/// `row_scale * bytes + f`, `q.r / scale` differs from `numbers.bytes * row_scale` by `numbers.f + e.r / scale`. No part of
/// `f` is more than half of `row_scale`, and no row longer than 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    scale: f32,
    /// In units of a row's scale, at least what `numbers.f` may be.
    pub(super) reach: i32,
    /// At least what `e.r / scale` may be, and what sums in `f32` lose.
    error: f32,
}

impl Bounds {
    pub(super) fn new(query: &[f32], quantised: &Quantised) -> Self {
        let magnitudes: i32 = quantised.numbers.iter().map(|&number| i32::from(number).abs()).sum();
        // A thousandth more, and one: what rounding to bytes may add to a half.
        let reach = magnitudes / 2 + magnitudes / 1000 + 1;
        Self { scale: quantised.scale, reach, error: error(query, quantised) }
    }

    /// A true score is no more than one by bytes that is raised by the reach, and no less than that less this.
    pub(super) fn width(self, row_scale: f32) -> f32 {
        2.0 * (self.reach as f32 * row_scale + self.error)
    }

    /// No less than the true score of what scores so much by bytes, raised by the reach.
    pub(super) fn at_most(self, score: f32) -> f32 {
        (score + self.error) * self.scale
    }
}

/// The length of what a query loses in bytes, in units of its scale, and beyond: rows may be longer than 1 by what they
/// were rounded, and scores are rounded by less than a millionth of the lengths.
fn error(query: &[f32], quantised: &Quantised) -> f32 {
    let lost: Vec<f32> =
        query.iter().zip(&quantised.numbers).map(|(&x, &number)| x - f32::from(number) * quantised.scale).collect();
    let error = norm(&lost) * 1.001 + norm(query) * 4e-6 + 1e-30;
    (error / f64::from(quantised.scale).max(1e-30)) as f32
}

/// Queries in bytes, laid out for a tile: a panel for each `side` of them, the last one filled up with zeros.
pub(super) struct Panels {
    side: usize,
    length: usize,
    numbers: Vec<i8>,
    excess: Vec<i32>,
}

impl Panels {
    pub(super) fn new(queries: &[&Quantised], length: usize, side: usize) -> Self {
        let count = queries.len().div_ceil(side);
        let mut numbers = vec![0i8; count * side * length];
        let mut excess = vec![0; count * side];
        for (panel, queries) in numbers.chunks_exact_mut(side * length).zip(queries.chunks(side)) {
            for (place, query) in queries.iter().enumerate() {
                for (group, numbers) in panel.chunks_exact_mut(side * GROUP).zip(query.numbers.chunks_exact(GROUP)) {
                    group[place * GROUP..][..GROUP].copy_from_slice(numbers);
                }
            }
        }
        excess.iter_mut().zip(queries).for_each(|(excess, query)| *excess = 128 * query.sum);
        Self { side, length, numbers, excess }
    }

    /// So that scores are at least the true ones, but for the error of the bounds.
    pub(super) fn raised(mut self, bounds: &[Bounds]) -> Self {
        self.excess.iter_mut().zip(bounds).for_each(|(excess, bounds)| *excess -= bounds.reach);
        self
    }

    /// The numbers of each panel, and the excess of its queries.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[i8], &[i32])> {
        self.numbers.chunks_exact(self.side * self.length).zip(self.excess.chunks_exact(self.side))
    }
}
