//! Vectors to codes: the step `hash(METHOD, ..)`.

mod itq;
mod learning;
mod method;
mod thresholds;

pub(super) use learning::Learning;
pub(super) use method::Method;
pub(crate) use thresholds::median;

use super::plan::unit;
use super::projection::Projection;
use super::random::Random;

/// A method with all it needs to make codes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Hasher {
    /// [`mean_hash`].
    Mean,
    /// Bit `i` is set where `x_i` exceeds the median of the vector's own numbers.
    Median,
    /// Bit `i` is set where `x_i` exceeds the number; 0 for a source that gives codes, by numbers of two signs.
    Threshold(f64),
    /// Bit `i` is set where `x_i` exceeds threshold `i`.
    Thresholds(Vec<f32>),
    /// Random hyperplanes: a bit is set where a coordinate is positive.
    Planes(Projection),
    /// The same with learnt ones, of the vector at unit length.
    Turned(Projection),
}

impl Hasher {
    /// Layout as in [`Descriptor::Code`](super::Descriptor::Code).
    pub(super) fn code(&self, vector: &[f32]) -> Vec<u64> {
        match self {
            Self::Mean => mean_hash(vector),
            Self::Median => words(above(vector, median(vector.iter().map(|x| f64::from(*x)).collect()))),
            Self::Threshold(threshold) => words(above(vector, *threshold)),
            Self::Thresholds(thresholds) => words(vector.iter().zip(thresholds).map(|(x, threshold)| x > threshold)),
            Self::Planes(planes) => words(planes.apply(vector).into_iter().map(|x| x > 0.0)),
            Self::Turned(planes) => words(planes.apply(&unit(vector)).into_iter().map(|x| x > 0.0)),
        }
    }

    /// The numbers that a learning method learnt: thresholds, or the centre and behind it the directions.
    pub(super) fn parameters(&self) -> Vec<f32> {
        match self {
            Self::Mean | Self::Median => Vec::new(),
            Self::Threshold(threshold) => vec![*threshold as f32],
            Self::Thresholds(thresholds) => thresholds.clone(),
            Self::Planes(planes) | Self::Turned(planes) => planes.numbers(),
        }
    }
}

/// Directions of normal variates through the origin: the codes of two vectors differ in a share of angle / pi of their
/// bits, as expected (Charikar, STOC 2002). The numbers are drawn dimension by dimension from a seed that is
/// `dims * 2^32 + bits`. The length of a vector doesn't matter.
fn random_planes(dims: usize, bits: usize) -> Projection {
    let mut random = Random::new(((dims as u64) << 32) + bits as u64);
    let directions = (0..dims * bits).map(|_| random.normal() as f32).collect();
    Projection { centre: vec![0.0; dims], directions }
}

/// The step `hash(mean)`: bit `i` is set where `sigmoid(x_i)` exceeds the mean of the sigmoids of the same vector. In f64
/// and in index order. The code has as many bits as the vector has numbers; layout as in
/// [`Descriptor::Code`](super::Descriptor::Code).
pub fn mean_hash(vector: &[f32]) -> Vec<u64> {
    let sigmoids: Vec<f64> = vector.iter().map(|x| sigmoid(*x)).collect();
    let mean = sigmoids.iter().sum::<f64>() / sigmoids.len() as f64;
    words(sigmoids.iter().map(|sigmoid| *sigmoid > mean))
}

fn sigmoid(x: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(x)).exp())
}

fn above(vector: &[f32], threshold: f64) -> impl ExactSizeIterator<Item = bool> {
    vector.iter().map(move |x| f64::from(*x) > threshold)
}

/// Bit `i` is bit `i % 64` of word `i / 64`.
fn words(bits: impl ExactSizeIterator<Item = bool>) -> Vec<u64> {
    let mut words = vec![0; bits.len().div_ceil(64)];
    for (i, _) in bits.enumerate().filter(|(_, is_set)| *is_set) {
        words[i / 64] |= 1 << (i % 64);
    }
    words
}
