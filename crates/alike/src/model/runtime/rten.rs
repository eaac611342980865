//! rten: pure Rust, always there. Depthwise convolutions are taken out of its hands.

use super::depthwise::Depthwise;
use super::pieces::{self, Cut, Piece};
use super::{Array, LoadableGraph, Runtime, RuntimeError, Session, one_line};
use ::rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const NAME: &str = "rten";

/// The rten runtime. Sessions over the same graph share its weights.
#[derive(Default)]
pub struct Rten {
    loaded: Mutex<Vec<(String, Weak<Loaded>)>>,
}

struct Loaded {
    model: ::rten::Model,
    pieces: Vec<Piece>,
}

struct RtenSession {
    loaded: Arc<Loaded>,
    input: String,
    outputs: Vec<String>,
    options: RunOptions,
}

impl Rten {
    /// Nothing is loaded yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn shared(&self, graph: &LoadableGraph<'_>) -> Result<Arc<Loaded>, RuntimeError> {
        let key = graph.key();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|(_, model)| model.strong_count() > 0);
        if let Some(model) = loaded.iter().find(|(known, _)| *known == key).and_then(|(_, model)| model.upgrade()) {
            return Ok(model);
        }
        let model = Arc::new(load(graph)?);
        loaded.push((key, Arc::downgrade(&model)));
        Ok(model)
    }
}

fn load(graph: &LoadableGraph<'_>) -> Result<Loaded, RuntimeError> {
    let (input, outputs, content) = (graph.input(), graph.outputs(), graph.content()?);
    let cut = pieces::cut(&content, input, outputs);
    let Cut { graph, pieces } =
        cut.unwrap_or_else(|| Cut { graph: content, pieces: vec![Piece::whole(input, outputs)] });
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    let model = options.load(graph).map_err(|error| load_error(&error))?;
    for name in pieces.iter().filter(|piece| piece.depthwise.is_none()).flat_map(|piece| &piece.outputs) {
        model.node_id(name).map_err(|error| load_error(&error))?;
    }
    Ok(Loaded { model, pieces })
}

impl Runtime for Rten {
    fn name(&self) -> String {
        "rten 0.27".to_owned()
    }

    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        let loaded = self.shared(graph)?;
        let (input, outputs) = (graph.input().to_owned(), graph.outputs().to_vec());
        Ok(Box::new(RtenSession { loaded, input, outputs, options: single_threaded() }))
    }
}

impl Session for RtenSession {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        let picture = Value::from_shape(shape, input.to_vec()).map_err(|error| run_error(&error))?;
        let mut values = HashMap::from([(self.input.as_str(), picture)]);
        for piece in &self.loaded.pieces {
            let made = match &piece.depthwise {
                Some(depthwise) => {
                    vec![convolve(depthwise, piece.inputs.first().and_then(|name| values.get(name.as_str())))?]
                }
                None => self.run_nodes(piece, &values)?,
            };
            values.retain(|name, _| !piece.done.iter().any(|done| done == name));
            values.extend(piece.outputs.iter().map(String::as_str).zip(made));
        }
        let mut result = |name: &String| {
            let value = values.remove(name.as_str()).ok_or_else(|| run_error(&format!("it gave no \"{name}\"")))?;
            array(name, value)
        };
        self.outputs.iter().map(&mut result).collect()
    }
}

impl RtenSession {
    fn run_nodes(&self, piece: &Piece, values: &HashMap<&str, Value>) -> Result<Vec<Value>, RuntimeError> {
        let model = &self.loaded.model;
        let node = |name: &String| model.node_id(name).map_err(|error| run_error(&error));
        let named = piece.inputs.iter().filter_map(|name| Some((name, values.get(name.as_str())?)));
        let inputs: Vec<(NodeId, ValueOrView<'_>)> =
            named.map(|(name, value)| Ok((node(name)?, value.into()))).collect::<Result<_, RuntimeError>>()?;
        let outputs: Vec<NodeId> = piece.outputs.iter().map(node).collect::<Result<_, _>>()?;
        model.run(inputs, &outputs, Some(self.options.clone())).map_err(|error| run_error(&error))
    }
}

fn convolve(depthwise: &Depthwise, input: Option<&Value>) -> Result<Value, RuntimeError> {
    let Some(Value::FloatTensor(input)) = input else {
        return Err(run_error(&"the input of a depthwise convolution isn't float32"));
    };
    let view: TensorView<'_, f32> = input.view();
    let values = view.to_contiguous();
    let shape = <[usize; 4]>::try_from(input.shape()).ok();
    let made = shape.and_then(|shape| depthwise.run(shape, values.data()));
    let (shape, values) = made.ok_or_else(|| run_error(&format!("a depthwise convolution of {:?}", input.shape())))?;
    Ok(Tensor::from_data(&shape, values).into())
}

/// The shapes of the named tensors for one run on zeros; `None` where the unoptimised graph has no such tensor.
pub(crate) fn shapes(
    graph: &LoadableGraph<'_>,
    input_shape: [usize; 4],
    tensors: &[String],
) -> Result<Vec<Option<Vec<usize>>>, RuntimeError> {
    let mut options = ModelOptions::with_all_ops();
    options.enable_optimization(false);
    let model = options.load(graph.content()?).map_err(|error| load_error(&error))?;
    let input = model.node_id(graph.input()).map_err(|error| load_error(&error))?;
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
    let tensor: Tensor<f32> = value
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
