//! `deep`: the pooled features of a network, as they come.

use super::{Forward, Source, SourceError, SourceId, checked, network_id};
use crate::model::Model;
use crate::picture::Picture;
use std::sync::Arc;

struct Deep {
    id: SourceId,
    model: Arc<Model>,
    dims: usize,
}

pub(super) fn build(model: &Arc<Model>) -> Result<Arc<dyn Source>, SourceError> {
    let missing = || SourceError::NoOutput { name: "deep", output: "pooled features", model: model.id().to_string() };
    let dims = model.feature_dims().ok_or_else(missing)?;
    Ok(Arc::new(Deep { id: network_id("deep", model), model: Arc::clone(model), dims }))
}

impl Source for Deep {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn model(&self) -> Option<&Arc<Model>> {
        Some(&self.model)
    }

    fn describe(&self, _picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let features = forward.get(self.model.id()).and_then(|outputs| outputs.features.as_ref());
        checked("deep", &self.model, self.dims, features)
    }
}
