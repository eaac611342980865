//! Iterative quantisation (Gong and Lazebnik, CVPR 2011): the axes that carry most of the variance, turned so that the
//! signs of the coordinates lose least of them.
//!
//! The decompositions are nalgebra's, built without its products by vector instructions that are chosen at run time: sums
//! run in one order on every machine, and in f64.

use super::planes::Planes;
use super::random::Random;
use super::thresholds::means;
use nalgebra::{DMatrix, SymmetricEigen};

/// Turns of the rotation, as many as in the paper.
const ITERATIONS: usize = 50;

/// Vectors that are added to the covariance at a time: few enough for a processor's cache.
const BLOCK: usize = 256;

/// Learns from vectors of `dims` numbers, more than `bits` of them; `bits <= dims`. `seed` is where the rotation starts.
pub(super) fn learn(vectors: &[Vec<f32>], bits: usize, seed: u64) -> Planes {
    let centre = means(vectors);
    let axes = principal_axes(vectors, &centre, bits);
    let projected: Vec<_> = vectors.chunks(BLOCK).map(|block| axes.tr_mul(&centred(block, &centre))).collect();
    let rotation = (0..ITERATIONS).fold(random_rotation(bits, seed), |rotation, _| turned(&projected, &rotation));
    // Stored column by column, so that the transpose is in memory what `Planes` wants row by row.
    let directions = (axes * rotation).transpose();
    Planes { centre, directions: directions.iter().map(|part| *part as f32).collect() }
}

/// A column for each vector.
fn centred(vectors: &[Vec<f32>], centre: &[f32]) -> DMatrix<f64> {
    DMatrix::from_fn(centre.len(), vectors.len(), |i, j| f64::from(vectors[j][i]) - f64::from(centre[i]))
}

/// The directions of the largest variances, a column each, the largest first, at right angles also where the vectors span
/// fewer. Of the two symmetric matrices that tell them the smaller one is decomposed.
fn principal_axes(vectors: &[Vec<f32>], centre: &[f32], count: usize) -> DMatrix<f64> {
    if vectors.len() >= centre.len() {
        return largest_eigenvectors(covariance(vectors, centre), count);
    }
    let centred = centred(vectors, centre);
    let by_vector = largest_eigenvectors(centred.tr_mul(&centred), count);
    (centred * by_vector).qr().q()
}

/// Times the number of vectors.
fn covariance(vectors: &[Vec<f32>], centre: &[f32]) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(centre.len(), centre.len());
    for block in vectors.chunks(BLOCK) {
        let block = centred(block, centre);
        sum.gemm(1.0, &block, &block.transpose(), 1.0);
    }
    sum
}

/// A column each, the one of the largest eigenvalue first.
fn largest_eigenvectors(symmetric: DMatrix<f64>, count: usize) -> DMatrix<f64> {
    // Squares of huge numbers stay finite.
    let trace = symmetric.trace();
    let scaled = if trace > 0.0 { symmetric / trace } else { symmetric };
    let eigen = SymmetricEigen::new(scaled);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    eigen.eigenvectors.select_columns(&order[..count])
}

/// One step of the alternation: the codes that fit the rotation best, then the rotation that fits these codes best.
fn turned(projected: &[DMatrix<f64>], rotation: &DMatrix<f64>) -> DMatrix<f64> {
    let (bits, back) = (rotation.ncols(), rotation.transpose());
    let mut fit = DMatrix::zeros(bits, bits);
    for block in projected {
        let codes = (&back * block).map(|x| if x > 0.0 { 1.0 } else { -1.0 });
        fit.gemm(1.0, block, &codes.transpose(), 1.0);
    }
    nearest_rotation(fit)
}

/// Every rotation is equally likely.
fn random_rotation(size: usize, seed: u64) -> DMatrix<f64> {
    let mut random = Random::new(seed);
    nearest_rotation(DMatrix::from_fn(size, size, |_, _| random.normal()))
}

/// The solution of the orthogonal Procrustes problem (Schönemann 1966): the orthogonal `R` with the largest trace of
/// `R^T matrix`.
fn nearest_rotation(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let svd = matrix.svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else { unreachable!("both were asked for") };
    u * v_t
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far the codes are from the coordinates they stand for.
    fn loss(projected: &DMatrix<f64>, rotation: &DMatrix<f64>) -> f64 {
        (rotation.transpose() * projected).map(|x| (x.abs() - 1.0).powi(2)).sum()
    }

    #[test]
    fn each_turn_loses_less_and_stays_a_rotation() {
        let mut random = Random::new(5);
        let projected = [DMatrix::from_fn(24, 200, |_, _| random.normal())];
        let mut rotation = random_rotation(24, 1);
        for _ in 0..ITERATIONS {
            let next = turned(&projected, &rotation);
            assert!(loss(&projected[0], &next) <= loss(&projected[0], &rotation) + 1e-9);
            assert!((&next * next.transpose() - DMatrix::identity(24, 24)).amax() < 1e-12);
            rotation = next;
        }
        assert!(loss(&projected[0], &rotation) < 0.95 * loss(&projected[0], &random_rotation(24, 1)));
    }
}
