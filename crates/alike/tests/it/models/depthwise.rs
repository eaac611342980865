//! Depthwise convolutions, which rten doesn't run itself, against sums written out here and against rten's of the whole graph.

use super::graphs::{integer_attribute, node, value, weights, write};
use super::runtimes::onnx_runtime;
use alike::model::runtime::{Rten, Runtime};
use alike::model::{Model, Output};
use alike::picture::Picture;
use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto};
use rten_tensor::Tensor;
use std::path::Path;

const WIDTH: usize = 11;
const HEIGHT: usize = 8;

/// A convolution of three channels, each by a filter of its own.
struct Convolution {
    side: usize,
    strides: [usize; 2],
    dilation: usize,
    /// Above, left, below, right.
    pads: [usize; 4],
    has_bias: bool,
}

impl Convolution {
    fn filters(&self) -> Vec<f32> {
        (0..3 * self.side * self.side).map(|i| ((i * 37 % 19) as f32 - 9.0) / 8.0).collect()
    }

    fn bias(&self, channel: usize) -> f32 {
        if self.has_bias { channel as f32 - 0.75 } else { 0.0 }
    }

    fn node(&self, input: &str, output: &str) -> NodeProto {
        let mut inputs = vec![input, "filters"];
        inputs.extend(self.has_bias.then_some("bias"));
        let mut node = node("Conv", &inputs, output);
        node.attribute = vec![
            integer_attribute("group", 3),
            integers("strides", &self.strides),
            integers("dilations", &[self.dilation; 2]),
            integers("pads", &self.pads),
        ];
        node
    }

    fn initializers(&self) -> Vec<TensorProto> {
        let side = self.side as i64;
        vec![
            weights("filters", &[3, 1, side, side], &self.filters()),
            weights("bias", &[3], &[0, 1, 2].map(|channel| self.bias(channel))),
        ]
    }

    /// Picture -> map -> clipped -> map + clipped -> another map -> its mean: what is convolved, and what goes past it.
    fn graph(&self) -> GraphProto {
        let mut second = Self { pads: [1; 4], strides: [1; 2], dilation: 1, ..*self }.node("sum", "second");
        second.input.truncate(2);
        let mut twice = node("Concat", &["second", "second"], "twice");
        twice.attribute.push(integer_attribute("axis", 1));
        GraphProto {
            node: vec![
                self.node("picture", "map"),
                node("Relu", &["map"], "clipped"),
                node("Add", &["map", "clipped"], "sum"),
                second,
                twice,
                node("GlobalAveragePool", &["twice"], "pool"),
            ],
            initializer: self.initializers(),
            input: vec![value("picture", DataType::FLOAT, &[0, 3, HEIGHT as i64, WIDTH as i64])],
            output: vec![value("pool", DataType::FLOAT, &[0, 6, 1, 1])],
            ..GraphProto::default()
        }
    }

    /// Picture -> map -> what makes "followed" of it -> another map -> its channels mixed, scaled and shifted.
    fn followed_by(&self, followers: &[NodeProto]) -> GraphProto {
        let mut mixed = node("Conv", &["second", "mixing"], "mixed");
        mixed.attribute = vec![integers("strides", &[1; 2]), integers("dilations", &[1; 2]), integers("pads", &[0; 4])];
        let rest = [
            node("Relu", &["followed"], "clipped"),
            self.node("clipped", "second"),
            mixed,
            node("Mul", &["mixed", "factors"], "scaled_mix"),
            node("Add", &["scaled_mix", "summands"], "end"),
        ];
        let more = [
            weights("factors", &[1, 3, 1, 1], &[0.3, -1.7, 0.9]),
            weights("summands", &[1, 3, 1, 1], &[0.1, 0.7, -0.3]),
            weights("scale", &[3], &[1.3, 0.7, -0.9]),
            weights("variance", &[3], &[0.3, 1.9, 0.7]),
            weights("mixing", &[3, 3, 1, 1], &[0.1, 0.2, -0.3, 0.7, -0.9, 1.1, 0.6, 0.4, 0.8]),
        ];
        GraphProto {
            node: [&[self.node("picture", "map")], followers, &rest].concat(),
            initializer: self.initializers().into_iter().chain(more).collect(),
            ..self.graph()
        }
    }

    /// Sums of products, one after the other.
    fn expected(&self, input: &[f32]) -> Vec<f64> {
        let [above, left, below, right] = self.pads;
        let reach = (self.side - 1) * self.dilation;
        let rows = (HEIGHT + above + below - reach - 1) / self.strides[0] + 1;
        let columns = (WIDTH + left + right - reach - 1) / self.strides[1] + 1;
        let filters = self.filters();
        let sum = |channel: usize, y: usize, x: usize| {
            let products = (0..self.side * self.side).map(|at| {
                let row = (y * self.strides[0] + at / self.side * self.dilation).checked_sub(above);
                let column = (x * self.strides[1] + at % self.side * self.dilation).checked_sub(left);
                let place = row.filter(|row| *row < HEIGHT).zip(column.filter(|column| *column < WIDTH));
                let pixel = place.map_or(0.0, |(row, column)| input[(channel * HEIGHT + row) * WIDTH + column]);
                f64::from(pixel) * f64::from(filters[channel * self.side * self.side + at])
            });
            f64::from(self.bias(channel)) + products.sum::<f64>()
        };
        let places = |channel| (0..rows * columns).map(move |at| (channel, at / columns, at % columns));
        (0..3).flat_map(places).map(|(channel, y, x)| sum(channel, y, x)).collect()
    }
}

fn integers(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values.iter().map(|value| *value as i64).collect(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}

fn convolutions() -> Vec<Convolution> {
    let pads = [[0; 4], [1; 4], [0, 0, 1, 1], [2, 1, 0, 3]];
    let usual = pads.into_iter().flat_map(|pads| [[1, 1], [2, 2]].map(|strides| (pads, strides)));
    let mut all: Vec<Convolution> = usual
        .map(|(pads, strides)| Convolution { side: 3, strides, dilation: 1, pads, has_bias: pads[0] < 2 })
        .collect();
    let same = Convolution { side: 3, strides: [1, 1], dilation: 1, pads: [1; 4], has_bias: true };
    all.push(Convolution { strides: [1, 2], ..same });
    all.push(Convolution { dilation: 2, ..same });
    all
}

fn picture() -> Picture {
    let rgb = (0..WIDTH * HEIGHT * 3).map(|i| (i * 89 % 256) as u8).collect();
    Picture::from_rgb(WIDTH as u32, HEIGHT as u32, rgb).unwrap()
}

fn check(convolution: &Convolution, runtime: &dyn Runtime) {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", convolution.graph())).unwrap();
    let mut network =
        model.start_for(runtime, &[Output::Features, Output::Layer("map"), Output::Layer("sum")]).unwrap();
    let wanted = convolution.expected(network.preprocess(&picture()));
    let got = network.run(&picture()).unwrap();
    let (map, sum) = (&got.layer("map").unwrap().values, &got.layer("sum").unwrap().values);
    assert_eq!(map.len(), wanted.len(), "{}", runtime.name());
    for ((map, sum), wanted) in map.iter().zip(sum).zip(wanted) {
        assert!((f64::from(*map) - wanted).abs() < 1e-4, "{}: {map} isn't {wanted}", runtime.name());
        assert!((f64::from(*sum) - wanted - wanted.max(0.0)).abs() < 1e-4, "{}: {sum}", runtime.name());
    }
    let features = got.features.unwrap();
    assert_eq!(features[..3], features[3..]);
}

#[test]
fn each_channel_is_convolved_by_its_own_filter() {
    let onnx = onnx_runtime("each_channel_is_convolved_by_its_own_filter");
    for convolution in convolutions() {
        check(&convolution, &Rten::new());
        if let Some(onnx) = &onnx {
            check(&convolution, onnx);
        }
    }
}

/// The outputs of a file's graph as it is.
fn by_rten_alone(path: &Path, input: &[f32]) -> Vec<Vec<f32>> {
    let model = rten::Model::load(std::fs::read(path).unwrap()).unwrap();
    let picture = rten::Value::from_shape([1, 3, HEIGHT, WIDTH], input.to_vec()).unwrap();
    let outputs = model.run(vec![(model.input_ids()[0], (&picture).into())], model.output_ids(), None).unwrap();
    outputs.into_iter().map(|output| Tensor::<f32>::try_from(output).unwrap().into_data()).collect()
}

#[track_caller]
fn assert_equals_rten_alone(mut graph: GraphProto, outputs: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let operators: Vec<String> = graph.node.iter().filter_map(|node| node.op_type.clone()).collect();
    graph.output = outputs.iter().map(|name| value(name, DataType::FLOAT, &[0, 0, 0, 0])).collect();
    let path = write(dir.path(), "net.onnx", graph);
    let model = Model::open(&path).unwrap();
    let layers: Vec<Output<'_>> = outputs.iter().map(|name| Output::Layer(name)).collect();
    let mut network = model.start_for(&Rten::new(), &layers).unwrap();
    let wanted = by_rten_alone(&path, network.preprocess(&picture()));
    let got: Vec<Vec<f32>> =
        network.run(&picture()).unwrap().layers.into_iter().map(|(_, layer)| layer.values).collect();
    assert_eq!(got, wanted, "{outputs:?} of {operators:?}");
}

#[test]
fn numbers_are_those_of_rten_alone() {
    for convolution in convolutions() {
        assert_equals_rten_alone(convolution.graph(), &["map", "sum", "pool"]);
    }
}

#[test]
fn what_follows_a_convolution_rounds_as_in_rten_alone() {
    let normalise = |input| node("BatchNormalization", &[input, "scale", "bias", "bias", "variance"], "followed");
    let followers = [
        vec![node("Clip", &["map"], "followed")],
        vec![normalise("map")],
        vec![node("Identity", &["map"], "same"), normalise("same")],
        vec![node("Add", &["map", "summands"], "followed")],
        vec![node("Add", &["summands", "map"], "followed")],
        vec![node("Mul", &["map", "factors"], "scaled"), node("Add", &["scaled", "summands"], "followed")],
    ];
    for has_bias in [false, true] {
        let convolution = Convolution { side: 3, strides: [1, 1], dilation: 1, pads: [1; 4], has_bias };
        for followers in &followers {
            assert_equals_rten_alone(convolution.followed_by(followers), &["end"]);
        }
    }
}
