//! The product of a block of queries with rows, chunk by chunk: what is made of the scores is up to the caller, and only
//! a chunk of them exists at a time.
//!
//! Every score is summed in the order of the dimensions: what runs side by side are pictures and queries, never the
//! parts of one sum. In f64 that makes it *the* exact score, bit for bit the one of the exact scan: the product of two
//! f32 is exact in f64, so that a fused multiplication rounds as a separate one does, and the width of the registers
//! doesn't matter either. In f32 it is an approximation, see [`rounding`].

use pulp::{Arch, Simd, WithSimd};
use std::cmp::Ordering;
use std::ops::Sub;

/// A number that scores are summed in.
pub(super) trait Number: Copy + PartialOrd + Default + Send + Sync + From<f32> + Sub<Output = Self> {
    /// Below every score: that of pictures that aren't there.
    const NEVER: Self;
    /// The lowest of all numbers that may be a score.
    const LEAST: Self;
    type Vector<S: Simd>: Copy;

    fn total_cmp(&self, other: &Self) -> Ordering;
    fn splat<S: Simd>(simd: S, number: Self) -> Self::Vector<S>;
    /// `a * b + c`, rounded once or twice.
    fn mul_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    fn vectors<S: Simd>(numbers: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [Self::Vector<S>];
}

macro_rules! number {
    ($number:ty, $vector:ident, $splat:ident, $mul_add:ident, $as_simd:ident, $as_mut_simd:ident) => {
        impl Number for $number {
            const NEVER: Self = <$number>::NEG_INFINITY;
            const LEAST: Self = <$number>::MIN;
            type Vector<S: Simd> = S::$vector;

            #[inline]
            fn total_cmp(&self, other: &Self) -> Ordering {
                <$number>::total_cmp(self, other)
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, number: Self) -> S::$vector {
                simd.$splat(number)
            }

            #[inline(always)]
            fn mul_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$mul_add(a, b, c)
            }

            #[inline(always)]
            fn vectors<S: Simd>(numbers: &[Self]) -> &[S::$vector] {
                S::$as_simd(numbers).0
            }

            #[inline(always)]
            fn vectors_mut<S: Simd>(numbers: &mut [Self]) -> &mut [S::$vector] {
                S::$as_mut_simd(numbers).0
            }
        }
    };
}

number!(f32, f32s, splat_f32s, mul_add_e_f32s, as_simd_f32s, as_mut_simd_f32s);
number!(f64, f64s, splat_f64s, mul_add_e_f64s, as_simd_f64s, as_mut_simd_f64s);

/// How many rows and queries are multiplied at once, so that the sums fill the registers.
#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    queries: usize,
}

/// Registers: 24 sums, 3 of rows, 1 of a query.
const WIDE: (usize, usize) = (3, 8);
/// Registers: 12 sums, 2 of rows, 1 of a query.
const NARROW: (usize, usize) = (2, 6);

struct ShapeOf<T>(std::marker::PhantomData<T>);

impl<T: Number> WithSimd for ShapeOf<T> {
    type Output = Shape;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Shape {
        let (vectors, queries) = if S::REGISTER_COUNT >= 32 { WIDE } else { NARROW };
        Shape { rows: vectors * (size_of::<T::Vector<S>>() / size_of::<T>()), queries }
    }
}

/// Numbers that begin at a cache line, because a load over the border of two takes twice the time.
struct Aligned<T> {
    numbers: Vec<T>,
    start: usize,
}

impl<T: Number> Aligned<T> {
    fn new(len: usize) -> Self {
        let numbers = vec![T::default(); len + 64 / size_of::<T>()];
        let start = numbers.as_ptr().align_offset(64).min(64 / size_of::<T>());
        Self { numbers, start }
    }

    fn get(&self) -> &[T] {
        &self.numbers[self.start..]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.numbers[self.start..]
    }
}

/// A block of queries, laid out for the product: `Shape::queries` side by side, dimension by dimension.
pub(super) struct Block<T> {
    queries: usize,
    packed: Vec<T>,
}

/// Multiplies, and owns the memory that takes.
pub(super) struct Product<T> {
    arch: Arch,
    shape: Shape,
    dims: usize,
    /// Rows of the next panel, one after the other.
    staged: Vec<T>,
    panel: Aligned<T>,
    scores: Aligned<T>,
}

/// Bytes of scores that exist at a time: half of a usual second-level cache.
const SCORES: usize = 384 << 10;

impl<T: Number> Product<T> {
    /// For rows of `dims` numbers, at least 1.
    pub(super) fn new(dims: usize) -> Self {
        let arch = Arch::new();
        let shape = arch.dispatch(ShapeOf::<T>(std::marker::PhantomData));
        let staged = vec![T::default(); shape.rows * dims];
        Self { arch, shape, dims, staged, panel: Aligned::new(shape.rows * dims), scores: Aligned::new(0) }
    }

    pub(super) fn arch(&self) -> Arch {
        self.arch
    }

    /// Lays out queries for [`Self::run`].
    pub(super) fn block<'a>(&self, queries: impl Iterator<Item = &'a [f32]>) -> Block<T> {
        let side = self.shape.queries;
        let mut block = Block { queries: 0, packed: Vec::new() };
        for query in queries {
            let (tile, place) = (block.queries / side, block.queries % side);
            block.packed.resize((tile + 1) * side * self.dims, T::default());
            let tile = &mut block.packed[tile * side * self.dims..];
            for (row, &number) in tile.chunks_exact_mut(side).zip(query) {
                row[place] = number.into();
            }
            block.queries += 1;
        }
        block
    }

    /// Hands `(query in the block, first row, its scores with that row and the next ones)` to `take`, for each query
    /// the rows in their order.
    pub(super) fn run<'a>(
        &mut self,
        block: &Block<T>,
        rows: usize,
        row: impl Fn(usize) -> &'a [f32],
        mut take: impl FnMut(usize, usize, &mut [T]),
    ) {
        if block.queries == 0 {
            return;
        }
        let padded = block.queries.next_multiple_of(self.shape.queries);
        let panels = (SCORES / size_of::<T>() / padded / self.shape.rows).max(1);
        let width = panels.min(rows.div_ceil(self.shape.rows)) * self.shape.rows;
        if self.scores.get().len() < padded * width {
            self.scores = Aligned::new(padded * width);
        }
        for start in (0..rows).step_by(width.max(1)) {
            let end = rows.min(start + width);
            for first in (start..end).step_by(self.shape.rows) {
                self.pack(first, end.min(first + self.shape.rows), &row);
                self.arch.dispatch(Multiply {
                    panel: &self.panel.get()[..self.shape.rows * self.dims],
                    queries: &block.packed,
                    dims: self.dims,
                    scores: self.scores.get_mut(),
                    width,
                    column: first - start,
                });
            }
            for (query, scores) in self.scores.get_mut().chunks_exact_mut(width).take(block.queries).enumerate() {
                take(query, start, &mut scores[..end - start]);
            }
        }
    }

    /// Lays out rows side by side, dimension by dimension.
    fn pack<'a>(&mut self, first: usize, end: usize, row: &impl Fn(usize) -> &'a [f32]) {
        let panel = &mut self.panel.get_mut()[..self.shape.rows * self.dims];
        let rows = (first..end).map(row);
        self.arch.dispatch(Pack { rows, dims: self.dims, side: self.shape.rows, staged: &mut self.staged, panel });
    }
}

/// Rows to lay out.
struct Pack<'a, T, R> {
    rows: R,
    dims: usize,
    side: usize,
    staged: &'a mut [T],
    panel: &'a mut [T],
}

impl<'r, T: Number, R: Iterator<Item = &'r [f32]>> WithSimd for Pack<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // First row by row: memory is fast where it is read in order.
        for (numbers, row) in self.staged.chunks_exact_mut(self.dims).zip(self.rows) {
            for (number, &x) in numbers.iter_mut().zip(row) {
                *number = x.into();
            }
        }
        for (i, rows) in self.staged.chunks_exact(self.dims * PACK).enumerate() {
            let (a, rest) = rows.split_at(self.dims);
            let (b, rest) = rest.split_at(self.dims);
            let (c, d) = rest.split_at(self.dims);
            let columns = self.panel.chunks_exact_mut(self.side).zip(a).zip(b).zip(c).zip(d);
            for ((((column, &a), &b), &c), &d) in columns {
                column[i * PACK..(i + 1) * PACK].copy_from_slice(&[a, b, c, d]);
            }
        }
    }
}

/// So many rows are laid out at once. Panels have a multiple of it.
const PACK: usize = 4;

/// One panel of rows with all queries of a block.
struct Multiply<'a, T> {
    panel: &'a [T],
    queries: &'a [T],
    dims: usize,
    /// Query by query, `width` scores each.
    scores: &'a mut [T],
    width: usize,
    /// Where in a query's scores the panel's belong.
    column: usize,
}

impl<T: Number> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.tiles::<S, { WIDE.0 }, { WIDE.1 }>(simd);
        } else {
            self.tiles::<S, { NARROW.0 }, { NARROW.1 }>(simd);
        }
    }
}

impl<T: Number> Multiply<'_, T> {
    #[inline(always)]
    fn tiles<S: Simd, const V: usize, const Q: usize>(self, simd: S) {
        let panel = T::vectors::<S>(self.panel).as_chunks::<V>().0;
        let tiles = self.queries.chunks_exact(Q * self.dims);
        for (tile, scores) in tiles.zip(self.scores.chunks_exact_mut(Q * self.width)) {
            let mut sums = [[T::splat(simd, T::default()); V]; Q];
            for (rows, queries) in panel.iter().zip(tile.as_chunks::<Q>().0) {
                for q in 0..Q {
                    let query = T::splat(simd, queries[q]);
                    for v in 0..V {
                        sums[q][v] = T::mul_add(simd, rows[v], query, sums[q][v]);
                    }
                }
            }
            for (sums, scores) in sums.iter().zip(scores.chunks_exact_mut(self.width)) {
                T::vectors_mut::<S>(&mut scores[self.column..])[..V].copy_from_slice(sums);
            }
        }
    }
}

/// Bound of |approximate - exact| of scores summed in f32 in the order of the dimensions, for rows and queries of the
/// given norms. Each product passes at most one rounding of its own and `dims` of the sum, so that the error is at most
/// `(dims + 1) u / (1 - (dims + 1) u)` times the sum of the products' magnitudes (Higham, Accuracy and Stability of
/// Numerical Algorithms, 3.1), which is at most the product of the norms. Epsilon is 2 u: that pays for the
/// denominator and the rounding of the exact score, and what is lost below the normal numbers is added.
pub(super) fn rounding(dims: usize, norms: f64) -> f32 {
    let steps = dims as f64 + 4.0;
    (steps * f64::from(f32::EPSILON) * norms + steps * f64::from(f32::MIN_POSITIVE)) as f32
}
