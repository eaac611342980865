//! The methods that learn from the gallery.

use super::{Hasher, itq, thresholds};
use crate::recipe::axes::means;
use crate::recipe::plan::unit;
use crate::recipe::projection::Projection;

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::recipe) enum Learning {
    /// The mean of each dimension, its threshold.
    Means,
    /// The median of each dimension, its threshold.
    Medians,
    /// The number where the sigmoid is the mean of all sigmoids of the gallery, the threshold of all dimensions.
    Notebook,
    /// Iterative quantisation: directions, as many as there are bits.
    Itq { bits: usize, seed: u64 },
}

impl Learning {
    /// How many vectors of `dims` numbers it takes. Centred vectors span one dimension less than there are vectors.
    pub(in crate::recipe) fn needed(self, dims: usize) -> usize {
        match self {
            Self::Means | Self::Medians | Self::Notebook => 1,
            Self::Itq { bits, .. } => bits.min(dims) + 1,
        }
    }

    /// How many numbers it learns.
    pub(in crate::recipe) fn parameters(self, dims: usize) -> usize {
        match self {
            Self::Notebook => 1,
            Self::Means | Self::Medians => dims,
            Self::Itq { bits, .. } => dims + dims * bits,
        }
    }

    /// From at least [`needed`](Self::needed) vectors of equal length and finite numbers.
    pub(in crate::recipe) fn learn(self, vectors: &[&[f32]]) -> Hasher {
        match self {
            Self::Means => Hasher::Thresholds(means(vectors)),
            Self::Medians => Hasher::Thresholds(thresholds::medians(vectors)),
            Self::Notebook => Hasher::Threshold(thresholds::notebook_mean(vectors).into()),
            Self::Itq { bits, seed } => {
                let units: Vec<_> = vectors.iter().map(|vector| unit(vector)).collect();
                Hasher::Turned(itq::learn(&units, bits, seed))
            }
        }
    }

    /// From [`parameters`](Self::parameters) numbers that [`Hasher::parameters`] gave.
    pub(in crate::recipe) fn restore(self, dims: usize, parameters: &[f32]) -> Hasher {
        match self {
            Self::Means | Self::Medians => Hasher::Thresholds(parameters.to_vec()),
            Self::Notebook => Hasher::Threshold(parameters[0].into()),
            Self::Itq { .. } => Hasher::Turned(Projection::new(dims, parameters)),
        }
    }
}
