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
    /// The least score of hits that are more likely relevant than not; null where none is.
    similar_from: Option<f32>,
    /// The least score of hits with a probability of .95; null where none has.
    same_from: Option<f32>,
}

impl Meaning {
    pub(crate) fn of(calibration: &Calibration) -> Self {
        Self {
            queries: calibration.origin.queries,
            pictures: calibration.origin.pictures,
            similar_from: calibration.least_score(Verdict::SIMILAR_FROM),
            same_from: calibration.least_score(Verdict::SAME_FROM),
        }
    }
}

impl Ready {
    /// As the collection keeps it; a gallery that has outgrown it since makes it a little too hopeful.
    pub(crate) fn calibration(&self, service: &Service) -> Result<Option<Arc<Calibration>>, ApiError> {
        if let Some(known) = self.calibration.get() {
            return Ok(known.clone());
        }
        let kept = self.searcher.kept_calibration().map_err(|error| ApiError::of_store(service, &error))?;
        let kept = match kept {
            Kept::Fits(calibration) | Kept::Outgrown(calibration) => Some(Arc::new(calibration)),
            Kept::None | Kept::LearntAnew => None,
        };
        Ok(self.calibration.get_or_init(|| kept).clone())
    }
}
