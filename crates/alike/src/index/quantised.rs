//! Search over rows in bytes: what they find is scored again by the rows themselves.

use super::candidates::Candidates;
use super::exact::Ranked;
use super::kernels::{ByteQuery, ByteTile, TileHit, rounding};
use super::lists::{Lists, Panels, Quantised, stride};
use super::pieces::{by_query, deal, in_order, rows_of, worth};
use super::vectors::{self, PANEL_FROM};
use super::{Block, Kernels, ScoredId, exact};
use crate::store::RecordId;
use std::ops::Range;

/// A segment that has its rows in bytes as well.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// As for the exact scan.
    pub block: Block<'a, f32>,
    /// The rows in bytes.
    pub lists: Lists<'a>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How many lists are looked at: those whose centres are nearest to the query.
    pub probes: usize,
    /// How many rows are scored again, for ten results. For more results it is more in proportion.
    pub depth: usize,
}

impl Effort {
    fn rescored(self, k: usize) -> usize {
        self.depth.saturating_mul(k.max(RESULTS)).div_ceil(RESULTS).max(k)
    }
}

/// What [`Effort::depth`] is meant for.
const RESULTS: usize = 10;
/// Bytes of rows that are scored before the scores are looked at.
const PIECE: usize = 128 << 10;

/// Scores of centres that are looked at before the bound is raised.
const CENTRES: usize = 64;

/// Centres of lists, in bytes.
#[derive(Debug, Clone)]
pub struct Centres {
    file: Vec<u32>,
    dims: usize,
    count: usize,
}

impl Centres {
    /// Of unit vectors, one after the other.
    pub fn new(centres: &[f32], dims: usize) -> Self {
        let count = centres.len() / dims;
        let mut file: Vec<u8> = Vec::new();
        let row = |i: usize| &centres[i * dims..][..dims];
        let Ok(()) = super::lists::write(count, dims, row, (1, None), |bytes| {
            file.extend_from_slice(bytes);
            Ok::<_, std::convert::Infallible>(())
        });
        Self { file: bytemuck::pod_collect_to_vec(&file), dims, count }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes and scales of all.
    pub(super) fn rows(&self) -> (&[u8], &[f32]) {
        let lists = Lists::checked(bytemuck::cast_slice(&self.file), self.count, self.dims);
        lists.map_or((&[], &[]), |lists| lists.rows(0..self.count))
    }

    /// The `probes` nearest to a query, by approximate score.
    fn nearest(&self, kernels: &Kernels, query: &Quantised, probes: usize) -> Vec<u32> {
        let (bytes, scales) = self.rows();
        let mut scores = vec![0.0; self.count];
        kernels.dots_i8(&query.for_bytes(), bytes, scales, &mut scores);
        let (mut best, mut found) = (Candidates::new(probes, 0.0), Vec::new());
        for (i, scores) in scores.chunks(CENTRES).enumerate() {
            found.clear();
            kernels.at_least(scores, best.least(), &mut found);
            found.iter().for_each(|&place| best.offer(scores[place as usize], i * CENTRES + place as usize));
        }
        let mut best = best.finish();
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.into_iter().take(probes).map(|(_, centre)| centre).collect()
    }
}

impl Quantised {
    fn for_bytes(&self) -> ByteQuery<'_> {
        ByteQuery { numbers: &self.numbers, excess: 128 * self.sum }
    }
}

/// The `k` rows nearest to each query as far as `effort` finds them, best first, ties by the lower id. The scores are
/// those of the exact scan. Without centres all rows of the parts are looked at; those of the blocks always are.
///
/// # Panics
///
/// If queries, rows and lists don't have `dims` numbers, or there are other lists than centres.
pub fn nearest_quantised(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    (parts, blocks): (&[Part<'_>], &[Block<'_, f32>]),
    (centres, effort): (Option<&Centres>, Effort),
    (k, threads): (usize, usize),
) -> Vec<Vec<ScoredId>> {
    assert!(queries.iter().all(|query| query.len() == dims), "queries have the length of rows");
    let lists = centres.map_or(1, Centres::len);
    assert!(parts.iter().all(|part| part.lists.len() == lists), "a list for each centre");
    if k == 0 || dims == 0 {
        return vec![Vec::new(); queries.len()];
    }
    let search = Search { kernels, dims, parts, k, depth: effort.rescored(k) };
    let found = match centres.filter(|centres| effort.probes < centres.len()) {
        None => search.all(queries, threads),
        Some(centres) => search.probe(queries, centres, effort.probes.max(1), threads),
    };
    let beside = vectors::ranked(kernels, dims, queries, blocks, (k, threads));
    let join = |(mut found, beside): (Ranked, Ranked)| {
        if !beside.is_empty() {
            found.extend(beside);
            found = exact::rank(found, k);
        }
        exact::rounded(found)
    };
    found.into_iter().zip(beside).map(join).collect()
}

/// Rows of a part, counted in the order of its lists.
struct Span {
    part: usize,
    rows: Range<usize>,
}

struct Search<'a> {
    kernels: &'a Kernels,
    dims: usize,
    parts: &'a [Part<'a>],
    k: usize,
    depth: usize,
}

impl Search<'_> {
    /// Every row, for all queries piece by piece.
    fn all(&self, queries: &[&[f32]], threads: usize) -> Vec<Ranked> {
        let step = rows_of(PIECE, stride(self.dims));
        let mut spans = Vec::new();
        for (part, rows) in self.parts.iter().map(|part| part.lists.places().len()).enumerate() {
            spans.extend((0..rows).step_by(step).map(|start| Span { part, rows: start..rows.min(start + step) }));
        }
        if let Some(ranked) = by_query(queries, (spans.len(), threads), |queries| self.all(queries, 1)) {
            return ranked;
        }
        let quantised: Vec<Quantised> = queries.iter().map(|query| Quantised::new(query)).collect();
        let side = self.kernels.side();
        let panels = (queries.len() >= PANEL_FROM).then(|| Panels::new(&quantised, stride(self.dims), side));
        let found = deal(&spans, worth(threads, spans.len() * queries.len()), |turns| {
            let mut candidates: Vec<Vec<Candidates>> = queries.iter().map(|_| self.candidates()).collect();
            let mut scratch = Scratch::default();
            for (_, span) in turns {
                if let Some(panels) = &panels {
                    self.scan_panels(panels, span, &mut candidates, &mut scratch.hits);
                    continue;
                }
                for (query, candidates) in quantised.iter().zip(&mut candidates) {
                    self.scan(query, span, &mut candidates[span.part], &mut scratch);
                }
            }
            candidates
        });
        let mut joined: Vec<Vec<(f32, Place)>> = vec![Vec::new(); queries.len()];
        for candidates in found {
            joined.iter_mut().zip(candidates).for_each(|(all, candidates)| all.extend(places(candidates)));
        }
        let queries: Vec<_> = queries.iter().zip(joined).collect();
        let ranked = deal(&queries, worth(threads, queries.len()), |turns| {
            turns.map(|(i, (query, found))| (i, self.rescore(query, found.clone()))).collect::<Vec<_>>()
        });
        in_order(ranked)
    }

    /// The nearest lists, query by query.
    fn probe(&self, queries: &[&[f32]], centres: &Centres, probes: usize, threads: usize) -> Vec<Ranked> {
        let ranked = deal(queries, worth(threads, queries.len()), |turns| {
            let mut scratch = Scratch::default();
            let one = |(i, query): (usize, &&[f32])| {
                let quantised = Quantised::new(query);
                let lists = centres.nearest(self.kernels, &quantised, probes);
                let mut candidates = self.candidates();
                for (part, candidates) in candidates.iter_mut().enumerate() {
                    for &list in &lists {
                        let span = Span { part, rows: self.parts[part].lists.list(list as usize) };
                        self.scan(&quantised, &span, candidates, &mut scratch);
                    }
                }
                (i, self.rescore(query, places(candidates)))
            };
            turns.map(one).collect::<Vec<_>>()
        });
        in_order(ranked)
    }

    fn candidates(&self) -> Vec<Candidates> {
        self.parts.iter().map(|_| Candidates::new(self.depth, 0.0)).collect()
    }

    fn scan(&self, query: &Quantised, span: &Span, candidates: &mut Candidates, scratch: &mut Scratch) {
        let part = &self.parts[span.part];
        let (bytes, scales) = part.lists.rows(span.rows.clone());
        scratch.scores.resize(scales.len(), 0.0);
        scratch.found.clear();
        self.kernels.dots_i8(&query.for_bytes(), bytes, scales, &mut scratch.scores);
        self.kernels.at_least(&scratch.scores, candidates.least(), &mut scratch.found);
        for &found in &scratch.found {
            let place = part.lists.places()[span.rows.start + found as usize] as usize;
            if part.block.wanted.as_ref().is_none_or(|wanted| wanted[place]) {
                candidates.offer(scratch.scores[found as usize], place);
            }
        }
    }

    /// The same for many queries at once.
    fn scan_panels(&self, panels: &Panels, span: &Span, candidates: &mut [Vec<Candidates>], hits: &mut Vec<TileHit>) {
        let (side, part) = (self.kernels.side(), &self.parts[span.part]);
        let (rows, scales) = part.lists.rows(span.rows.clone());
        let mut least = vec![0.0; side];
        for ((queries, excess), candidates) in panels.each().zip(candidates.chunks_mut(side)) {
            // What pads the last panel reaches no score.
            least.fill(f32::INFINITY);
            least.iter_mut().zip(&*candidates).for_each(|(least, candidates)| *least = candidates[span.part].least());
            hits.clear();
            let length = stride(self.dims);
            self.kernels.tile_i8(&ByteTile { queries, excess, rows, scales, length, least: &least }, hits);
            for hit in &*hits {
                let place = part.lists.places()[span.rows.start + hit.row as usize] as usize;
                if part.block.wanted.as_ref().is_none_or(|wanted| wanted[place])
                    && let Some(candidates) = candidates.get_mut(hit.query as usize)
                {
                    candidates[span.part].offer(hit.score, place);
                }
            }
        }
    }

    /// Ranks the best by bytes by the rows themselves.
    fn rescore(&self, query: &[f32], mut found: Vec<(f32, Place)>) -> Ranked {
        if found.len() > self.depth {
            found.select_nth_unstable_by(self.depth - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            found.truncate(self.depth);
        }
        let mut best = Candidates::new(self.k, 2.0 * rounding(self.dims, exact::norm(query)));
        found.sort_unstable_by_key(|&(_, place)| place);
        let mut scores = Vec::new();
        let mut before = 0;
        for found in found.chunk_by(|a, b| a.1.part == b.1.part) {
            let rows: Vec<u32> = found.iter().map(|(_, place)| place.row).collect();
            scores.resize(rows.len(), 0.0);
            self.kernels.dots_at(query, self.parts[found[0].1.part as usize].block.rows, &rows, &mut scores);
            scores.iter().zip(before..).for_each(|(&score, i)| best.offer(score, i));
            before += found.len();
        }
        let best: Vec<_> = best.finish().into_iter().map(|(_, i)| self.row(found[i as usize].1)).collect();
        exact::best(query, &best, self.k)
    }

    fn row(&self, place: Place) -> (RecordId, &[f32]) {
        let block = &self.parts[place.part as usize].block;
        (block.ids[place.row as usize], &block.rows[place.row as usize * self.dims..][..self.dims])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    part: u32,
    row: u32,
}

#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    found: Vec<u32>,
    hits: Vec<TileHit>,
}

/// What was found in each part.
fn places(candidates: Vec<Candidates>) -> Vec<(f32, Place)> {
    let in_part = |(part, candidates): (usize, Candidates)| {
        candidates.finish().into_iter().map(move |(score, row)| (score, Place { part: part as u32, row }))
    };
    candidates.into_iter().enumerate().flat_map(in_part).collect()
}
