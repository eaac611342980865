//! Both runtimes against each other and against features computed in Python.

use super::runtimes::onnx_runtime;
use crate::data::{data, npy, npy_rows};
use alike::model::Model;
use alike::model::runtime::{Rten, Runtime};
use alike::picture::{DecodeOptions, Picture};
use alike::resize::{self, Filter};
use rten_onnx::onnx::ModelProto;
use std::path::Path;

/// Rows of `reference_resized_rgb_u8.npy`, 227x227 each, with their file names.
fn reference_pictures(folder: &Path) -> Vec<(String, Picture)> {
    let list = std::fs::read_to_string(folder.join("reference_resized_rgb_u8.txt")).unwrap();
    let (shape, pixels) = npy(&folder.join("reference_resized_rgb_u8.npy"));
    assert_eq!(&shape[1..], [227, 227, 3]);
    let names = list.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap().to_owned());
    let pictures = pixels.chunks_exact(227 * 227 * 3).map(|rgb| Picture::from_rgb(227, 227, rgb.to_vec()).unwrap());
    names.zip(pictures).collect()
}

/// The reference features of a file such as `corel1k/images/0.jpg`, if it is in a list.
fn reference_features(folder: &Path, file: &str) -> Option<Vec<f32>> {
    let (set, path) = file.split_once('/')?;
    for (list, part) in [("trainval.txt", "gallery"), ("test.txt", "query")] {
        let Ok(lines) = std::fs::read_to_string(folder.join(set).join(list)) else { continue };
        if let Some(row) = lines.lines().position(|line| line.split('\t').next() == Some(path)) {
            let rows = npy_rows(&folder.join(format!("reference_features_{set}_{part}.npy")));
            return Some(rows[row].clone());
        }
    }
    None
}

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

fn check_reference(folder: &Path, runtime: &dyn Runtime) {
    let model = Model::open(&folder.join("weights/mobilenet_v2_1.0.onnx")).unwrap();
    assert_eq!((model.feature_dims(), model.logit_dims()), (Some(1280), Some(1000)));
    let mut network = model.start(runtime).unwrap();
    let mut compared = 0;
    for (file, picture) in reference_pictures(folder) {
        let Some(wanted) = reference_features(folder, &file) else { continue };
        let got = network.run(&picture).unwrap().features.unwrap();
        let similarity = cosine(&got, &wanted);
        assert!(similarity >= 0.999_99, "{}: {file}: {similarity}", runtime.name());
        assert!(largest_difference(&got, &wanted) < 1e-4, "{}: {file}", runtime.name());
        compared += 1;
    }
    assert!(compared >= 6, "only {compared} pictures have reference features");
}

#[test]
fn features_equal_the_reference() {
    let test = "features_equal_the_reference";
    let Some(folder) = data(test, "") else { return };
    check_reference(&folder, &Rten::new());
    if let Some(runtime) = onnx_runtime(test) {
        check_reference(&folder, &runtime);
    }
}

#[test]
fn both_runtimes_give_the_same_numbers() {
    let test = "both_runtimes_give_the_same_numbers";
    let (Some(folder), Some(runtime)) = (data(test, ""), onnx_runtime(test)) else { return };
    for weights in ["mobilenet_v2_1.0.onnx", "mobilenet_v2_1.0_tf.onnx"] {
        let model = Model::open(&folder.join("weights").join(weights)).unwrap();
        let (mut a, mut b) = (model.start(&Rten::new()).unwrap(), model.start(&runtime).unwrap());
        for (file, picture) in reference_pictures(&folder) {
            let (a, b) = (a.run(&picture).unwrap(), b.run(&picture).unwrap());
            let features = largest_difference(&a.features.unwrap(), &b.features.unwrap());
            let logits = largest_difference(&a.logits.unwrap(), &b.logits.unwrap());
            assert!(features < 1e-4 && logits < 1e-4, "{weights}, {file}: features {features}, logits {logits}");
        }
    }
}

#[test]
fn features_of_a_graph_that_declares_only_logits() {
    let test = "features_of_a_graph_that_declares_only_logits";
    let Some(weights) = data(test, "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(folder) = data(test, "") else { return };
    let mut proto = ModelProto::parse_buf(&std::fs::read(&weights).unwrap()).unwrap();
    proto.graph.as_mut().unwrap().output.retain(|output| output.name.as_deref() == Some("logits"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logits_only.onnx");
    std::fs::write(&path, proto.write_buf().unwrap()).unwrap();

    let (whole, bare) = (Model::open(&weights).unwrap(), Model::open(&path).unwrap());
    assert_eq!((bare.feature_dims(), bare.logit_dims()), (Some(1280), Some(1000)));
    let rten = Rten::new();
    let onnx_runtime = onnx_runtime(test);
    let runtimes = std::iter::once(&rten as &dyn Runtime).chain(onnx_runtime.as_ref().map(|r| r as &dyn Runtime));
    let picture = &reference_pictures(&folder)[0].1;
    for runtime in runtimes {
        let wanted = whole.start(runtime).unwrap().run(picture).unwrap().features.unwrap();
        let got = bare.start(runtime).unwrap().run(picture).unwrap().features.unwrap();
        assert!(largest_difference(&got, &wanted) < 1e-5, "{}", runtime.name());
    }
}

#[test]
fn the_summary_of_a_real_network() {
    let Some(weights) = data("the_summary_of_a_real_network", "weights/mobilenet_v2_1.0.onnx") else { return };
    let summary = Model::open(&weights).unwrap().summary();
    assert_eq!(summary.shapes_missing, None);
    // 3,504,872 with batch normalisation, as torchvision publishes it; folded, each pair of scale and shift (34,112)
    // became one bias (17,056). The two bounds of Clip are left.
    assert_eq!(summary.parameters, 3_504_872 - 34_112 + 17_056 + 2);
    let pool = summary.layers.iter().find(|layer| layer.op == "GlobalAveragePool").unwrap();
    assert_eq!(pool.shape.as_deref(), Some(&[1, 1280, 1, 1][..]));
}

/// The bound of `docs/performance.md`: reduced decoding changes features less than another way of resizing does.
#[test]
fn reduced_decoding_changes_features_less_than_pillow_instead_of_opencv() {
    let test = "reduced_decoding_changes_features_less_than_pillow_instead_of_opencv";
    let Some(folder) = data(test, "") else { return };
    let model = Model::open(&folder.join("weights/mobilenet_v2_1.0.onnx")).unwrap();
    let mut network = model.start(&Rten::new()).unwrap();
    let mut features = |picture: &Picture| network.run(picture).unwrap().features.unwrap();
    let (mut reduced_by, mut pillow_by) = (Vec::new(), Vec::new());
    for file in
        ["neardup/pdq/bridge-mods/aaa-orig.jpg", "neardup/pdq/bridge-mods/high-contrast.jpg", "odd/jpeg/gain-map.jpg"]
    {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let options = DecodeOptions::default();
        let whole = Picture::decode(&bytes, None, &options).unwrap();
        let reduced = Picture::decode_at_least(&bytes, None, Some(341), &options).unwrap();
        assert!(reduced.reduction() > 1, "{file}");
        let wanted = features(&whole);
        reduced_by.push(cosine(&wanted, &features(&reduced)));
        pillow_by.push(cosine(&wanted, &features(&resize::pillow(&whole, 227, 227, Filter::Bilinear))));
        assert!(*reduced_by.last().unwrap() > 0.97, "{file}: {reduced_by:?}");
    }
    let mean = |cosines: &[f64]| cosines.iter().sum::<f64>() / cosines.len() as f64;
    assert!(mean(&reduced_by) > mean(&pillow_by), "{reduced_by:?}, {pillow_by:?}");
}
