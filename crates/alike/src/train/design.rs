//! The matrix of a regression, a row for each picture, and its products with matrices of few columns.
//!
//! Each number of a product is one sum in f64, in the order of the rows or columns, whatever the number of threads: these
//! share out numbers, never the parts of a sum. Vector instructions, the widest that the processor has, hold numbers side by
//! side and round as others do, so that every machine gives the same; what they run is inlined, or it would be compiled
//! without them.

use pulp::Arch;
use std::thread;

/// Numbers that one block of a product has along each side: sums of 4 x 4 stay in registers.
const BLOCK: usize = 4;

/// Rows whose numbers stay in a processor's first cache while columns pass by.
const STRIP: usize = 256;

/// The least multiple of the block's side: matrices are padded with zeros up to it.
pub(super) fn padded(count: usize) -> usize {
    count.next_multiple_of(BLOCK)
}

/// `rows x columns` numbers, row by row, both padded with zeros.
pub(super) struct Design {
    values: Vec<f32>,
    /// As they are, without padding.
    pub(super) rows: usize,
    /// With padding.
    pub(super) columns: usize,
}

impl Design {
    pub(super) fn new<R: IntoIterator<Item = f32>>(rows: impl ExactSizeIterator<Item = R>, columns: usize) -> Self {
        let (count, stride) = (rows.len(), padded(columns));
        let mut values = vec![0.0; padded(count) * stride];
        for (padded, row) in values.chunks_exact_mut(stride).zip(rows) {
            padded.iter_mut().zip(row).for_each(|(place, x)| *place = x);
        }
        Self { values, rows: count, columns: stride }
    }

    /// The product with a matrix of `columns x width` numbers, `width` a multiple of the block's side: `padded(rows) x width`
    /// numbers.
    pub(super) fn times(&self, matrix: &[f64], width: usize, threads: usize) -> Vec<f64> {
        let (mut product, arch) = (vec![0.0; padded(self.rows) * width], Arch::new());
        let blocks = padded(self.rows) / BLOCK;
        let share = blocks.div_ceil(threads) * BLOCK;
        thread::scope(|scope| {
            let parts = product.chunks_mut(share * width).zip(self.values.chunks(share * self.columns));
            for (product, rows) in parts {
                scope.spawn(move || arch.dispatch(|| times_rows(rows, self.columns, matrix, width, product)));
            }
        });
        product
    }

    /// The product of its transpose with a matrix of `padded(rows) x width` numbers: `columns x width` numbers.
    pub(super) fn transposed_times(&self, matrix: &[f64], width: usize, threads: usize) -> Vec<f64> {
        let (mut product, arch) = (vec![0.0; self.columns * width], Arch::new());
        let share = (self.columns / BLOCK).div_ceil(threads) * BLOCK;
        thread::scope(|scope| {
            for (part, product) in product.chunks_mut(share * width).enumerate() {
                scope.spawn(move || arch.dispatch(|| self.times_columns(part * share, matrix, width, product)));
            }
        });
        product
    }

    /// The products of its columns with each other: `columns x columns` numbers.
    pub(super) fn gram(&self, threads: usize) -> Vec<f64> {
        let values: Vec<f64> = self.values.iter().map(|x| f64::from(*x)).collect();
        self.transposed_times(&values, self.columns, threads)
    }

    /// Columns from `first` on, as many as `product` has rows.
    #[inline(always)]
    fn times_columns(&self, first: usize, matrix: &[f64], width: usize, product: &mut [f64]) {
        for (rows, matrix) in self.values.chunks(STRIP * self.columns).zip(matrix.chunks(STRIP * width)) {
            for (block, product) in product.chunks_exact_mut(BLOCK * width).enumerate() {
                let column = first + block * BLOCK;
                for at in (0..width).step_by(BLOCK) {
                    let mut sums: [[f64; BLOCK]; BLOCK] =
                        std::array::from_fn(|row| block_of(&product[row * width + at..]));
                    for (row, other) in rows.chunks_exact(self.columns).zip(matrix.chunks_exact(width)) {
                        let row: [f32; BLOCK] = block_of(&row[column..]);
                        add_products(&mut sums, row, block_of(&other[at..]));
                    }
                    store(&sums, product, width, at);
                }
            }
        }
    }
}

#[inline(always)]
fn times_rows(rows: &[f32], columns: usize, matrix: &[f64], width: usize, product: &mut [f64]) {
    for (rows, product) in rows.chunks_exact(BLOCK * columns).zip(product.chunks_exact_mut(BLOCK * width)) {
        let (first, rest) = rows.split_at(columns);
        let (second, rest) = rest.split_at(columns);
        let (third, fourth) = rest.split_at(columns);
        for at in (0..width).step_by(BLOCK) {
            let mut sums = [[0.0; BLOCK]; BLOCK];
            let rows = first.iter().zip(second).zip(third).zip(fourth);
            for ((((a, b), c), d), other) in rows.zip(matrix.chunks_exact(width)) {
                add_products(&mut sums, [*a, *b, *c, *d], block_of(&other[at..]));
            }
            store(&sums, product, width, at);
        }
    }
}

#[inline(always)]
fn add_products(sums: &mut [[f64; BLOCK]; BLOCK], row: [f32; BLOCK], other: [f64; BLOCK]) {
    for (sums, x) in sums.iter_mut().zip(row) {
        let x = f64::from(x);
        sums.iter_mut().zip(other).for_each(|(sum, y)| *sum += x * y);
    }
}

#[inline(always)]
fn store(sums: &[[f64; BLOCK]; BLOCK], product: &mut [f64], width: usize, at: usize) {
    for (sums, row) in sums.iter().zip(product.chunks_exact_mut(width)) {
        row[at..at + BLOCK].copy_from_slice(sums);
    }
}

/// The first numbers; matrices are padded, so that there are enough.
#[inline(always)]
fn block_of<T: Copy>(numbers: &[T]) -> [T; BLOCK] {
    *numbers.first_chunk().expect("matrices are padded to whole blocks")
}
