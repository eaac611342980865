//! One number for each channel of a tensor, over the places of a map or over tokens.

use super::runtime::Array;
use std::fmt;

/// Below this the generalised mean takes a value for this, as Radenović, Tolias and Chum do.
const LEAST: f64 = 1e-6;

/// How the values of a channel become one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pooling {
    /// Their mean.
    Average,
    /// The largest of them.
    Maximum,
    /// Their generalised mean `(mean of max(x, 1e-6)^p)^(1/p)`, where `p` is above 0 (GeM: Radenović, Tolias and Chum,
    /// Fine-tuning CNN image retrieval with no human annotation, PAMI 2019).
    GeneralisedMean(f64),
}

impl fmt::Display for Pooling {
    /// As recipes spell it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => f.write_str("avg"),
            Self::Maximum => f.write_str("max"),
            Self::GeneralisedMean(p) => write!(f, "gem({p})"),
        }
    }
}

impl Pooling {
    /// `[C]` of a map `[1, C, H, W]` or of tokens `[1, T, C]`; a vector `[1, C]` has nothing to pool and stays as it is.
    /// `None` for tensors of other shapes. Sums are in f64, in the order of the places.
    pub fn apply(self, array: &Array) -> Option<Vec<f32>> {
        let Channels { count, apart, places, step } = Channels::of(&array.shape)?;
        if array.shape.len() == 2 {
            return Some(array.values.clone());
        }
        let channel = |c: usize| array.values[c * apart..].iter().step_by(step).take(places).map(|x| f64::from(*x));
        Some((0..count).map(|c| self.pool(channel(c), places) as f32).collect())
    }

    fn pool(self, values: impl Iterator<Item = f64>, count: usize) -> f64 {
        match self {
            Self::Average => values.sum::<f64>() / count as f64,
            Self::Maximum => values.fold(f64::NEG_INFINITY, f64::max),
            Self::GeneralisedMean(p) => {
                (values.map(|x| x.max(LEAST).powf(p)).sum::<f64>() / count as f64).powf(p.recip())
            }
        }
    }
}

/// Length of what [`Pooling::apply`] makes of a tensor; `None` for shapes that it doesn't take.
pub(crate) fn channels(shape: &[usize]) -> Option<usize> {
    Channels::of(shape).map(|channels| channels.count)
}

/// Where the values of each channel lie.
struct Channels {
    count: usize,
    /// From the first value of a channel to the next one's.
    apart: usize,
    places: usize,
    /// From a value of a channel to its next.
    step: usize,
}

impl Channels {
    fn of(shape: &[usize]) -> Option<Self> {
        let (count, apart, places, step) = match *shape {
            [1, count, height, width] => (count, height * width, height * width, 1),
            [1, tokens, count] => (count, 1, tokens, count),
            [1, count] => (count, 1, 1, 1),
            _ => return None,
        };
        (count * places > 0).then_some(Self { count, apart, places, step })
    }
}
