//! Late fusion: one ranking made of those that several recipes gave for the same query.

use crate::index::ScoredId;
use crate::store::RecordId;
use std::collections::BTreeMap;

/// What a ranking counts for at rank 1 is `1 / (RANK_OFFSET + 1)`; 60 is the value of the method's authors.
const RANK_OFFSET: f64 = 60.0;

/// Hits that each ranking contributes, at least, and for each hit that is wanted: see [`candidates`].
const LEAST_CANDIDATES: usize = 100;
const CANDIDATES_PER_HIT: usize = 10;

/// How rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fusion {
    /// Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): the sum of `1 / (60 + rank)` over the rankings
    /// that have the record. What the scores mean doesn't matter.
    ReciprocalRank,
    /// `CombSUM` (Fox and Shaw, TREC-2, 1994) of scores between 0 for the last and 1 for the first of a ranking (Lee,
    /// SIGIR 1997), divided by the number of rankings. A ranking without the record counts 0, one whose scores are all
    /// equal 1.
    Scores,
}

impl Fusion {
    /// The score of a record that is first in each of so many rankings: none is higher.
    pub fn greatest(self, rankings: usize) -> f64 {
        match self {
            Self::ReciprocalRank => rankings as f64 / (RANK_OFFSET + 1.0),
            Self::Scores => 1.0,
        }
    }
}

/// Where a record stands in one ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From 1.
    pub rank: usize,
    /// The score there.
    pub score: f32,
}

/// A record of a fused ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused {
    /// The record.
    pub id: RecordId,
    /// In 0..=[`Fusion::greatest`]; the higher, the more alike.
    pub score: f64,
    /// Where it stands in each ranking; `None` where that doesn't have it.
    pub places: Vec<Option<Place>>,
}

/// How many hits each ranking contributes where `k` are wanted: 10 for each, and at least 100. A record that one recipe
/// puts just behind its first `k` may be among the first of all.
pub fn candidates(k: usize) -> usize {
    k.saturating_mul(CANDIDATES_PER_HIT).max(LEAST_CANDIDATES)
}

/// All records of the rankings, best first, exactly equal scores by ascending id. Each ranking is ordered, best first.
/// The order of the rankings doesn't matter, except to [`Fused::places`].
pub fn fuse(fusion: Fusion, rankings: &[Vec<ScoredId>]) -> Vec<Fused> {
    let ranges: Vec<(f64, f64)> = rankings.iter().map(|ranking| range(ranking)).collect();
    let fused = |(id, places): (RecordId, Vec<Option<Place>>)| {
        let score = score(fusion, &places, &ranges);
        Fused { id, score, places }
    };
    let mut all: Vec<Fused> = places(rankings).into_iter().map(fused).collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable: equals stay in the order of ids
    all
}

fn places(rankings: &[Vec<ScoredId>]) -> BTreeMap<RecordId, Vec<Option<Place>>> {
    let mut places = BTreeMap::new();
    for (position, ranking) in rankings.iter().enumerate() {
        for (rank, hit) in (1..).zip(ranking) {
            let of_record = places.entry(hit.id).or_insert_with(|| vec![None; rankings.len()]);
            of_record[position] = Some(Place { rank, score: hit.score });
        }
    }
    places
}

/// Least and greatest score.
fn range(ranking: &[ScoredId]) -> (f64, f64) {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    ranking.iter().map(|hit| f64::from(hit.score)).fold(ends, |(low, high), score| (low.min(score), high.max(score)))
}

fn score(fusion: Fusion, places: &[Option<Place>], ranges: &[(f64, f64)]) -> f64 {
    let part = |(place, &(low, high)): (&Option<Place>, &(f64, f64))| {
        let Place { rank, score } = (*place)?;
        Some(match fusion {
            Fusion::ReciprocalRank => 1.0 / (RANK_OFFSET + rank as f64),
            Fusion::Scores if high > low => (f64::from(score) - low) / (high - low),
            Fusion::Scores => 1.0,
        })
    };
    let mut parts: Vec<f64> = places.iter().zip(ranges).filter_map(part).collect();
    // Ranks 1, 2, 3 and 3, 2, 1 are a tie, which rounding must not break.
    parts.sort_unstable_by(f64::total_cmp);
    let sum: f64 = parts.iter().sum();
    match fusion {
        Fusion::ReciprocalRank => sum,
        Fusion::Scores => sum / places.len() as f64,
    }
}
