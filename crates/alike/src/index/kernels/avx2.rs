//! AVX2 and FMA: eight `f32` at a time.
#![allow(unsafe_code, reason = "loads take pointers, and the processor is asked at run time what it can do")]
#![allow(clippy::needless_range_loop, reason = "sums are registers, several of which are indexed alike")]

use super::{BYTES, ByteQuery, ByteTile, GROUP, Kernels, Tile, TileHit, bodies};
use std::arch::x86_64::*;

/// The loops, where the processor has the instructions.
pub(super) fn kernels() -> Option<Kernels> {
    let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("popcnt");
    has.then_some(Kernels {
        name: "AVX2",
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

const LANES: usize = 8;
const SIDE: usize = 2 * LANES;
/// Rows of a tile: 12 sums, 2 vectors of queries, 1 of a row fill 15 of 16 registers.
const ROWS: usize = 6;
/// Sums of one row that run side by side, because a multiplication waits for the one before it.
const CHAINS: usize = 8;

/// One row after the other, because memory is fast where it is read in order.
#[target_feature(enable = "avx2,fma")]
fn dots(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    for (i, score) in scores.iter_mut().enumerate() {
        *score = dot(query, &rows[i * query.len()..][..query.len()]);
    }
}

#[target_feature(enable = "avx2,fma")]
fn dots_at(query: &[f32], rows: &[f32], places: &[u32], scores: &mut [f32]) {
    for (&place, score) in places.iter().zip(scores) {
        *score = dot(query, &rows[place as usize * query.len()..][..query.len()]);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn dot(query: &[f32], row: &[f32]) -> f32 {
    debug_assert_eq!(query.len(), row.len());
    let mut sums = [_mm256_setzero_ps(); CHAINS];
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
    let mut left = CHAINS / 2;
    while left > 0 {
        for i in 0..left {
            sums[i] = _mm256_add_ps(sums[i], sums[i + left]);
        }
        left /= 2;
    }
    sum(sums[0]) + rest
}

/// Adds the products of a vector of numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn multiply(query: &[f32], row: &[f32], at: usize, sum: __m256) -> __m256 {
    debug_assert!(at + LANES <= query.len() && at + LANES <= row.len());
    // SAFETY: the caller sees to it that a vector of numbers follows.
    let (query, row) = unsafe { (_mm256_loadu_ps(query.as_ptr().add(at)), _mm256_loadu_ps(row.as_ptr().add(at))) };
    _mm256_fmadd_ps(query, row, sum)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum(vector: __m256) -> f32 {
    let half = _mm_add_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
    let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
}

#[target_feature(enable = "avx2,fma")]
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
#[target_feature(enable = "avx2,fma")]
fn product<const R: usize>(tile: &Tile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let dims = tile.dims;
    debug_assert!((first + R) * dims <= tile.rows.len() && tile.queries.len() == dims * SIDE);
    let (queries, rows) = (tile.queries.as_ptr(), tile.rows[first * dims..].as_ptr());
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    for d in 0..dims {
        // SAFETY: a panel has `SIDE` numbers for each dimension.
        let (low, high) =
            unsafe { (_mm256_loadu_ps(queries.add(d * SIDE)), _mm256_loadu_ps(queries.add(d * SIDE + LANES))) };
        for r in 0..R {
            // SAFETY: `R` rows of `dims` numbers follow `rows`.
            let row = _mm256_set1_ps(unsafe { *rows.add(r * dims + d) });
            sums[r][0] = _mm256_fmadd_ps(row, low, sums[r][0]);
            sums[r][1] = _mm256_fmadd_ps(row, high, sums[r][1]);
        }
    }
    for r in 0..R {
        for half in 0..2 {
            push(hits, (first + r, half * LANES), sums[r][half], &tile.least[half * LANES..][..LANES]);
        }
    }
}

/// The scores of a row with queries from one on that reach what is wanted.
#[inline]
#[target_feature(enable = "avx2")]
fn push(hits: &mut Vec<TileHit>, (row, query): (usize, usize), scores: __m256, least: &[f32]) {
    debug_assert_eq!(least.len(), LANES);
    // SAFETY: the slice has the length of a vector.
    let counts = _mm256_cmp_ps::<_CMP_GE_OQ>(scores, unsafe { _mm256_loadu_ps(least.as_ptr()) });
    let mut counts = _mm256_movemask_ps(counts) as u32;
    if counts != 0 {
        let mut numbers = [0.0f32; LANES];
        // SAFETY: the array has the length of a vector.
        unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), scores) };
        while counts != 0 {
            let lane = counts.trailing_zeros() as usize;
            counts &= counts - 1;
            hits.push(TileHit { row: row as u32, query: (query + lane) as u32, score: numbers[lane] });
        }
    }
}

/// In 16 bits, because the products of bytes that AVX2 sums in pairs saturate.
#[target_feature(enable = "avx2")]
fn dots_i8(query: &ByteQuery<'_>, rows: &[u8], scales: &[f32], scores: &mut [f32]) {
    let length = query.numbers.len();
    debug_assert!(length.is_multiple_of(BYTES) && rows.len() == length * scores.len());
    for (i, (scale, score)) in scales.iter().zip(scores).enumerate() {
        let mut vector = _mm256_setzero_si256();
        for d in (0..length).step_by(16) {
            // SAFETY: lengths are multiples of 16, and the row lies within `rows`.
            let (query, row) = unsafe {
                (
                    _mm_loadu_si128(query.numbers.as_ptr().add(d).cast()),
                    _mm_loadu_si128(rows.as_ptr().add(i * length + d).cast()),
                )
            };
            let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(query), _mm256_cvtepu8_epi16(row));
            vector = _mm256_add_epi32(vector, products);
        }
        let half = _mm_add_epi32(_mm256_castsi256_si128(vector), _mm256_extracti128_si256::<1>(vector));
        let quarter = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
        let sum = _mm_cvtsi128_si32(quarter) + _mm_extract_epi32::<1>(quarter);
        *score = (sum - query.excess) as f32 * scale;
    }
}

/// Rows of a tile of bytes that are multiplied at once.
const BYTE_ROWS: usize = 3;

#[target_feature(enable = "avx2")]
fn tile_i8(tile: &ByteTile<'_>, hits: &mut Vec<TileHit>) {
    let whole = tile.scales.len() / BYTE_ROWS * BYTE_ROWS;
    for first in (0..whole).step_by(BYTE_ROWS) {
        product_i8::<BYTE_ROWS>(tile, first, hits);
    }
    for row in whole..tile.scales.len() {
        product_i8::<1>(tile, row, hits);
    }
}

/// Bytes at even and at odd places apart, in 16 bits, for the reason that [`dots_i8`] has.
#[inline]
#[target_feature(enable = "avx2")]
fn product_i8<const R: usize>(tile: &ByteTile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let length = tile.length;
    debug_assert!((first + R) * length <= tile.rows.len() && tile.queries.len() == length * SIDE);
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for d in (0..length).step_by(GROUP) {
        for half in 0..2 {
            // SAFETY: a panel has `GROUP * SIDE` numbers for each group of dimensions.
            let query =
                unsafe { _mm256_loadu_si256(tile.queries.as_ptr().add(d * SIDE + half * LANES * GROUP).cast()) };
            let (even, odd) = (_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(query)), _mm256_srai_epi16::<8>(query));
            for r in 0..R {
                let row = &tile.rows[(first + r) * length + d..][..GROUP];
                let row = _mm256_set1_epi32(i32::from_le_bytes([row[0], row[1], row[2], row[3]]));
                let row_even = _mm256_and_si256(row, _mm256_set1_epi16(255));
                let products = _mm256_madd_epi16(row_even, even);
                sums[r][half] = _mm256_add_epi32(sums[r][half], products);
                let products = _mm256_madd_epi16(_mm256_srli_epi16::<8>(row), odd);
                sums[r][half] = _mm256_add_epi32(sums[r][half], products);
            }
        }
    }
    for r in 0..R {
        for half in 0..2 {
            let lanes = half * LANES..(half + 1) * LANES;
            // SAFETY: the slice has the length of a vector.
            let excess = unsafe { _mm256_loadu_si256(tile.excess[lanes.clone()].as_ptr().cast()) };
            let sums = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums[r][half], excess));
            let scores = _mm256_mul_ps(sums, _mm256_set1_ps(tile.scales[first + r]));
            push(hits, (first + r, half * LANES), scores, &tile.least[lanes]);
        }
    }
}

#[target_feature(enable = "avx2,popcnt")]
fn hamming(query: &[u64], rows: &[u64], distances: &mut [u32]) {
    bodies::hamming(query, rows, distances);
}

#[target_feature(enable = "avx2")]
fn at_least(scores: &[f32], least: f32, places: &mut Vec<u32>) {
    bodies::at_least(scores, least, places);
}

#[target_feature(enable = "avx2")]
fn at_most(distances: &[u32], most: u32, places: &mut Vec<u32>) {
    bodies::at_most(distances, most, places);
}
