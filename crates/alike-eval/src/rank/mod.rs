//! Rankings of a whole gallery for many queries, in memory that doesn't grow with queries x gallery.

mod best;
mod codes;
mod deal;
mod groups;
mod product;
mod reranked;
mod standing;
mod subject;
mod vectors;

use crate::truth::Truth;

pub(crate) use deal::deal;
pub use reranked::rank_behind;

/// Descriptors in memory, row by row.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Unit vectors of `dims` numbers, compared by dot product.
    Vectors {
        /// Length of a row.
        dims: usize,
        /// All rows, one after the other.
        values: &'a [f32],
    },
    /// Codes of `bits` bits in `bits.div_ceil(64)` words, compared by Hamming distance; unused bits are 0.
    Codes {
        /// Length of a code.
        bits: usize,
        /// All rows, one after the other.
        words: &'a [u64],
    },
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match *self {
            Rows::Vectors { dims, values } => values.len() / dims.max(1),
            Rows::Codes { bits, words } => words.len() / bits.div_ceil(64).max(1),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What becomes of pictures with equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// They stay a [`Group`]: their order is unknown.
    Group,
    /// They are ranked by their position in the gallery.
    Index,
}

/// How much of the ranking is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The best `k` pictures alone.
    Top(usize),
    /// The best `top` pictures by name, and where the relevant ones stand among all.
    Full {
        /// How many pictures are named.
        top: usize,
    },
}

/// Pictures of equal score, which stand next to each other in unknown order. One with only relevant pictures, or with
/// none, says nothing of scores: any order of it is the same ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Relevant pictures in it.
    pub relevant: u32,
    /// Others in it.
    pub other: u32,
}

/// A picture of the gallery and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its position in the gallery.
    pub picture: u32,
    /// Cosine, or 1 - distance / bits.
    pub score: f64,
}

/// The ranking of the gallery for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The best pictures, best first, equal scores by position. With [`Ties::Group`] all that tie with the last of them are
    /// there, too.
    pub top: Vec<Found>,
    /// The ranking from its beginning: with [`Depth::Full`] all of it, with [`Depth::Top`] to the last picture whose
    /// score is that of rank `k`.
    pub groups: Vec<Group>,
    /// Relevant pictures in the gallery, ignored ones aside.
    pub relevant: u32,
    /// Pictures in the gallery, ignored ones aside.
    pub gallery: u32,
}

/// Ranks the gallery for each query and hands each ranking to `each`, from several threads; returns what `each` made of
/// them, in the order of the queries. Scores are those of the exact scan: the sum in f64, so that neither the machine
/// nor the number of threads changes a ranking.
///
/// Memory doesn't grow with the number of queries: a thread has a block of at most 256 of them, with what is found for
/// those and some hundred kilobytes of scores. Time hardly depends on the scores, unless pictures tie by the thousand.
/// Scores may not be NaN.
///
/// # Panics
///
/// If gallery and queries are of different kinds or lengths, or if there are not as many queries as in `truth`; and
/// when `each` does.
pub fn rank<T: Send>(
    gallery: Rows<'_>,
    queries: Rows<'_>,
    truth: &Truth,
    (depth, ties): (Depth, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    let threads = threads.max(1);
    match (gallery, queries) {
        (Rows::Vectors { dims, values }, Rows::Vectors { dims: same, values: queries }) => {
            assert_eq!(dims, same, "gallery and queries have different dimensions");
            let (gallery, queries) = (Matrix::new(dims, values), Matrix::new(dims, queries));
            assert!(dims == 0 || queries.len() == truth.queries(), "not as many queries as in the truth");
            match depth {
                Depth::Top(k) => vectors::top(gallery, queries, truth, (k, ties), threads, each),
                Depth::Full { top } => vectors::full(gallery, queries, truth, (top, ties), threads, each),
            }
        }
        (Rows::Codes { bits, words }, Rows::Codes { bits: same, words: queries }) => {
            assert_eq!(bits, same, "gallery and queries have codes of different lengths");
            let (gallery, queries) = (Matrix::new(bits.div_ceil(64), words), Matrix::new(bits.div_ceil(64), queries));
            assert!(bits == 0 || queries.len() == truth.queries(), "not as many queries as in the truth");
            codes::rank(gallery, queries, truth, (bits, depth, ties), threads, each)
        }
        _ => panic!("gallery and queries are of different kinds"),
    }
}

/// Rows of equal width.
#[derive(Clone, Copy)]
struct Matrix<'a, W> {
    width: usize,
    values: &'a [W],
}

impl<'a, W> Matrix<'a, W> {
    fn new(width: usize, values: &'a [W]) -> Self {
        Self { width, values }
    }

    /// Number of rows; rows without width are no rows.
    fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// A row, which has no width where there are no rows.
    fn row(&self, row: usize) -> &'a [W] {
        &self.values[row * self.width..][..self.width]
    }
}
