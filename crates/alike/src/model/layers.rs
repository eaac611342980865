//! Inner nodes and tensors of a graph: what they are called, and the shape of what they give.

use super::manifest::Take;
use super::near::near;
use super::runtime::{LoadableGraph, Rten, Runtime};
use super::{Model, ModelError, Seen, preprocess};
use std::sync::PoisonError;

impl Model {
    /// The one name of a layer, which `name` may be, or its tensor's: as [`Layer::name`](super::Layer::name) has it. A
    /// tensor that isn't its node's first output goes by its own.
    pub fn layer_name(&self, name: &str) -> Result<&str, ModelError> {
        Ok(self.graph.layer_name(self.tensor(name)?))
    }

    /// Shape of what a node or tensor gives for one picture. Where the graph doesn't say, it is run once on zeros, with
    /// rten.
    pub fn layer_shape(&self, name: &str) -> Result<Vec<usize>, ModelError> {
        let tensor = self.tensor(name)?;
        if let Some(shape) = self.declared_floats(tensor) {
            return Ok(shape);
        }
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = shapes.get(tensor) {
            return Ok(shape.clone());
        }
        let shape = self.shape_on_zeros(tensor)?;
        shapes.insert(tensor.to_owned(), shape.clone());
        Ok(shape)
    }

    /// The map whose mean over all places the pooled features are, by what the graph says: what goes into the last average
    /// pool. `None` where the features are a token, or where no pool is found. Pools of parts of a map go by the same
    /// names, so whether the mean is the features has to be looked at when the network has run.
    pub fn averaged_map(&self) -> Option<&str> {
        let features = self.manifest.outputs.features.as_ref()?;
        match features.take {
            Take::Avg => Some(&features.output),
            Take::Flat => self.graph.before_pool(&features.output),
            Take::Cls | Take::Mean => None,
        }
    }

    /// The part of a picture of this size that the network sees: the rest is cropped off before.
    pub fn seen(&self, width: u32, height: u32) -> Seen {
        preprocess::seen(width, height, &self.manifest.input)
    }

    /// Length of a picture's shorter side from which on more pixels hardly matter: half as much again as the network looks
    /// at.
    pub(crate) fn least(&self) -> u32 {
        preprocess::least(&self.manifest.input)
    }

    /// The tensor that a layer is.
    pub(super) fn tensor(&self, layer: &str) -> Result<&str, ModelError> {
        self.graph.tensor(layer).ok_or_else(|| ModelError::NoLayer {
            model: self.id.to_string(),
            layer: layer.to_owned(),
            near: near(layer, self.graph.layers()),
        })
    }

    /// The declared shape of a float32 tensor, 1 for an open batch.
    fn declared_floats(&self, tensor: &str) -> Option<Vec<usize>> {
        let (batch, axes) = self.graph.declared(tensor)?.split_first()?;
        let axes: Option<Vec<usize>> = std::iter::once(&batch.or(Some(1))).chain(axes).copied().collect();
        axes.filter(|_| self.graph.is_float(tensor))
    }

    fn shape_on_zeros(&self, tensor: &str) -> Result<Vec<usize>, ModelError> {
        let tensors = [tensor.to_owned()];
        let zeros = vec![0.0; self.input_shape().iter().product()];
        Rten::new()
            .load(&LoadableGraph { model: self, outputs: &tensors })
            .and_then(|mut session| session.run(self.input_shape(), &zeros))
            .map_err(|source| self.runtime_error(source))?
            .pop()
            .map(|array| array.shape)
            .ok_or_else(|| ModelError::NoOutput { model: self.id.to_string(), output: tensor.to_owned() })
    }
}
