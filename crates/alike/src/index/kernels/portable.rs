//! Loops for any processor: the reference for all others.

use super::{ByteQuery, ByteTile, GROUP, Kernels, Tile, TileHit, bodies};

pub(super) const KERNELS: Kernels = Kernels {
    name: "portable",
    side: SIDE,
    dots,
    dots_at,
    tile,
    narrow: (SIDE, tile),
    dots_i8,
    tile_i8: tile_i8::<SIDE>,
    hamming: bodies::hamming,
    positions: bodies::at_least,
    within: bodies::at_most,
};

/// Sums that run side by side, so that the compiler finds vectors in them.
const LANES: usize = 16;
const SIDE: usize = 8;
/// Rows of a tile that are multiplied at once.
const ROWS: usize = 4;

fn dots(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    if query.is_empty() {
        return scores.fill(0.0);
    }
    for (row, score) in rows.chunks_exact(query.len()).zip(scores) {
        *score = dot(query, row);
    }
}

fn dots_at(query: &[f32], rows: &[f32], places: &[u32], scores: &mut [f32]) {
    for (&place, score) in places.iter().zip(scores) {
        *score = dot(query, &rows[place as usize * query.len()..][..query.len()]);
    }
}

fn dot(query: &[f32], row: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (rows, row_rest) = row.as_chunks::<LANES>();
    for (q, r) in queries.iter().zip(rows) {
        for i in 0..LANES {
            sums[i] += q[i] * r[i];
        }
    }
    let rest: f32 = query_rest.iter().zip(row_rest).map(|(q, r)| q * r).sum();
    sums.iter().sum::<f32>() + rest
}

fn tile(tile: &Tile<'_>, hits: &mut Vec<TileHit>) {
    let whole = tile.rows.len() / tile.dims / ROWS * ROWS;
    for first in (0..whole).step_by(ROWS) {
        product::<ROWS>(tile, first, hits);
    }
    for row in whole..tile.rows.len() / tile.dims {
        product::<1>(tile, row, hits);
    }
}

fn product<const R: usize>(tile: &Tile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let mut sums = [[0.0f32; SIDE]; R];
    let rows: [&[f32]; R] = std::array::from_fn(|r| &tile.rows[(first + r) * tile.dims..][..tile.dims]);
    for (d, queries) in tile.queries.as_chunks::<SIDE>().0.iter().enumerate() {
        for r in 0..R {
            for q in 0..SIDE {
                sums[r][q] += rows[r][d] * queries[q];
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (query, (&score, &least)) in sums.iter().zip(tile.least).enumerate() {
            if score >= least {
                hits.push(TileHit { row: (first + row) as u32, query: query as u32, score });
            }
        }
    }
}

fn dots_i8(query: &ByteQuery<'_>, rows: &[u8], scales: &[f32], scores: &mut [f32]) {
    if query.numbers.is_empty() {
        return scores.fill(0.0);
    }
    for ((row, scale), score) in rows.chunks_exact(query.numbers.len()).zip(scales).zip(scores) {
        let sum: i32 = query.numbers.iter().zip(row).map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
        *score = (sum - query.excess) as f32 * scale;
    }
}

/// For panels of any width.
pub(super) fn tile_i8<const SIDE: usize>(tile: &ByteTile<'_>, hits: &mut Vec<TileHit>) {
    for (row, (bytes, &scale)) in tile.rows.chunks_exact(tile.length).zip(tile.scales).enumerate() {
        let mut sums = [0i32; SIDE];
        let queries = tile.queries.chunks_exact(GROUP * SIDE);
        for (bytes, queries) in bytes.as_chunks::<GROUP>().0.iter().zip(queries) {
            for (sum, query) in sums.iter_mut().zip(queries.as_chunks::<GROUP>().0) {
                for i in 0..GROUP {
                    *sum += i32::from(bytes[i]) * i32::from(query[i]);
                }
            }
        }
        for (query, sum) in sums.into_iter().enumerate() {
            let score = (sum - tile.excess[query]) as f32 * scale;
            if score >= tile.least[query] {
                hits.push(TileHit { row: row as u32, query: query as u32, score });
            }
        }
    }
}
