//! What makes a recipe's vectors quick to search: their rows in bytes, sorted into lists. Derived from the vectors, kept in
//! files that may be deleted at any time, and measured by the exact scan.

mod build;
mod open;
mod picks;
mod plan;

pub(super) use open::OpenIndex;
pub use plan::{Scan, ScanKind};
pub(super) use plan::{Wish, plan};

use super::RecipeEntry;
use super::segment::{Layout, Place};
use super::snapshot::recipe_place;
use crate::index::training::Recall;
use std::path::Path;

/// How the vectors of a collection are to be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScanChoice {
    /// What is quick enough for their number: see [`ScanChoice::lists`].
    #[default]
    Auto,
    /// Every vector is looked at.
    Exact,
    /// Every vector is looked at in bytes, the best again by the vectors themselves.
    Bytes,
    /// Only lists of vectors near the query are looked at, in bytes.
    Lists,
}

/// Numbers in all vectors below which the exact scan is used: it takes 3 ms for so many, and nothing has to be kept.
const BYTES_FROM: usize = 16 << 20;
/// Numbers in all vectors from which lists are used: a scan of all in bytes takes 3 ms for so many.
const LISTS_FROM: usize = 64 << 20;

impl ScanChoice {
    const ALL: [Self; 4] = [Self::Auto, Self::Exact, Self::Bytes, Self::Lists];

    /// Into how many lists so many vectors are sorted: 1 for a scan of all in bytes, 0 for the exact scan. Twice the square
    /// root of their number, as a power of two: then looking for lists takes about as long as looking into them.
    pub fn lists(self, rows: usize, dims: usize) -> usize {
        let sorted = || 1usize << ((2.0 * (rows.max(1) as f64).sqrt()).log2().round() as u32);
        let numbers = rows.saturating_mul(dims);
        match self {
            _ if rows == 0 => 0,
            Self::Exact => 0,
            Self::Bytes => 1,
            Self::Lists => sorted().clamp(2, rows.max(2)),
            Self::Auto if numbers < BYTES_FROM => 0,
            Self::Auto if numbers < LISTS_FROM => 1,
            Self::Auto => sorted(),
        }
    }

    /// Why so many vectors have no index.
    pub(super) fn why_exact(self, rows: usize, dims: usize) -> &'static str {
        match self {
            Self::Exact => "that was chosen for the collection",
            _ if self.lists(rows, dims) == 0 => "there are so few vectors that nothing is faster",
            _ => "the index isn't made yet, or is gone: the next run of `alike index` makes it",
        }
    }

    pub(super) fn stored(self) -> i64 {
        Self::ALL.iter().position(|&choice| choice == self).map_or(0, |place| place as i64)
    }

    /// Unknown ones come from a later version.
    pub(super) fn read(stored: i64) -> Self {
        usize::try_from(stored).ok().and_then(|place| Self::ALL.get(place)).copied().unwrap_or_default()
    }
}

/// What the database says of a recipe's index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexEntry {
    pub(super) lists: usize,
    /// The file of the centres and its SHA-256, where there is more than one list.
    pub(super) centres: Option<(u64, [u8; 32])>,
    /// How many vectors there were when the centres were learnt.
    pub(super) trained_rows: usize,
    /// The mean cosine of vectors with their centres then.
    pub(super) closeness: f64,
    /// How many vectors there were when the recall was measured.
    pub(super) measured_rows: usize,
    pub(super) measured: Vec<Recall>,
}

/// What it says of the file of a segment's rows in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QuantisedEntry {
    pub(super) segment: u64,
    pub(super) number: u64,
    /// The mean cosine of the segment's vectors with their centres.
    pub(super) closeness: f64,
    pub(super) sha256: [u8; 32],
}

/// Where the files of rows, of rows in bytes, and of centres lie.
struct Places {
    rows: Place,
    bytes: Place,
    centres: Place,
}

impl Places {
    fn of(dir: &Path, recipe: &RecipeEntry, dims: usize) -> Self {
        let place = |layout| Place { dir: recipe_place(dir, recipe).dir, layout };
        let rows = recipe_place(dir, recipe);
        Self { rows, bytes: place(Layout::Bytes(dims)), centres: place(Layout::Centres(dims)) }
    }

    fn dims(&self) -> usize {
        if let Layout::Bytes(dims) = self.bytes.layout { dims } else { 0 }
    }
}
