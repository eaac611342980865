//! Runs that end early, while much is read ahead.

use alike::engine::{Engine, Event, Input, Networks, Recipes, SyncError, SyncReport, SyncRequest};
use alike::model::Model;
use alike::model::runtime::{LoadableGraph, Runtime, RuntimeError, Session};
use alike::picture::DecodeOptions;
use alike::recipe::Recipe;
use alike::store::Collection;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Far more than a run takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than may be read ahead.
const FILES: usize = 60;
const FILE_BYTES: u64 = 8 << 20;

struct Refusing;

impl Runtime for Refusing {
    fn name(&self) -> String {
        "refusing".to_owned()
    }

    fn load(&self, _: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        Err(RuntimeError::Load { runtime: "refusing", reason: "no operator is known".to_owned() })
    }
}

/// What becomes of files without content, by 16 workers; cancelled by the first event, if wanted.
fn run(recipe: Recipe, cancelled: bool) -> Result<SyncReport, SyncError> {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let dir = tempfile::tempdir().unwrap();
        let photos = dir.path().join("photos");
        std::fs::create_dir(&photos).unwrap();
        for number in 0..FILES {
            File::create(photos.join(format!("{number}.png"))).unwrap().set_len(FILE_BYTES).unwrap();
        }
        let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/layers.onnx");
        let networks = Networks::new(Some(Model::open(&network).unwrap()), None, || Arc::new(Refusing));
        let engine = Engine::new(Collection::create(&dir.path().join("collection")).unwrap(), networks);
        let cancel = AtomicBool::new(false);
        let request = SyncRequest {
            inputs: vec![Input::Folder { path: photos, labels_from_folders: false }],
            recipes: Recipes::Add(vec![recipe]),
            decode: DecodeOptions::default(),
            decoding: None,
            jobs: 16,
            forget: false,
            scan: None,
            who: "a test",
            cancel: &cancel,
        };
        let ended = engine.sync(&request, &mut |event| {
            cancel.fetch_or(cancelled && matches!(event, Event::Advanced), Ordering::Relaxed);
        });
        sender.send(ended).unwrap();
    });
    ended.recv_timeout(PATIENCE).expect("the run should end")
}

#[test]
fn a_network_that_no_worker_can_load_ends_the_run() {
    let error = run("deep".parse().unwrap(), false).unwrap_err().to_string();
    assert!(error.contains("no operator is known"), "{error}");
}

#[test]
fn a_cancelled_run_ends_however_much_is_read_ahead() {
    let report = run(Recipe::default_without_model(), true).unwrap();
    assert!(report.interrupted, "{report:?}");
}
