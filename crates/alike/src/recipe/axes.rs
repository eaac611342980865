//! The directions in which a gallery's vectors differ most (Pearson 1901).
//!
//! The decompositions are nalgebra's, built without its products by vector instructions that are chosen at run time: sums
//! run in one order on every machine, and in f64.

use crate::rank::mean;
use nalgebra::{DMatrix, SymmetricEigen};

/// Vectors that are multiplied at a time: few enough for a processor's cache.
pub(super) const BLOCK: usize = 256;

/// Principal axes: a column each, the one of the largest variance first.
pub(super) struct Axes {
    pub(super) axes: DMatrix<f64>,
    /// Along each axis.
    pub(super) variances: Vec<f64>,
    /// Sums of the variances along all axes, and of their squares.
    pub(super) totals: (f64, f64),
}

/// The [`mean`] of vectors of one length, of which there is at least one.
pub(super) fn means<V: AsRef<[f32]>>(vectors: &[V]) -> Vec<f32> {
    mean(vectors[0].as_ref().len(), vectors.iter().map(AsRef::as_ref))
}

/// A column for each vector.
pub(super) fn centred(vectors: &[Vec<f32>], centre: &[f32]) -> DMatrix<f64> {
    DMatrix::from_fn(centre.len(), vectors.len(), |i, j| f64::from(vectors[j][i]) - f64::from(centre[i]))
}

/// At right angles also where the vectors span fewer. Of the two symmetric matrices that tell the axes the smaller one is
/// decomposed.
pub(super) fn principal(vectors: &[Vec<f32>], centre: &[f32], count: usize) -> Axes {
    if vectors.len() >= centre.len() {
        return largest(covariance(vectors, centre), count);
    }
    let centred = centred(vectors, centre);
    // `tr_mul` would go dot by dot, which takes ten times as long.
    let by_vector = largest(centred.transpose() * &centred / vectors.len() as f64, count);
    Axes { axes: (centred * by_vector.axes).qr().q(), ..by_vector }
}

/// Of vectors that are spread about their centre.
fn covariance(vectors: &[Vec<f32>], centre: &[f32]) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(centre.len(), centre.len());
    for block in vectors.chunks(BLOCK) {
        let block = centred(block, centre);
        sum.gemm(1.0, &block, &block.transpose(), 1.0);
    }
    sum / vectors.len() as f64
}

fn largest(symmetric: DMatrix<f64>, count: usize) -> Axes {
    // Squares of huge numbers stay finite.
    let trace = symmetric.trace();
    let scale = if trace > 0.0 { trace } else { 1.0 };
    let scaled = symmetric / scale;
    let totals = (trace, scaled.norm_squared() * scale * scale);
    let eigen = SymmetricEigen::new(scaled);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(count);
    let variances = order.iter().map(|&i| (eigen.eigenvalues[i] * scale).max(0.0)).collect();
    Axes { axes: eigen.eigenvectors.select_columns(&order), variances, totals }
}

/// Vectors that tell the axes of a map: more hardly turn them.
const TELLING: usize = 400;

/// Vectors of one length along the two axes in which they differ most, and the share of the variance along each.
pub(crate) fn plane(vectors: &[Vec<f32>]) -> ([f64; 2], Vec<[f64; 2]>) {
    if vectors.is_empty() {
        return ([0.0; 2], Vec::new());
    }
    let telling: Vec<Vec<f32>> = vectors.iter().step_by(vectors.len().div_ceil(TELLING)).cloned().collect();
    let centre = means(&telling);
    let Axes { axes, variances, totals } = principal(&telling, &centre, 2);
    let along = |vector: &Vec<f32>, axis: usize| -> f64 {
        let off_centre = vector.iter().zip(&centre).map(|(value, mean)| f64::from(*value) - f64::from(*mean));
        if axis < axes.ncols() { off_centre.zip(axes.column(axis).iter()).map(|(x, a)| x * a).sum() } else { 0.0 }
    };
    let share =
        |axis: usize| variances.get(axis).filter(|_| totals.0 > 0.0).map_or(0.0, |variance| variance / totals.0);
    ([share(0), share(1)], vectors.iter().map(|vector| [along(vector, 0), along(vector, 1)]).collect())
}
