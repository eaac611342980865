//! Which scan answers a search, and why.

use super::OpenIndex;
use crate::index::training::{Recall, effort_for};
use std::fmt;

/// How a recipe is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// What is looked at.
    pub kind: ScanKind,
    /// Share of the true nearest that it finds, on average: 1 for the exact scan, else measured by the collection's own
    /// pictures as queries.
    pub recall: f64,
    /// Of how many of the nearest that was measured; 0 for the exact scan.
    pub results: usize,
    /// Why this one.
    pub why: String,
}

/// What a search looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanKind {
    /// Every descriptor.
    Exact,
    /// Every vector in bytes, which tell what may be among the nearest, and that itself: it finds what the exact scan does.
    Bytes,
    /// The same of the vectors in the lists nearest to the query.
    Lists {
        /// How many lists are looked at.
        probes: usize,
        /// Of so many.
        lists: usize,
    },
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recall, results, .. } = self;
        match self.kind {
            ScanKind::Exact => write!(f, "exact scan"),
            ScanKind::Bytes => write!(f, "exact scan by bounds in int8"),
            ScanKind::Lists { probes, lists } => {
                write!(f, "{probes} of {lists} lists in int8, recall@{results} {recall:.4}")
            }
        }
    }
}

impl Scan {
    pub(in crate::store) fn exact(why: impl Into<String>) -> Self {
        Self::of_all(ScanKind::Exact, why)
    }

    fn of_all(kind: ScanKind, why: impl Into<String>) -> Self {
        Self { kind, recall: 1.0, results: 0, why: why.into() }
    }
}

/// Where fewer rows are wanted than one in so many, they are looked at one by one.
const FEW: usize = 16;
/// Where results are as many as one in so many rows, the exact scan costs hardly more.
const MANY: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Wish {
    pub(in crate::store) recall: f64,
    pub(in crate::store) k: usize,
    /// Rows with a record.
    pub(in crate::store) rows: usize,
    /// Rows that a filter leaves.
    pub(in crate::store) wanted: Option<usize>,
}

/// The quickest scan that finds what is wanted. A filter is never allowed to starve the lists: with one, all are looked at.
/// So they are for more results than recall was measured for, since those lie in more lists.
pub(in crate::store) fn plan(index: &OpenIndex, wish: Wish) -> Scan {
    if wish.wanted.is_some_and(|wanted| wanted.saturating_mul(FEW) < wish.rows) {
        return Scan::exact("the filter leaves few pictures");
    }
    if wish.k.saturating_mul(MANY) > wish.rows {
        return Scan::exact("a large part of all is wanted");
    }
    let all = |why| Scan::of_all(ScanKind::Bytes, why);
    let lists = index.entry.lists;
    if lists <= 1 {
        return all("the vectors are many");
    }
    if wish.recall >= 1.0 {
        return all("all of the true nearest are wanted");
    }
    if wish.wanted.is_some() {
        return all("with a filter no list is left out");
    }
    match effort_for(&index.entry.measured, wish.k, wish.recall) {
        Some(Recall { results, probes, recall, .. }) if probes < lists => {
            let kind = ScanKind::Lists { probes, lists };
            Scan { kind, recall, results, why: format!("that is enough for a recall of {}", wish.recall) }
        }
        Some(_) => all("fewer lists don't find enough"),
        None => all("for so many results no list is left out"),
    }
}
