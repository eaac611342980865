//! The engine on real pictures: quality as the references have it, on both runtimes.

use crate::data::{data, npy_rows};
use crate::models::runtimes::onnx_runtime;
use alike::engine::{Engine, Input, Networks, Recipes, SearchOptions, SyncReport, SyncRequest};
use alike::gallery;
use alike::model::Model;
use alike::model::runtime::{Rten, Runtime};
use alike::picture::{DecodeOptions, Views};
use alike::recipe::Recipe;
use alike::store::Collection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn engine(dir: &Path, model: Option<&Path>, runtime: Arc<dyn Runtime>) -> Engine {
    let model = model.map(|path| Model::open(path).unwrap());
    let collection = Collection::create(&dir.join(".alike")).unwrap();
    Engine::new(collection, Networks::new(model, None, move || Arc::clone(&runtime)))
}

fn index(engine: &Engine, list: PathBuf, recipe: Recipe) -> SyncReport {
    let request = SyncRequest {
        inputs: vec![Input::List { path: list, base: None }],
        recipes: Recipes::Add(vec![recipe]),
        decode: DecodeOptions::default(),
        decoding: None,
        jobs: 2,
        forget: false,
        scan: None,
        who: "a test",
        cancel: &AtomicBool::new(false),
    };
    engine.sync(&request, &mut |_| {}).unwrap()
}

/// Mean P@10 of the pictures of a query list.
fn precision_at_10(engine: &Engine, list: &Path) -> f64 {
    let searcher = engine.searcher(None).unwrap();
    let mut describer = searcher.describer(engine).unwrap();
    let queries = gallery::read_list(list, None).unwrap().files;
    let describe = |path: &PathBuf| describer.describe(&Views::open(path, &DecodeOptions::default()).unwrap()).unwrap();
    let descriptors: Vec<_> = queries.iter().map(|query| &query.path).map(describe).collect();
    let options = SearchOptions { threads: 2, ..SearchOptions::best(10) };
    let hits = searcher.search(&descriptors, &options).unwrap().hits;
    let right = queries
        .iter()
        .zip(&hits)
        .map(|(query, hits)| hits.iter().filter(|hit| hit.record.label == query.label).count());
    right.sum::<usize>() as f64 / (10 * queries.len()) as f64
}

/// Cosine of each exported descriptor with the reference row, and the largest difference of an entry.
fn agreement(engine: &Engine, reference: &Path) -> (Vec<f64>, f64) {
    let matrix = engine.searcher(None).unwrap().matrix().unwrap();
    let rows = npy_rows(reference);
    assert_eq!(matrix.ids.len(), rows.len());
    let mut largest = 0.0_f64;
    let mut cosine = |(ours, theirs): (&[f32], &Vec<f32>)| {
        let length = theirs.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let pairs = ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a), f64::from(*b) / length));
        pairs.clone().for_each(|(a, b)| largest = largest.max((a - b).abs()));
        pairs.map(|(a, b)| a * b).sum()
    };
    let cosines = matrix.values.chunks_exact(matrix.dims).zip(&rows).map(&mut cosine).collect();
    (cosines, largest)
}

fn check_set(set: &str, runtime: Arc<dyn Runtime>) {
    let Some(model) = data("check_set", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(gallery) = data("check_set", &format!("{set}/trainval.txt")) else { return };
    let Some(reference) = data("check_set", &format!("reference_features_{set}_gallery.npy")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let name = runtime.name();
    let engine = engine(dir.path(), Some(&model), runtime);
    index(&engine, gallery.clone(), Recipe::default_with_model());
    let (mut cosines, largest) = agreement(&engine, &reference);
    cosines.sort_by(f64::total_cmp);
    let (least, median) = (cosines[0], cosines[cosines.len() / 2]);
    println!(
        "{set}, {name}: cosine least {least:.6}, median {median:.6}; largest difference of a unit vector's entry {largest:.5}"
    );
    assert!(least >= 0.999 && median >= 0.9999, "{set}: least {least}, median {median}");
    if set == "corel1k" {
        let precision = precision_at_10(&engine, &gallery.with_file_name("test.txt"));
        println!("{set}, {name}: P@10 {precision:.4}");
        assert!((precision - 0.9585).abs() <= 0.004, "P@10 {precision}");
    }
}

#[test]
fn deep_features_equal_the_references_with_rten() {
    check_set("corel1k", Arc::new(Rten::new()));
}

#[test]
fn deep_features_equal_the_references_with_onnxruntime() {
    let Some(runtime) = onnx_runtime("deep_features (ONNX Runtime)") else { return };
    let runtime = Arc::new(runtime);
    check_set("corel1k", Arc::clone(&runtime) as Arc<dyn Runtime>);
    check_set("zodiac-like", runtime);
}

#[test]
fn hand_crafted_features_find_most_of_corel() {
    let Some(gallery) = data("hand_crafted_features", "corel1k/trainval.txt") else { return };
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), None, Arc::new(Rten::new()));
    let report = index(&engine, gallery.clone(), Recipe::default_without_model());
    assert_eq!((report.added, report.skipped.len()), (800, 0));
    let precision = precision_at_10(&engine, &gallery.with_file_name("test.txt"));
    assert!(precision >= 0.77, "P@10 {precision}");
}

#[test]
fn cancelled_work_is_kept_and_resumed() {
    let Some(gallery) = data("cancelled_work", "zodiac-like/test.txt") else { return };
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), None, Arc::new(Rten::new()));
    let cancel = AtomicBool::new(false);
    let mut request = SyncRequest {
        inputs: vec![Input::List { path: gallery, base: None }],
        recipes: Recipes::Keep { fallback: Recipe::default_without_model() },
        decode: DecodeOptions::default(),
        decoding: None,
        jobs: 2,
        forget: false,
        scan: None,
        who: "a test",
        cancel: &cancel,
    };
    let mut seen = 0;
    let first = engine
        .sync(&request, &mut |event| {
            seen += usize::from(matches!(event, alike::engine::Event::Advanced));
            cancel.store(seen >= 20, std::sync::atomic::Ordering::Relaxed);
        })
        .unwrap();
    assert!(first.interrupted && first.added >= 20 && first.added < 300, "{first:?}");
    let go_on = AtomicBool::new(false);
    request.cancel = &go_on;
    let second = engine.sync(&request, &mut |_| {}).unwrap();
    assert_eq!((second.kept, second.added), (first.added, 300 - first.added));
    assert_eq!(engine.searcher(None).unwrap().matrix().unwrap().ids.len(), 300);
}
