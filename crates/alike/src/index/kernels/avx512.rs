//! AVX-512: sixteen `f32` or sixty-four bytes at a time.
#![allow(unsafe_code, reason = "loads take pointers, and the processor is asked at run time what it can do")]
#![allow(clippy::needless_range_loop, reason = "sums are registers, several of which are indexed alike")]

use super::{BYTES, ByteQuery, ByteTile, GROUP, Kernels, Tile, TileHit, avx2, bodies, portable};
use std::arch::x86_64::*;

/// The loops, where the processor has the instructions. A single query's products with rows are AVX2's: what holds them
/// up is memory, which half as wide loads read faster (by a sixth on a Zen 4, where the wide ones run so far ahead that
/// the processor's own prefetching falls behind). Sums of bytes and popcounts came later than the rest of AVX-512 (VNNI,
/// VPOPCNTDQ): without them those of AVX2 stand in.
pub(super) fn kernels() -> Option<Kernels> {
    let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    let narrow = avx2::kernels().filter(|_| has)?;
    let mut kernels = Kernels {
        name: "AVX-512",
        side: SIDE,
        tile: |part, hits| asked_for!(tile(part, hits)),
        positions: |scores, least, places| asked_for!(at_least(scores, least, places)),
        within: |distances, most, places| asked_for!(at_most(distances, most, places)),
        // Those of AVX2 have panels of another width, which is right for few queries.
        tile_i8: portable::tile_i8::<SIDE>,
        ..narrow
    };
    if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
        kernels.dots_i8 = |query, rows, scales, scores| asked_for!(dots_i8(query, rows, scales, scores));
        kernels.tile_i8 = |part, hits| asked_for!(tile_i8(part, hits));
    }
    if is_x86_feature_detected!("avx512vpopcntdq") {
        kernels.hamming = |query, rows, distances| asked_for!(hamming(query, rows, distances));
    }
    Some(kernels)
}

const LANES: usize = 16;
const SIDE: usize = 2 * LANES;
/// Rows of a tile: 24 sums, 2 vectors of queries and those of rows fit 32 registers.
const ROWS: usize = 12;

#[target_feature(enable = "avx512f")]
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
#[target_feature(enable = "avx512f")]
fn product<const R: usize>(tile: &Tile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let dims = tile.dims;
    debug_assert!((first + R) * dims <= tile.rows.len() && tile.queries.len() == dims * SIDE);
    let (queries, rows) = (tile.queries.as_ptr(), tile.rows[first * dims..].as_ptr());
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for d in 0..dims {
        // SAFETY: a panel has `SIDE` numbers for each dimension.
        let (low, high) =
            unsafe { (_mm512_loadu_ps(queries.add(d * SIDE)), _mm512_loadu_ps(queries.add(d * SIDE + LANES))) };
        for r in 0..R {
            // SAFETY: `R` rows of `dims` numbers follow `rows`.
            let row = _mm512_set1_ps(unsafe { *rows.add(r * dims + d) });
            sums[r][0] = _mm512_fmadd_ps(row, low, sums[r][0]);
            sums[r][1] = _mm512_fmadd_ps(row, high, sums[r][1]);
        }
    }
    for half in 0..2 {
        // SAFETY: there is a bound for each of the `SIDE` queries.
        let least = unsafe { _mm512_loadu_ps(tile.least[half * LANES..][..LANES].as_ptr()) };
        for r in 0..R {
            let counts = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(sums[r][half], least);
            if counts != 0 {
                push(hits, (first + r, half * LANES), counts, sums[r][half]);
            }
        }
    }
}

#[inline(never)]
#[target_feature(enable = "avx512f")]
fn push(hits: &mut Vec<TileHit>, (row, query): (usize, usize), mut counts: u16, scores: __m512) {
    let mut numbers = [0.0f32; LANES];
    // SAFETY: the array has the length of a vector.
    unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), scores) };
    while counts != 0 {
        let lane = counts.trailing_zeros() as usize;
        counts &= counts - 1;
        hits.push(TileHit { row: row as u32, query: (query + lane) as u32, score: numbers[lane] });
    }
}

/// One row after the other, and in vectors of half the width, for the reason that [`kernels`] gives.
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
fn dots_i8(query: &ByteQuery<'_>, rows: &[u8], scales: &[f32], scores: &mut [f32]) {
    let length = query.numbers.len();
    let (fours, rest) = scores.as_chunks_mut::<4>();
    let (scale_fours, scale_rest) = scales.as_chunks::<4>();
    let done = fours.len() * 4;
    let excess = _mm_set1_epi32(query.excess);
    for (i, (scores, scales)) in fours.iter_mut().zip(scale_fours).enumerate() {
        let rows = &rows[4 * i * length..][..4 * length];
        let mut sums = [_mm256_setzero_si256(); 4];
        for r in 0..4 {
            sums[r] = products(query.numbers, &rows[r * length..][..length]);
        }
        let sums = _mm_cvtepi32_ps(_mm_sub_epi32(sum_four(sums), excess));
        // SAFETY: there are four scales and room for four scores.
        unsafe { _mm_storeu_ps(scores.as_mut_ptr(), _mm_mul_ps(sums, _mm_loadu_ps(scales.as_ptr()))) };
    }
    for ((row, score), scale) in (done..).zip(rest).zip(scale_rest) {
        let sums = products(query.numbers, &rows[row * length..][..length]);
        let zero = _mm256_setzero_si256();
        let sum = _mm_cvtsi128_si32(sum_four([sums, zero, zero, zero]));
        *score = (sum - query.excess) as f32 * scale;
    }
}

/// The sum of each of four vectors: first within each half of a vector, then over the halves.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn sum_four([a, b, c, d]: [__m256i; 4]) -> __m128i {
    let ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    let halves = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
}

/// Sums of one row that run side by side.
const CHAINS: usize = 2;

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
fn products(query: &[i8], row: &[u8]) -> __m256i {
    debug_assert!(query.len().is_multiple_of(BYTES) && query.len() == row.len());
    let mut sums = [_mm256_setzero_si256(); CHAINS];
    for d in (0..query.len()).step_by(BYTES) {
        for i in 0..CHAINS {
            // SAFETY: lengths are multiples of 64 bytes, two vectors.
            let (query, row) = unsafe {
                let at = d + i * (BYTES / CHAINS);
                (_mm256_loadu_si256(query.as_ptr().add(at).cast()), _mm256_loadu_si256(row.as_ptr().add(at).cast()))
            };
            sums[i] = _mm256_dpbusd_epi32(sums[i], row, query);
        }
    }
    _mm256_add_epi32(sums[0], sums[1])
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn tile_i8(tile: &ByteTile<'_>, hits: &mut Vec<TileHit>) {
    let whole = tile.scales.len() / ROWS * ROWS;
    for first in (0..whole).step_by(ROWS) {
        product_i8::<ROWS>(tile, first, hits);
    }
    for row in whole..tile.scales.len() {
        product_i8::<1>(tile, row, hits);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product_i8<const R: usize>(tile: &ByteTile<'_>, first: usize, hits: &mut Vec<TileHit>) {
    let length = tile.length;
    debug_assert!((first + R) * length <= tile.rows.len() && tile.queries.len() == length * SIDE);
    debug_assert!(length.is_multiple_of(GROUP));
    let (queries, rows) = (tile.queries.as_ptr(), tile.rows[first * length..].as_ptr());
    let mut sums = [[_mm512_setzero_si512(); 2]; R];
    for d in (0..length).step_by(GROUP) {
        // SAFETY: a panel has `GROUP * SIDE` numbers for each group of dimensions.
        let (low, high) = unsafe {
            let queries = queries.add(d * SIDE);
            (_mm512_loadu_si512(queries.cast()), _mm512_loadu_si512(queries.add(LANES * GROUP).cast()))
        };
        for r in 0..R {
            // SAFETY: `R` rows of `length` bytes follow `rows`, and `length` is a multiple of the group's four.
            let row = _mm512_set1_epi32(unsafe { rows.add(r * length + d).cast::<i32>().read_unaligned() });
            sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], row, low);
            sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], row, high);
        }
    }
    for half in 0..2 {
        let lanes = half * LANES..(half + 1) * LANES;
        // SAFETY: there are a bound and an excess for each of the `SIDE` queries.
        let (least, excess) = unsafe {
            let excess = tile.excess[lanes.clone()].as_ptr();
            (_mm512_loadu_ps(tile.least[lanes].as_ptr()), _mm512_loadu_si512(excess.cast()))
        };
        for r in 0..R {
            let sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[r][half], excess));
            let scores = _mm512_mul_ps(sums, _mm512_set1_ps(tile.scales[first + r]));
            let counts = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(scores, least);
            if counts != 0 {
                push(hits, (first + r, half * LANES), counts, scores);
            }
        }
    }
}

/// Words of a vector.
const WORDS: usize = 8;

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn hamming(query: &[u64], rows: &[u64], distances: &mut [u32]) {
    let width = query.len();
    let (eights, rest) = distances.as_chunks_mut::<WORDS>();
    let done = eights.len() * WORDS;
    for (i, distances) in eights.iter_mut().enumerate() {
        let rows = &rows[i * WORDS * width..][..WORDS * width];
        let sums = match *query {
            [a] => differences(_mm512_set1_epi64(a.cast_signed()), rows),
            [a, b] => pairs([a, b], rows),
            _ => sum_each(eight(query, rows)),
        };
        // SAFETY: there is room for eight.
        unsafe { _mm256_storeu_si256(distances.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(sums)) };
    }
    bodies::hamming(query, &rows[done * width..], rest);
}

/// Bits that differ in each of eight words.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn differences(query: __m512i, row: &[u64]) -> __m512i {
    debug_assert!(row.len() >= WORDS);
    // SAFETY: there are eight words.
    let row = unsafe { _mm512_loadu_si512(row.as_ptr().cast()) };
    _mm512_popcnt_epi64(_mm512_xor_si512(query, row))
}

/// Eight rows of two words.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn pairs(query: [u64; 2], rows: &[u64]) -> __m512i {
    let [a, b] = query.map(u64::cast_signed);
    let query = _mm512_set_epi64(b, a, b, a, b, a, b, a);
    let (low, high) = (differences(query, rows), differences(query, &rows[WORDS..]));
    let (even, odd) = (_mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1));
    _mm512_add_epi64(_mm512_permutex2var_epi64(low, even, high), _mm512_permutex2var_epi64(low, odd, high))
}

/// Eight rows of any number of words: what differs, spread over the words of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn eight(query: &[u64], rows: &[u64]) -> [__m512i; WORDS] {
    let width = query.len();
    debug_assert_eq!(rows.len(), WORDS * width);
    let mut sums = [_mm512_setzero_si512(); WORDS];
    for at in (0..width).step_by(WORDS) {
        let mask = if width - at < WORDS { (1 << (width - at)) - 1 } else { !0 };
        // SAFETY: the mask lets no word be read behind the end of the query or of a row.
        let query = unsafe { _mm512_maskz_loadu_epi64(mask, query.as_ptr().add(at).cast()) };
        for r in 0..WORDS {
            // SAFETY: as above; there are eight rows.
            let row = unsafe { _mm512_maskz_loadu_epi64(mask, rows.as_ptr().add(r * width + at).cast()) };
            sums[r] = _mm512_add_epi64(sums[r], _mm512_popcnt_epi64(_mm512_xor_si512(query, row)));
        }
    }
    sums
}

/// The sum of each of eight vectors, by adding pairs of words, then of quarters.
#[inline]
#[target_feature(enable = "avx512f")]
fn sum_each([a, b, c, d, e, f, g, h]: [__m512i; WORDS]) -> __m512i {
    let words = |x, y| _mm512_add_epi64(_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
    let quarters = |x, y| {
        let (even, odd) = (_mm512_shuffle_i64x2::<0b10_00_10_00>(x, y), _mm512_shuffle_i64x2::<0b11_01_11_01>(x, y));
        _mm512_add_epi64(even, odd)
    };
    quarters(quarters(words(a, b), words(c, d)), quarters(words(e, f), words(g, h)))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn at_least(scores: &[f32], least: f32, places: &mut Vec<u32>) {
    bodies::at_least(scores, least, places);
}

#[target_feature(enable = "avx512f,avx512bw")]
fn at_most(distances: &[u32], most: u32, places: &mut Vec<u32>) {
    bodies::at_most(distances, most, places);
}
