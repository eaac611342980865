//! Iterative quantisation (Gong and Lazebnik, CVPR 2011): the axes that carry most of the variance, turned so that the
//! signs of the coordinates lose least of them.
//!
//! The method has a bit for each axis. Where there are more bits than dimensions they are the signs of coordinates in a
//! tight frame: as many directions as bits whose outer products add up to the identity, turned in the same alternation.
//! Few axes with several bits each often find more than many with one: the last axes carry little but noise, and a code
//! counts each bit alike.

use crate::recipe::axes::{self, BLOCK, centred, means};
use crate::recipe::projection::Projection;
use crate::recipe::random::Random;
use nalgebra::DMatrix;

/// Turns of the rotation, as many as in the paper.
const ITERATIONS: usize = 50;

/// Learns from unit vectors, more of them than there are axes. `seed` is where the rotation starts.
pub(super) fn learn(vectors: &[Vec<f32>], bits: usize, seed: u64) -> Projection {
    let centre = means(vectors);
    let axes = axes::principal(vectors, &centre, bits.min(centre.len())).axes;
    let projected: Vec<_> = vectors.chunks(BLOCK).map(|block| axes.tr_mul(&centred(block, &centre))).collect();
    let start = random_frame(axes.ncols(), bits, seed);
    let frame = (0..ITERATIONS).fold(start, |frame, _| turned(&projected, &frame));
    // Stored column by column, so that the transpose is in memory what a projection wants row by row.
    let directions = (axes * frame).transpose();
    Projection { centre, directions: directions.iter().map(|part| *part as f32).collect() }
}

/// One step of the alternation: the codes that fit the frame best, then the frame that fits these codes best.
fn turned(projected: &[DMatrix<f64>], frame: &DMatrix<f64>) -> DMatrix<f64> {
    let back = frame.transpose();
    let mut fit = DMatrix::zeros(frame.nrows(), frame.ncols());
    for block in projected {
        let codes = (&back * block).map(|x| if x > 0.0 { 1.0 } else { -1.0 });
        fit.gemm(1.0, block, &codes.transpose(), 1.0);
    }
    nearest_frame(fit)
}

/// As many columns as there are bits, as many rows as axes. Every one is equally likely.
fn random_frame(axes: usize, bits: usize, seed: u64) -> DMatrix<f64> {
    let mut random = Random::new(seed);
    nearest_frame(DMatrix::from_fn(axes, bits, |_, _| random.normal()))
}

/// The solution of the orthogonal Procrustes problem (Schönemann 1966): the matrix `R` with orthonormal rows that has the
/// largest trace of `R^T matrix`. A rotation where the matrix is square.
fn nearest_frame(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let svd = matrix.svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else { unreachable!("both were asked for") };
    u * v_t
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far the codes are from the coordinates they stand for.
    fn loss(projected: &DMatrix<f64>, frame: &DMatrix<f64>) -> f64 {
        (frame.transpose() * projected).map(|x| (x.abs() - 1.0).powi(2)).sum()
    }

    #[test]
    fn each_turn_loses_less_and_stays_a_frame() {
        for bits in [24, 40] {
            let mut random = Random::new(5);
            let projected = [DMatrix::from_fn(24, 200, |_, _| random.normal())];
            let mut frame = random_frame(24, bits, 1);
            for _ in 0..ITERATIONS {
                let next = turned(&projected, &frame);
                assert!(loss(&projected[0], &next) <= loss(&projected[0], &frame) + 1e-9);
                assert!((&next * next.transpose() - DMatrix::identity(24, 24)).amax() < 1e-12);
                frame = next;
            }
            assert!(loss(&projected[0], &frame) < 0.95 * loss(&projected[0], &random_frame(24, bits, 1)));
        }
    }
}
