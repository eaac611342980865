//! Which scan answers a search, and why.

use super::Fast;
use crate::index::training::effort_for;
use crate::index::{Effort, RESULTS};
use std::fmt;

/// How a recipe is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// What is looked at.
    pub kind: ScanKind,
    /// Share of the true ten nearest that it finds, on average: 1 for the exact scan, else measured by the collection's own
    /// pictures as queries.
    pub recall: f64,
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
        match self.kind {
            ScanKind::Exact => write!(f, "exact scan"),
            ScanKind::Bytes { depth } => write!(f, "int8 scan, {depth} scored again, recall@10 {:.4}", self.recall),
            ScanKind::Lists { probes, lists, depth } => {
                write!(f, "{probes} of {lists} lists in int8, {depth} scored again, recall@10 {:.4}", self.recall)
            }
        }
    }
}

impl Scan {
    pub(in crate::store) fn exact(why: impl Into<String>) -> Self {
        Self { kind: ScanKind::Exact, recall: 1.0, why: why.into() }
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
pub(in crate::store) fn plan(fast: &Fast, wish: Wish) -> Scan {
    if wish.recall >= 1.0 {
        return Scan::exact("all of the true nearest are wanted");
    }
    if wish.wanted.is_some_and(|wanted| wanted.saturating_mul(FEW) < wish.rows) {
        return Scan::exact("the filter leaves few pictures");
    }
    if wish.k.saturating_mul(MANY) > wish.rows {
        return Scan::exact("a large part of all is wanted");
    }
    let measured = &fast.entry.measured;
    let all = measured.last().map(|all| (all.depth, all.recall));
    let (Some((depth, recall)), Some(effort)) = (all, effort_for(measured, wish.recall)) else {
        return Scan::exact("the recall of the index isn't measured");
    };
    if recall < wish.recall {
        return Scan::exact(format!("the index finds {recall:.4} at most"));
    }
    let lists = fast.entry.lists;
    let (filtered, more) = (wish.wanted.is_some(), wish.k > RESULTS);
    if lists > 1 && !filtered && !more && effort.probes < lists {
        let found = measured.iter().find(|one| one.probes == effort.probes).map_or(recall, |one| one.recall);
        let kind = ScanKind::Lists { probes: effort.probes, lists, depth: effort.depth };
        return Scan { kind, recall: found, why: format!("that is enough for a recall of {}", wish.recall) };
    }
    let why = match (lists > 1, filtered, more) {
        (true, true, _) => "with a filter no list is left out",
        (true, false, true) => "for more than ten results no list is left out",
        _ => "the vectors are many",
    };
    Scan { kind: ScanKind::Bytes { depth }, recall, why: why.to_owned() }
}
