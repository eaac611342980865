//! Which scan answers a search, and why.

use super::OpenIndex;
use crate::index::Effort;
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
    /// Every vector in bytes, and the best of them themselves.
    Bytes {
        /// How many are scored again, for ten results.
        depth: usize,
    },
    /// Vectors of the lists nearest to the query in bytes, and the best of them themselves.
    Lists {
        /// How many lists are looked at.
        probes: usize,
        /// Of so many.
        lists: usize,
        /// How many vectors are scored again, for ten results.
        depth: usize,
    },
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recall, results, .. } = self;
        match self.kind {
            ScanKind::Exact => write!(f, "exact scan"),
            ScanKind::Bytes { depth } => write!(f, "int8 scan, {depth} scored again, recall@{results} {recall:.4}"),
            ScanKind::Lists { probes, lists, depth } => {
                write!(f, "{probes} of {lists} lists in int8, {depth} scored again, recall@{results} {recall:.4}")
            }
        }
    }
}

impl Scan {
    pub(in crate::store) fn exact(why: impl Into<String>) -> Self {
        Self { kind: ScanKind::Exact, recall: 1.0, results: 0, why: why.into() }
    }

    /// What the search over bytes is asked for; `None` for the exact scan.
    pub(in crate::store) fn effort(&self) -> Option<Effort> {
        match self.kind {
            ScanKind::Exact => None,
            ScanKind::Bytes { depth } => Some(Effort { probes: usize::MAX, depth }),
            ScanKind::Lists { probes, depth, .. } => Some(Effort { probes, depth }),
        }
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
    if wish.recall >= 1.0 {
        return Scan::exact("all of the true nearest are wanted");
    }
    if wish.wanted.is_some_and(|wanted| wanted.saturating_mul(FEW) < wish.rows) {
        return Scan::exact("the filter leaves few pictures");
    }
    if wish.k.saturating_mul(MANY) > wish.rows {
        return Scan::exact("a large part of all is wanted");
    }
    let (measured, lists) = (&index.entry.measured, index.entry.lists);
    let enough = effort_for(measured, wish.k, wish.recall);
    let Some(most) = enough.and_then(|enough| most(measured, enough.results)).or(measured.last().copied()) else {
        return Scan::exact("the recall of the index isn't measured");
    };
    if most.recall < wish.recall {
        return Scan::exact(format!("the index finds {:.4} at most", most.recall));
    }
    let filtered = wish.wanted.is_some();
    if let Some(Recall { results, probes, depth, recall, .. }) =
        enough.filter(|enough| !filtered && enough.probes < lists)
        && lists > 1
    {
        let kind = ScanKind::Lists { probes, lists, depth };
        return Scan { kind, recall, results, why: format!("that is enough for a recall of {}", wish.recall) };
    }
    let why = match (lists > 1, filtered, enough) {
        (true, true, _) => "with a filter no list is left out",
        (true, false, None) => "for so many results no list is left out",
        _ => "the vectors are many",
    };
    Scan {
        kind: ScanKind::Bytes { depth: most.depth },
        recall: most.recall,
        results: most.results,
        why: why.to_owned(),
    }
}

/// What looks at all, for so many results.
fn most(measured: &[Recall], results: usize) -> Option<Recall> {
    measured.iter().rfind(|recall| recall.results == results).copied()
}
