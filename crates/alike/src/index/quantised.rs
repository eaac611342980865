//! Search over rows in bytes: they tell which rows may be among the nearest, and those are scored by themselves.

use super::candidates::Candidates;
use super::exact::Ranked;
use super::kernels::{ByteQuery, ByteTile, TileHit, rounding};
use super::lists::{Bounds, Lists, Panels, Quantised, stride};
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

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// For each query the nearest, best first, ties by the lower id. Scores are those of the exact scan.
    pub hits: Vec<Vec<ScoredId>>,
    /// How many rows were scored by their numbers, because by their bytes they may be among the nearest.
    pub rescored: usize,
}

/// The `k` rows nearest to each query, the same as [`nearest_vectors`](super::nearest_vectors) finds: bytes tell for each
/// row between which bounds its score lies, and all that may be among the nearest is scored by the row itself. Rows of the
/// blocks, which have no bytes, are scanned.
///
/// # Panics
///
/// If queries, rows and lists don't have `dims` numbers.
pub fn nearest_quantised(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    (parts, blocks): (&[Part<'_>], &[Block<'_, f32>]),
    (k, threads): (usize, usize),
) -> Found {
    let search = Search { kernels, dims, parts, k, depth: None };
    search.and_beside(queries, blocks, threads, || search.all(queries, threads))
}

/// Those that are found in the `probes` lists whose centres are nearest to the query. Of ten nearest there the sixteen that
/// are best by their bytes are scored by the rows themselves, and of more in proportion: what that loses is little beside
/// what other lists hold.
///
/// # Panics
///
/// If queries, rows, centres and lists don't have `dims` numbers, or there are other lists than centres.
pub fn nearest_in_lists(
    kernels: &Kernels,
    dims: usize,
    queries: &[&[f32]],
    (parts, blocks): (&[Part<'_>], &[Block<'_, f32>]),
    (centres, probes): (&Centres, usize),
    (k, threads): (usize, usize),
) -> Found {
    assert!(parts.iter().all(|part| part.lists.len() == centres.len()), "a list for each centre");
    if probes >= centres.len() {
        return nearest_quantised(kernels, dims, queries, (parts, blocks), (k, threads));
    }
    let depth = Some(k.max(RESULTS).saturating_mul(DEPTH).div_ceil(RESULTS));
    let search = Search { kernels, dims, parts, k, depth };
    search.and_beside(queries, blocks, threads, || search.probe(queries, (centres, probes.max(1)), threads))
}

/// So many rows are scored by themselves for so many results.
const DEPTH: usize = 16;
const RESULTS: usize = 10;

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
    /// How many rows are scored by themselves: `None` for as many as may be among the nearest.
    depth: Option<usize>,
}

/// A query in bytes. Without bounds scores are taken as they are.
struct Asked {
    quantised: Quantised,
    bounds: Option<Bounds>,
}

impl Asked {
    /// Scores are at least the true ones, but for the error of the bounds.
    fn for_bytes(&self) -> ByteQuery<'_> {
        let query = self.quantised.for_bytes();
        ByteQuery { excess: query.excess - self.bounds.map_or(0, |bounds| bounds.reach), ..query }
    }

    /// No more than the true score of what has this one.
    fn low(&self, score: f32, row_scale: f32) -> f32 {
        self.bounds.map_or(score, |bounds| score - bounds.width(row_scale))
    }
}

/// Of one query.
struct Rescored {
    ranked: Ranked,
    rows: usize,
}

impl Search<'_> {
    /// What a search of the parts finds, and what rows beside them add.
    fn and_beside(
        &self,
        queries: &[&[f32]],
        blocks: &[Block<'_, f32>],
        threads: usize,
        run: impl FnOnce() -> Vec<Rescored>,
    ) -> Found {
        assert!(queries.iter().all(|query| query.len() == self.dims), "queries have the length of rows");
        if self.k == 0 || self.dims == 0 {
            return Found { hits: vec![Vec::new(); queries.len()], rescored: 0 };
        }
        let found = run();
        let rescored = found.iter().map(|found| found.rows).sum();
        let beside = vectors::ranked(self.kernels, self.dims, queries, blocks, (self.k, threads));
        let join = |(Rescored { mut ranked, .. }, beside): (Rescored, Ranked)| {
            if !beside.is_empty() {
                ranked.extend(beside);
                ranked = exact::rank(ranked, self.k);
            }
            exact::rounded(ranked)
        };
        Found { hits: found.into_iter().zip(beside).map(join).collect(), rescored }
    }

    /// Every row, for all queries piece by piece.
    fn all(&self, queries: &[&[f32]], threads: usize) -> Vec<Rescored> {
        let step = rows_of(PIECE, stride(self.dims));
        let mut spans = Vec::new();
        for (part, rows) in self.parts.iter().map(|part| part.lists.places().len()).enumerate() {
            spans.extend((0..rows).step_by(step).map(|start| Span { part, rows: start..rows.min(start + step) }));
        }
        if let Some(ranked) = by_query(queries, (spans.len(), threads), |queries| self.all(queries, 1)) {
            return ranked;
        }
        let asked: Vec<Asked> = queries.iter().map(|query| self.asked(query)).collect();
        let panels = (queries.len() >= PANEL_FROM).then(|| self.panels(&asked));
        let found = deal(&spans, worth(threads, spans.len() * queries.len()), |turns| {
            let mut candidates: Vec<Vec<Candidates>> = queries.iter().map(|_| self.candidates()).collect();
            let mut scratch = Scratch::default();
            for (_, span) in turns {
                if let Some(panels) = &panels {
                    self.scan_panels((panels, &asked), span, &mut candidates, &mut scratch.hits);
                    continue;
                }
                for (query, candidates) in asked.iter().zip(&mut candidates) {
                    self.scan(query, span, &mut candidates[span.part], &mut scratch);
                }
            }
            candidates
        });
        let mut joined: Vec<Vec<(f32, Place)>> = vec![Vec::new(); queries.len()];
        for candidates in found {
            joined.iter_mut().zip(candidates).for_each(|(all, candidates)| all.extend(places(candidates)));
        }
        let ranked = deal(&joined, worth(threads, queries.len()), |turns| {
            let rescore = |(i, found): (usize, &Vec<_>)| (i, self.rescore(queries[i], &asked[i], found.clone()));
            turns.map(rescore).collect::<Vec<_>>()
        });
        in_order(ranked)
    }

    /// The nearest lists, query by query.
    fn probe(&self, queries: &[&[f32]], (centres, probes): (&Centres, usize), threads: usize) -> Vec<Rescored> {
        let ranked = deal(queries, worth(threads, queries.len()), |turns| {
            let mut scratch = Scratch::default();
            let one = |(i, query): (usize, &&[f32])| {
                let asked = self.asked(query);
                let lists = centres.nearest(self.kernels, &asked.quantised, probes);
                let mut candidates = self.candidates();
                for (part, candidates) in candidates.iter_mut().enumerate() {
                    for &list in &lists {
                        let span = Span { part, rows: self.parts[part].lists.list(list as usize) };
                        self.scan(&asked, &span, candidates, &mut scratch);
                    }
                }
                (i, self.rescore(query, &asked, places(candidates)))
            };
            turns.map(one).collect::<Vec<_>>()
        });
        in_order(ranked)
    }

    fn asked(&self, query: &[f32]) -> Asked {
        let quantised = Quantised::new(query);
        let bounds = self.depth.is_none().then(|| Bounds::new(query, &quantised));
        Asked { quantised, bounds }
    }

    fn panels(&self, asked: &[Asked]) -> Panels {
        let queries: Vec<&Quantised> = asked.iter().map(|asked| &asked.quantised).collect();
        let bounds: Vec<Bounds> = asked.iter().filter_map(|asked| asked.bounds).collect();
        Panels::new(&queries, stride(self.dims), self.kernels.side()).raised(&bounds)
    }

    fn candidates(&self) -> Vec<Candidates> {
        self.parts.iter().map(|_| Candidates::new(self.depth.unwrap_or(self.k), 0.0)).collect()
    }

    fn scan(&self, query: &Asked, span: &Span, candidates: &mut Candidates, scratch: &mut Scratch) {
        let part = &self.parts[span.part];
        let (bytes, scales) = part.lists.rows(span.rows.clone());
        scratch.scores.resize(scales.len(), 0.0);
        scratch.found.clear();
        self.kernels.dots_i8(&query.for_bytes(), bytes, scales, &mut scratch.scores);
        self.kernels.at_least(&scratch.scores, candidates.least(), &mut scratch.found);
        for &found in &scratch.found {
            let found = found as usize;
            let place = part.lists.places()[span.rows.start + found] as usize;
            if part.block.wanted.as_ref().is_none_or(|wanted| wanted[place]) {
                let score = scratch.scores[found];
                candidates.offer_within(score, query.low(score, scales[found]), place);
            }
        }
    }

    /// The same for many queries at once.
    fn scan_panels(
        &self,
        (panels, asked): (&Panels, &[Asked]),
        span: &Span,
        candidates: &mut [Vec<Candidates>],
        hits: &mut Vec<TileHit>,
    ) {
        let (side, part) = (self.kernels.side(), &self.parts[span.part]);
        let (rows, scales) = part.lists.rows(span.rows.clone());
        let mut least = vec![0.0; side];
        let groups = candidates.chunks_mut(side).zip(asked.chunks(side));
        for ((queries, excess), (candidates, asked)) in panels.each().zip(groups) {
            // What pads the last panel reaches no score.
            least.fill(f32::INFINITY);
            least.iter_mut().zip(&*candidates).for_each(|(least, candidates)| *least = candidates[span.part].least());
            hits.clear();
            let length = stride(self.dims);
            self.kernels.tile_i8(&ByteTile { queries, excess, rows, scales, length, least: &least }, hits);
            for hit in &*hits {
                let (row, query) = (hit.row as usize, hit.query as usize);
                let place = part.lists.places()[span.rows.start + row] as usize;
                if part.block.wanted.as_ref().is_none_or(|wanted| wanted[place])
                    && let Some(candidates) = candidates.get_mut(query)
                {
                    candidates[span.part].offer_within(hit.score, asked[query].low(hit.score, scales[row]), place);
                }
            }
        }
    }

    /// Ranks what may be among the nearest by the rows themselves: the most promising first, until no other can be.
    fn rescore(&self, query: &[f32], asked: &Asked, mut found: Vec<(f32, Place)>) -> Rescored {
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut best = Candidates::new(self.k, 2.0 * rounding(self.dims, exact::norm(query)));
        found.truncate(self.depth.unwrap_or(found.len()));
        let may_be_near = |score, least| asked.bounds.is_none_or(|bounds| bounds.at_most(score) >= least);
        let mut done = 0;
        while done < found.len() && may_be_near(found[done].0, best.least()) {
            let next = found.len().min(done + self.k.max(AT_ONCE));
            self.score(query, &mut found[done..next], |i, score| best.offer(score, done + i));
            best.trim();
            done = next;
        }
        let best: Vec<_> = best.finish().into_iter().map(|(_, i)| self.row(found[i as usize].1)).collect();
        Rescored { ranked: exact::best(query, &best, self.k), rows: done }
    }

    /// Scores of rows, which are put in the order of their places.
    fn score(&self, query: &[f32], found: &mut [(f32, Place)], mut each: impl FnMut(usize, f32)) {
        found.sort_unstable_by_key(|&(_, place)| place);
        let (mut before, mut scores) = (0, Vec::new());
        for found in found.chunk_by(|a, b| a.1.part == b.1.part) {
            let rows: Vec<u32> = found.iter().map(|(_, place)| place.row).collect();
            scores.resize(rows.len(), 0.0);
            self.kernels.dots_at(query, self.parts[found[0].1.part as usize].block.rows, &rows, &mut scores);
            scores.iter().zip(before..).for_each(|(&score, i)| each(i, score));
            before += found.len();
        }
    }

    fn row(&self, place: Place) -> (RecordId, &[f32]) {
        let block = &self.parts[place.part as usize].block;
        (block.ids[place.row as usize], &block.rows[place.row as usize * self.dims..][..self.dims])
    }
}

/// Rows that are scored before it is seen whether others may still be among the nearest.
const AT_ONCE: usize = 16;

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
