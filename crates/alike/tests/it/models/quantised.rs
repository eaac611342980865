//! Networks that `training/quantise.py` makes.

use super::parity::cosine;
use super::runtimes::onnx_runtime;
use crate::data::{data, npy_rows};
use alike::model::Model;
use alike::model::runtime::{Rten, Runtime};
use alike::picture::{DecodeOptions, Picture};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Queries of Corel-1k that are compared, of 200.
const QUERIES: usize = 12;

/// MobileNetV2, quantised by 16 pictures of the gallery in the Python of `ALIKE_PYTHON`.
fn quantised(test: &str, folder: &Path, into: &Path) -> Option<PathBuf> {
    let Some(python) = std::env::var_os("ALIKE_PYTHON") else {
        writeln!(std::io::stderr(), "skipped {test}: ALIKE_PYTHON isn't set").unwrap();
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/quantise.py");
    let mut command = Command::new(python);
    command.arg(script).arg(folder.join("weights/mobilenet_v2_1.0.onnx")).arg(folder.join("corel1k/trainval.txt"));
    let output = command.arg("-o").arg(into).args(["--count", "16"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(into.with_extension("onnx"))
}

/// With the float network's features of the queries, computed in Python.
fn check(model: &Model, runtime: &dyn Runtime, set: &Path, wanted: &[Vec<f32>]) {
    let mut network = model.start(runtime).unwrap();
    let list = std::fs::read_to_string(set.join("test.txt")).unwrap();
    let mut sum = 0.0;
    for (line, wanted) in list.lines().zip(wanted).step_by(wanted.len() / QUERIES) {
        let path = set.join(line.split('\t').next().unwrap());
        let picture = Picture::open(&path, &DecodeOptions::default()).unwrap();
        let similarity = cosine(&network.run(&picture).unwrap().features.unwrap(), wanted);
        assert!(similarity > 0.95, "{}: {}: {similarity}", runtime.name(), path.display());
        sum += similarity;
    }
    assert!(sum / QUERIES as f64 > 0.98, "{}: {}", runtime.name(), sum / QUERIES as f64);
}

#[test]
fn a_quantised_network_describes_as_its_original_does() {
    let test = "a_quantised_network_describes_as_its_original_does";
    let Some(folder) = data(test, "") else { return };
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = quantised(test, &folder, &dir.path().join("net_int8")) else { return };
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
