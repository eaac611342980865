//! One picture through all the sources: decoded once, each network run once.

use super::{DescribeError, models_of};
use crate::model::runtime::Runtime;
use crate::model::{ModelError, ModelId, Network};
use crate::picture::Picture;
use crate::source::{Forward, Source};
use std::sync::Arc;

/// The sources of one run, and the networks loaded for one worker.
pub(super) struct Extractor<'a> {
    sources: &'a [Arc<dyn Source>],
    networks: Vec<(ModelId, Network)>,
}

impl<'a> Extractor<'a> {
    /// Loads the networks the sources need. `runtime` is asked for only if there are any.
    pub(super) fn start<'r>(
        sources: &'a [Arc<dyn Source>],
        runtime: impl Fn() -> &'r Arc<dyn Runtime>,
    ) -> Result<Self, ModelError> {
        let load = |model: Arc<crate::model::Model>| Ok((model.id().clone(), model.start(runtime().as_ref())?));
        let networks = models_of(sources).into_iter().map(load).collect::<Result<_, ModelError>>()?;
        Ok(Self { sources, networks })
    }

    /// The raw rows of the sources whose positions are in `wanted`, in that order.
    pub(super) fn describe(&mut self, picture: &Picture, wanted: &[usize]) -> Result<Vec<Vec<f32>>, DescribeError> {
        let mut forward = Forward::default();
        for (id, network) in &mut self.networks {
            let needed = |&position: &usize| self.sources[position].model().is_some_and(|model| model.id() == id);
            if wanted.iter().any(needed) {
                forward.insert(id.clone(), network.run(picture)?);
            }
        }
        wanted.iter().map(|&position| Ok(self.sources[position].describe(picture, &forward)?)).collect()
    }
}
