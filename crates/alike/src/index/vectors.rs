//! The exact scan of vectors: the truth that every faster search is measured by.

use super::candidates::Candidates;
use super::exact::Ranked;
use super::kernels::{Tile, TileHit, rounding};
use super::pieces::{Piece, Places, by_query, deal, in_order, pieces, worth};
use super::{Block, Kernels, ScoredId, exact};

/// Fewer queries than this are multiplied one by one: laying them out in panels wouldn't pay.
pub(super) const PANEL_FROM: usize = 6;
/// Queries that share one pass over the rows.
const QUERIES_PER_PASS: usize = 1024;
/// Where fewer rows of a piece are wanted than one in so many, only those are read.
const SPARSE: usize = 4;

/// The `k` rows nearest to each query, by dot product, best first, ties by the lower id; rows have the length of the
/// queries, and a norm of at most 1. Exact and the same on every processor and for any number of threads: approximate
/// scores say which rows may be among the best, and those are scored again in `f64`.
///
/// # Panics
///
/// If the queries or rows don't have `dims` numbers.
pub fn nearest_vectors(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    blocks: &[Block<'_, f32>],
    (k, threads): (usize, usize),
) -> Vec<Vec<ScoredId>> {
    ranked(kernels, dims, queries, blocks, (k, threads)).into_iter().map(exact::rounded).collect()
}

/// The same, with scores that aren't rounded yet.
pub(super) fn ranked(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    blocks: &[Block<'_, f32>],
    (k, threads): (usize, usize),
) -> Vec<Ranked> {
    assert!(queries.iter().all(|query| query.len() == dims), "queries have the length of rows");
    if k == 0 || dims == 0 {
        return vec![Vec::new(); queries.len()];
    }
    let pieces = pieces(dims, blocks);
    let share = |queries: &[&[f32]]| ranked(kernels, dims, queries, blocks, (k, 1));
    if let Some(ranked) = by_query(queries, (pieces.len(), threads), share) {
        return ranked;
    }
    let places = Places::new(dims, blocks);
    let mut results = Vec::with_capacity(queries.len());
    for queries in queries.chunks(QUERIES_PER_PASS) {
        let scan = Scan { kernels, dims, queries, k };
        let parts = deal(&pieces, worth(threads, pieces.len() * queries.len()), |turns| {
            scan.run(turns.map(|(_, piece)| piece))
        });
        let found: Vec<_> = join(parts).into_iter().map(Candidates::finish).zip(queries).collect();
        let ranked = deal(&found, worth(threads, found.len()), |turns| {
            let rank = |(found, query): &(Vec<(f32, u32)>, &&[f32])| {
                let rows: Vec<_> = found.iter().map(|&(_, position)| places.row(position as usize)).collect();
                exact::best(query, &rows, k)
            };
            turns.map(|(i, found)| (i, rank(found))).collect::<Vec<_>>()
        });
        results.extend(in_order(ranked));
    }
    results
}

/// The `k` nearest to each query among candidates of its own, which are places in the block: what a search by something
/// coarser found is ranked by the rows themselves.
///
/// # Panics
///
/// If queries and rows don't have `dims` numbers, there are other numbers of queries and candidates, or a candidate lies
/// behind the last row.
pub fn nearest_among(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    block: &Block<'_, f32>,
    candidates: &[Vec<u32>],
    (k, threads): (usize, usize),
) -> Vec<Vec<ScoredId>> {
    assert_eq!(queries.len(), candidates.len(), "candidates for each query");
    let both: Vec<_> = queries.iter().zip(candidates).collect();
    let one = |(query, places): (&&[f32], &[u32])| {
        let mut scores = vec![0.0; places.len()];
        kernels.dots_at(query, block.rows, places, &mut scores);
        let mut best = Candidates::new(k, 2.0 * rounding(dims, exact::norm(query)));
        places.iter().zip(scores).for_each(|(&place, score)| best.offer(score, place as usize));
        let row = |(_, place): (f32, u32)| {
            let place = place as usize;
            (block.ids[place], &block.rows[place * dims..][..dims])
        };
        exact::rounded(exact::best(query, &best.finish().into_iter().map(row).collect::<Vec<_>>(), k))
    };
    let ranked =
        deal(&both, threads, |turns| turns.map(|(i, (query, places))| (i, one((query, places)))).collect::<Vec<_>>());
    in_order(ranked)
}

/// One list of candidates for each query.
fn join(parts: Vec<Vec<Candidates>>) -> Vec<Candidates> {
    let mut parts = parts.into_iter();
    let mut joined = parts.next().unwrap_or_default();
    for part in parts {
        for (candidates, more) in joined.iter_mut().zip(part) {
            candidates.join(more);
        }
    }
    joined
}

struct Scan<'a> {
    kernels: &'a Kernels,
    dims: usize,
    queries: &'a [&'a [f32]],
    k: usize,
}

impl Scan<'_> {
    fn run<'p>(&self, pieces: impl Iterator<Item = &'p Piece<'p, f32>>) -> Vec<Candidates> {
        let slack = |query: &&[f32]| 2.0 * rounding(self.dims, exact::norm(query));
        let mut candidates: Vec<_> = self.queries.iter().map(|query| Candidates::new(self.k, slack(query))).collect();
        if self.queries.len() < PANEL_FROM {
            self.one_by_one(pieces, &mut candidates);
        } else {
            self.panels(pieces, &mut candidates);
        }
        candidates
    }

    fn one_by_one<'p>(&self, pieces: impl Iterator<Item = &'p Piece<'p, f32>>, candidates: &mut [Candidates]) {
        let (mut scores, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            let rows = piece.rows.len() / self.dims;
            let sparse = sparse(piece, &mut wanted);
            for (query, candidates) in self.queries.iter().zip(&mut *candidates) {
                places.clear();
                if sparse {
                    scores.resize(wanted.len(), 0.0);
                    self.kernels.dots_at(query, piece.rows, &wanted, &mut scores);
                } else {
                    scores.resize(rows, 0.0);
                    self.kernels.dots(query, piece.rows, &mut scores);
                }
                self.kernels.at_least(&scores, candidates.least(), &mut places);
                for &place in &places {
                    let row = if sparse { wanted[place as usize] } else { place } as usize;
                    if piece.wanted.is_none_or(|wanted| wanted[row]) {
                        candidates.offer(scores[place as usize], piece.first + row);
                    }
                }
            }
        }
    }

    fn panels<'p>(&self, pieces: impl Iterator<Item = &'p Piece<'p, f32>>, candidates: &mut [Candidates]) {
        let side = self.kernels.side_for(self.queries.len());
        let panels = panels(self.queries, self.dims, side);
        let mut least: Vec<f32> = candidates.iter().map(Candidates::least).collect();
        // What pads the last panel never reaches a score.
        least.resize(panels.len() / self.dims, f32::INFINITY);
        let mut hits: Vec<TileHit> = Vec::new();
        for piece in pieces {
            let groups = panels.chunks_exact(side * self.dims).zip(least.chunks_exact_mut(side));
            for ((queries, least), candidates) in groups.zip(candidates.chunks_mut(side)) {
                hits.clear();
                self.kernels.tile(&Tile { queries, rows: piece.rows, dims: self.dims, least }, &mut hits);
                for hit in &hits {
                    // A score that isn't finite reaches the bound of the padding.
                    let Some(candidates) = candidates.get_mut(hit.query as usize) else { continue };
                    let row = hit.row as usize;
                    if piece.wanted.is_none_or(|wanted| wanted[row]) {
                        candidates.offer(hit.score, piece.first + row);
                    }
                }
                for (least, candidates) in least.iter_mut().zip(candidates) {
                    *least = candidates.least();
                }
            }
        }
    }
}

/// Whether so few rows are wanted that they are better read one by one; then `places` holds them.
fn sparse(piece: &Piece<'_, f32>, places: &mut Vec<u32>) -> bool {
    let Some(wanted) = piece.wanted else { return false };
    places.clear();
    places.extend(wanted.iter().zip(0..).filter(|&(&wanted, _)| wanted).map(|(_, place)| place));
    places.len() * SPARSE < wanted.len()
}

/// Queries laid out `side` by `side`, dimension by dimension; the last panel is filled up with zeros.
pub(super) fn panels(queries: &[&[f32]], dims: usize, side: usize) -> Vec<f32> {
    let mut panels = vec![0.0; queries.len().div_ceil(side) * side * dims];
    for (panel, queries) in panels.chunks_exact_mut(side * dims).zip(queries.chunks(side)) {
        // Dimension by dimension, because memory is fast where it is written in order.
        for (d, column) in panel.chunks_exact_mut(side).enumerate() {
            column.iter_mut().zip(queries).for_each(|(number, query)| *number = query[d]);
        }
    }
    panels
}
