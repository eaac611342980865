//! Calibration from pairs of which it is known whether they are relevant, and how well it holds for other queries.

use super::curve::{Point, merged};
use super::{Calibration, Origin};

/// A query and a picture of the gallery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// How alike the recipe finds them.
    pub score: f32,
    /// Whether the picture should be found.
    pub relevant: bool,
    /// What the query shows. Queries that share relevant pictures have the same number, and are never divided between
    /// the pairs learnt from and those measured on.
    pub group: u32,
}

/// Learns from all pairs of the queries, in any order: at the share of relevant ones that the gallery has.
pub fn from_labels(pairs: &[Pair], origin: Origin) -> Calibration {
    Calibration::of(&points(pairs.iter()), origin)
}

fn points<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Vec<Point> {
    merged(pairs.map(|pair| Point { score: pair.score, pairs: 1.0, relevant: f64::from(u8::from(pair.relevant)) }))
}

/// What lies above a cut-off that was learnt from other groups.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeldOut {
    /// Pairs above it.
    pub found: f64,
    /// Those of them that are relevant.
    pub right: f64,
    /// All relevant pairs.
    pub relevant: f64,
}

/// Groups are dealt to so many folds, in the order of their numbers.
const FOLDS: usize = 10;

/// For each wanted precision, in this order, what is found of each group by the cut-off that the other folds give.
/// Nothing where they give none.
pub fn cross_validated(pairs: &[Pair], precisions: &[f64]) -> Vec<Vec<HeldOut>> {
    let groups = pairs.iter().map(|pair| pair.group as usize + 1).max().unwrap_or(0);
    let mut held_out = vec![vec![HeldOut::default(); groups]; precisions.len()];
    let fold = |pair: &Pair| pair.group as usize % FOLDS;
    for out in 0..FOLDS.min(groups) {
        let learnt = from_labels_except(pairs, |pair| fold(pair) == out);
        let cutoffs: Vec<Option<f32>> = precisions.iter().map(|&precision| learnt.cutoff(precision)).collect();
        for pair in pairs.iter().filter(|pair| fold(pair) == out) {
            for (groups, cutoff) in held_out.iter_mut().zip(&cutoffs) {
                groups[pair.group as usize].count(pair, *cutoff);
            }
        }
    }
    held_out
}

fn from_labels_except(pairs: &[Pair], is_out: impl Fn(&Pair) -> bool) -> Calibration {
    Calibration::of(&points(pairs.iter().filter(|pair| !is_out(pair))), Origin::default())
}

impl HeldOut {
    fn count(&mut self, pair: &Pair, cutoff: Option<f32>) {
        let one = |yes: bool| f64::from(u8::from(yes));
        let is_found = cutoff.is_some_and(|cutoff| pair.score >= cutoff);
        self.found += one(is_found);
        self.right += one(is_found && pair.relevant);
        self.relevant += one(pair.relevant);
    }
}
