//! The inner loops of a search, in the widest vector instructions that the processor has.
//!
//! All tables give the same distances and sums of integers, and sums of `f32` that differ within the bound of
//! [`rounding`]: rankings are made from them by exact rescoring, so that they don't depend on the table. `unsafe` stays in
//! the modules below; what this module hands out is safe.

/// Calls a loop from a table that is handed out only where the processor has the loop's instructions.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! asked_for {
    ($call:expr) => {{
        // SAFETY: the processor was asked for the instructions before the table was made.
        unsafe { $call }
    }};
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

/// One set of inner loops. All loops of a processor without vector instructions are there, too, for tests and other
/// architectures (where the compiler makes what it can of them).
#[derive(Clone, Copy)]
pub struct Kernels {
    name: &'static str,
    /// How many queries lie side by side in a panel, unless they are few: see [`Kernels::side_for`].
    side: usize,
    dots: fn(&[f32], &[f32], &mut [f32]),
    dots_at: DotsAt,
    tile: TileLoop,
    /// The same for fewer queries than fill a panel, and the side of theirs.
    narrow: (usize, TileLoop),
    dots_i8: fn(&ByteQuery<'_>, &[u8], &[f32], &mut [f32]),
    tile_i8: fn(&ByteTile<'_>, &mut Vec<TileHit>),
    hamming: fn(&[u64], &[u64], &mut [u32]),
    positions: fn(&[f32], f32, &mut Vec<u32>),
    within: fn(&[u32], u32, &mut Vec<u32>),
}

type TileLoop = fn(&Tile<'_>, &mut Vec<TileHit>);
type DotsAt = fn(&[f32], &[f32], &[u32], &mut [f32]);

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernels({})", self.name)
    }
}

/// A panel of queries against rows.
pub(super) struct Tile<'a> {
    /// `dims` times as many numbers as a panel has queries ([`Kernels::side_for`]): the first dimension of all queries, the second of all, ...
    pub(super) queries: &'a [f32],
    /// Rows one after the other.
    pub(super) rows: &'a [f32],
    pub(super) dims: usize,
    /// For each query, the lowest score that counts.
    pub(super) least: &'a [f32],
}

/// A panel of queries in bytes against rows in bytes: [`Kernels::dots_i8`] for many.
pub(super) struct ByteTile<'a> {
    /// For each group of [`GROUP`] dimensions those of the first query, of the second, ...: `length` times
    /// [`Kernels::side`] numbers.
    pub(super) queries: &'a [i8],
    /// For each query, what the 128 that each byte of a row is too large adds up to.
    pub(super) excess: &'a [i32],
    pub(super) rows: &'a [u8],
    /// Of each row.
    pub(super) scales: &'a [f32],
    /// Of a row, a multiple of [`BYTES`].
    pub(super) length: usize,
    /// For each query, the lowest score that counts.
    pub(super) least: &'a [f32],
}

/// So many bytes are multiplied and summed by one instruction.
pub(super) const GROUP: usize = 4;

/// A query in bytes.
pub(super) struct ByteQuery<'a> {
    /// A multiple of [`BYTES`].
    pub(super) numbers: &'a [i8],
    /// What the 128 that each byte of a row is too large adds up to.
    pub(super) excess: i32,
}

/// A score that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TileHit {
    /// Among the rows of the tile.
    pub(super) row: u32,
    /// Among the queries of the tile.
    pub(super) query: u32,
    pub(super) score: f32,
}

impl Kernels {
    /// Those for this processor.
    pub fn detect() -> Self {
        // The portable ones are always there.
        Self::available().pop().unwrap_or(portable::KERNELS)
    }

    /// All that run here, the portable ones first, the widest last.
    pub fn available() -> Vec<Self> {
        let mut tables = vec![portable::KERNELS];
        #[cfg(target_arch = "x86_64")]
        {
            tables.extend(avx2::kernels());
            tables.extend(avx512::kernels());
        }
        #[cfg(target_arch = "aarch64")]
        tables.extend(neon::kernels());
        tables
    }

    /// The instructions they are made of.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// The side of panels for so many queries: what isn't filled is multiplied all the same.
    pub(super) fn side_for(&self, queries: usize) -> usize {
        if queries <= self.narrow.0 { self.narrow.0 } else { self.side }
    }

    /// Dot products of a query with as many rows as there are scores, one after the other.
    pub fn dots(&self, query: &[f32], rows: &[f32], scores: &mut [f32]) {
        assert_eq!(rows.len(), query.len() * scores.len(), "rows have the length of the query");
        (self.dots)(query, rows, scores);
    }

    /// Dot products of a query with the rows at these places. `rows` are those from the first on, whole.
    pub fn dots_at(&self, query: &[f32], rows: &[f32], places: &[u32], scores: &mut [f32]) {
        assert_eq!(places.len(), scores.len(), "a score for each place");
        let most = places.iter().max().map_or(0, |&place| place as usize + 1);
        assert!(most * query.len() <= rows.len(), "places lie within the rows");
        (self.dots_at)(query, rows, places, scores);
    }

    /// The scores of a panel of queries that reach what is wanted, those of each query in the order of the rows.
    pub(super) fn tile(&self, tile: &Tile<'_>, hits: &mut Vec<TileHit>) {
        let side = tile.least.len();
        assert!(side == self.side || side == self.narrow.0, "a bound for each query");
        assert_eq!(tile.queries.len(), tile.dims * side, "a whole panel of queries");
        assert!(tile.rows.len().is_multiple_of(tile.dims), "whole rows");
        if side == self.side { (self.tile)(tile, hits) } else { (self.narrow.1)(tile, hits) }
    }

    /// Dot products of a query with rows of bytes, each 128 more than the number it stands for, times the scale of the
    /// row. The sums are whole numbers and the same everywhere, the scores therefore as well.
    pub(super) fn dots_i8(&self, query: &ByteQuery<'_>, rows: &[u8], scales: &[f32], scores: &mut [f32]) {
        assert!(query.numbers.len().is_multiple_of(BYTES), "queries are padded");
        assert_eq!(rows.len(), query.numbers.len() * scores.len(), "rows have the length of the query");
        assert_eq!(scales.len(), scores.len(), "each row has a scale");
        (self.dots_i8)(query, rows, scales, scores);
    }

    /// The scores of a panel of queries that reach what is wanted, those of each query in the order of the rows.
    pub(super) fn tile_i8(&self, tile: &ByteTile<'_>, hits: &mut Vec<TileHit>) {
        assert!(tile.length.is_multiple_of(BYTES) && tile.length > 0, "rows are padded");
        assert_eq!(tile.queries.len(), tile.length * self.side, "a whole panel of queries");
        assert_eq!((tile.excess.len(), tile.least.len()), (self.side, self.side), "numbers for each query");
        assert_eq!(tile.rows.len(), tile.length * tile.scales.len(), "each row has a scale");
        (self.tile_i8)(tile, hits);
    }

    /// In how many bits a code differs from others, one after the other.
    pub fn hamming(&self, query: &[u64], rows: &[u64], distances: &mut [u32]) {
        assert_eq!(rows.len(), query.len() * distances.len(), "rows have the length of the query");
        (self.hamming)(query, rows, distances);
    }

    /// Appends the places of scores of at least `least`, ascending. Scores that are no numbers don't count.
    pub(super) fn at_least(&self, scores: &[f32], least: f32, places: &mut Vec<u32>) {
        (self.positions)(scores, least, places);
    }

    /// Appends the places of distances of at most `most`, ascending.
    pub(super) fn at_most(&self, distances: &[u32], most: u32, places: &mut Vec<u32>) {
        (self.within)(distances, most, places);
    }
}

/// Rows of bytes are padded to a multiple of this.
pub(super) const BYTES: usize = 64;

/// Bound of |approximate - exact| for dot products in `f32`, summed in whatever order, of vectors whose norms have this
/// product. Each product is rounded at most once and passes at most `dims` additions, so that the error is at most
/// `(dims + 1) u / (1 - (dims + 1) u)` times the sum of the products' magnitudes (Higham, Accuracy and Stability of
/// Numerical Algorithms, 3.1), which is at most the product of the norms; `u` is half of epsilon. Two steps more pay for
/// the denominator and the rounding of the exact score, and what is lost below the normal numbers is added.
pub fn rounding(dims: usize, norms: f64) -> f32 {
    let steps = dims as f64 + 3.0;
    (steps * f64::from(f32::EPSILON) / 2.0 * norms + steps * f64::from(f32::MIN_POSITIVE)) as f32
}

/// Loops that the compiler vectorises by itself, for whatever instructions the caller's function is compiled.
mod bodies {
    /// So many scores are looked at before a place is noted.
    const PIECE: usize = 32;

    #[inline(always)]
    pub(super) fn at_least(scores: &[f32], least: f32, places: &mut Vec<u32>) {
        select(scores, places, |score| score >= least);
    }

    #[inline(always)]
    pub(super) fn at_most(distances: &[u32], most: u32, places: &mut Vec<u32>) {
        select(distances, places, |distance| distance <= most);
    }

    #[inline(always)]
    fn select<T: Copy>(numbers: &[T], places: &mut Vec<u32>, counts: impl Fn(T) -> bool + Copy) {
        for (i, piece) in numbers.chunks(PIECE).enumerate() {
            let any = piece.iter().fold(false, |any, &number| any | counts(number));
            if any {
                let found = piece.iter().zip(i * PIECE..).filter(|&(&number, _)| counts(number));
                places.extend(found.map(|(_, place)| place as u32));
            }
        }
    }

    #[inline(always)]
    pub(super) fn hamming(query: &[u64], rows: &[u64], distances: &mut [u32]) {
        match query {
            [] => distances.fill(0),
            [query] => {
                for (row, distance) in rows.iter().zip(distances) {
                    *distance = (query ^ row).count_ones();
                }
            }
            query => {
                for (row, distance) in rows.chunks_exact(query.len()).zip(distances) {
                    *distance = query.iter().zip(row).map(|(q, r)| (q ^ r).count_ones()).sum();
                }
            }
        }
    }
}
