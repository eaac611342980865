//! The exact scan: the truth that every faster search is measured by.

use super::RecordId;

/// A found record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredId {
    /// The record.
    pub id: RecordId,
    /// Cosine in -1..=1 for vectors; 1 - distance/bits for codes.
    pub score: f32,
}

/// How rows are compared. `fast` may round as it likes within `error`; `exact` has one fixed order, so that rankings
/// don't depend on the machine.
pub(super) trait Metric: Sync {
    type Word: Copy + Sync;
    fn fast(&self, query: &[Self::Word], row: &[Self::Word]) -> f32;
    fn exact(&self, query: &[Self::Word], row: &[Self::Word]) -> f64;
    /// Bound of |fast - exact| for rows of unit length.
    fn error(&self, query: &[Self::Word]) -> f32;
}

pub(super) struct Dot;

impl Metric for Dot {
    type Word = f32;

    fn fast(&self, query: &[f32], row: &[f32]) -> f32 {
        let mut sums = [0.0f32; 16];
        let (queries, query_rest) = query.as_chunks::<16>();
        let (rows, row_rest) = row.as_chunks::<16>();
        for (q, r) in queries.iter().zip(rows) {
            for i in 0..16 {
                sums[i] += q[i] * r[i];
            }
        }
        let rest: f32 = query_rest.iter().zip(row_rest).map(|(q, r)| q * r).sum();
        sums.iter().sum::<f32>() + rest
    }

    fn exact(&self, query: &[f32], row: &[f32]) -> f64 {
        query.iter().zip(row).map(|(&q, &r)| f64::from(q) * f64::from(r)).sum()
    }

    /// Each product passes at most dims/16 + 32 additions (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
    fn error(&self, query: &[f32]) -> f32 {
        let norm = self.exact(query, query).sqrt() as f32;
        (query.len() as f32 / 16.0 + 32.0) * f32::EPSILON * norm
    }
}

pub(super) struct Hamming {
    pub(super) bits: usize,
}

impl Metric for Hamming {
    type Word = u64;

    fn fast(&self, query: &[u64], row: &[u64]) -> f32 {
        self.exact(query, row) as f32
    }

    fn exact(&self, query: &[u64], row: &[u64]) -> f64 {
        let distance: u64 = query.iter().zip(row).map(|(q, r)| u64::from((q ^ r).count_ones())).sum();
        1.0 - distance as f64 / self.bits as f64
    }

    fn error(&self, _query: &[u64]) -> f32 {
        f32::EPSILON
    }
}

/// Rows of one segment; `wanted` is `None` where all are.
pub(super) struct Block<'a, W> {
    pub(super) ids: &'a [RecordId],
    pub(super) rows: &'a [W],
    pub(super) wanted: Option<Vec<bool>>,
}

/// Queries that share one pass over the rows.
const QUERIES_PER_PASS: usize = 8;
/// Rows are dealt to threads in pieces of about this many words.
const WORDS_PER_PIECE: usize = 1 << 17;

/// The `k` best rows for each query, best first, ties by id. `width` is the length of rows and queries in words.
pub(super) fn scan<M: Metric>(
    metric: &M,
    width: usize,
    queries: &[&[M::Word]],
    blocks: &[Block<'_, M::Word>],
    (k, threads): (usize, usize),
) -> Vec<Vec<ScoredId>> {
    let total = blocks.iter().map(|block| block.ids.len()).sum::<usize>();
    if total == 0 || width == 0 || k == 0 {
        return vec![Vec::new(); queries.len()];
    }
    let mut results = Vec::with_capacity(queries.len());
    for group in queries.chunks(QUERIES_PER_PASS) {
        let mut scores = vec![f32::NEG_INFINITY; total * group.len()];
        score(metric, width, group, &mut pieces(width, group.len(), blocks, &mut scores), threads);
        results.extend((0..group.len()).map(|i| best(metric, (i, group), width, blocks, &scores, k)));
    }
    results
}

/// The `k` rows nearest to `query`, best first: the exact scan over vectors in memory, a row of `query.len()` numbers for
/// each id.
pub fn nearest_vectors(query: &[f32], ids: &[RecordId], rows: &[f32], (k, threads): (usize, usize)) -> Vec<ScoredId> {
    nearest(&Dot, query, ids, rows, (k, threads))
}

/// The same for codes of `bits` bits.
pub fn nearest_codes(
    bits: usize,
    query: &[u64],
    ids: &[RecordId],
    rows: &[u64],
    (k, threads): (usize, usize),
) -> Vec<ScoredId> {
    nearest(&Hamming { bits }, query, ids, rows, (k, threads))
}

fn nearest<M: Metric>(
    metric: &M,
    query: &[M::Word],
    ids: &[RecordId],
    rows: &[M::Word],
    how_many: (usize, usize),
) -> Vec<ScoredId> {
    let found = scan(metric, query.len(), &[query], &[Block { ids, rows, wanted: None }], how_many);
    found.into_iter().next().unwrap_or_default()
}

struct Piece<'a, W> {
    rows: &'a [W],
    wanted: Option<&'a [bool]>,
    /// Row by row, a score for each query of the group.
    scores: &'a mut [f32],
}

fn pieces<'a, W>(
    width: usize,
    group: usize,
    blocks: &'a [Block<'_, W>],
    mut scores: &'a mut [f32],
) -> Vec<Piece<'a, W>> {
    let step = (WORDS_PER_PIECE / width).max(1);
    let mut pieces = Vec::new();
    for block in blocks {
        for start in (0..block.ids.len()).step_by(step) {
            let end = block.ids.len().min(start + step);
            let (head, tail) = scores.split_at_mut((end - start) * group);
            scores = tail;
            let wanted = block.wanted.as_ref().map(|wanted| &wanted[start..end]);
            pieces.push(Piece { rows: &block.rows[start * width..end * width], wanted, scores: head });
        }
    }
    pieces
}

fn score<M: Metric>(metric: &M, width: usize, group: &[&[M::Word]], pieces: &mut [Piece<'_, M::Word>], threads: usize) {
    let share = pieces.len().div_ceil(threads.max(1));
    if share == pieces.len() {
        return pieces.iter_mut().for_each(|piece| score_piece(metric, width, group, piece));
    }
    std::thread::scope(|scope| {
        for part in pieces.chunks_mut(share) {
            scope.spawn(move || part.iter_mut().for_each(|piece| score_piece(metric, width, group, piece)));
        }
    });
}

fn score_piece<M: Metric>(metric: &M, width: usize, group: &[&[M::Word]], piece: &mut Piece<'_, M::Word>) {
    let rows = piece.rows.chunks_exact(width).zip(piece.scores.chunks_exact_mut(group.len()));
    for (i, (row, scores)) in rows.enumerate() {
        if piece.wanted.is_none_or(|wanted| wanted[i]) {
            for (query, score) in group.iter().zip(scores) {
                let fast = metric.fast(query, row);
                *score = if fast.is_nan() { f32::NEG_INFINITY } else { fast };
            }
        }
    }
}

/// Rescores everything that rounding could have kept from the first `k`.
fn best<M: Metric>(
    metric: &M,
    (index, group): (usize, &[&[M::Word]]),
    width: usize,
    blocks: &[Block<'_, M::Word>],
    scores: &[f32],
    k: usize,
) -> Vec<ScoredId> {
    let query = group[index];
    let column = || scores.iter().skip(index).step_by(group.len()).copied();
    let threshold =
        kth_largest(column().filter(|&score| score > f32::NEG_INFINITY).collect(), k) - 2.0 * metric.error(query);
    let rows = blocks.iter().flat_map(|block| block.ids.iter().zip(block.rows.chunks_exact(width)));
    let mut found: Vec<(f64, RecordId)> = column()
        .zip(rows)
        .filter(|&(score, _)| score > f32::NEG_INFINITY && score >= threshold)
        .map(|(_, (&id, row))| (metric.exact(query, row), id))
        .collect();
    found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(k);
    found.into_iter().map(|(score, id)| ScoredId { id, score: score as f32 }).collect()
}

fn kth_largest(mut scores: Vec<f32>, k: usize) -> f32 {
    if scores.len() <= k {
        return f32::NEG_INFINITY;
    }
    *scores.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
}
