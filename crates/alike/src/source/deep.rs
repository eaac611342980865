//! `deep`: the pooled features of a network, as they come.

use super::{Forward, Scales, Source, SourceError, SourceId, checked, network_id};
use crate::model::{Model, Output};
use crate::picture::Picture;
use crate::recipe::Arguments;
use std::sync::Arc;

struct Deep {
    id: SourceId,
    model: Arc<Model>,
    dims: usize,
    scales: Scales,
}

pub(super) fn build(model: &Arc<Model>, arguments: &mut Arguments<'_>) -> Option<Result<Arc<dyn Source>, SourceError>> {
    let scales = Scales::take(arguments)?;
    let missing = || SourceError::NoOutput { name: "deep", output: "pooled features", model: model.id().to_string() };
    let id = network_id("deep", model, scales.argument().as_slice());
    let deep = |dims| Arc::new(Deep { id, model: Arc::clone(model), dims, scales }) as Arc<dyn Source>;
    Some(model.feature_dims().map(deep).ok_or_else(missing))
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

    fn output(&self) -> Option<Output<'_>> {
        Some(Output::Features)
    }

    fn scales(&self) -> u32 {
        self.scales.count()
    }

    fn averaged_map(&self) -> Option<&str> {
        self.model.averaged_map().filter(|_| self.scales.count() == 1)
    }

    fn describe(&self, _picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let features = forward.get(self.model.id()).and_then(|outputs| outputs.features.as_ref());
        checked("deep", &self.model, self.dims, features)
    }
}
