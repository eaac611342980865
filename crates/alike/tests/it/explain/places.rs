//! Where two pictures agree.

use super::{distance, fixtures};
use crate::data::data;
use crate::models::runtimes::onnx_runtime;
use crate::sources::drawn;
use alike::engine::{Engine, ExplainError, Heat, HeatMap, Input, Networks, NoMap, Recipes, SyncRequest};
use alike::model::runtime::{Rten, Runtime};
use alike::model::{Model, Seen};
use alike::picture::{DecodeOptions, Picture};
use alike::recipe::SplitError;
use alike::store::Collection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name)
}

/// Pictures indexed by one recipe.
struct Indexed {
    engine: Engine,
    recipe: String,
    /// In the order of ids.
    pictures: Vec<Picture>,
    folder: tempfile::TempDir,
}

impl Indexed {
    fn new(network: &Path, recipe: &str, pictures: Vec<Picture>) -> Self {
        Self::by(Model::open(network).unwrap(), Arc::new(Rten::new()), recipe, pictures)
    }

    fn by(model: Model, runtime: Arc<dyn Runtime>, recipe: &str, pictures: Vec<Picture>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, picture) in (1..).zip(&pictures) {
            let path = folder.path().join(format!("{name}.png"));
            image::save_buffer(path, picture.rgb(), picture.width(), picture.height(), image::ColorType::Rgb8).unwrap();
        }
        let networks = Networks::new(Some(model), None, move || Arc::clone(&runtime));
        let engine = Engine::new(Collection::create(&folder.path().join(".alike")).unwrap(), networks);
        let request = SyncRequest {
            inputs: vec![Input::Folder { path: folder.path().to_owned(), labels_from_folders: false }],
            recipes: Recipes::Add(vec![recipe.parse().unwrap(), "deep".parse().unwrap()]),
            decode: DecodeOptions::default(),
            decoding: None,
            jobs: 1,
            forget: false,
            scan: None,
            who: "a test",
            cancel: &AtomicBool::new(false),
        };
        assert_eq!(engine.sync(&request, &mut |_| {}).unwrap().added, pictures.len());
        Self { engine, recipe: recipe.to_owned(), pictures, folder }
    }

    /// The heat of the first picture as a query, with the second as its hit, and what its term adds to the score.
    fn heat(&self) -> (Heat, f64) {
        let searcher = self.engine.searcher(Some(&self.recipe)).unwrap();
        let mut explainer = searcher.explainer(&self.engine, &(&self.pictures[0]).into()).unwrap();
        let id = searcher.snapshot().ids()[1];
        let shares = explainer.shares(id).unwrap();
        let heat = explainer.heat(id, &(&self.pictures[1]).into()).unwrap().unwrap();
        let part = shares[heat.term].part;
        (heat, part)
    }

    /// Whether there is no heat map for this reason.
    #[track_caller]
    fn lacks_map(&self, reason: impl Fn(&NoMap) -> bool) {
        let searcher = self.engine.searcher(Some(&self.recipe)).unwrap();
        let mut explainer = searcher.explainer(&self.engine, &(&self.pictures[0]).into()).unwrap();
        let id = searcher.snapshot().ids()[1];
        assert_eq!(explainer.heat(id, &(&self.pictures[1]).into()).unwrap(), None);
        let got = explainer.no_map().unwrap();
        assert!(reason(got), "{got}");
        assert!(!explainer.shares(id).unwrap().is_empty(), "shares need no map");
    }
}

fn three() -> Vec<Picture> {
    [1, 2, 3].map(|seed| drawn(16, 16, seed)).to_vec()
}

fn sum(map: &HeatMap) -> f64 {
    map.values.iter().sum()
}

fn check_against_numpy(runtime: &Arc<dyn Runtime>) {
    for wanted in fixtures().heats {
        let model = Model::open(&fixture("explain.onnx")).unwrap();
        let (heat, part) = Indexed::by(model, Arc::clone(runtime), &wanted.recipe, three()).heat();
        assert!(distance(&heat.query.values, &wanted.query) < 1e-6, "{}: {heat:?}", wanted.recipe);
        assert!(distance(&heat.hit.values, &wanted.hit) < 1e-6, "{}: {heat:?}", wanted.recipe);
        assert_eq!((heat.query.width, heat.term), (8, 0));
        assert!((sum(&heat.query) - part).abs() < 1e-6 && (sum(&heat.hit) - part).abs() < 1e-6);
    }
}

#[test]
fn places_add_up_to_the_cosine_and_are_those_of_numpy() {
    check_against_numpy(&(Arc::new(Rten::new()) as Arc<dyn Runtime>));
}

#[test]
fn places_are_the_same_with_onnx_runtime() {
    let Some(runtime) = onnx_runtime("places_are_the_same") else { return };
    check_against_numpy(&(Arc::new(runtime) as Arc<dyn Runtime>));
}

#[test]
fn places_have_the_part_of_their_term() {
    for recipe in ["color + 3*deep", "0.5*(color | center) + 0.5*(deep | center | pca(2))", "color + deep | center"] {
        let (heat, part) = Indexed::new(&fixture("explain.onnx"), recipe, three()).heat();
        assert_eq!(heat.term, 1);
        assert!((sum(&heat.query) - part).abs() < 1e-6 && (sum(&heat.hit) - part).abs() < 1e-6, "{recipe}");
    }
    // Steps that mix terms leave each picture a part of its own.
    let (heat, part) = Indexed::new(&fixture("explain.onnx"), "color + deep | pca(2)", three()).heat();
    assert!(((sum(&heat.query) + sum(&heat.hit)) / 2.0 - part).abs() < 1e-6);
}

#[test]
fn an_averaged_layer_has_places_as_deep_has() {
    let (deep, _) = Indexed::new(&fixture("explain.onnx"), "deep", three()).heat();
    let (layer, _) = Indexed::new(&fixture("explain.onnx"), r#"layer("map")"#, three()).heat();
    assert!(distance(&deep.query.values, &layer.query.values) < 1e-6);
    let (other, part) = Indexed::new(&fixture("layers.onnx"), r#"layer("conv", avg)"#, three()).heat();
    assert!((sum(&other.hit) - part).abs() < 1e-6 && other.hit.values.iter().any(|x| *x < 0.0));
}

#[test]
fn recipes_without_a_map_say_why() {
    let lacks = |network: &str, recipe: &str, reason: fn(&NoMap) -> bool| {
        Indexed::new(&fixture(network), recipe, three()).lacks_map(reason);
    };
    lacks("explain.onnx", "color", |reason| matches!(reason, NoMap::NoNetwork { .. }));
    lacks("explain.onnx", "deep(scales=2)", |reason| matches!(reason, NoMap::NotAMean { .. }));
    lacks("explain.onnx", r#"layer("map", max)"#, |reason| matches!(reason, NoMap::NotAMean { .. }));
    lacks("explain.onnx", "deep | power(0.5)", |reason| matches!(reason, NoMap::NotLinear { .. }));
    // Its features are a mean, but of tokens, whose places nobody knows.
    lacks("layers.onnx", "deep", |reason| matches!(reason, NoMap::AnotherPool { got, .. } if *got == [1, 64, 6]));
}

/// A network whose input is a square of 16 pixels, with a manifest.
fn with_manifest(network: &str, resize: &str, features: &str) -> (Model, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    std::fs::copy(fixture(network), &path).unwrap();
    let manifest = format!(
        r#"name = "small"
[input]
width = 16
height = 16
layout = "nchw"
channels = "rgb"
scale = "0-1"
resize = {resize}
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[outputs]
features = {features}
"#
    );
    std::fs::write(path.with_extension("toml"), manifest).unwrap();
    (Model::open(&path).unwrap(), folder)
}

#[test]
fn a_class_token_has_no_places() {
    let (model, _folder) = with_manifest("layers.onnx", r#""stretch""#, r#"{ output = "tokens", take = "cls" }"#);
    let indexed = Indexed::by(model, Arc::new(Rten::new()), "deep", three());
    indexed.lacks_map(|reason| matches!(reason, NoMap::NotAMean { .. }) && reason.to_string().contains("class token"));
}

#[test]
fn what_is_cropped_off_is_outside_the_map() {
    let resize = r#"{ shortest_edge = 20, filter = "bilinear" }"#;
    let (model, _folder) = with_manifest("explain.onnx", resize, r#"{ output = "map", take = "avg" }"#);
    let pictures = vec![drawn(80, 40, 1), drawn(30, 60, 2), drawn(20, 20, 3)];
    let (heat, part) = Indexed::by(model, Arc::new(Rten::new()), "deep", pictures).heat();
    assert_eq!(heat.query.seen, Seen { left: 0.3, top: 0.1, width: 0.4, height: 0.8 });
    assert_eq!(heat.hit.seen, Seen { left: 0.1, top: 0.3, width: 0.8, height: 0.4 });
    assert!((sum(&heat.query) - part).abs() < 1e-6);
}

#[test]
fn a_picture_that_was_not_indexed_like_this_is_refused() {
    let indexed = Indexed::new(&fixture("explain.onnx"), "deep", three());
    let searcher = indexed.engine.searcher(None).unwrap();
    let mut explainer = searcher.explainer(&indexed.engine, &(&indexed.pictures[0]).into()).unwrap();
    let other = explainer.heat(searcher.snapshot().ids()[1], &(&indexed.pictures[2]).into());
    assert!(matches!(other, Err(ExplainError::Changed)), "{other:?}");
    let unknown = explainer.shares(99);
    assert!(matches!(unknown, Err(ExplainError::NoRows { id: 99 })), "{unknown:?}");
    assert!(indexed.folder.path().join("2.png").exists());
}

#[test]
fn codes_have_neither_terms_nor_places() {
    let indexed = Indexed::new(&fixture("explain.onnx"), "deep | hash(mean)", three());
    let searcher = indexed.engine.searcher(None).unwrap();
    let mut explainer = searcher.explainer(&indexed.engine, &(&indexed.pictures[0]).into()).unwrap();
    let id = searcher.snapshot().ids()[1];
    let is_code = |error: &ExplainError| matches!(error, ExplainError::Split(SplitError::Code { .. }));
    assert!(is_code(&explainer.shares(id).unwrap_err()));
    assert!(is_code(&explainer.heat(id, &(&indexed.pictures[1]).into()).unwrap_err()));
}

/// A picture, small and at the left edge of a grey one of the same size.
fn at_the_left(picture: &Picture) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let small = alike::resize::opencv_bilinear(picture, width / 2, height / 2);
    let mut rgb = vec![128; (width * height * 3) as usize];
    let row = (width / 2 * 3) as usize;
    for (y, pixels) in small.rgb().chunks_exact(row).enumerate() {
        rgb[(y + (height / 4) as usize) * (width * 3) as usize..][..row].copy_from_slice(pixels);
    }
    Picture::from_rgb(width, height, rgb).unwrap()
}

#[test]
fn a_real_network_points_at_what_is_alike() {
    let test = "a_real_network_points_at_what_is_alike";
    let Some(network) = data(test, "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(flower) = data(test, "check-photos/sunflower.jpg") else { return };
    let Some(bird) = data(test, "check-photos/bird.jpg") else { return };
    let open = |path: &Path| Picture::open(path, &DecodeOptions::default()).unwrap();
    let pictures = vec![open(&flower), at_the_left(&open(&flower)), open(&bird)];
    let (heat, part) = Indexed::new(&network, "deep", pictures).heat();
    assert!((sum(&heat.query) - part).abs() < 1e-4 && (sum(&heat.hit) - part).abs() < 1e-4, "{part}: {heat:?}");
    let left: f64 = heat.hit.values.chunks(heat.hit.width).flat_map(|row| &row[..heat.hit.width / 2]).sum();
    assert!(left > 0.6 * part, "{left} of {part}");
}
