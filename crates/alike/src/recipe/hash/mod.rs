//! Vectors to codes: the step `hash(METHOD, ..)`.

mod itq;
mod learning;
mod method;
mod planes;
mod random;
mod thresholds;

pub(super) use learning::Learning;
pub(super) use method::Method;

use planes::Planes;

/// A method with all it needs to make codes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Hasher {
    /// [`mean_hash`].
    Mean,
    /// Bit `i` is set where `x_i` exceeds threshold `i`.
    Thresholds(Vec<f32>),
    /// Random or learnt hyperplanes.
    Planes(Planes),
}

impl Hasher {
    /// Layout as in [`Descriptor::Code`](super::Descriptor::Code).
    pub(super) fn code(&self, vector: &[f32]) -> Vec<u64> {
        match self {
            Self::Mean => mean_hash(vector),
            Self::Thresholds(thresholds) => words(vector.iter().zip(thresholds).map(|(x, threshold)| x > threshold)),
            Self::Planes(planes) => planes.code(vector),
        }
    }

    /// Everything it was made of: the thresholds, or the centre and behind it the directions.
    pub(super) fn parameters(&self) -> Vec<f32> {
        match self {
            Self::Mean => Vec::new(),
            Self::Thresholds(thresholds) => thresholds.clone(),
            Self::Planes(Planes { centre, directions }) => [&centre[..], directions].concat(),
        }
    }
}

/// The step `hash(mean)`: bit `i` is set where `sigmoid(x_i)` exceeds the mean of the sigmoids of the same vector. In f64
/// and in index order. The code has as many bits as the vector has numbers; layout as in
/// [`Descriptor::Code`](super::Descriptor::Code).
pub fn mean_hash(vector: &[f32]) -> Vec<u64> {
    let sigmoids: Vec<f64> = vector.iter().map(|x| 1.0 / (1.0 + (-f64::from(*x)).exp())).collect();
    let mean = sigmoids.iter().sum::<f64>() / sigmoids.len() as f64;
    words(sigmoids.iter().map(|sigmoid| *sigmoid > mean))
}

/// Bit `i` is bit `i % 64` of word `i / 64`.
fn words(bits: impl ExactSizeIterator<Item = bool>) -> Vec<u64> {
    let mut words = vec![0; bits.len().div_ceil(64)];
    for (i, _) in bits.enumerate().filter(|(_, is_set)| *is_set) {
        words[i / 64] |= 1 << (i % 64);
    }
    words
}
