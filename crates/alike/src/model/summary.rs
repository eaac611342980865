//! What a model is made of, layer by layer.

use super::graph::Graph;
use super::runtime::{LoadableGraph, rten};
use std::collections::HashSet;

/// A model's layers, as Keras' `summary` lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// In the order of the graph; constants are left out.
    pub layers: Vec<Layer>,
    /// Weights of the whole graph, each counted once.
    pub parameters: u64,
    /// The input's name and shape, 1 for an open batch.
    pub input: (String, Vec<usize>),
    /// The outputs that the graph declares; axes that depend on the input are computed for [`Summary::input`].
    pub outputs: Vec<(String, Option<Vec<usize>>)>,
    /// Version of the default operator set.
    pub opset: Option<i64>,
    /// Length of the ONNX file.
    pub bytes: u64,
    /// Preprocessing and outputs on one line.
    pub preprocessing: String,
    /// Why shapes are missing, if the graph couldn't be run.
    pub shapes_missing: Option<String>,
}

/// One node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The node's name, or its output's where it has none; `layer("NAME")` understands both.
    pub name: String,
    /// Operator, such as `Conv`.
    pub op: String,
    /// Shape of the first output, by running the graph once.
    pub shape: Option<Vec<usize>>,
    /// Weights that are used here first.
    pub parameters: u64,
}

pub(super) struct Parts<'a> {
    pub(super) graph: &'a Graph,
    pub(super) loadable: LoadableGraph<'a>,
    pub(super) input_shape: [usize; 4],
    pub(super) bytes: u64,
    pub(super) preprocessing: String,
}

pub(super) fn summarise(parts: Parts<'_>) -> Summary {
    let graph = parts.graph;
    let nodes: Vec<_> = graph.nodes.iter().filter(|node| node.op != "Constant").collect();
    let first_output = |node: &&super::graph::Node| node.outputs.first().cloned().unwrap_or_default();
    let mut tensors: Vec<String> = nodes.iter().map(first_output).collect();
    tensors.extend(graph.outputs.iter().map(|(name, _)| name.clone()));
    let (mut shapes, shapes_missing) = match rten::shapes(&parts.loadable, parts.input_shape, &tensors) {
        Ok(shapes) => (shapes, None),
        Err(error) => (tensors.iter().map(|name| declared(graph, name)).collect(), Some(error.to_string())),
    };
    let of_outputs = shapes.split_off(nodes.len());
    let mut counted = HashSet::new();
    let layers: Vec<Layer> = nodes
        .iter()
        .zip(shapes)
        .map(|(node, shape)| Layer {
            name: if node.name.is_empty() { first_output(node) } else { node.name.clone() },
            op: node.op.clone(),
            shape,
            parameters: parameters(graph, &node.inputs, &mut counted),
        })
        .collect();
    Summary {
        parameters: layers.iter().map(|layer| layer.parameters).sum(),
        layers,
        input: (graph.input.clone(), parts.input_shape.to_vec()),
        outputs: graph.outputs.iter().map(|(name, _)| name.clone()).zip(of_outputs).collect(),
        opset: graph.opset,
        bytes: parts.bytes,
        preprocessing: parts.preprocessing,
        shapes_missing,
    }
}

fn declared(graph: &Graph, tensor: &str) -> Option<Vec<usize>> {
    graph.declared(tensor)?.iter().copied().collect()
}

fn parameters<'a>(graph: &Graph, inputs: &'a [String], counted: &mut HashSet<&'a str>) -> u64 {
    let weight = |name: &&'a String| graph.weights.get(*name).filter(|weight| weight.is_parameter);
    inputs
        .iter()
        .filter(|name| weight(name).is_some() && counted.insert(name))
        .filter_map(|name| weight(&name))
        .map(|weight| weight.values)
        .sum()
}
