//! The seam over whoever runs the graph: [`Rten`] (always there) or [`OnnxRuntime`] (a shared library, faster).
//!
//! A session is one worker's: single-threaded, batch 1. Parallel work takes several sessions.

mod depthwise;
mod onnxruntime;
mod optimised;
mod pieces;
pub(crate) mod rten;

pub use onnxruntime::OnnxRuntime;
pub use rten::Rten;

use super::{Model, ModelError, wire};

/// A validated graph, ready for a runtime, to compute some of its tensors.
#[derive(Debug, Clone, Copy)]
pub struct LoadableGraph<'a> {
    pub(super) model: &'a Model,
    pub(super) outputs: &'a [String],
}

impl LoadableGraph<'_> {
    /// The content of an ONNX file that computes the outputs and nothing else, without external data. It is made when it
    /// is asked for: a runtime that has loaded a graph before need not.
    pub fn content(&self) -> Result<Vec<u8>, RuntimeError> {
        let content = self.model.content().map_err(|error| RuntimeError::Content(Box::new(error)))?;
        let graph = &self.model.graph;
        let is_all = self.outputs.is_empty() || self.outputs.iter().eq(graph.outputs.iter().map(|(name, _)| name));
        if is_all {
            return Ok(content);
        }
        let not_onnx = |reason: &str| ModelError::NotOnnx { path: self.model.path.clone(), reason: reason.to_owned() };
        wire::reduced_to(&content, graph, self.outputs)
            .map_err(|reason| RuntimeError::Content(Box::new(not_onnx(reason))))
    }

    /// Names the content: equal keys, equal content. Runtimes may share what they load by it.
    pub fn key(&self) -> String {
        format!("{} {:?}", self.model.id.sha256, self.outputs)
    }

    /// Name of the one input, float32 `[1, 3, height, width]`.
    pub fn input(&self) -> &str {
        &self.model.graph.input
    }

    /// Names of the tensors to compute, in this order.
    pub fn outputs(&self) -> &[String] {
        self.outputs
    }
}

/// A float32 tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// As many values as the axes' product.
    pub values: Vec<f32>,
}

/// Loads graphs.
pub trait Runtime: Send + Sync {
    /// For people: name and version.
    fn name(&self) -> String;
    /// Loads a graph for one worker, to compute its outputs.
    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError>;
}

/// A loaded graph, for one worker.
pub trait Session: Send {
    /// Runs the graph once. `input` holds `shape`'s product of values; the results are in the order asked for.
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError>;
}

/// Why a runtime can't be used, or can't use a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// No candidate is a usable ONNX Runtime library.
    #[error("no usable ONNX Runtime library: {}", if tried.is_empty() { "none was named".to_owned() } else { tried.join("; ") })]
    NotFound {
        /// One line a candidate: its path and what was wrong with it.
        tried: Vec<String>,
    },
    /// The network's file can't be read again, has become another, or can't be reduced to the outputs.
    #[error("{0}")]
    Content(Box<ModelError>),
    /// The runtime doesn't accept the graph.
    #[error("{runtime} can't load the graph: {reason}; try the other runtime, or export the model with another opset")]
    Load {
        /// Which runtime.
        runtime: &'static str,
        /// What it said.
        reason: String,
    },
    /// The graph failed while it ran.
    #[error("{runtime} failed to run the graph: {reason}")]
    Run {
        /// Which runtime.
        runtime: &'static str,
        /// What it said.
        reason: String,
    },
    /// A tensor that should be float32 isn't.
    #[error("output \"{output}\" is {got}, wanted float32: name another tensor, behind its DequantizeLinear or Cast")]
    OutputType {
        /// The tensor.
        output: String,
        /// What it is.
        got: String,
    },
}

/// A message of another library on one line.
fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
