//! NEON: four `f32` or sixteen bytes at a time. Compared with the portable loops under emulation (qemu), never timed on
//! a processor that has it.
#![allow(unsafe_code, reason = "loads take pointers, and the processor is asked at run time what it can do")]
#![allow(clippy::needless_range_loop, reason = "sums are registers, several of which are indexed alike")]

use super::{BYTES, ByteQuery, ByteTile, GROUP, Kernels, Tile, TileHit, bodies};
use std::arch::aarch64::*;
use std::arch::is_aarch64_feature_detected;

/// The loops, where the processor has the instructions. Sums of bytes (`dotprod`) came later than the rest of NEON, and
/// could replace those here once there is a machine to try them on.
pub(super) fn kernels() -> Option<Kernels> {
    is_aarch64_feature_detected!("neon").then_some(Kernels {
        name: "NEON",
        side: SIDE,
        dots: |query, rows, scores| asked_for!(dots(query, rows, scores)),
        dots_at: |query, rows, places, scores| asked_for!(dots_at(query, rows, places, scores)),
        tile: |part, hits| asked_for!(tile(part, hits)),
        narrow: (SIDE, |part, hits| asked_for!(tile(part, hits))),
        dots_i8: |query, rows, scales, scores| asked_for!(dots_i8(query, rows, scales, scores)),
        tile_i8: |part, hits| asked_for!(tile_i8(part, hits)),
        hamming: |query, rows, distances| asked_for!(hamming(query, rows, distances)),
        positions: |scores, least, places| asked_for!(at_least(scores, least, places)),
        within: |distances, most, places| asked_for!(at_most(distances, most, places)),
    })
}

const LANES: usize = 4;
/// Vectors of a panel.
const VECTORS: usize = 4;
const SIDE: usize = VECTORS * LANES;
/// Rows of a tile: 24 sums, 4 vectors of queries and those of rows fit 32 registers.
const ROWS: usize = 6;
/// Sums of one row that run side by side, because a multiplication waits for the one before it.
const CHAINS: usize = 4;

/// One row after the other, because memory is fast where it is read in order.
#[target_feature(enable = "neon")]
fn dots(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    for (i, score) in scores.iter_mut().enumerate() {
        *score = dot(query, &rows[i * query.len()..][..query.len()]);
    }
}

#[target_feature(enable = "neon")]
fn dots_at(query: &[f32], rows: &[f32], places: &[u32], scores: &mut [f32]) {
    for (&place, score) in places.iter().zip(scores) {
        *score = dot(query, &rows[place as usize * query.len()..][..query.len()]);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn dot(query: &[f32], row: &[f32]) -> f32 {
    debug_assert_eq!(query.len(), row.len());
    let mut sums = [vdupq_n_f32(0.0); CHAINS];
    let whole = query.len() / LANES * LANES;
    let blocks = whole / (CHAINS * LANES) * (CHAINS * LANES);
    for d in (0..blocks).step_by(CHAINS * LANES) {
        for i in 0..CHAINS {
            sums[i] = multiply(query, row, d + i * LANES, sums[i]);
        }
    }
    for d in (blocks..whole).step_by(LANES) {
        sums[0] = multiply(query, row, d, sums[0]);
    }
    let rest: f32 = query[whole..].iter().zip(&row[whole..]).map(|(q, row)| q * row).sum();
    vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3]))) + rest
}

/// Adds the products of a vector of numbers.
#[inline]
#[target_feature(enable = "neon")]
fn multiply(query: &[f32], row: &[f32], at: usize, sum: float32x4_t) -> float32x4_t {
    debug_assert!(at + LANES <= query.len() && at + LANES <= row.len());
    // SAFETY: the caller sees to it that a vector of numbers follows.
    let (query, row) = unsafe { (vld1q_f32(query.as_ptr().add(at)), vld1q_f32(row.as_ptr().add(at))) };
    vfmaq_f32(sum, query, row)
}

#[target_feature(enable = "neon")]
fn tile(tile: &Tile<'_>, hits: &mut Vec<TileHit>) {
    let count = tile.rows.len() / tile.dims;
    let whole = count / ROWS * ROWS;
    for first in (0..whole).step_by(ROWS) {
        product::<ROWS>(tile, first, hits);
    }
    for row in whole..count {
        product::<1>(tile, row, hits);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn product<const R: usize>(tile: &Tile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let dims = tile.dims;
    debug_assert!((first + R) * dims <= tile.rows.len() && tile.queries.len() == dims * SIDE);
    let (queries, rows) = (tile.queries.as_ptr(), tile.rows[first * dims..].as_ptr());
    let mut sums = [[vdupq_n_f32(0.0); VECTORS]; R];
    for d in 0..dims {
        let mut query = [vdupq_n_f32(0.0); VECTORS];
        for v in 0..VECTORS {
            // SAFETY: a panel has `SIDE` numbers for each dimension.
            query[v] = unsafe { vld1q_f32(queries.add(d * SIDE + v * LANES)) };
        }
        for r in 0..R {
            // SAFETY: `R` rows of `dims` numbers follow `rows`.
            let row = unsafe { *rows.add(r * dims + d) };
            for v in 0..VECTORS {
                sums[r][v] = vfmaq_n_f32(sums[r][v], query[v], row);
            }
        }
    }
    for r in 0..R {
        push(hits, first + r, sums[r], tile.least);
    }
}

/// The scores of a row with a panel of queries that reach what is wanted.
#[inline]
#[target_feature(enable = "neon")]
fn push(hits: &mut Vec<TileHit>, row: usize, scores: [float32x4_t; VECTORS], least: &[f32]) {
    debug_assert_eq!(least.len(), SIDE);
    let mut any = vdupq_n_u32(0);
    for v in 0..VECTORS {
        // SAFETY: there is a bound for each of the `SIDE` queries.
        let least = unsafe { vld1q_f32(least.as_ptr().add(v * LANES)) };
        any = vorrq_u32(any, vcgeq_f32(scores[v], least));
    }
    if vmaxvq_u32(any) != 0 {
        let mut numbers = [0.0f32; SIDE];
        for v in 0..VECTORS {
            // SAFETY: the array has the length of all vectors.
            unsafe { vst1q_f32(numbers.as_mut_ptr().add(v * LANES), scores[v]) };
        }
        for (query, (&score, &least)) in numbers.iter().zip(least).enumerate() {
            if score >= least {
                hits.push(TileHit { row: row as u32, query: query as u32, score });
            }
        }
    }
}

/// Bytes of a vector.
const WIDTH: usize = 16;

/// Less 128, each byte of a row is the number that it stands for, so that there is no excess to take off the sums.
#[inline]
#[target_feature(enable = "neon")]
fn signed(bytes: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(128)))
}

#[target_feature(enable = "neon")]
fn dots_i8(query: &ByteQuery<'_>, rows: &[u8], scales: &[f32], scores: &mut [f32]) {
    let length = query.numbers.len();
    debug_assert!(length.is_multiple_of(BYTES) && rows.len() == length * scores.len());
    for (i, (scale, score)) in scales.iter().zip(scores).enumerate() {
        let mut sums = [vdupq_n_s32(0); BYTES / WIDTH];
        for d in (0..length).step_by(BYTES) {
            for c in 0..BYTES / WIDTH {
                let at = d + c * WIDTH;
                // SAFETY: lengths are multiples of 64, four vectors, and the row lies within `rows`.
                let (query, row) =
                    unsafe { (vld1q_s8(query.numbers.as_ptr().add(at)), vld1q_u8(rows.as_ptr().add(i * length + at))) };
                let row = signed(row);
                sums[c] = vpadalq_s16(sums[c], vmull_s8(vget_low_s8(query), vget_low_s8(row)));
                sums[c] = vpadalq_s16(sums[c], vmull_high_s8(query, row));
            }
        }
        let sum = vaddvq_s32(vaddq_s32(vaddq_s32(sums[0], sums[1]), vaddq_s32(sums[2], sums[3])));
        *score = sum as f32 * scale;
    }
}

/// Rows of a tile of bytes that are multiplied at once: two sums for each vector of queries make 16. With a third row,
/// not all fit the registers beside the products.
const BYTE_ROWS: usize = 2;

#[target_feature(enable = "neon")]
fn tile_i8(tile: &ByteTile<'_>, hits: &mut Vec<TileHit>) {
    let whole = tile.scales.len() / BYTE_ROWS * BYTE_ROWS;
    for first in (0..whole).step_by(BYTE_ROWS) {
        product_i8::<BYTE_ROWS>(tile, first, hits);
    }
    for row in whole..tile.scales.len() {
        product_i8::<1>(tile, row, hits);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn product_i8<const R: usize>(tile: &ByteTile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let length = tile.length;
    debug_assert!((first + R) * length <= tile.rows.len() && tile.queries.len() == length * SIDE);
    debug_assert!(length.is_multiple_of(GROUP));
    let (queries, rows) = (tile.queries.as_ptr(), tile.rows[first * length..].as_ptr());
    // For each vector of queries the products of the first two and of the last two, a query's in two lanes.
    let mut sums = [[[vdupq_n_s32(0); 2]; VECTORS]; R];
    for d in (0..length).step_by(GROUP) {
        let mut row = [vdupq_n_s8(0); R];
        for r in 0..R {
            // SAFETY: `R` rows of `length` bytes follow `rows`, and `length` is a multiple of the group's four.
            let group = unsafe { rows.add(r * length + d).cast::<u32>().read_unaligned() };
            row[r] = signed(vreinterpretq_u8_u32(vdupq_n_u32(group)));
        }
        for v in 0..VECTORS {
            // SAFETY: a panel has `GROUP * SIDE` numbers for each group of dimensions.
            let query = unsafe { vld1q_s8(queries.add(d * SIDE + v * WIDTH)) };
            for r in 0..R {
                let [low, high] = &mut sums[r][v];
                *low = vpadalq_s16(*low, vmull_s8(vget_low_s8(query), vget_low_s8(row[r])));
                *high = vpadalq_s16(*high, vmull_high_s8(query, row[r]));
            }
        }
    }
    for r in 0..R {
        let mut scores = [vdupq_n_f32(0.0); VECTORS];
        for v in 0..VECTORS {
            let [low, high] = sums[r][v];
            scores[v] = vmulq_n_f32(vcvtq_f32_s32(vpaddq_s32(low, high)), tile.scales[first + r]);
        }
        push(hits, first + r, scores, tile.least);
    }
}

/// Words of a vector.
const WORDS: usize = 2;
/// Rows of one or two words whose distances fill a vector.
const FEW: usize = 4;

#[target_feature(enable = "neon")]
fn hamming(query: &[u64], rows: &[u64], distances: &mut [u32]) {
    let width = query.len();
    let (fours, rest) = distances.as_chunks_mut::<FEW>();
    let done = fours.len() * FEW * width;
    match *query {
        [] => return distances.fill(0),
        [a] => {
            let query = [a, a];
            for ([v, w], distances) in vectors(rows).zip(fours) {
                store(distances, vpaddq_u8(differences(&query, v), differences(&query, w)));
            }
        }
        [a, b] => {
            let query = [a, b];
            for ([v, w, x, y], distances) in vectors(rows).zip(fours) {
                let low = vpaddq_u8(differences(&query, v), differences(&query, w));
                let high = vpaddq_u8(differences(&query, x), differences(&query, y));
                store(distances, vpaddq_u8(low, high));
            }
        }
        _ => {
            for (row, distance) in rows.chunks_exact(width).zip(distances) {
                *distance = query.chunks(COUNTED).zip(row.chunks(COUNTED)).map(|(q, r)| count(q, r)).sum();
            }
            return;
        }
    }
    bodies::hamming(query, &rows[done..], rest);
}

/// As many vectors as four rows are.
fn vectors<const N: usize>(rows: &[u64]) -> impl Iterator<Item = &[[u64; WORDS]; N]> {
    rows.as_chunks::<WORDS>().0.as_chunks::<N>().0.iter()
}

/// What is counted in four bytes for each row.
#[inline]
#[target_feature(enable = "neon")]
fn store(distances: &mut [u32; FEW], counts: uint8x16_t) {
    // SAFETY: there is room for four.
    unsafe { vst1q_u32(distances.as_mut_ptr(), vpaddlq_u16(vpaddlq_u8(counts))) };
}

/// So many words of a row are counted in bytes: of each vector a byte gets up to 8, of 31 vectors up to 248.
const COUNTED: usize = 31 * WORDS;

/// Bits that differ in up to [`COUNTED`] words.
#[inline]
#[target_feature(enable = "neon")]
fn count(query: &[u64], row: &[u64]) -> u32 {
    debug_assert!(query.len() == row.len() && query.len() <= COUNTED);
    let mut sums = vdupq_n_u8(0);
    let (queries, query_rest) = query.as_chunks::<WORDS>();
    let (rows, row_rest) = row.as_chunks::<WORDS>();
    for (query, row) in queries.iter().zip(rows) {
        sums = vaddq_u8(sums, differences(query, row));
    }
    let rest: u32 = query_rest.iter().zip(row_rest).map(|(q, r)| (q ^ r).count_ones()).sum();
    u32::from(vaddlvq_u8(sums)) + rest
}

/// How many bits differ in each byte of two words.
#[inline]
#[target_feature(enable = "neon")]
fn differences(query: &[u64; WORDS], row: &[u64; WORDS]) -> uint8x16_t {
    // SAFETY: the arrays have the length of a vector.
    let (query, row) = unsafe { (vld1q_u64(query.as_ptr()), vld1q_u64(row.as_ptr())) };
    vcntq_u8(vreinterpretq_u8_u64(veorq_u64(query, row)))
}

#[target_feature(enable = "neon")]
fn at_least(scores: &[f32], least: f32, places: &mut Vec<u32>) {
    bodies::at_least(scores, least, places);
}

#[target_feature(enable = "neon")]
fn at_most(distances: &[u32], most: u32, places: &mut Vec<u32>) {
    bodies::at_most(distances, most, places);
}
