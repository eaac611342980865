//! An ONNX graph: read, checked, its feature layer found, inner tensors exposed as outputs.

use super::manifest::{Features, Logits, Outputs, Take};
use super::{ModelError, wire};
use rten_onnx::onnx::{DataLocation, DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path};

/// Side that a bare model's input gets where the graph leaves it open.
const DEFAULT_SIDE: u32 = 224;

/// Operators that pass a vector of scores or features on: same numbers, perhaps another shape.
const PASS: [&str; 9] =
    ["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Identity", "Cast", "DequantizeLinear", "QuantizeLinear"];

/// Operators that may take the mean over the places of a map.
const POOLS: [&str; 3] = ["GlobalAveragePool", "AveragePool", "ReduceMean"];

/// What is known of a graph without its weights.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) input: String,
    /// Declared shape of the input; `None` where an axis is open.
    pub(crate) input_shape: [Option<u32>; 4],
    /// Declared outputs and their shapes.
    pub(crate) outputs: Vec<(String, Shape)>,
    /// Shapes that the graph declares for inner tensors.
    pub(crate) inner: HashMap<String, Shape>,
    /// Tensors that are declared to be no float32.
    others: HashSet<String>,
    /// Initializers: number of values, and whether they are weights (not shapes or indices).
    pub(crate) weights: HashMap<String, Weight>,
    /// Version of the default operator set.
    pub(crate) opset: Option<i64>,
}

/// A declared shape; `None` if the rank is unknown too.
pub(crate) type Shape = Option<Vec<Option<usize>>>;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    /// It is a condition, a loop or the like.
    pub(crate) has_graphs: bool,
}

/// A part of a graph.
pub(crate) struct Needed<'a> {
    /// Of each node, whether it belongs to it.
    pub(crate) nodes: Vec<bool>,
    /// What the nodes take, and the graph's input.
    pub(crate) tensors: HashSet<&'a str>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) values: u64,
    pub(crate) is_parameter: bool,
}

impl Graph {
    /// Reads and checks `bytes`. `path` is for messages.
    pub(crate) fn read(bytes: &[u8], path: &Path) -> Result<Self, ModelError> {
        let not_onnx = |reason: String| ModelError::NotOnnx { path: path.to_owned(), reason };
        if bytes.is_empty() {
            return Err(not_onnx("it is empty".to_owned()));
        }
        let light = wire::without_weights(bytes).map_err(|reason| not_onnx(reason.to_owned()))?;
        let model = ModelProto::parse_buf(&light).map_err(|error| not_onnx(error.to_string()))?;
        let opset = default_opset(&model);
        let graph = model.graph.ok_or_else(|| not_onnx("it holds no graph".to_owned()))?;
        let bad = |reason: String| ModelError::Graph { path: path.to_owned(), reason };
        refuse_external_data(&graph).map_err(bad)?;
        Self::from_proto(graph, opset).map_err(bad)
    }

    fn from_proto(graph: GraphProto, opset: Option<i64>) -> Result<Self, String> {
        let weights: HashMap<String, Weight> = graph.initializer.iter().filter_map(weight).collect();
        let (input, input_shape) = single_input(&graph, &weights)?;
        let shapes = |values: &[ValueInfoProto]| -> Vec<(String, Shape)> {
            values.iter().filter_map(|value| Some((value.name.clone()?, shape(value)))).collect()
        };
        let outputs = shapes(&graph.output);
        if outputs.is_empty() {
            return Err("it declares no output".to_owned());
        }
        let inner = shapes(&graph.value_info).into_iter().collect();
        let others = graph.output.iter().chain(&graph.value_info).filter(|value| !is_float(value));
        let others = others.filter_map(|value| value.name.clone()).collect();
        let nodes = graph.node.into_iter().map(Node::from_proto).collect();
        Ok(Self { nodes, input, input_shape, outputs, inner, others, weights, opset })
    }

    /// Width and height of the input, 224 where the graph leaves them open.
    pub(crate) fn input_size(&self) -> (u32, u32) {
        let side = |axis: usize| self.input_shape[axis].unwrap_or(DEFAULT_SIDE);
        (side(3), side(2))
    }

    /// What it takes to compute these tensors. All of it, where nodes have graphs of their own, which may use any tensor.
    pub(crate) fn needed_for(&self, tensors: &[String]) -> Needed<'_> {
        let outputs =
            self.nodes.iter().enumerate().flat_map(|(i, node)| node.outputs.iter().map(move |name| (&**name, i)));
        let producers: HashMap<&str, usize> = outputs.collect();
        let mut needed = Needed { nodes: vec![false; self.nodes.len()], tensors: HashSet::from([&*self.input]) };
        let mut wanted: Vec<usize> = if self.nodes.iter().any(|node| node.has_graphs) {
            needed.tensors.extend(self.weights.keys().map(String::as_str));
            (0..self.nodes.len()).collect()
        } else {
            tensors.iter().filter_map(|tensor| producers.get(&**tensor).copied()).collect()
        };
        while let Some(node) = wanted.pop() {
            if !std::mem::replace(&mut needed.nodes[node], true) {
                let inputs = self.nodes[node].inputs.iter().map(String::as_str);
                needed.tensors.extend(inputs.clone());
                wanted.extend(inputs.filter_map(|input| producers.get(input)));
            }
        }
        needed
    }

    /// Whether `tensor` is something the graph computes.
    pub(crate) fn computes(&self, tensor: &str) -> bool {
        self.producer(tensor).is_some()
    }

    /// The tensor of this name, or the first output of the node of this name.
    pub(crate) fn tensor(&self, name: &str) -> Option<&str> {
        let node = self.producer(name).or_else(|| self.nodes.iter().find(|node| node.name == name))?;
        node.outputs.iter().find(|output| *output == name).or_else(|| node.outputs.first()).map(String::as_str)
    }

    /// The name of the node whose first output a tensor is; the tensor's own where that would mean another one.
    pub(crate) fn layer_name<'a>(&'a self, tensor: &'a str) -> &'a str {
        let node = self.producer(tensor).map(|node| node.name.as_str()).filter(|name| !name.is_empty());
        node.filter(|name| self.tensor(name) == Some(tensor)).unwrap_or(tensor)
    }

    /// All names of nodes and tensors.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().flat_map(|node| std::iter::once(&node.name).chain(&node.outputs)).map(String::as_str)
    }

    /// Whether a tensor may be float32 by what the graph says of it.
    pub(crate) fn is_float(&self, tensor: &str) -> bool {
        !self.others.contains(tensor)
    }

    /// What the graph says of a tensor's shape.
    pub(crate) fn declared(&self, tensor: &str) -> Option<&Vec<Option<usize>>> {
        let output = self.outputs.iter().find(|(name, _)| name == tensor).map(|(_, shape)| shape);
        output.or_else(|| self.inner.get(tensor))?.as_ref()
    }

    fn producer(&self, tensor: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.outputs.iter().any(|output| output == tensor))
    }

    /// Finds logits and features of an image classifier or an image encoder.
    pub(crate) fn guess_outputs(&self) -> Outputs {
        let found = self.outputs.iter().find_map(|(name, _)| Some((name, self.classifier(name)?)));
        let logits = found.as_ref().map(|(name, head)| Logits { output: (*name).clone(), softmax: head.softmax });
        let features = self
            .declared_features(logits.as_ref())
            .or_else(|| self.float_source(found?.1.input).map(|name| self.features(name)))
            .or_else(|| self.global_pool().map(|name| self.features(name)))
            .or_else(|| self.sole_output(logits.as_ref()));
        Outputs { logits, features }
    }

    /// An output that is no logits and named "features", else one of rank 2.
    fn declared_features(&self, logits: Option<&Logits>) -> Option<Features> {
        let others = || self.outputs.iter().filter(|(name, _)| logits.is_none_or(|l| l.output != *name));
        let named = others().find(|(name, _)| name == "features");
        let flat = || others().find(|(_, shape)| shape.as_ref().is_some_and(|shape| shape.len() == 2));
        named.or_else(flat).map(|(name, _)| self.features(name))
    }

    fn sole_output(&self, logits: Option<&Logits>) -> Option<Features> {
        let [(name, _)] = self.outputs.as_slice() else { return None };
        logits.is_none().then(|| self.features(name))
    }

    fn features(&self, tensor: &str) -> Features {
        let take = match self.declared(tensor).map(Vec::len) {
            Some(4) => Take::Avg,
            Some(3) => Take::Cls,
            _ => Take::Flat,
        };
        Features { output: tensor.to_owned(), take }
    }

    /// The linear layer that `output` comes from through nothing but biases, reshapes and a softmax.
    fn classifier(&self, output: &str) -> Option<Head<'_>> {
        let mut at = self.producer(output)?;
        let mut softmax = false;
        for _ in 0..self.nodes.len() {
            let next = match at.op.as_str() {
                "Gemm" | "MatMul" if at.inputs.get(1).is_some_and(|weight| self.is_constant(weight)) => {
                    return Some(Head { input: at.inputs.first()?, softmax });
                }
                "Softmax" => {
                    softmax = true;
                    at.inputs.first()?
                }
                "Add" => at.inputs.iter().find(|input| !self.is_constant(input))?,
                op if PASS.contains(&op) => at.inputs.first()?,
                _ => return None,
            };
            at = self.producer(next)?;
        }
        None
    }

    /// Back from a quantised tensor to the float one it was made of; most are float already.
    fn float_source<'a>(&'a self, tensor: &'a str) -> Option<&'a str> {
        let producer = self.producer(tensor)?;
        match producer.op.as_str() {
            "QuantizeLinear" => producer.inputs.first().map(String::as_str),
            _ => Some(tensor),
        }
    }

    /// A weight, or made of nothing but weights (a transposed or dequantised one).
    fn is_constant(&self, tensor: &str) -> bool {
        let mut at = tensor;
        for _ in 0..8 {
            if self.weights.contains_key(at) {
                return true;
            }
            match self.producer(at) {
                Some(node) if node.op == "Constant" => return true,
                Some(node) if ["DequantizeLinear", "Transpose", "Identity", "Cast"].contains(&node.op.as_str()) => {
                    let Some(input) = node.inputs.first() else { return false };
                    at = input;
                }
                _ => return false,
            }
        }
        false
    }

    /// What goes into the pool that `tensor` comes from through nothing but reshapes. Whether the pool takes the mean of all
    /// places its name doesn't say: axes and kernels are anybody's.
    pub(crate) fn before_pool(&self, tensor: &str) -> Option<&str> {
        let mut at = self.producer(tensor)?;
        for _ in 0..self.nodes.len() {
            let input = at.inputs.first()?;
            match at.op.as_str() {
                op if POOLS.contains(&op) => return Some(input),
                op if PASS.contains(&op) => at = self.producer(input)?,
                _ => return None,
            }
        }
        None
    }

    fn global_pool(&self) -> Option<&str> {
        let pool = self.nodes.iter().rev().find(|node| node.op == "GlobalAveragePool");
        pool?.outputs.first().map(String::as_str)
    }
}

struct Head<'a> {
    input: &'a str,
    softmax: bool,
}

impl Node {
    fn from_proto(node: NodeProto) -> Self {
        let has_graphs = node.attribute.iter().any(|attribute| attribute.g.is_some());
        Self {
            has_graphs,
            name: node.name.unwrap_or_default(),
            op: node.op_type.unwrap_or_default(),
            inputs: node.input,
            outputs: node.output,
        }
    }
}

fn default_opset(model: &ModelProto) -> Option<i64> {
    let default = |domain: Option<&str>| domain.is_none_or(|domain| domain.is_empty() || domain == "ai.onnx");
    model.opset_import.iter().find(|opset| default(opset.domain.as_deref()))?.version
}

fn weight(tensor: &TensorProto) -> Option<(String, Weight)> {
    let values = tensor.dims.iter().map(|axis| u64::try_from(*axis).unwrap_or(0)).try_fold(1, u64::checked_mul)?;
    let is_parameter = !matches!(tensor.data_type, Some(DataType::INT64 | DataType::BOOL | DataType::STRING));
    Some((tensor.name.clone()?, Weight { values, is_parameter }))
}

fn shape(value: &ValueInfoProto) -> Shape {
    let shape = value.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let axis = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0);
    Some(shape.dim.iter().map(|dim| axis(dim.dim_value)).collect())
}

fn is_float(value: &ValueInfoProto) -> bool {
    let tensor = value.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.elem_type == Some(DataType::FLOAT))
}

/// The one input, float32 NCHW with 3 channels and a batch of 1 or an open one.
fn single_input(graph: &GraphProto, weights: &HashMap<String, Weight>) -> Result<(String, [Option<u32>; 4]), String> {
    let named = |value: &&ValueInfoProto| value.name.as_ref().is_some_and(|name| !weights.contains_key(name));
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(named).collect();
    let [input] = inputs.as_slice() else {
        let names: Vec<&str> = inputs.iter().filter_map(|input| input.name.as_deref()).collect();
        let got = names.len();
        return Err(format!(
            "it has {got} inputs ({}), wanted one picture: export the image encoder alone",
            names.join(", ")
        ));
    };
    let name = input.name.clone().unwrap_or_default();
    let tensor = input.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
    let element = tensor.and_then(|tensor| tensor.elem_type);
    if element != Some(DataType::FLOAT) {
        let got = element.map_or("no tensor".to_owned(), |element| element.to_string().to_lowercase());
        return Err(format!("input \"{name}\" is {got}, wanted float32: export the model with a float32 input"));
    }
    let dims = shape(input).ok_or_else(|| format!("input \"{name}\" has no shape, wanted [1, 3, height, width]"))?;
    check_input_shape(&name, &dims).map(|shape| (name.clone(), shape))
}

fn check_input_shape(name: &str, dims: &[Option<usize>]) -> Result<[Option<u32>; 4], String> {
    let text = dims.iter().map(|d| d.map_or("?".to_owned(), |d| d.to_string())).collect::<Vec<_>>().join(", ");
    let wanted = "wanted [1, 3, height, width]";
    let &[batch, channels, height, width] = dims else {
        return Err(format!("input \"{name}\" is [{text}], {wanted}: export an image model with NCHW input"));
    };
    if channels != Some(3) && width == Some(3) {
        return Err(format!("input \"{name}\" is [{text}] (NHWC), {wanted}: export the model with NCHW layout"));
    }
    if channels.is_some_and(|channels| channels != 3) {
        return Err(format!("input \"{name}\" is [{text}], {wanted}: only models of colour pictures are supported"));
    }
    if batch.is_some_and(|batch| batch != 1) {
        return Err(format!("input \"{name}\" is [{text}], {wanted}: export the model with batch 1 or an open batch"));
    }
    let max = super::manifest::MAX_INPUT_SIDE;
    let side = |side: Option<usize>| match side {
        Some(side) => u32::try_from(side).ok().filter(|side| *side <= max).map(Some),
        None => Some(None),
    };
    let too_large = || format!("input \"{name}\" is [{text}], wanted sides up to {max}");
    Ok([Some(1), Some(3), side(height).ok_or_else(too_large)?, side(width).ok_or_else(too_large)?])
}

/// The hash that names a model covers one file; weights beside it would escape it, and their paths are the graph's word.
fn refuse_external_data(graph: &GraphProto) -> Result<(), String> {
    for tensor in graph.initializer.iter() {
        refuse_external_tensor(tensor)?;
    }
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        if let Some(tensor) = &attribute.t {
            refuse_external_tensor(tensor)?;
        }
        if let Some(inner) = &attribute.g {
            refuse_external_data(inner)?;
        }
    }
    Ok(())
}

fn refuse_external_tensor(tensor: &TensorProto) -> Result<(), String> {
    if tensor.data_location != Some(DataLocation::EXTERNAL) && tensor.external_data.is_empty() {
        return Ok(());
    }
    let location = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some("location"));
    let location = location.and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || location.contains('\\') {
        return Err(format!("its weights point outside its folder ({location:?}): don't use it unless you know why"));
    }
    Err(format!(
        "its weights lie in another file ({location:?}): merge them into the .onnx (onnx.save_model with save_as_external_data=False)"
    ))
}
