//! Linear projections learnt from labels: where pictures of one class differ little and classes differ much.
//!
//! Both divide by how pictures of one class differ. Linear discriminant analysis (Fisher 1936; Hastie, Tibshirani and
//! Friedman, The Elements of Statistical Learning, 2nd edition, 4.3.3) keeps the directions in which the classes' means
//! differ. Learned whitening (Radenović, Tolias and Chum, TPAMI 2019, section 3.3, after Mikolajczyk and Matas, ICCV 2007)
//! measures differences between matching pairs, here all pairs of a class, and keeps the directions in which all pictures
//! differ most once those are divided out.

use super::design::Design;
use super::samples::Samples;
use super::{Method, Request};
use crate::recipe::oracle_share;
use nalgebra::{Cholesky, DMatrix, SymmetricEigen};

/// `(x - centre) . direction` for each direction. Directions are right up to one factor, which cosines don't see.
pub(super) struct Projection {
    pub(super) centre: Vec<f64>,
    /// A column for each direction.
    directions: DMatrix<f64>,
    /// Share of the mean variance in the covariance that was divided by.
    pub(super) shrinkage: f64,
}

impl Projection {
    /// Of these rows, to `dims` numbers at most.
    pub(super) fn learn(samples: &Samples, rows: &[usize], request: &Request, dims: usize) -> Self {
        let Request { method, threads, .. } = *request;
        let by_class = samples.by_class(rows);
        let weight = |class: &Vec<usize>| if method == Method::Lda { 1.0 } else { class.len() as f64 };
        let within = within(samples, &by_class, weight, threads);
        let (within, shrinkage) = shrunk(within, rows.len(), request.shrinkage);
        let factor = Cholesky::new(within).expect("a shrunk covariance is positive definite").unpack();
        let (centre, whitened) = match method {
            Method::Lda => {
                let centre = samples.mean(rows);
                let means = class_means(samples, &by_class, &centre, rows.len());
                (centre, largest_of_columns(divided(&factor, &means), dims))
            }
            _ => {
                let centre = mean_of_pairs(samples, &by_class);
                let total = total(samples, rows, &centre, threads);
                let half = divided(&factor, &total);
                (centre, largest(divided(&factor, &half.transpose()), dims))
            }
        };
        let directions = factor.tr_solve_lower_triangular(&whitened).expect("its diagonal is above zero");
        Self { centre, directions, shrinkage }
    }

    /// As recipes keep them: the centre, and behind it a row for each dimension with its part in all directions.
    pub(super) fn parameters(&self) -> Vec<f32> {
        let directions = self.directions.transpose();
        self.centre.iter().chain(directions.iter()).map(|x| *x as f32).collect()
    }
}

/// How pictures differ from the mean of their class; classes count by their weight.
fn within(
    samples: &Samples,
    by_class: &[Vec<usize>],
    weight: impl Fn(&Vec<usize>) -> f64,
    threads: usize,
) -> DMatrix<f64> {
    let mut rows = Vec::new();
    let mut total = 0.0;
    for class in by_class {
        let mean = samples.mean(class);
        let factor = weight(class).sqrt();
        total += weight(class) * class.len() as f64;
        rows.extend(class.iter().map(|&row| differences(samples.row(row), &mean, factor)));
    }
    gram(&rows, samples.dims(), threads) / total
}

/// How pictures differ from the centre.
fn total(samples: &Samples, rows: &[usize], centre: &[f64], threads: usize) -> DMatrix<f64> {
    let rows: Vec<Vec<f32>> = rows.iter().map(|&row| differences(samples.row(row), centre, 1.0)).collect();
    gram(&rows, samples.dims(), threads) / rows.len() as f64
}

/// A column for each class: how its mean differs from the centre, times the root of its share of the pictures.
fn class_means(samples: &Samples, by_class: &[Vec<usize>], centre: &[f64], count: usize) -> DMatrix<f64> {
    let column = |class: &Vec<usize>| {
        let factor = (class.len() as f64 / count as f64).sqrt();
        let differences =
            samples.mean(class).into_iter().zip(centre).map(move |(mean, centre)| factor * (mean - centre));
        differences.collect::<Vec<_>>()
    };
    DMatrix::from_vec(samples.dims(), by_class.len(), by_class.iter().flat_map(column).collect())
}

/// The mean of the pictures of all pairs, each as often as it is in one.
fn mean_of_pairs(samples: &Samples, by_class: &[Vec<usize>]) -> Vec<f64> {
    let mut sums = vec![0.0; samples.dims()];
    let mut count = 0.0;
    for class in by_class {
        let weight = (class.len() - 1) as f64 * class.len() as f64;
        count += weight;
        sums.iter_mut().zip(samples.mean(class)).for_each(|(sum, mean)| *sum += weight * mean);
    }
    sums.iter().map(|sum| sum / count).collect()
}

fn differences(row: &[f32], mean: &[f64], factor: f64) -> Vec<f32> {
    row.iter().zip(mean).map(|(x, mean)| (factor * (f64::from(*x) - mean)) as f32).collect()
}

/// The dot products of all columns.
fn gram(rows: &[Vec<f32>], dims: usize, threads: usize) -> DMatrix<f64> {
    let design = Design::new(rows.iter().map(|row| row.iter().copied()), dims);
    let product = design.gram(threads);
    DMatrix::from_fn(dims, dims, |i, j| product[i * design.columns + j])
}

/// Scaled to a mean variance of 1, and drawn to the identity by the wanted share, or by as much as best tells the true
/// covariance of normal variates; by a little in any case, so that it can be divided by. Gives the share of the identity, too.
fn shrunk(covariance: DMatrix<f64>, pictures: usize, wanted: Option<f64>) -> (DMatrix<f64>, f64) {
    let dims = covariance.nrows();
    let trace = covariance.trace();
    if trace <= 0.0 {
        return (DMatrix::identity(dims, dims), 1.0);
    }
    let covariance = covariance * (dims as f64 / trace);
    let best = || oracle_share(dims as f64, covariance.norm_squared(), pictures, dims);
    let share = wanted.unwrap_or_else(best).clamp(LEAST, 1.0);
    (covariance * (1.0 - share) + DMatrix::identity(dims, dims) * share, share)
}

const LEAST: f64 = 1e-6;

/// The inverse of a lower triangle, times a matrix.
fn divided(factor: &DMatrix<f64>, by: &DMatrix<f64>) -> DMatrix<f64> {
    factor.solve_lower_triangular(by).expect("its diagonal is above zero")
}

/// The axes of a symmetric matrix with the largest values, largest first.
fn largest(symmetric: DMatrix<f64>, count: usize) -> DMatrix<f64> {
    // Huge and tiny numbers stay within range.
    let trace = symmetric.trace();
    let eigen = SymmetricEigen::new(if trace > 0.0 { symmetric / trace } else { symmetric });
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(count);
    eigen.eigenvectors.select_columns(&order)
}

/// The axes along which columns are longest, longest first.
fn largest_of_columns(columns: DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let by_column = largest(columns.tr_mul(&columns), count);
    let mut axes = columns * by_column;
    for mut axis in axes.column_iter_mut() {
        let length = axis.norm();
        axis.unscale_mut(if length > 0.0 { length } else { 1.0 });
    }
    axes
}
