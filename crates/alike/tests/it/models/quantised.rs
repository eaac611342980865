//! Networks that `training/quantise.py` makes.

use super::graphs::{classifier, node, value, weights, write};
use super::parity::cosine;
use super::runtimes::onnx_runtime;
use crate::data::{data, npy_rows};
use alike::model::Model;
use alike::model::runtime::{Rten, Runtime};
use alike::picture::{DecodeOptions, Picture};
use rten_onnx::onnx::{DataType, TensorProto};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One query of Corel-1k in so many is compared.
const STEP: usize = 16;

/// A network, quantised by 16 of the pictures in the Python of `ALIKE_PYTHON`.
fn quantised(test: &str, network: &Path, pictures: &Path, into: &Path) -> Option<PathBuf> {
    let Some(python) = std::env::var_os("ALIKE_PYTHON") else {
        writeln!(std::io::stderr(), "skipped {test}: ALIKE_PYTHON isn't set").unwrap();
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/quantise.py");
    let mut command = Command::new(python);
    let output =
        command.arg(script).arg(network).arg(pictures).arg("-o").arg(into).args(["--count", "16"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(into.with_extension("onnx"))
}

/// With the float network's features of the queries, computed in Python.
fn check(model: &Model, runtime: &dyn Runtime, set: &Path, wanted: &[Vec<f32>]) {
    let mut network = model.start(runtime).unwrap();
    let list = std::fs::read_to_string(set.join("test.txt")).unwrap();
    let mut cosines = Vec::new();
    for (line, wanted) in list.lines().zip(wanted).step_by(STEP) {
        let path = set.join(line.split('\t').next().unwrap());
        let picture = Picture::open(&path, &DecodeOptions::default()).unwrap();
        let similarity = cosine(&network.run(&picture).unwrap().features.unwrap(), wanted);
        assert!(similarity > 0.95, "{}: {}: {similarity}", runtime.name(), path.display());
        cosines.push(similarity);
    }
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    assert!(mean > 0.98, "{}: {mean}", runtime.name());
}

#[test]
fn a_quantised_network_describes_as_its_original_does() {
    let test = "a_quantised_network_describes_as_its_original_does";
    let Some(folder) = data(test, "") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (network, list) = (folder.join("weights/mobilenet_v2_1.0.onnx"), folder.join("corel1k/trainval.txt"));
    let Some(path) = quantised(test, &network, &list, &dir.path().join("net_int8")) else { return };
    assert!(std::fs::metadata(&path).unwrap().len() < 4_500_000, "weights of a byte each");
    let model = Model::open(&path).unwrap();
    assert_eq!((model.id().name.as_str(), model.is_guessed()), ("net_int8", false));
    assert_eq!((model.feature_dims(), model.logit_dims()), (Some(1280), Some(1000)));
    let set = folder.join("corel1k");
    let wanted = npy_rows(&folder.join("reference_features_corel1k_query.npy"));
    check(&model, &Rten::new(), &set, &wanted);
    if let Some(runtime) = onnx_runtime(test) {
        check(&model, &runtime, &set, &wanted);
        check(&model, &runtime.keeping_graphs_in(dir.path().join("optimised")), &set, &wanted);
    }
}

#[test]
fn outputs_are_guessed_as_the_library_guesses_them() {
    let test = "outputs_are_guessed_as_the_library_guesses_them";
    let dir = tempfile::tempdir().unwrap();
    image::RgbImage::from_fn(8, 8, |x, y| image::Rgb([x as u8 * 30, y as u8 * 30, 99]))
        .save(dir.path().join("8x8.png"))
        .unwrap();
    let mut biased = classifier();
    biased.node[2] = node("MatMul", &["pooled", "w"], "products");
    biased.node.push(node("Add", &["b", "products"], "scores"));
    let mut with_map = classifier();
    with_map.node.insert(0, node("Relu", &["picture"], "features"));
    with_map.node[1].input[0] = "features".to_owned();
    with_map.output.push(value("features", DataType::FLOAT, &[0, 3, 0, 0]));
    let mut with_tokens = classifier();
    with_tokens.initializer.push(TensorProto {
        data_type: Some(DataType::INT64),
        int64_data: vec![0, 3, -1],
        ..weights("shape", &[3], &[])
    });
    with_tokens.node.push(node("Reshape", &["picture", "shape"], "features"));
    with_tokens.output.push(value("features", DataType::FLOAT, &[0, 3, 0]));
    for (name, graph) in [("biased.onnx", biased), ("with_map.onnx", with_map), ("with_tokens.onnx", with_tokens)] {
        let path = write(dir.path(), name, graph);
        let Some(quantised) = quantised(test, &path, dir.path(), &dir.path().join("int8").join(name)) else { return };
        let wanted = Model::open(&path).unwrap().manifest().outputs.clone();
        assert!(wanted.logits.is_some(), "{name}");
        assert_eq!(Model::open(&quantised).unwrap().manifest().outputs, wanted, "{name}");
    }
}
