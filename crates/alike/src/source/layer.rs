//! `layer`: what a node or tensor of a network gives, pooled over the places of a map or over tokens.

use super::{Forward, Scales, Source, SourceError, SourceId, checked, network_id};
use crate::model::{Model, Output, Pooling, channels};
use crate::picture::Picture;
use crate::recipe::{Arguments, Quoted};
use std::sync::Arc;

/// The exponent of `gem` where the recipe names none, as in the paper.
const GEM: f64 = 3.0;

/// Powers of larger exponents leave the range of f64.
const LARGEST_GEM: f64 = 10.0;

struct Layer {
    id: SourceId,
    model: Arc<Model>,
    name: String,
    pooling: Pooling,
    dims: usize,
    scales: Scales,
}

pub(super) fn build(model: &Arc<Model>, arguments: &mut Arguments<'_>) -> Option<Result<Arc<dyn Source>, SourceError>> {
    let name = arguments.quoted()?;
    let (pooling, scales) = (pooling(arguments)?, Scales::take(arguments)?);
    Some(bound(model, name, pooling, scales).map(|layer| Arc::new(layer) as Arc<dyn Source>))
}

/// `avg`, `max`, `gem`, `gem(P)` or nothing.
fn pooling(arguments: &mut Arguments<'_>) -> Option<Pooling> {
    if let Some((name, mut exponent)) = arguments.call() {
        let p = exponent.number().filter(|p| *p > 0.0 && *p <= LARGEST_GEM)?;
        return (name == "gem" && exponent.is_empty()).then_some(Pooling::GeneralisedMean(p));
    }
    match arguments.word() {
        None | Some("avg") => Some(Pooling::Average),
        Some("max") => Some(Pooling::Maximum),
        Some("gem") => Some(Pooling::GeneralisedMean(GEM)),
        Some(_) => None,
    }
}

fn bound(model: &Arc<Model>, name: &str, pooling: Pooling, scales: Scales) -> Result<Layer, SourceError> {
    let name = model.layer_name(name)?.to_owned();
    let got = model.layer_shape(&name)?;
    let refused = || SourceError::LayerShape { layer: name.clone(), model: model.id().to_string(), got: got.clone() };
    let dims = channels(&got).ok_or_else(refused)?;
    let arguments = [Quoted(&name).to_string(), pooling.to_string()].into_iter().chain(scales.argument());
    let id = network_id("layer", model, &arguments.collect::<Vec<_>>());
    Ok(Layer { id, model: Arc::clone(model), name, pooling, dims, scales })
}

impl Source for Layer {
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
        Some(Output::Layer(&self.name))
    }

    fn scales(&self) -> u32 {
        self.scales.count()
    }

    fn averaged_map(&self) -> Option<&str> {
        (self.pooling == Pooling::Average && self.scales.count() == 1).then_some(&self.name)
    }

    fn describe(&self, _picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let layer = forward.get(self.model.id()).and_then(|outputs| outputs.layer(&self.name));
        checked("layer", &self.model, self.dims, layer.and_then(|array| self.pooling.apply(array)).as_ref())
    }
}
