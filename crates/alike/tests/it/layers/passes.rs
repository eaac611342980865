//! One forward pass for all sources of a picture or a window, and what windows add up to.

use super::small;
use crate::sources::drawn;
use alike::engine::{Engine, Input, Networks, Recipes, SearchOptions, SyncRequest};
use alike::model::runtime::{Array, LoadableGraph, Rten, Runtime, RuntimeError, Session};
use alike::model::{Model, Network};
use alike::picture::{DecodeOptions, Picture};
use alike::recipe::Descriptor;
use alike::store::Collection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// rten, and how often it ran a network.
struct Counting {
    rten: Rten,
    runs: Arc<AtomicUsize>,
}

struct CountingSession {
    session: Box<dyn Session>,
    runs: Arc<AtomicUsize>,
}

impl Runtime for Counting {
    fn name(&self) -> String {
        "rten, counted".to_owned()
    }

    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        let session = self.rten.load(graph)?;
        Ok(Box::new(CountingSession { session, runs: Arc::clone(&self.runs) }))
    }
}

impl Session for CountingSession {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.session.run(shape, input)
    }
}

/// A collection of three pictures indexed with these recipes.
struct Indexed {
    engine: Engine,
    runs: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Indexed {
    fn new(recipes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for seed in 1..=3 {
            save(&drawn(40 + seed, 30, seed), &folder.path().join(format!("{seed}.png")));
        }
        let runs = Arc::new(AtomicUsize::new(0));
        let counting: Arc<dyn Runtime> = Arc::new(Counting { rten: Rten::new(), runs: Arc::clone(&runs) });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/layers.onnx");
        let networks = Networks::new(Some(Model::open(&path).unwrap()), None, move || Arc::clone(&counting));
        let engine = Engine::new(Collection::create(&folder.path().join(".alike")).unwrap(), networks);
        let indexed = Self { engine, runs, folder };
        assert_eq!(indexed.index(recipes), 3);
        indexed
    }

    fn index(&self, recipes: &[&str]) -> usize {
        let recipes = recipes.iter().map(|recipe| recipe.parse().unwrap()).collect();
        let request = SyncRequest {
            inputs: vec![Input::Folder { path: self.folder.path().to_owned(), labels_from_folders: false }],
            recipes: Recipes::Add(recipes),
            decode: DecodeOptions::default(),
            decoding: None,
            jobs: 2,
            forget: false,
            scan: None,
            who: "a test",
            cancel: &AtomicBool::new(false),
        };
        let report = self.engine.sync(&request, &mut |_| {}).unwrap();
        report.added + report.completed
    }

    /// The descriptor of a picture, as a search makes it.
    fn vector(&self, recipe: &str, picture: &Picture) -> Vec<f32> {
        let searcher = self.engine.searcher(Some(recipe)).unwrap();
        match searcher.describer(&self.engine).unwrap().describe(&picture.into()).unwrap() {
            Descriptor::Vector(vector) => vector,
            Descriptor::Code(_) => panic!("a vector was expected"),
        }
    }

    fn score(&self, recipe: &str, a: &Picture, b: &Picture) -> f64 {
        dot(&self.vector(recipe, a), &self.vector(recipe, b))
    }

    fn runs(&self) -> usize {
        self.runs.swap(0, Ordering::Relaxed)
    }
}

fn save(picture: &Picture, path: &Path) {
    image::save_buffer(path, picture.rgb(), picture.width(), picture.height(), image::ColorType::Rgb8).unwrap();
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

const LAYER: &str = r#"layer("map", gem(3))"#;

#[test]
fn a_network_runs_once_for_all_its_layers() {
    let indexed = Indexed::new(&["deep", LAYER, r#"layer("tokens", max) + layer("map", avg) + color"#]);
    assert_eq!(indexed.runs(), 3);
    assert_eq!(indexed.index(&[r#"layer("places")"#]), 3);
    assert_eq!(indexed.runs(), 3, "only the new layer's rows are missing");
    assert_eq!(indexed.index(&[LAYER]), 0);
    assert_eq!(indexed.runs(), 0);
}

#[test]
fn each_window_runs_once_for_all_its_sources() {
    let indexed = Indexed::new(&["deep", "deep(scales=2)", r#"layer("map", scales=2)"#, "shape"]);
    assert_eq!(indexed.runs(), 3 * 5);
    assert_eq!(indexed.index(&["deep(scales=3)"]), 3);
    assert_eq!(indexed.runs(), 3 * 14);
}

#[test]
fn a_describer_goes_on_with_its_networks_after_a_change() {
    let indexed = Indexed::new(&["deep", "color"]);
    let describer = indexed.engine.searcher(Some("deep")).unwrap().describer(&indexed.engine).unwrap();
    save(&drawn(50, 30, 9), &indexed.folder.path().join("9.png"));
    assert_eq!(indexed.index(&["deep", "color"]), 1);
    let mut describer = describer.rebound(&indexed.engine.searcher(Some("deep")).unwrap()).unwrap();
    let picture = drawn(40, 30, 4);
    let again = describer.describe(&(&picture).into()).unwrap();
    assert_eq!(again, Descriptor::Vector(indexed.vector("deep", &picture)));
    assert!(describer.rebound(&indexed.engine.searcher(Some("color")).unwrap()).is_none(), "it has no such source");
}

#[test]
fn a_layer_is_joined_with_deep_and_added_to_it() {
    let plus = format!("deep + {LAYER}");
    let sum = format!("sum(deep, {LAYER})");
    let indexed = Indexed::new(&["deep", LAYER, &plus, &sum]);
    let (a, b) = (drawn(33, 44, 8), drawn(44, 33, 9));
    let mean = (indexed.score("deep", &a, &b) + indexed.score(LAYER, &a, &b)) / 2.0;
    assert!((indexed.score(&plus, &a, &b) - mean).abs() < 1e-6);
    let added: Vec<f32> =
        indexed.vector("deep", &a).iter().zip(indexed.vector(LAYER, &a)).map(|(x, y)| x + y).collect();
    let cosine = dot(&added, &indexed.vector(&sum, &a)) / dot(&added, &added).sqrt();
    assert!((cosine - 1.0).abs() < 1e-6, "{cosine}");
}

/// The part of a picture from the first column and row up to those behind the last.
fn part(picture: &Picture, [left, top, right, bottom]: [u32; 4]) -> Picture {
    let at = |x, y| &picture.rgb()[((y * picture.width() + x) * 3) as usize..][..3];
    let rgb = (top..bottom).flat_map(|y| (left..right).flat_map(move |x| at(x, y).to_vec())).collect();
    Picture::from_rgb(right - left, bottom - top, rgb).unwrap()
}

fn unit_features(network: &mut Network, window: &Picture) -> Vec<f32> {
    let features = network.run(window).unwrap().features.unwrap();
    let norm = dot(&features, &features).sqrt();
    features.iter().map(|x| (f64::from(*x) / norm) as f32).collect()
}

#[test]
fn scales_add_up_the_windows() {
    let picture = drawn(40, 31, 5);
    // Thirds of 40 are 13.3 and 26.7, of 31 they are 10.3 and 20.7: what is covered in part belongs to the window.
    let two = [[0, 0, 27, 21], [13, 0, 40, 21], [0, 10, 27, 31], [13, 10, 40, 31]];
    let (columns, rows) = ([(0, 20), (10, 30), (20, 40)], [(0, 16), (7, 24), (15, 31)]);
    let three = rows.iter().flat_map(|row| columns.iter().map(|column| [column.0, row.0, column.1, row.1]));
    let windows: Vec<[u32; 4]> = [[0, 0, 40, 31]].into_iter().chain(two).chain(three).collect();

    let indexed = Indexed::new(&["deep(scales=2)", "deep(scales=3)"]);
    let mut network = small().start(&Rten::new()).unwrap();
    for (recipe, count) in [("deep(scales=2)", 5), ("deep(scales=3)", 14)] {
        let mut sum = vec![0.0_f32; 6];
        for window in &windows[..count] {
            let vector = unit_features(&mut network, &part(&picture, *window));
            sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
        }
        let got = indexed.vector(recipe, &picture);
        let norm = dot(&sum, &sum).sqrt();
        assert!(got.iter().zip(&sum).all(|(a, b)| (f64::from(*a) - f64::from(*b) / norm).abs() < 1e-6), "{recipe}");
    }
}

#[test]
fn the_smallest_pictures_have_windows_too() {
    let indexed = Indexed::new(&["deep(scales=3)"]);
    for picture in [drawn(1, 1, 1), drawn(2, 1, 2), drawn(1, 300, 3)] {
        let vector = indexed.vector("deep(scales=3)", &picture);
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_picture_is_found_by_its_windows() {
    let indexed = Indexed::new(&[r#"layer("map", gem(3), scales=2) | power(0.5)"#]);
    let searcher = indexed.engine.searcher(None).unwrap();
    let query = Picture::open(&indexed.folder.path().join("2.png"), &DecodeOptions::default()).unwrap();
    let descriptor = searcher.describer(&indexed.engine).unwrap().describe(&(&query).into()).unwrap();
    let options = SearchOptions::best(1);
    let hits = searcher.search(&[descriptor], &options).unwrap().hits;
    assert!((hits[0][0].score - 1.0).abs() < 1e-6 && hits[0][0].path.ends_with("2.png"));
}
