//! One picture through all the sources: decoded once for each size that they ask for, each network run once in that size,
//! or once for each window.

use super::{DescribeError, StageTimes};
use crate::model::runtime::{Array, Runtime};
use crate::model::{Model, ModelError, ModelId, Network, Output};
use crate::picture::{Decoding, Picture, PictureError, Views};
use crate::recipe::added;
use crate::source::{Forward, Source, models_of, windows};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

/// The sources of one run, and the networks loaded for one worker.
pub(super) struct Extractor {
    sources: Vec<Arc<dyn Source>>,
    networks: Vec<(ModelId, Network)>,
    decoding: Decoding,
    spent: StageTimes,
}

impl Extractor {
    /// Loads the networks the sources need. `runtime` is asked for only if there are any.
    pub(super) fn start<'r>(
        sources: &[Arc<dyn Source>],
        decoding: Decoding,
        runtime: impl Fn() -> &'r Arc<dyn Runtime>,
    ) -> Result<Self, ModelError> {
        Self::start_with_layer(sources, decoding, None, runtime)
    }

    /// The same with one more layer of a network, for [`layer`](Self::layer).
    pub(super) fn start_with_layer<'r>(
        sources: &[Arc<dyn Source>],
        decoding: Decoding,
        more: Option<(&ModelId, &str)>,
        runtime: impl Fn() -> &'r Arc<dyn Runtime>,
    ) -> Result<Self, ModelError> {
        let load = |model: Arc<Model>| {
            let more = more.filter(|(id, _)| *id == model.id()).map(|(_, layer)| Output::Layer(layer));
            let network = model.start_for(runtime().as_ref(), &outputs_of(sources, model.id(), more))?;
            Ok((model.id().clone(), network))
        };
        let networks = models_of(sources).into_iter().map(load).collect::<Result<_, ModelError>>()?;
        Ok(Self { sources: sources.to_vec(), networks, decoding, spent: StageTimes::default() })
    }

    /// Whether it was started for these.
    pub(super) fn serves(&self, sources: &[Arc<dyn Source>], decoding: Decoding) -> bool {
        self.decoding == decoding && self.sources.iter().map(|s| s.id()).eq(sources.iter().map(|s| s.id()))
    }

    /// What a layer of a network that was started with it gives for the whole picture.
    pub(super) fn layer(&mut self, picture: &Picture, model: &ModelId, layer: &str) -> Result<Array, ModelError> {
        let network = self.networks.iter_mut().find(|(id, _)| id == model).map(|(_, network)| network);
        let outputs = network.map(|network| network.run(picture)).transpose()?;
        let missing = || ModelError::NoOutput { model: model.to_string(), output: layer.to_owned() };
        outputs.and_then(|outputs| outputs.layer(layer).cloned()).ok_or_else(missing)
    }

    /// The raw rows of the sources whose positions are in `wanted`, in that order.
    pub(super) fn describe(&mut self, views: &Views<'_>, wanted: &[usize]) -> Result<Vec<Vec<f32>>, DescribeError> {
        let mut vectors = vec![Vec::new(); self.sources.len()];
        for (picture, wanted) in self.decode(views, wanted)? {
            self.describe_view(picture, &wanted, &mut vectors)?;
        }
        Ok(wanted.iter().map(|&position| row(mem::take(&mut vectors[position]))).collect())
    }

    /// The pictures that sources look at, each with the positions of those who do.
    fn decode<'v>(
        &mut self,
        views: &'v Views<'_>,
        wanted: &[usize],
    ) -> Result<Vec<(&'v Picture, Vec<usize>)>, PictureError> {
        let mut looks: Vec<(&Picture, Vec<usize>)> = Vec::new();
        for &position in wanted {
            let started = Instant::now();
            let picture = self.look(views, position);
            self.spent.decode += started.elapsed();
            let picture = picture?;
            match looks.iter_mut().find(|(known, _)| std::ptr::eq(*known, picture)) {
                Some((_, positions)) => positions.push(position),
                None => looks.push((picture, vec![position])),
            }
        }
        Ok(looks)
    }

    /// What a source sees of a picture.
    pub(super) fn look<'v>(&self, views: &'v Views<'_>, position: usize) -> Result<&'v Picture, PictureError> {
        let least = self.sources[position].least().filter(|_| self.decoding == Decoding::Reduced);
        views.at_least(least)
    }

    /// Adds to each source's vectors those of all its windows.
    fn describe_view(
        &mut self,
        picture: &Picture,
        wanted: &[usize],
        vectors: &mut [Vec<Vec<f32>>],
    ) -> Result<(), DescribeError> {
        let scales = wanted.iter().map(|&position| self.sources[position].scales()).max().unwrap_or(1);
        for scale in 1..=scales {
            let wanted: Vec<usize> =
                wanted.iter().copied().filter(|&position| self.sources[position].scales() >= scale).collect();
            for window in windows(picture, scale) {
                for (position, vector) in wanted.iter().zip(self.describe_window(&window, &wanted)?) {
                    vectors[*position].push(vector);
                }
            }
        }
        Ok(())
    }

    fn describe_window(&mut self, window: &Picture, wanted: &[usize]) -> Result<Vec<Vec<f32>>, DescribeError> {
        let mut forward = Forward::default();
        for (id, network) in &mut self.networks {
            let needed = |&position: &usize| self.sources[position].model().is_some_and(|model| model.id() == id);
            if wanted.iter().any(needed) {
                let started = Instant::now();
                network.preprocess(window);
                let prepared = Instant::now();
                forward.insert(id.clone(), network.run_prepared()?);
                self.spent.prepare += prepared - started;
                self.spent.network += prepared.elapsed();
            }
        }
        let started = Instant::now();
        let vectors = wanted.iter().map(|&position| Ok(self.sources[position].describe(window, &forward)?)).collect();
        self.spent.describe += started.elapsed();
        vectors
    }

    /// Where the time went since the last call.
    pub(super) fn take_spent(&mut self) -> StageTimes {
        mem::take(&mut self.spent)
    }
}

/// What sources, and who else, want of a network, each output once.
fn outputs_of<'a>(sources: &'a [Arc<dyn Source>], model: &ModelId, more: Option<Output<'a>>) -> Vec<Output<'a>> {
    let of_model = sources.iter().filter(|source| source.model().is_some_and(|other| other.id() == model));
    let mut outputs = Vec::new();
    for output in of_model.filter_map(|source| source.output()).chain(more) {
        if !outputs.contains(&output) {
            outputs.push(output);
        }
    }
    outputs
}

/// The vector of the whole picture as it is; those of several windows added up.
fn row(mut vectors: Vec<Vec<f32>>) -> Vec<f32> {
    if vectors.len() == 1 { vectors.remove(0) } else { added(vectors.iter().map(Vec::as_slice)) }
}
