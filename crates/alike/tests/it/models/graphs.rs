//! Small ONNX graphs, made by hand.

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use std::path::{Path, PathBuf};

/// A tensor's name, type and shape; 0 is an open axis.
pub(crate) fn value(name: &str, element: DataType, shape: &[i64]) -> ValueInfoProto {
    let axis = |&size: &i64| match size {
        0 => Dimension { dim_value: None, dim_param: Some("n".to_owned()) },
        size => Dimension { dim_value: Some(size), dim_param: None },
    };
    let shape = TensorShapeProto { dim: shape.iter().map(axis).collect() };
    let tensor = TypeProtoTensor { elem_type: Some(element), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

pub(crate) fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: Some(format!("{op}_of_{output}")),
        op_type: Some(op.to_owned()),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

pub(crate) fn weights(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn integer_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

/// Picture -> global average pool -> flatten -> two classes: red plus half, and green minus blue.
pub(crate) fn classifier() -> GraphProto {
    GraphProto {
        node: vec![
            node("GlobalAveragePool", &["picture"], "pool"),
            node("Flatten", &["pool"], "pooled"),
            node("Gemm", &["pooled", "w", "b"], "scores"),
        ],
        initializer: vec![weights("w", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 0.0, -1.0]), weights("b", &[2], &[0.5, 0.0])],
        input: vec![value("picture", DataType::FLOAT, &[0, 3, 0, 0])],
        output: vec![value("scores", DataType::FLOAT, &[0, 2])],
        ..GraphProto::default()
    }
}

/// Ends the classifier in a softmax.
pub(crate) fn with_softmax(mut graph: GraphProto) -> GraphProto {
    let mut softmax = node("Softmax", &["scores"], "probabilities");
    softmax.attribute.push(integer_attribute("axis", 1));
    graph.node.push(softmax);
    graph.output = vec![value("probabilities", DataType::FLOAT, &[0, 2])];
    graph
}

pub(crate) fn to_bytes(graph: GraphProto) -> Vec<u8> {
    let opset = OperatorSetIdProto { domain: None, version: Some(13) };
    let model =
        ModelProto { ir_version: Some(8), graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() };
    model.write_buf().unwrap()
}

pub(crate) fn write(dir: &Path, name: &str, graph: GraphProto) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, to_bytes(graph)).unwrap();
    path
}
