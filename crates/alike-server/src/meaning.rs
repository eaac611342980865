//! What scores mean, where somebody has calibrated the recipe.

use crate::error::ApiError;
use crate::service::{Ready, Service};
use alike::calibration::{Calibration, Verdict};
use alike::engine::Kept;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What `alike calibrate` learnt of a recipe's scores.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Meaning {
    /// From the similarity of so many labelled pictures; 0: from the gallery's own scores, without labels.
    queries: usize,
    /// Pictures of the collection then.
    pictures: usize,
    /// The collection is so much larger now that more unrelated pictures reach each score: `alike calibrate` again.
    outgrown: bool,
    /// The least score of hits that are more likely relevant than not; null where none is, the least number of 32 bits where all
    /// are.
    similar_from: Option<f32>,
    /// The same for a probability of .95.
    same_from: Option<f32>,
}

/// A calibration that the collection keeps.
pub(crate) struct Known {
    calibration: Calibration,
    is_outgrown: bool,
}

impl Known {
    pub(crate) fn probability(&self, score: f32) -> f64 {
        self.calibration.probability(score)
    }

    pub(crate) fn meaning(&self) -> Meaning {
        let Self { calibration, is_outgrown } = self;
        Meaning {
            queries: calibration.origin.queries,
            pictures: calibration.origin.pictures,
            outgrown: *is_outgrown,
            similar_from: calibration.least_score(Verdict::SIMILAR_FROM),
            same_from: calibration.least_score(Verdict::SAME_FROM),
        }
    }
}

impl Ready {
    pub(crate) fn known(&self, service: &Service) -> Result<Option<Arc<Known>>, ApiError> {
        if let Some(known) = self.known.get() {
            return Ok(known.clone());
        }
        let kept = self.searcher.kept_calibration().map_err(|error| ApiError::of_store(service, &error))?;
        let known = match kept {
            Kept::Fits(calibration) => Some(Known { calibration, is_outgrown: false }),
            Kept::Outgrown(calibration) => Some(Known { calibration, is_outgrown: true }),
            Kept::None | Kept::LearntAnew => None,
        };
        Ok(self.known.get_or_init(|| known.map(Arc::new)).clone())
    }
}
