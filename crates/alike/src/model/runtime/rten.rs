//! rten: pure Rust, always there.

use super::{Array, LoadableGraph, Runtime, RuntimeError, Session, one_line};
use ::rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueView};
use rten_tensor::prelude::*;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const NAME: &str = "rten";

/// The rten runtime. Sessions over the same graph share its weights.
#[derive(Default)]
pub struct Rten {
    loaded: Mutex<Vec<(String, Weak<::rten::Model>)>>,
}

struct RtenSession {
    model: Arc<::rten::Model>,
    input: NodeId,
    outputs: Vec<(String, NodeId)>,
    options: RunOptions,
}

impl Rten {
    /// Nothing is loaded yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn shared(&self, graph: &LoadableGraph) -> Result<Arc<::rten::Model>, RuntimeError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|(_, model)| model.strong_count() > 0);
        if let Some(model) = loaded.iter().find(|(key, _)| *key == graph.key).and_then(|(_, model)| model.upgrade()) {
            return Ok(model);
        }
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = Arc::new(options.load(graph.bytes.to_vec()).map_err(|error| load_error(&error))?);
        loaded.push((graph.key.clone(), Arc::downgrade(&model)));
        Ok(model)
    }
}

impl Runtime for Rten {
    fn name(&self) -> String {
        "rten 0.27".to_owned()
    }

    fn load(&self, graph: &LoadableGraph, outputs: &[String]) -> Result<Box<dyn Session>, RuntimeError> {
        let model = self.shared(graph)?;
        let node = |name: &str| model.node_id(name).map_err(|error| load_error(&error));
        let input = node(&graph.input)?;
        let outputs =
            outputs.iter().map(|name| Ok((name.clone(), node(name)?))).collect::<Result<_, RuntimeError>>()?;
        Ok(Box::new(RtenSession { model, input, outputs, options: single_threaded() }))
    }
}

impl Session for RtenSession {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        let view = ValueView::from_shape(shape, input).map_err(|error| run_error(&error))?;
        let ids: Vec<NodeId> = self.outputs.iter().map(|(_, id)| *id).collect();
        let values = self
            .model
            .run(vec![(self.input, view.into())], &ids, Some(self.options.clone()))
            .map_err(|error| run_error(&error))?;
        self.outputs.iter().zip(values).map(|((name, _), value)| array(name, value)).collect()
    }
}

/// The shapes of the named tensors for one run on zeros; `None` where the unoptimised graph has no such tensor.
pub(crate) fn shapes(
    graph: &LoadableGraph,
    input_shape: [usize; 4],
    tensors: &[String],
) -> Result<Vec<Option<Vec<usize>>>, RuntimeError> {
    let mut options = ModelOptions::with_all_ops();
    options.enable_optimization(false);
    let model = options.load(graph.bytes.to_vec()).map_err(|error| load_error(&error))?;
    let input = model.node_id(&graph.input).map_err(|error| load_error(&error))?;
    let ids: Vec<Option<NodeId>> = tensors.iter().map(|name| model.find_node(name)).collect();
    let mut wanted: Vec<NodeId> = Vec::new();
    for id in ids.iter().flatten() {
        if !wanted.contains(id) {
            wanted.push(*id);
        }
    }
    let zeros = vec![0.0; input_shape.iter().product()];
    let view = ValueView::from_shape(input_shape, &zeros).map_err(|error| run_error(&error))?;
    let values =
        model.run(vec![(input, view.into())], &wanted, Some(single_threaded())).map_err(|error| run_error(&error))?;
    let shape_of = |id: &NodeId| wanted.iter().position(|w| w == id).map(|at| values[at].shape().to_vec());
    Ok(ids.iter().map(|id| id.as_ref().and_then(shape_of)).collect())
}

/// A pool of its own: one worker must not wait for, or use, another's core.
fn single_threaded() -> RunOptions {
    RunOptions::default().with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(1))))
}

fn array(name: &str, value: Value) -> Result<Array, RuntimeError> {
    let got = value.dtype();
    let tensor: rten_tensor::Tensor<f32> = value
        .try_into()
        .map_err(|_| RuntimeError::OutputType { output: name.to_owned(), got: format!("{got:?}").to_lowercase() })?;
    Ok(Array { shape: tensor.shape().to_vec(), values: tensor.into_data() })
}

fn load_error(error: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Load { runtime: NAME, reason: one_line(error) }
}

fn run_error(error: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Run { runtime: NAME, reason: one_line(error) }
}
