//! The exact scan of codes by Hamming distance.

use super::pieces::{Piece, Places, by_query, deal, in_order, pieces, worth};
use super::{Block, Kernels, ScoredId};
use crate::store::RecordId;

/// Rows whose distances are computed before they are looked at.
const ROWS: usize = 1024;

/// The `k` codes of `bits` bits nearest to each query, best first, ties by the lower id; the score is 1 - distance/bits.
///
/// # Panics
///
/// If the queries or rows don't have as many words as `bits` take.
pub fn nearest_codes(
    kernels: &Kernels,
    bits: usize,
    queries: &[&[u64]],
    blocks: &[Block<'_, u64>],
    (k, threads): (usize, usize),
) -> Vec<Vec<ScoredId>> {
    let width = bits.div_ceil(64);
    assert!(queries.iter().all(|query| query.len() == width), "queries have the length of rows");
    if k == 0 || bits == 0 {
        return vec![Vec::new(); queries.len()];
    }
    let (pieces, places) = (pieces(width, blocks), Places::new(width, blocks));
    let share = |queries: &[&[u64]]| nearest_codes(kernels, bits, queries, blocks, (k, 1));
    if let Some(ranked) = by_query(queries, (pieces.len(), threads), share) {
        return ranked;
    }
    let parts = deal(&pieces, worth(threads, pieces.len() * queries.len()), |turns| {
        let mut nearest: Vec<Nearest> = queries.iter().map(|_| Nearest::new(k, bits)).collect();
        let (mut distances, mut found) = (vec![0; ROWS], Vec::new());
        for (_, piece) in turns {
            for (query, nearest) in queries.iter().zip(&mut nearest) {
                scan(kernels, query, piece, nearest, (&mut distances, &mut found));
            }
        }
        nearest
    });
    let mut joined: Vec<Vec<(u32, u32)>> = vec![Vec::new(); queries.len()];
    for part in parts {
        for (all, nearest) in joined.iter_mut().zip(part) {
            all.extend(nearest.finish());
        }
    }
    let ranked = deal(&joined, worth(threads, joined.len()), |turns| {
        turns.map(|(i, found)| (i, ranked(found, (k, bits), |position| places.id(position)))).collect::<Vec<_>>()
    });
    in_order(ranked)
}

/// More than so many are sorted by counting.
const MANY: usize = 256;

/// The `k` nearest of distances and positions, best first, ties by the lower id. Many are sorted by counting, since
/// distances are small.
fn ranked(found: &[(u32, u32)], (k, bits): (usize, usize), id: impl Fn(usize) -> RecordId) -> Vec<ScoredId> {
    if found.len() <= MANY {
        let mut all: Vec<_> = found.iter().map(|&(distance, position)| (distance, id(position as usize))).collect();
        all.sort_unstable();
        let scored = all.into_iter().take(k).map(|(distance, id)| ScoredId { id, score: score(distance, bits) });
        return scored.collect();
    }
    let mut starts = vec![0; bits + 2];
    found.iter().for_each(|&(distance, _)| starts[distance as usize + 1] += 1);
    (0..=bits).for_each(|distance| starts[distance + 1] += starts[distance]);
    let mut next = starts.clone();
    let mut ids = vec![0; found.len()];
    for &(distance, position) in found {
        ids[next[distance as usize]] = id(position as usize);
        next[distance as usize] += 1;
    }
    let mut ranked = Vec::with_capacity(k.min(found.len()));
    for (distance, range) in starts.windows(2).enumerate() {
        let ids = &mut ids[range[0]..range[1]];
        ids.sort_unstable();
        let score = score(distance as u32, bits);
        ranked.extend(ids.iter().map(|&id| ScoredId { id, score }).take(k - ranked.len()));
        if ranked.len() == k {
            break;
        }
    }
    ranked
}

fn score(distance: u32, bits: usize) -> f32 {
    (1.0 - f64::from(distance) / bits as f64) as f32
}

fn scan(
    kernels: &Kernels,
    query: &[u64],
    piece: &Piece<'_, u64>,
    nearest: &mut Nearest,
    (distances, found): (&mut [u32], &mut Vec<u32>),
) {
    for (i, rows) in piece.rows.chunks(ROWS * query.len()).enumerate() {
        let distances = &mut distances[..rows.len() / query.len()];
        kernels.hamming(query, rows, distances);
        found.clear();
        kernels.at_most(distances, nearest.most, found);
        for &place in &*found {
            let row = i * ROWS + place as usize;
            if piece.wanted.is_none_or(|wanted| wanted[row]) {
                nearest.offer(distances[place as usize], piece.first + row);
            }
        }
    }
}

/// Finds the `k` nearest by counting: distances are small whole numbers, so that how many rows lie within which distance
/// says at once what is still of interest.
struct Nearest {
    k: usize,
    /// Rows found at each distance.
    counts: Vec<u32>,
    /// Rows within `most`.
    within: usize,
    /// The largest distance of interest.
    most: u32,
    found: Vec<(u32, u32)>,
    /// So many found make it worth while to drop those that are too far.
    enough: usize,
}

impl Nearest {
    fn new(k: usize, bits: usize) -> Self {
        let enough = k.saturating_mul(4).saturating_add(64);
        Self { k, counts: vec![0; bits + 1], within: 0, most: bits as u32, found: Vec::new(), enough }
    }

    fn offer(&mut self, distance: u32, position: usize) {
        // `most` may have fallen since the distance was compared with it.
        if distance > self.most {
            return;
        }
        self.found.push((distance, position as u32));
        self.counts[distance as usize] += 1;
        self.within += 1;
        // Those at `most` itself stay: which of them rank first is decided by id.
        while self.within - self.counts[self.most as usize] as usize >= self.k {
            self.within -= self.counts[self.most as usize] as usize;
            self.most -= 1;
        }
        if self.found.len() >= self.enough {
            self.trim();
        }
    }

    fn trim(&mut self) {
        self.found.retain(|&(distance, _)| distance <= self.most);
        self.enough = self.enough.max(self.found.len().saturating_mul(2));
    }

    fn finish(mut self) -> Vec<(u32, u32)> {
        self.trim();
        self.found
    }
}
