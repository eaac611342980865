//! A graph cut at its depthwise convolutions, which are [`Depthwise`]'s; what lies between them is rten's.

use super::depthwise::Depthwise;
use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, TypeProto, TypeProtoTensor, ValueInfoProto};
use std::collections::HashSet;

/// What is left for rten, and the order of the work.
pub(super) struct Cut {
    /// An ONNX file without the convolutions: their results are inputs, and all that goes from piece to piece is an output.
    pub(super) graph: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// One convolution, or nodes that rten runs at once.
pub(super) struct Piece {
    pub(super) depthwise: Option<Depthwise>,
    /// Tensors that go in.
    pub(super) inputs: Vec<String>,
    /// Tensors that a later piece or the caller wants.
    pub(super) outputs: Vec<String>,
    /// Those of the inputs that nobody wants any more.
    pub(super) done: Vec<String>,
}

impl Piece {
    /// All of a graph.
    pub(super) fn whole(input: &str, wanted: &[String]) -> Self {
        Self { depthwise: None, inputs: vec![input.to_owned()], outputs: wanted.to_vec(), done: Vec::new() }
    }
}

/// Consecutive nodes of a graph.
#[derive(Default)]
struct Part<'a> {
    depthwise: Option<Depthwise>,
    nodes: Vec<&'a NodeProto>,
}

/// `None` where there is nothing to cut, or the graph is none that can be: one with inner graphs, or out of order.
pub(super) fn cut(bytes: &[u8], input: &str, wanted: &[String]) -> Option<Cut> {
    let mut model = ModelProto::parse_buf(bytes).ok()?;
    let graph = model.graph.as_mut()?;
    let has_inner = graph.node.iter().flat_map(|node| &node.attribute).any(|attribute| attribute.g.is_some());
    let pieces = pieces(parts(graph), &constants(graph), wanted);
    let any = pieces.iter().any(|piece| piece.depthwise.is_some());
    if has_inner || !any || !are_in_order(&pieces, input, wanted) {
        return None;
    }
    leave_out(graph, &pieces);
    Some(Cut { graph: model.write_buf().ok()?, pieces })
}

fn parts(graph: &GraphProto) -> Vec<Part<'_>> {
    let weights = graph.initializer.iter().filter_map(|tensor| Some((tensor.name.as_deref()?, tensor))).collect();
    let mut parts = vec![Part::default()];
    for node in &graph.node {
        if let Some(depthwise) = Depthwise::read(node, &weights) {
            parts.push(Part { depthwise: Some(depthwise), nodes: vec![node] });
            parts.push(Part::default());
        } else if let Some(part) = parts.last_mut() {
            part.nodes.push(node);
        }
    }
    parts
}

/// Tensors that are made of weights alone, so that every piece has them.
fn constants(graph: &GraphProto) -> HashSet<String> {
    let mut constants: HashSet<String> = graph.initializer.iter().filter_map(|tensor| tensor.name.clone()).collect();
    for node in &graph.node {
        if node.input.iter().all(|name| name.is_empty() || constants.contains(name)) {
            constants.extend(node.output.iter().cloned());
        }
    }
    constants
}

/// Goes backwards, because what a part gives is what is wanted after it.
fn pieces(parts: Vec<Part<'_>>, constants: &HashSet<String>, wanted: &[String]) -> Vec<Piece> {
    let mut later: HashSet<String> = wanted.iter().cloned().collect();
    let mut pieces = Vec::new();
    for Part { depthwise, nodes } in parts.into_iter().rev() {
        let made = distinct(nodes.iter().flat_map(|node| &node.output));
        let outputs: Vec<String> = made.iter().filter(|name| later.contains(*name)).cloned().collect();
        if outputs.is_empty() {
            continue;
        }
        let outside = |name: &&String| !name.is_empty() && !constants.contains(*name) && !made.contains(name);
        let inputs = distinct(nodes.iter().flat_map(|node| &node.input).filter(outside));
        let done = inputs.iter().filter(|name| !later.contains(*name)).cloned().collect();
        later.extend(inputs.iter().cloned());
        pieces.push(Piece { depthwise, inputs, outputs, done });
    }
    pieces.reverse();
    pieces
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(*name)).cloned().collect()
}

/// Whether each piece finds what it needs, and all that is wanted is made.
fn are_in_order(pieces: &[Piece], input: &str, wanted: &[String]) -> bool {
    let mut known = HashSet::from([input]);
    for piece in pieces {
        if !piece.inputs.iter().all(|name| known.contains(name.as_str())) {
            return false;
        }
        known.extend(piece.outputs.iter().map(String::as_str));
    }
    wanted.iter().all(|name| known.contains(name.as_str()))
}

fn leave_out(graph: &mut GraphProto, pieces: &[Piece]) {
    let (convolutions, rest): (Vec<&Piece>, Vec<&Piece>) = pieces.iter().partition(|piece| piece.depthwise.is_some());
    let convolved: HashSet<&String> = convolutions.iter().flat_map(|piece| &piece.outputs).collect();
    graph.node.retain(|node| !node.output.iter().any(|name| convolved.contains(name)));
    graph.input.extend(convolutions.iter().flat_map(|piece| &piece.outputs).map(|name| float(name)));
    graph.output = rest.iter().flat_map(|piece| &piece.outputs).map(|name| float(name)).collect();
}

fn float(name: &str) -> ValueInfoProto {
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: None };
    let r#type = Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() });
    ValueInfoProto { name: Some(name.to_owned()), r#type }
}
