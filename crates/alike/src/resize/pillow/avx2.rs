//! Columns of RGB in AVX2. A weight has too many bits for the instructions that multiply and add pairs of 16 bits, so it
//! comes in two parts, whose sums are exact and are added at the end.

use super::{PRECISION, Window};
use crate::resize::with_margin;
use pulp::x86::V3;
use pulp::{NullaryFnOnce, cast};
use std::arch::x86_64::__m256i;

/// Bits of the lower part of a weight.
const LOW_BITS: i32 = 11;

/// What is read of a row beyond its end: four pixels are read as 16 bytes.
const MARGIN: usize = 13;

/// [`Window`] by four samples: the upper parts of their weights, and the lower ones.
struct Column {
    first: usize,
    weights: Vec<[[i16; 4]; 2]>,
}

impl Column {
    fn new(window: &Window) -> Self {
        let part = |weights: &[i32], part: fn(i32) -> i32| {
            std::array::from_fn(|i| weights.get(i).map_or(0, |&weight| part(weight) as i16))
        };
        let parts =
            |four| [part(four, |weight| weight >> LOW_BITS), part(four, |weight| weight & ((1 << LOW_BITS) - 1))];
        Self { first: window.first, weights: window.weights.chunks(4).map(parts).collect() }
    }
}

/// The first pass for RGB: `samples` are rows of `stride` bytes, `out` has the planes of each row.
pub(super) fn filter_columns(simd: V3, samples: &[u8], stride: usize, windows: &[Window], out: &mut [u8]) {
    let columns = windows.iter().map(Column::new).collect();
    let last = vec![0; stride + MARGIN];
    simd.vectorize(Columns { simd, samples, stride, columns, last, out });
}

struct Columns<'a> {
    simd: V3,
    samples: &'a [u8],
    stride: usize,
    columns: Vec<Column>,
    last: Vec<u8>,
    out: &'a mut [u8],
}

impl NullaryFnOnce for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        let width = self.columns.len();
        for (row, out) in self.out.chunks_exact_mut(width * 3).enumerate() {
            let row = with_margin(self.samples, row, self.stride, &mut self.last);
            let (red, rest) = out.split_at_mut(width);
            let (green, blue) = rest.split_at_mut(width);
            for (((column, red), green), blue) in self.columns.iter().zip(red).zip(green).zip(blue) {
                [*red, *green, *blue, _] = pixel(self.simd, row, column);
            }
        }
    }
}

/// Red, green, blue and 0.
#[inline(always)]
fn pixel(simd: V3, row: &[u8], column: &Column) -> [u8; 4] {
    let (sse2, avx2) = (simd.sse2, simd.avx2);
    let (mut high, mut low): (__m256i, __m256i) = (cast([0; 8]), cast([0; 8]));
    let mut rest = &row[column.first * 3..];
    for &[upper, lower] in &column.weights {
        let pixels = pairs(simd, *rest.first_chunk().expect("a row has a margin"));
        high = avx2._mm256_add_epi32(high, avx2._mm256_madd_epi16(pixels, spread(simd, upper)));
        low = avx2._mm256_add_epi32(low, avx2._mm256_madd_epi16(pixels, spread(simd, lower)));
        rest = &rest[12..];
    }
    let sums = avx2._mm256_add_epi32(avx2._mm256_slli_epi32::<LOW_BITS>(high), low);
    let [first, second] = cast(sums);
    let sum = sse2._mm_add_epi32(sse2._mm_add_epi32(first, second), cast([1 << (PRECISION - 1); 4]));
    let levels = sse2._mm_srai_epi32::<{ PRECISION as i32 }>(sum);
    let levels = sse2._mm_packs_epi32(levels, levels);
    let [levels, ..]: [[u8; 4]; 4] = cast(sse2._mm_packus_epi16(levels, levels));
    levels
}

/// Of four pixels two in each half: their reds side by side, 16 bits each, their greens, their blues, and zeros.
#[inline(always)]
fn pairs(simd: V3, pixels: [u8; 16]) -> __m256i {
    const O: u8 = 0x80;
    const ORDER: [[u8; 16]; 2] =
        [[0, O, 3, O, 1, O, 4, O, 2, O, 5, O, O, O, O, O], [6, O, 9, O, 7, O, 10, O, 8, O, 11, O, O, O, O, O]];
    simd.avx2._mm256_shuffle_epi8(simd.avx2._mm256_broadcastsi128_si256(cast(pixels)), cast(ORDER))
}

/// The first two weights all over the lower half, the others all over the upper one.
#[inline(always)]
fn spread(simd: V3, weights: [i16; 4]) -> __m256i {
    const ORDER: [[u8; 4]; 2] = [[0, 1, 2, 3], [4, 5, 6, 7]];
    let weights = simd.avx2._mm256_broadcastq_epi64(cast([weights; 2]));
    simd.avx2._mm256_shuffle_epi8(weights, cast([[ORDER[0]; 4], [ORDER[1]; 4]]))
}
