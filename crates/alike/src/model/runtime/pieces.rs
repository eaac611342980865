//! A graph cut at its depthwise convolutions, which are [`Depthwise`]'s; what lies between them is rten's.
//!
//! rten folds BatchNormalization, and factors and summands that are constant, into the convolution before them, which rounds
//! otherwise than a pass of its own does. A convolution with one of these behind it, and nothing else, isn't cut out.

use super::depthwise::Depthwise;
use rten_onnx::onnx::{
    DataType, Dimension, GraphProto, ModelProto, NodeProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};
use std::collections::HashSet;

/// Operators that rten folds into a convolution, or leaves out.
const FOLDED: [&str; 4] = ["Add", "BatchNormalization", "Identity", "Mul"];

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
    let constants = constants(graph);
    let pieces = pieces(parts(graph, &constants), &constants, wanted);
    let any = pieces.iter().any(|piece| piece.depthwise.is_some());
    if has_inner || !any || !are_in_order(&pieces, input, wanted) {
        return None;
    }
    leave_out(graph, &pieces);
    Some(Cut { graph: model.write_buf().ok()?, pieces })
}

fn parts<'a>(graph: &'a GraphProto, constants: &HashSet<String>) -> Vec<Part<'a>> {
    let weights = graph.initializer.iter().filter_map(|tensor| Some((tensor.name.as_deref()?, tensor))).collect();
    let mut parts = vec![Part::default()];
    for node in &graph.node {
        let depthwise = Depthwise::read(node, &weights).filter(|_| can_be_cut_out(node, graph, constants));
        if let Some(depthwise) = depthwise {
            parts.push(Part { depthwise: Some(depthwise), nodes: vec![node] });
            parts.push(Part::default());
        } else if let Some(part) = parts.last_mut() {
            part.nodes.push(node);
        }
    }
    parts
}

/// Whether a convolution has an input that isn't constant, and its output goes elsewhere than to one operator alone that rten may
/// fold into it.
fn can_be_cut_out(node: &NodeProto, graph: &GraphProto, constants: &HashSet<String>) -> bool {
    let ([input, ..], [output]) = (&node.input[..], &node.output[..]) else { return false };
    let mut consumers = graph.node.iter().filter(|consumer| consumer.input.contains(output));
    let is_folded = consumers.next().is_some_and(|first| {
        let is_constant = |name: &String| name == output || name.is_empty() || constants.contains(name);
        let is_known = first.op_type.as_deref().is_some_and(|op| FOLDED.contains(&op));
        is_known && first.input.iter().all(is_constant) && consumers.next().is_none()
    });
    !constants.contains(input) && !is_folded
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
    let channels = |piece: &Piece| piece.depthwise.as_ref().map(Depthwise::channels);
    graph.node.retain(|node| !node.output.iter().any(|name| convolved.contains(name)));
    let maps = convolutions.iter().flat_map(|piece| piece.outputs.iter().map(|name| float(name, channels(piece))));
    graph.input.extend(maps);
    graph.output = rest.iter().flat_map(|piece| &piece.outputs).map(|name| float(name, None)).collect();
}

/// A map, of which rten must know the channels to fold what it folds in the whole graph; or a tensor of any shape.
fn float(name: &str, channels: Option<usize>) -> ValueInfoProto {
    let axis = |dim_value| Dimension { dim_value, dim_param: None };
    let map = |channels| [None, i64::try_from(channels).ok(), None, None].map(axis).to_vec();
    let shape = channels.map(|channels| TensorShapeProto { dim: map(channels) });
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape };
    let r#type = Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() });
    ValueInfoProto { name: Some(name.to_owned()), r#type }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rten_onnx::onnx::{AttributeProto, TensorProto};

    fn tensor(name: &str, dims: &[i64]) -> TensorProto {
        let float_data = vec![0.5; dims.iter().product::<i64>() as usize];
        let (name, data_type) = (Some(name.to_owned()), Some(DataType::FLOAT));
        TensorProto { name, dims: dims.to_vec(), data_type, float_data, ..TensorProto::default() }
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        let input = inputs.iter().map(|&input| input.to_owned()).collect();
        NodeProto { op_type: Some(op.to_owned()), input, output: vec![output.to_owned()], ..NodeProto::default() }
    }

    /// Of two channels, each by a filter of its own.
    fn convolution(input: &str, filters: &str, output: &str, attributes: &[(&str, &[i64])]) -> NodeProto {
        let integers = |&(name, values): &(&str, &[i64])| AttributeProto {
            name: Some(name.to_owned()),
            ints: values.to_vec(),
            ..AttributeProto::default()
        };
        let group = AttributeProto { name: Some("group".to_owned()), i: Some(2), ..AttributeProto::default() };
        let attribute = attributes.iter().map(integers).chain([group]).collect();
        NodeProto { attribute, ..node("Conv", &[input, filters], output) }
    }

    fn usual(input: &str, output: &str) -> NodeProto {
        convolution(input, "filters", output, &[])
    }

    /// How many convolutions are cut out of a graph that makes "end" of "picture".
    #[track_caller]
    fn check(nodes: Vec<NodeProto>, wanted: usize) {
        let weights = [("filters", &[2, 1, 3, 3][..]), ("large", &[2, 1, 5, 5]), ("still", &[1, 2, 4, 4]), ("w", &[2])];
        let initializer = weights.map(|(name, dims)| tensor(name, dims)).to_vec();
        let graph = GraphProto { node: nodes, initializer, ..GraphProto::default() };
        let bytes = ModelProto { graph: Some(graph), ..ModelProto::default() }.write_buf().unwrap();
        let cut = cut(&bytes, "picture", &["end".to_owned()]);
        let got = cut.map_or(0, |cut| cut.pieces.iter().filter(|piece| piece.depthwise.is_some()).count());
        assert_eq!(got, wanted);
    }

    #[test]
    fn usual_convolutions_are_cut_out() {
        check(vec![usual("picture", "map"), node("Relu", &["map"], "clipped"), usual("clipped", "end")], 2);
        check(vec![usual("picture", "map"), node("Add", &["map", "picture"], "end")], 1);
        for attributes in
            [[("strides", &[2, 2][..]), ("pads", &[0, 0, 1, 1])], [("strides", &[1, 1]), ("pads", &[1; 4])]]
        {
            check(vec![convolution("picture", "filters", "end", &attributes)], 1);
        }
    }

    #[test]
    fn other_convolutions_are_left() {
        check(vec![convolution("picture", "large", "end", &[])], 0);
        check(vec![convolution("picture", "filters", "end", &[("strides", &[1, 2])])], 0);
        check(vec![convolution("picture", "filters", "end", &[("dilations", &[2, 2])])], 0);
        check(vec![node("Conv", &["picture", "filters"], "end")], 0);
    }

    #[test]
    fn convolutions_into_which_rten_folds_what_follows_are_left() {
        let normalise = |output| node("BatchNormalization", &["map", "w", "w", "w", "w"], output);
        let followers = [
            normalise("end"),
            node("Add", &["map", "w"], "end"),
            node("Add", &["w", "map"], "end"),
            node("Mul", &["map", "w"], "end"),
            node("Identity", &["map"], "end"),
        ];
        for follower in followers {
            check(vec![usual("picture", "map"), follower], 0);
        }
        let both = vec![usual("picture", "map"), normalise("normal"), node("Add", &["map", "normal"], "end")];
        check(both, 1);
    }

    #[test]
    fn a_convolution_of_weights_alone_is_left() {
        check(vec![usual("still", "end")], 0);
    }
}
