//! Vectors drawn towards those of their nearest neighbours.

use crate::index::{Block, Kernels, nearest_vectors};
use crate::recipe::{SAMPLE, spread, unit};
use crate::store::RecordId;

/// How many nearest neighbours, and how fast they count less the farther they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbours {
    /// The vector itself aside; at least 1.
    pub count: usize,
    /// A neighbour of similarity `s` weighs `max(s, 0)^alpha`; 0 or more.
    pub alpha: f64,
}

/// Rows whose neighbours are looked for at a time: as many lists of neighbours are in memory.
const ROWS_AT_A_TIME: usize = 4096;

impl Neighbours {
    /// Most neighbours that may be asked for.
    pub const MOST: usize = 1000;

    /// For a ranking that nobody tuned: on neither set of `docs/evaluation.md` it does harm, on either side.
    pub const DEFAULT: Self = Self { count: 10, alpha: 3.0 };

    /// Each row with its neighbours among the others, at unit length. `rows` are unit vectors of `dims` numbers, one after
    /// the other. Sums run in f64 from the nearest to the farthest; equally near ones in the order of the rows.
    pub fn augmented(self, dims: usize, rows: &[f32], threads: usize) -> Vec<f32> {
        let kernels = Kernels::detect();
        let all: Vec<&[f32]> = rows.chunks_exact(dims.max(1)).collect();
        let ids: Vec<RecordId> = (0..all.len() as RecordId).collect();
        let block = [Block::whole(&ids, rows)];
        let mut augmented = Vec::with_capacity(rows.len());
        for (first, some) in (0..).step_by(ROWS_AT_A_TIME).zip(all.chunks(ROWS_AT_A_TIME)) {
            let found = nearest_vectors(&kernels, dims, some, &block, (self.count + 1, threads));
            for ((own, row), found) in (first as RecordId..).zip(some).zip(found) {
                // Identical pictures tie with the row itself, which may then not be among so many.
                let others = found.iter().filter(|hit| hit.id != own).take(self.count);
                let mut sum: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
                others.for_each(|hit| self.add(&mut sum, hit.score, all[hit.id as usize].iter().copied()));
                augmented.extend(unit(&rounded(&sum)));
            }
        }
        augmented
    }

    /// A query with its neighbours, at unit length. Of each neighbour counts the difference from the gallery's
    /// [`mean`]: what all pictures have in common would draw every query to the middle, where it is near to those that
    /// are near to everything.
    pub fn expanded<'a>(
        self,
        query: &[f32],
        neighbours: impl IntoIterator<Item = (f32, &'a [f32])>,
        mean: &[f32],
    ) -> Vec<f32> {
        let mut sum: Vec<f64> = query.iter().map(|x| f64::from(*x)).collect();
        for (score, neighbour) in neighbours.into_iter().take(self.count) {
            self.add(&mut sum, score, neighbour.iter().zip(mean).map(|(x, mean)| x - mean));
        }
        unit(&rounded(&sum))
    }

    fn add(self, sum: &mut [f64], score: f32, neighbour: impl Iterator<Item = f32>) {
        let weight = f64::from(score).max(0.0).powf(self.alpha);
        sum.iter_mut().zip(neighbour).for_each(|(sum, x)| *sum += weight * f64::from(x));
    }
}

fn rounded(sum: &[f64]) -> Vec<f32> {
    sum.iter().map(|x| *x as f32).collect()
}

/// Which of these the [`mean`] is taken of: all, or 10,000 at equal distances.
pub fn mean_sample<T>(vectors: &[T]) -> impl Iterator<Item = &T> {
    spread(vectors, vectors.len().min(SAMPLE))
}

/// The mean of vectors of `dims` numbers; zeros of none. Sums run in f64 and in their order.
pub fn mean<'a>(dims: usize, vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0.0_f64; dims], 0.0_f64);
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += f64::from(*x));
        count += 1.0;
    }
    sum.iter().map(|sum| (sum / count.max(1.0)) as f32).collect()
}
