//! Multinomial logistic regression with a quadratic penalty (Hastie, Tibshirani and Friedman, The Elements of Statistical
//! Learning, 2nd edition, 4.4 and 18.3.2).
//!
//! Vectors are centred and scaled by one factor, so that their numbers are 1 in the root mean square. Minimised is the mean
//! of `-ln p(label)` over the pictures, plus `strength / 2` times the sum of the squared weights; biases go free.
//! scikit-learn's `LogisticRegression` has the same minimum with `C = 1 / (strength * pictures)`.

use super::design::{Design, padded};
use super::lbfgs::{Curvature, add, distance, dot};
use super::samples::Samples;
use crate::source::softmax;

/// The largest number of a gradient at which a fit ends.
const TOLERANCE: f64 = 1e-8;
const MOST_STEPS: usize = 1000;

/// A regression to be fitted at one strength after the other.
pub(super) struct Regression<'a> {
    samples: &'a Samples,
    mean: Vec<f64>,
    scale: f64,
    design: Design,
    labels: Vec<usize>,
    threads: usize,
}

/// A row of `padded(classes)` for each dimension of the scaled vectors, behind them the biases, and padding.
#[derive(Clone)]
pub(super) struct Weights(Vec<f64>);

/// Where a fit stands.
struct Point {
    weights: Vec<f64>,
    /// A row of `padded(classes)` for each picture.
    logits: Vec<f64>,
    gradient: Vec<f64>,
    value: f64,
}

impl<'a> Regression<'a> {
    /// Of these rows.
    pub(super) fn new(samples: &'a Samples, rows: &[usize], threads: usize) -> Self {
        let mean = samples.mean(rows);
        let deviation =
            |row: &usize| samples.row(*row).iter().zip(&mean).map(|(x, mean)| (f64::from(*x) - mean).powi(2));
        let squares: f64 = rows.iter().flat_map(deviation).sum();
        let size = (squares / (rows.len() * samples.dims()) as f64).sqrt();
        let scale = if size > 0.0 { 1.0 / size } else { 1.0 };
        let design = scaled(samples, rows, &mean, scale);
        Self { samples, mean, scale, design, labels: samples.labels_of(rows), threads }
    }

    pub(super) fn start(&self) -> Weights {
        Weights(vec![0.0; self.design.columns * self.width()])
    }

    /// From somewhere to the minimum, within `slack` times the tolerance.
    pub(super) fn fit(&self, start: &Weights, strength: f64, slack: f64) -> Weights {
        let logits = self.design.times(&start.0, self.width(), self.threads);
        let mut point = self.point(start.0.clone(), logits, strength);
        let mut curvature = Curvature::default();
        for step in 0..MOST_STEPS {
            if point.gradient.iter().all(|x| x.abs() <= slack * TOLERANCE) {
                break;
            }
            let direction = curvature.direction(&point.gradient);
            // The first direction is the gradient, which tells nothing of the distance.
            let first = if step == 0 { 1.0 / dot(&direction, &direction).sqrt().max(1.0) } else { 1.0 };
            let Some(next) = self.descend(&point, &direction, first, strength) else { break };
            let change = |after: &[f64], before: &[f64]| after.iter().zip(before).map(|(a, b)| a - b).collect();
            curvature.observe(change(&next.weights, &point.weights), change(&next.gradient, &point.gradient));
            point = next;
        }
        Weights(point.weights)
    }

    /// Logits change in proportion to the distance: how far to go costs no further product.
    fn descend(&self, point: &Point, direction: &[f64], first: f64, strength: f64) -> Option<Point> {
        let change = self.design.times(direction, self.width(), self.threads);
        let (weights, ahead) = (self.penalised(&point.weights), self.penalised(direction));
        let squares = (dot(weights, weights), dot(weights, ahead), dot(ahead, ahead));
        let along = |at: f64| {
            let (loss, slope) = self.loss_along(&point.logits, &change, at);
            let penalty = squares.0 + at * (2.0 * squares.1 + at * squares.2);
            (loss + strength / 2.0 * penalty, slope + strength * (squares.1 + at * squares.2))
        };
        let at = distance(first, (point.value, dot(&point.gradient, direction)), along)?;
        let (mut weights, mut logits) = (point.weights.clone(), point.logits.clone());
        add(&mut weights, at, direction);
        add(&mut logits, at, &change);
        Some(self.point(weights, logits, strength))
    }

    /// The mean loss at a distance, and its slope there.
    fn loss_along(&self, logits: &[f64], change: &[f64], at: f64) -> (f64, f64) {
        let (mut loss, mut slope) = (0.0, 0.0);
        let (width, classes) = (self.width(), self.classes());
        let mut there = vec![0.0; classes];
        for ((logits, change), label) in logits.chunks(width).zip(change.chunks(width)).zip(&self.labels) {
            there.iter_mut().zip(logits).zip(change).for_each(|((x, logit), change)| *x = logit + at * change);
            loss -= there[*label];
            slope -= change[*label];
            loss += to_probabilities(&mut there);
            slope += dot(&there, change);
        }
        let count = self.labels.len() as f64;
        (loss / count, slope / count)
    }

    fn point(&self, weights: Vec<f64>, logits: Vec<f64>, strength: f64) -> Point {
        let (width, count) = (self.width(), self.labels.len() as f64);
        let mut residuals = vec![0.0; logits.len()];
        let mut value = 0.0;
        let rows = logits.chunks(width).zip(residuals.chunks_mut(width));
        for ((logits, residuals), label) in rows.zip(&self.labels) {
            let residuals = &mut residuals[..self.classes()];
            residuals.copy_from_slice(&logits[..self.classes()]);
            value += (to_probabilities(residuals) - logits[*label]) / count;
            residuals[*label] -= 1.0;
            residuals.iter_mut().for_each(|x| *x /= count);
        }
        let mut gradient = self.design.transposed_times(&residuals, width, self.threads);
        let penalised = self.penalised(&weights);
        add(&mut gradient, strength, penalised);
        value += strength / 2.0 * dot(penalised, penalised);
        Point { weights, logits, gradient, value }
    }

    /// All but the biases, and what is behind them.
    fn penalised<'w>(&self, weights: &'w [f64]) -> &'w [f64] {
        &weights[..self.samples.dims() * self.width()]
    }

    fn classes(&self) -> usize {
        self.samples.classes().len()
    }

    fn width(&self) -> usize {
        padded(self.classes())
    }

    /// The probabilities of the classes for these rows.
    pub(super) fn probabilities(&self, weights: &Weights, rows: &[usize]) -> Vec<Vec<f32>> {
        let design = scaled(self.samples, rows, &self.mean, self.scale);
        let logits = design.times(&weights.0, self.width(), self.threads);
        logits.chunks(self.width()).take(rows.len()).map(|logits| softmax(&logits[..self.classes()])).collect()
    }

    /// For vectors as they come: a bias for each class, and behind them a row for each dimension with its weights in all
    /// classes.
    pub(super) fn parameters(&self, weights: &Weights) -> Vec<f32> {
        let rows = || weights.0.chunks(self.width()).map(|row| &row[..self.classes()]);
        let mut biases = rows().nth(self.samples.dims()).expect("the biases' row is there").to_vec();
        rows().zip(&self.mean).for_each(|(row, mean)| add(&mut biases, -self.scale * mean, row));
        let matrix = rows().take(self.samples.dims()).flatten().map(|weight| weight * self.scale);
        biases.iter().copied().chain(matrix).map(|x| x as f32).collect()
    }
}

/// Centred and scaled, and a 1 behind each row, whose weights are the biases.
fn scaled(samples: &Samples, rows: &[usize], mean: &[f64], scale: f64) -> Design {
    let numbers = |row: &usize| {
        let scaled = samples.row(*row).iter().zip(mean).map(|(x, mean)| ((f64::from(*x) - mean) * scale) as f32);
        scaled.chain([1.0]).collect::<Vec<_>>()
    };
    Design::new(rows.iter().map(numbers), samples.dims() + 1)
}

/// In the place of logits; gives the logarithm of the sum of their powers. The largest is taken off first, so that nothing
/// overflows.
fn to_probabilities(logits: &mut [f64]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.iter_mut().for_each(|x| *x = (*x - largest).exp());
    let total: f64 = logits.iter().sum();
    logits.iter_mut().for_each(|x| *x /= total);
    largest + total.ln()
}
