//! What a score means: the probability that a hit is relevant, and the score from which on a wanted share of hits is.
//!
//! Scores of different recipes aren't comparable, and none says by itself whether a hit is any good. Two ways lead from
//! scores to probabilities: [pairs with labels](from_labels), and, without any, the gallery's own
//! [background](from_background). Both count pairs of all scores at the share of relevant ones that the gallery has, and
//! share the rest: isotonic regression for the probability of one score, cumulated counts for cut-offs. Isotonic
//! regression was chosen over Platt's logistic curve by the likelihood of queries left out: about the same where scores
//! are logistic, and clearly better where they aren't (`docs/evaluation.md`).

mod background;
mod curve;
mod isotonic;
mod labelled;

pub use background::{Background, from_background};
pub use isotonic::non_increasing;
pub use labelled::{HeldOut, Pair, cross_validated, from_labels};

use curve::{Point, Reached, Step};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was learnt of a recipe's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// From what.
    #[serde(flatten)]
    pub origin: Origin,
    steps: Vec<Step>,
    reached: Vec<Reached>,
}

/// What a calibration was learnt from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// With labels: how many queries. 0: from the background.
    pub queries: usize,
    /// Pictures of the gallery then.
    pub pictures: usize,
    /// Canonical form of the recipe: the same descriptors give other scores where queries are expanded.
    pub recipe: String,
    /// SHA-256 of what the recipe had learnt then, in hexadecimal digits; `None` for a recipe that doesn't learn.
    pub learnt: Option<String>,
}

/// A probability in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As near as the same thing again: a probability of at least .95.
    Same,
    /// More likely relevant than not: at least .5.
    Similar,
    /// Less.
    Unrelated,
}

impl Verdict {
    /// Probabilities from which on a hit is [`Same`](Self::Same), or at least [`Similar`](Self::Similar).
    pub const SAME_FROM: f64 = 0.95;
    /// See above.
    pub const SIMILAR_FROM: f64 = 0.5;

    /// The word for a probability.
    pub fn of(probability: f64) -> Self {
        match probability {
            Self::SAME_FROM.. => Self::Same,
            Self::SIMILAR_FROM.. => Self::Similar,
            _ => Self::Unrelated,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Similar => "similar",
            Self::Unrelated => "unrelated",
        })
    }
}

impl Calibration {
    /// `points`: each score once, the greatest first.
    fn of(points: &[Point], origin: Origin) -> Self {
        Self { origin, steps: curve::steps(points), reached: curve::reached(points) }
    }

    /// The probability that a hit with this score is relevant.
    pub fn probability(&self, score: f32) -> f64 {
        curve::probability(&self.steps, score)
    }

    /// The least score at which a hit's own probability is at least this: `None` where no score reaches it,
    /// [`f32::MIN`] where all do.
    pub fn least_score(&self, probability: f64) -> Option<f32> {
        curve::least_score(&self.steps, probability)
    }

    /// The least score at which the share of relevant pairs among those with it or more is at least `precision` (below
    /// 1). `None` where no score reaches that, or too few pairs to tell.
    pub fn cutoff(&self, precision: f64) -> Option<f32> {
        curve::cutoff(&self.reached, precision)
    }
}
