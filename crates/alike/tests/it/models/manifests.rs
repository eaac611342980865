//! Manifests, guesses, identity, the cache and the summary, on a graph whose results can be worked out by hand.

use super::graphs::{classifier, value, with_softmax, write};
use alike::model::runtime::Rten;
use alike::model::{Manifest, Model, ModelCache, ModelError};
use alike::picture::Picture;
use rten_onnx::onnx::DataType;
use std::path::{Path, PathBuf};

const MANIFEST: &str = r#"
name = "tiny"

[input]
width = 4
height = 2
channels = "bgr"
scale = "0-255"
resize = "stretch"
mean = [10.0, 20.0, 30.0]
std = [2.0, 4.0, 5.0]

[outputs]
features = { output = "pool", take = "avg" }
logits = { output = "scores" }
"#;

fn tiny(dir: &Path, manifest: Option<&str>) -> PathBuf {
    if let Some(text) = manifest {
        std::fs::write(dir.join("tiny.toml"), text).unwrap();
    }
    write(dir, "tiny.onnx", classifier())
}

fn flat(width: u32, height: u32, pixel: [u8; 3]) -> Picture {
    Picture::from_rgb(width, height, pixel.repeat((width * height) as usize)).unwrap()
}

#[track_caller]
fn assert_close(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len(), "{got:?}");
    assert!(got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 1e-5), "{got:?} isn't {wanted:?}");
}

#[test]
fn the_manifest_decides_channels_scale_mean_and_std() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&tiny(dir.path(), Some(MANIFEST))).unwrap();
    assert!(!model.is_guessed());
    let outputs = model.start(&Rten::new()).unwrap().run(&flat(4, 2, [30, 40, 50])).unwrap();
    // Blue first: (50 - 10) / 2, (40 - 20) / 4, (30 - 30) / 5.
    assert_close(&outputs.features.unwrap(), &[20.0, 5.0, 0.0]);
    assert_close(&outputs.logits.unwrap(), &[20.5, 5.0]);
    assert_eq!((model.feature_dims(), model.logit_dims()), (Some(3), Some(2)));
    assert_eq!(model.manifest(), &Manifest::parse(&model.manifest().to_toml(), Path::new("again")).unwrap());
}

#[test]
fn rows_and_columns_keep_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let text = MANIFEST
        .replace("\"bgr\"", "\"rgb\"")
        .replace("10.0, 20.0, 30.0", "0, 0, 0")
        .replace("2.0, 4.0, 5.0", "1, 1, 1");
    let model = Model::open(&tiny(dir.path(), Some(&text))).unwrap();
    let picture = Picture::from_rgb(4, 2, (0..24).collect()).unwrap();
    let mut network = model.start(&Rten::new()).unwrap();
    let planes: Vec<f32> = (0..3).flat_map(|channel| (0..8).map(move |at| (at * 3 + channel) as f32)).collect();
    assert_eq!(network.preprocess(&picture), planes);
}

#[test]
fn a_shortest_edge_cuts_the_centre_out() {
    let dir = tempfile::tempdir().unwrap();
    let text = MANIFEST
        .replace("\"stretch\"", "{ shortest_edge = 4, filter = \"bicubic\" }")
        .replace("\"bgr\"", "\"rgb\"")
        .replace("10.0, 20.0, 30.0", "0, 0, 0")
        .replace("2.0, 4.0, 5.0", "1, 1, 1");
    let model = Model::open(&tiny(dir.path(), Some(&text))).unwrap();
    // 9x4 needs no resampling; the crop of 4x2 starts at round(2.5) = 2 and 1.
    let picture = Picture::from_rgb(9, 4, (0..108).collect()).unwrap();
    let mut network = model.start(&Rten::new()).unwrap();
    let red = &network.preprocess(&picture)[..8];
    assert_eq!(red, [33.0, 36.0, 39.0, 42.0, 60.0, 63.0, 66.0, 69.0]);
    // 4 x 20,000,000 pixels, if all of them were made. The two rows in the middle lie 1/8 above and below the edge between 0
    // and 200, and the cubic with a = -0.5 weighs what is beyond it with .345703125 and .654296875.
    let strip = Picture::from_rgb(1, 5_000_000, [[0; 7_500_000], [200; 7_500_000]].concat()).unwrap();
    assert_eq!(network.preprocess(&strip)[..8], [69.0, 69.0, 69.0, 69.0, 131.0, 131.0, 131.0, 131.0]);
}

#[track_caller]
fn check_refused(from: &str, to: &str, wanted: &[&str]) {
    assert!(MANIFEST.contains(from), "nothing to replace");
    let dir = tempfile::tempdir().unwrap();
    let message = Model::open(&tiny(dir.path(), Some(&MANIFEST.replace(from, to)))).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.contains("tiny.toml"), "{message}");
    for part in wanted {
        assert!(message.contains(part), "{part:?} isn't in: {message}");
    }
}

#[test]
fn wrong_manifests_are_refused_by_line() {
    check_refused("width = 4", "width = 4\nwidht = 5", &["line 6", "widht"]);
    check_refused("width = 4\n", "", &["width"]);
    check_refused("\"bgr\"", "\"grb\"", &["line 7", "grb", "rgb"]);
    check_refused("width = 4", "width = 0", &["0x2"]);
    check_refused("width = 4", "width = 4\nlayout = \"nhwc\"", &["nhwc", "nchw"]);
    check_refused("5.0]", "0.0]", &["std"]);
    check_refused("\"stretch\"", "{ shortest_edge = 3, filter = \"bicubic\" }", &["shortest_edge is 3", "4"]);
    check_refused("\"pool\"", "\"nowhere\"", &["nowhere", "scores"]);
    check_refused("name = \"tiny\"", "name = \"../tiny\"", &["../tiny"]);
    check_refused("name = \"tiny\"", "name = \"tiny\"\nlabels = \"../labels\"", &["../labels"]);
    check_refused(
        "\nfeatures = { output = \"pool\", take = \"avg\" }\nlogits = { output = \"scores\" }",
        "",
        &["neither"],
    );
}

#[test]
fn a_manifest_for_another_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{MANIFEST}\n[origin]\nsha256 = \"{}\"\n", "0".repeat(64));
    let error = Model::open(&tiny(dir.path(), Some(&text))).unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
}

#[test]
fn the_take_must_fit_the_tensor() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&tiny(dir.path(), Some(&MANIFEST.replace("\"avg\"", "\"cls\"")))).unwrap();
    let error = model.start(&Rten::new()).unwrap().run(&flat(4, 2, [0; 3])).unwrap_err().to_string();
    assert!(error.contains("[1, 3, 1, 1]") && error.contains("[1, tokens, dims]"), "{error}");
}

#[test]
fn a_bare_classifier_is_understood_and_said_aloud() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&tiny(dir.path(), None)).unwrap();
    assert!(model.is_guessed() && !model.logits_are_probabilities());
    let said = model.describe_guess();
    assert!(said.contains("224x224") && said.contains("\"pooled\"") && said.contains("\"scores\""), "{said}");
    let wanted = [(1.0 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225];
    let mut network = model.start(&Rten::new()).unwrap();
    let pixels = network.preprocess(&flat(224, 224, [255, 0, 51]));
    assert_close(&[pixels[0], pixels[224 * 224], pixels[2 * 224 * 224]], &wanted);
    // The runtime's mean of 50,176 equal float32 values is off by some 1e-5.
    let features = network.run(&flat(224, 224, [255, 0, 51])).unwrap().features.unwrap();
    assert!(features.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-4), "{features:?}");
    assert_eq!(model.feature_dims(), Some(3));

    let path = write(dir.path(), "soft.onnx", with_softmax(classifier()));
    let soft = Model::open(&path).unwrap();
    assert!(soft.logits_are_probabilities());
    let outputs = soft.start(&Rten::new()).unwrap().run(&flat(224, 224, [255, 0, 51])).unwrap();
    assert!((outputs.logits.unwrap().iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert_close(&outputs.features.unwrap(), &features);
}

#[test]
fn a_declared_size_is_the_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut graph = classifier();
    graph.input[0] = value("picture", DataType::FLOAT, &[1, 3, 6, 5]);
    let model = Model::open(&write(dir.path(), "fixed.onnx", graph)).unwrap();
    assert_eq!((model.manifest().input.width, model.manifest().input.height), (5, 6));
}

#[test]
fn identity_is_graph_and_preprocessing() {
    let dir = tempfile::tempdir().unwrap();
    let id = |text: Option<&str>| Model::open(&tiny(dir.path(), text)).unwrap().id().clone();
    let (a, b) = (id(Some(MANIFEST)), id(Some(&MANIFEST.replace("30.0]", "31.0]"))));
    assert_eq!(a.sha256, b.sha256);
    assert_ne!(a, b);
    assert_eq!(a, id(Some(&MANIFEST.replace("width = 4\n", "width = 4 # pixels\n"))));
    assert_eq!(a.to_string(), format!("tiny#{}", &a.sha256[..8]));
}

#[test]
fn the_cache_returns_the_same_model_and_notices_damage() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("names.txt"), "red\ngreen\n").unwrap();
    let text = MANIFEST.replace("name = \"tiny\"", "name = \"tiny\"\nlabels = \"names.txt\"");
    let model = Model::open(&tiny(dir.path(), Some(&text))).unwrap();
    let cache = ModelCache::new(dir.path().join("cache/models"));
    assert!(cache.find(&model.id().sha256).unwrap().is_none());
    cache.store(&model).unwrap();
    let found = cache.find(&model.id().sha256).unwrap().unwrap();
    assert_eq!(found.id(), model.id());
    assert_eq!(found.labels().unwrap().unwrap(), ["red", "green"]);
    assert!(cache.find("../../etc").unwrap().is_none());

    let kept = cache.folder(&model.id().sha256).unwrap().join("model.onnx");
    let mut bytes = std::fs::read(&kept).unwrap();
    let at = bytes.windows(4).position(|w| w == 1.0_f32.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&kept, bytes).unwrap();
    assert!(matches!(cache.find(&model.id().sha256), Err(ModelError::WrongHash { .. })));
    cache.store(&model).unwrap();
    assert!(cache.find(&model.id().sha256).unwrap().is_some(), "storing again doesn't repair");
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&tiny(dir.path(), Some(MANIFEST))).unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(ModelCache::new(dir.path().join("file")).store(&model), Err(ModelError::Io(_))));
}

#[test]
fn the_summary_lists_layers_with_shapes_and_parameters() {
    let dir = tempfile::tempdir().unwrap();
    let summary = Model::open(&tiny(dir.path(), Some(MANIFEST))).unwrap().summary();
    let rows: Vec<_> = summary.layers.iter().map(|l| (l.op.as_str(), l.shape.clone().unwrap(), l.parameters)).collect();
    assert_eq!(rows, [("GlobalAveragePool", vec![1, 3, 1, 1], 0), ("Flatten", vec![1, 3], 0), ("Gemm", vec![1, 2], 8)]);
    assert_eq!((summary.parameters, summary.opset), (8, Some(13)));
    assert_eq!(summary.outputs, [("scores".to_owned(), Some(vec![1, 2]))]);
    assert_eq!(summary.input, ("picture".to_owned(), vec![1, 3, 2, 4]));
}
