//! The methods that learn from the gallery.

use super::planes::Planes;
use super::{Hasher, itq, thresholds};

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::recipe) enum Learning {
    /// The mean of each dimension, its threshold.
    Means,
    /// The median of each dimension, its threshold.
    Medians,
    /// Iterative quantisation: directions, as many as there are bits.
    Itq { bits: usize, seed: u64 },
}

impl Learning {
    /// How many vectors it takes. Centred vectors span one dimension less than there are vectors.
    pub(in crate::recipe) fn needed(self) -> usize {
        match self {
            Self::Means | Self::Medians => 1,
            Self::Itq { bits, .. } => bits + 1,
        }
    }

    /// From at least [`needed`](Self::needed) vectors of equal length and finite numbers.
    pub(in crate::recipe) fn learn(self, vectors: &[Vec<f32>]) -> Hasher {
        match self {
            Self::Means => Hasher::Thresholds(thresholds::means(vectors)),
            Self::Medians => Hasher::Thresholds(thresholds::medians(vectors)),
            Self::Itq { bits, seed } => Hasher::Planes(itq::learn(vectors, bits, seed)),
        }
    }

    /// From what [`Hasher::parameters`] gave; `None` if there are more or fewer numbers than vectors of `dims` take, or one
    /// isn't finite.
    pub(in crate::recipe) fn restore(self, dims: usize, parameters: &[f32]) -> Option<Hasher> {
        let directions = match self {
            Self::Means | Self::Medians => 0,
            Self::Itq { bits, .. } => dims * bits,
        };
        if parameters.len() != dims + directions || !parameters.iter().all(|x| x.is_finite()) {
            return None;
        }
        let (centre, directions) = parameters.split_at(dims);
        Some(match self {
            Self::Means | Self::Medians => Hasher::Thresholds(centre.to_vec()),
            Self::Itq { .. } => Hasher::Planes(Planes { centre: centre.to_vec(), directions: directions.to_vec() }),
        })
    }
}
