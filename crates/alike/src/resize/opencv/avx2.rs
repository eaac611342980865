//! The columns of one row in AVX2: most of the time goes into bringing pixels together, eight bytes at a time.

use super::columns::{Group, Plane};
use pulp::x86::V3;
use pulp::{NullaryFnOnce, cast};
use std::arch::x86_64::__m256i;

/// [`super::columns::blend`], with the planes apart.
pub(super) fn blend(simd: V3, row: &[u8], groups: &[Group], planes: [Plane<'_>; 3]) {
    simd.vectorize(Columns { simd, row, groups, planes });
}

struct Columns<'a> {
    simd: V3,
    row: &'a [u8],
    groups: &'a [Group],
    planes: [Plane<'a>; 3],
}

impl NullaryFnOnce for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let avx2 = self.simd.avx2;
        let [red, green, blue] = self.planes;
        for (((group, red), green), blue) in self.groups.iter().zip(red).zip(green).zip(blue) {
            // Packing takes four sums of each vector by turns, for the lower half of the result and for the upper.
            let even = sums(self.simd, self.row, group, [0, 2]);
            let odd = sums(self.simd, self.row, group, [1, 3]);
            *red = cast(avx2._mm256_packs_epi32(even[0], odd[0]));
            *green = cast(avx2._mm256_packs_epi32(even[1], odd[1]));
            *blue = cast(avx2._mm256_packs_epi32(even[2], odd[2]));
        }
    }
}

/// Columns of two quarters: the red ones, 32 bits each, the green ones, the blue ones.
#[inline(always)]
fn sums(simd: V3, row: &[u8], group: &Group, [lower, upper]: [usize; 2]) -> [__m256i; 3] {
    let (avx2, zero) = (simd.avx2, simd.avx._mm256_setzero_si256());
    let ([a, b, c, d], [e, f, g, h]) = (group.first[lower], group.first[upper]);
    let first = neighbours(simd, row, [a, b, e, f]);
    let second = neighbours(simd, row, [c, d, g, h]);
    let red_green = avx2._mm256_unpacklo_epi32(first, second);
    let blue = avx2._mm256_unpackhi_epi32(first, second);
    let weights = cast([group.weights[lower], group.weights[upper]]);
    [
        sum(simd, avx2._mm256_unpacklo_epi8(red_green, zero), weights),
        sum(simd, avx2._mm256_unpackhi_epi8(red_green, zero), weights),
        sum(simd, avx2._mm256_unpacklo_epi8(blue, zero), weights),
    ]
}

#[inline(always)]
fn sum(simd: V3, pairs: __m256i, weights: __m256i) -> __m256i {
    simd.avx2._mm256_srli_epi32::<4>(simd.avx2._mm256_madd_epi16(pairs, weights))
}

/// Left and right neighbours of four columns, two in each half of the vector: their reds side by side, their greens, their
/// blues, and zeros.
#[inline(always)]
fn neighbours(simd: V3, row: &[u8], [a, b, c, d]: [u32; 4]) -> __m256i {
    const ZERO: u8 = 0x80;
    const ORDER: [u8; 16] = [0, 3, 8, 11, 1, 4, 9, 12, 2, 5, 10, 13, ZERO, ZERO, ZERO, ZERO];
    let bytes = [eight(row, a), eight(row, b), eight(row, c), eight(row, d)];
    simd.avx2._mm256_shuffle_epi8(cast(bytes), cast([ORDER; 2]))
}

/// A pixel, the next one, and two bytes more.
#[inline(always)]
fn eight(row: &[u8], pixel: u32) -> [u8; 8] {
    let offset = pixel as usize * 3;
    row[offset..offset + 8].try_into().expect("eight bytes")
}
