//! Pooled layers against numpy, both runtimes.

use super::{draft, small};
use crate::data::data;
use crate::models::runtimes::onnx_runtime;
use crate::sources::drawn;
use alike::model::Model;
use alike::model::runtime::{Rten, Runtime};
use alike::picture::Picture;
use alike::source::Forward;
use rten_onnx::onnx::{ModelProto, ValueInfoProto};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The raw row of the one source of a recipe.
fn row(recipe: &str, model: &Arc<Model>, runtime: &dyn Runtime, picture: &Picture) -> Vec<f32> {
    let draft = draft(recipe, model).unwrap();
    let [source] = draft.sources() else { panic!("one source") };
    let mut network = model.start_for(runtime, source.output().as_slice()).unwrap();
    let mut forward = Forward::default();
    forward.insert(model.id().clone(), network.run(picture).unwrap());
    let row = source.describe(picture, &forward).unwrap();
    assert_eq!(row.len(), source.dims());
    row
}

/// Within 1e-4 of the largest.
#[track_caller]
fn assert_near(got: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let worst = got.iter().zip(wanted).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 1e-4 * largest, "{what}: {worst} of {largest}");
}

#[derive(serde::Deserialize)]
struct Expected {
    seed: u32,
    layer: String,
    pooling: String,
    row: Vec<f64>,
}

fn check_fixtures(runtime: &dyn Runtime) {
    let fixtures: Vec<Expected> = serde_json::from_str(include_str!("../fixtures/layers.json")).unwrap();
    assert_eq!(fixtures.len(), 24);
    let model = small();
    for Expected { seed, layer, pooling, row: wanted } in fixtures {
        let got = row(&format!("layer({layer:?}, {pooling})"), &model, runtime, &drawn(16, 16, seed));
        assert_near(&got, &wanted, &format!("{}: {layer}, {pooling}", runtime.name()));
    }
}

#[test]
fn pooled_layers_are_those_of_numpy() {
    check_fixtures(&Rten::new());
    if let Some(runtime) = onnx_runtime("pooled_layers_are_those_of_numpy") {
        check_fixtures(&runtime);
    }
}

/// Reads the network's input on standard input, prints the three poolings of an output.
const POOLED: &str = "
import sys, json, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
tensor = numpy.frombuffer(sys.stdin.buffer.read(), '<f4').reshape(1, 3, 227, 227)
x = session.run([sys.argv[2]], {session.get_inputs()[0].name: tensor})[0][0].astype('f8')
gem = (numpy.maximum(x, 1e-6) ** 3).mean((1, 2)) ** (1 / 3)
print(json.dumps([x.mean((1, 2)).tolist(), x.max((1, 2)).tolist(), gem.tolist()]))
";

/// The average, the largest and the generalised mean of a tensor by onnxruntime and numpy of `ALIKE_PYTHON`. Where that
/// isn't set this says that `test` was skipped.
fn pooled_by_python(test: &str, weights: &Path, tensor: &str, input: &[f32]) -> Option<[Vec<f64>; 3]> {
    let Some(python) = std::env::var_os("ALIKE_PYTHON") else {
        writeln!(std::io::stderr(), "skipped {test}: ALIKE_PYTHON isn't set").unwrap();
        return None;
    };
    let mut proto = ModelProto::parse_buf(&std::fs::read(weights).unwrap()).unwrap();
    proto.graph.as_mut().unwrap().output.push(ValueInfoProto { name: Some(tensor.to_owned()), ..Default::default() });
    let dir = tempfile::tempdir().unwrap();
    let exposed = dir.path().join("exposed.onnx");
    std::fs::write(&exposed, proto.write_buf().unwrap()).unwrap();

    let mut command = Command::new(python);
    command.args(["-I", "-c", POOLED]).arg(&exposed).arg(tensor).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let bytes: Vec<u8> = input.iter().flat_map(|x| x.to_le_bytes()).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{test}: ALIKE_PYTHON needs numpy and onnxruntime");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn layers_of_a_real_network_are_those_of_onnxruntime_and_numpy() {
    let test = "layers_of_a_real_network_are_those_of_onnxruntime_and_numpy";
    let Some(weights) = data(test, "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(photo) = data(test, "corel1k/images/0.jpg") else { return };
    let model = Arc::new(Model::open(&weights).unwrap());
    let picture = Picture::open(&photo, &Default::default()).unwrap();
    let input = model.start(&Rten::new()).unwrap().preprocess(&picture).to_vec();
    let onnx_runtime = onnx_runtime(test);
    for (layer, tensor) in
        [("features.18.0.relu6", "features.18.0.out.relu6"), ("features.13.conv.2", "features.13.conv.2.out")]
    {
        let Some(wanted) = pooled_by_python(test, &weights, tensor, &input) else { return };
        for (pooling, wanted) in ["avg", "max", "gem(3)"].into_iter().zip(&wanted) {
            let recipe = format!("layer({layer:?}, {pooling})");
            assert_near(&row(&recipe, &model, &Rten::new(), &picture), wanted, &recipe);
            if let Some(runtime) = &onnx_runtime {
                assert_near(&row(&recipe, &model, runtime, &picture), wanted, &recipe);
            }
        }
    }
}
