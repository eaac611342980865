//! The seam: a fake runtime, layers by name, and libraries that are no ONNX Runtime.

use super::graphs::{classifier, node, weights, write};
use alike::model::runtime::{Array, LoadableGraph, OnnxRuntime, Rten, Runtime, RuntimeError, Session};
use alike::model::{Model, ModelError, Output};
use alike::picture::Picture;
use rten_onnx::onnx::{DataType, TensorProto};
use std::io::Write;
use std::path::PathBuf;

/// ONNX Runtime of `ALIKE_TEST_ONNXRUNTIME`, an absolute path. Where that isn't set this says that `test` was skipped, and fails
/// if `ALIKE_REQUIRE_ONNXRUNTIME` is set.
pub(crate) fn onnx_runtime(test: &str) -> Option<OnnxRuntime> {
    let Some(path) = std::env::var_os("ALIKE_TEST_ONNXRUNTIME") else {
        let required = std::env::var_os("ALIKE_REQUIRE_ONNXRUNTIME").is_some();
        assert!(!required, "{test}: ALIKE_REQUIRE_ONNXRUNTIME is set and ALIKE_TEST_ONNXRUNTIME isn't");
        writeln!(std::io::stderr(), "skipped {test}: ALIKE_TEST_ONNXRUNTIME isn't set").unwrap();
        return None;
    };
    Some(OnnxRuntime::find(&[PathBuf::from(path)]).unwrap())
}

/// Gives every output the same values, whatever the picture.
struct Fake(Vec<f32>);

impl Runtime for Fake {
    fn name(&self) -> String {
        "fake".to_owned()
    }

    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        let array = Array { shape: vec![1, self.0.len()], values: self.0.clone() };
        Ok(Box::new(FakeSession(vec![array; graph.outputs().len()])))
    }
}

struct FakeSession(Vec<Array>);

impl Session for FakeSession {
    fn run(&mut self, _: [usize; 4], _: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        Ok(self.0.clone())
    }
}

fn model() -> Model {
    let dir = tempfile::tempdir().unwrap();
    Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap()
}

fn grey() -> Picture {
    Picture::from_rgb(224, 224, vec![128; 224 * 224 * 3]).unwrap()
}

#[test]
fn outputs_that_contradict_the_graph_are_errors() {
    let run = |values: &[f32]| model().start(&Fake(values.to_vec())).unwrap().run(&grey());
    assert_eq!(run(&[1.0, 2.0]).unwrap().logits.unwrap(), [1.0, 2.0]);
    assert!(matches!(run(&[1.0, f32::NAN]), Err(ModelError::NotFinite { .. })));
    let error = run(&[1.0, 2.0, 3.0]).unwrap_err().to_string();
    assert!(error.contains("[1, 3]") && error.contains("wanted 2 values"), "{error}");
}

fn layers_by_name(runtime: &dyn Runtime) {
    let model = model();
    let layers = ["GlobalAveragePool_of_pool", "pooled", "scores", "pool"].map(Output::Layer);
    let wanted = [&[Output::Features], &layers[..]].concat();
    let got = model.start_for(runtime, &wanted).unwrap().run(&grey()).unwrap();
    let shapes: Vec<&[usize]> = got.layers.iter().map(|(_, layer)| layer.shape.as_slice()).collect();
    assert_eq!(shapes, [&[1, 3, 1, 1][..], &[1, 3], &[1, 2], &[1, 3, 1, 1]]);
    assert_eq!(Some(&got.layer("pooled").unwrap().values), got.features.as_ref());
    assert!(matches!(model.start_for(runtime, &[Output::Layer("nowhere")]), Err(ModelError::NoLayer { .. })));
}

#[test]
fn layers_are_found_by_node_and_by_tensor() {
    layers_by_name(&Rten::new());
    if let Some(runtime) = onnx_runtime("layers_are_found_by_node_and_by_tensor") {
        layers_by_name(&runtime);
    }
}

/// The classifier with its pooled values rounded to steps of 0.02, as quantisation tools write it.
pub(crate) fn quantised() -> Model {
    let dir = tempfile::tempdir().unwrap();
    let mut graph = classifier();
    let zero_point = TensorProto {
        name: Some("zero".to_owned()),
        data_type: Some(DataType::UINT8),
        int32_data: vec![128],
        ..TensorProto::default()
    };
    graph.initializer.extend([weights("step", &[], &[0.02]), zero_point]);
    graph.node[2].input[0] = "rounded".to_owned();
    graph.node.insert(2, node("QuantizeLinear", &["pooled", "step", "zero"], "levels"));
    graph.node.insert(3, node("DequantizeLinear", &["levels", "step", "zero"], "rounded"));
    Model::open(&write(dir.path(), "quantised.onnx", graph)).unwrap()
}

#[test]
fn quantised_graphs_run_in_both() {
    let model = quantised();
    let check = |runtime: &dyn Runtime| {
        let features = model.start(runtime).unwrap().run(&grey()).unwrap().features.unwrap();
        for (got, (mean, std)) in features.iter().zip([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]) {
            let wanted = ((128.0 / 255.0 - mean) / std / 0.02_f32).round() * 0.02;
            assert!((got - wanted).abs() < 1e-4, "{}: {got} isn't {wanted}", runtime.name());
        }
    };
    check(&Rten::new());
    if let Some(runtime) = onnx_runtime("quantised_graphs_run_in_both") {
        check(&runtime);
        assert!(runtime.name().starts_with("ONNX Runtime"), "{}", runtime.name());
    }
}

#[test]
fn what_is_no_onnx_runtime_is_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (text, broken) = (dir.path().join("text.so"), dir.path().join("broken.so"));
    std::fs::write(&text, "not a library").unwrap();
    std::fs::write(&broken, b"\x7fELF and then nothing").unwrap();
    let missing = dir.path().join("missing.so");
    let error = match OnnxRuntime::find(&[missing, text, "relative.so".into()]) {
        Ok(runtime) => panic!("found {}", runtime.path().display()),
        Err(error) => error.to_string(),
    };
    for part in ["missing.so: ", "text.so: this is not a shared library", "relative.so: the path is relative"] {
        assert!(error.contains(part), "{part:?} isn't in: {error}");
    }
    assert!(OnnxRuntime::find(&[broken]).is_err());
    assert!(OnnxRuntime::find(&[]).is_err());
}

/// Another library of this system, from where distributions keep it.
#[cfg(target_os = "linux")]
#[test]
fn another_shared_library_is_refused() {
    let folders =
        ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib", "/lib/aarch64-linux-gnu"];
    let libraries = folders.iter().flat_map(|dir| ["libz.so.1", "libm.so.6"].map(|name| PathBuf::from(dir).join(name)));
    let found = libraries.into_iter().find(|path| path.exists()).expect("a Linux has libz or libm");
    let error = OnnxRuntime::find(&[found]).err().expect("libz is no ONNX Runtime").to_string();
    // A process loads one library: where another test was first, this one isn't even looked at.
    assert!(error.contains("OrtGetApiBase") || error.contains("is loaded already"), "{error}");
}
