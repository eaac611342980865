//! Rows in memory and a query: which rows are nearest? The exact scan, and the faster ways that are measured by it.

mod candidates;
mod codes;
mod exact;
pub mod kernels;
mod kmeans;
pub mod lists;
mod pieces;
mod quantised;
pub mod training;
mod vectors;

pub use codes::nearest_codes;
pub(crate) use exact::dots;
pub use kernels::Kernels;
pub use lists::Lists;
pub(crate) use pieces::{deal, in_order};
pub use quantised::{Centres, Found, Part, nearest_in_lists, nearest_quantised};
pub use vectors::{nearest_among, nearest_vectors};

use crate::store::RecordId;
use std::borrow::Cow;

/// A found record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredId {
    /// The record.
    pub id: RecordId,
    /// Cosine in -1..=1 for vectors; 1 - distance/bits for codes.
    pub score: f32,
}

/// Rows of one segment, or of any other piece of memory.
#[derive(Debug, Clone)]
pub struct Block<'a, W> {
    /// The record of each row.
    pub ids: &'a [RecordId],
    /// Row by row, as many numbers for each id as a query has.
    pub rows: &'a [W],
    /// Which rows to look at; `None` for all.
    pub wanted: Option<Cow<'a, [bool]>>,
}

impl<'a, W> Block<'a, W> {
    /// A block of which all rows are looked at.
    pub fn whole(ids: &'a [RecordId], rows: &'a [W]) -> Self {
        Self { ids, rows, wanted: None }
    }
}
