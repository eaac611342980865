//! What is searched: many made descriptors among those of one real picture.

use crate::data::{data, network};
use crate::filling;
use crate::synthetic::{self, Shape};
use alike::store::{Collection, ScanChoice};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const DIMS: usize = 1280;

/// A collection on disk, by `deep`.
pub(crate) struct Gallery {
    folder: PathBuf,
    /// The first of the ids that were made, which lie side by side.
    pub(crate) first: u64,
    pub(crate) pictures: usize,
}

impl Gallery {
    pub(crate) fn make(folder: &Path, pictures: usize, choice: ScanChoice) -> Self {
        fs_err::create_dir(folder).expect("a temporary folder");
        let photo = photos().into_iter().next().expect("the test data have photos");
        fs_err::copy(photo, folder.join("0.jpg")).expect("room for a photo");
        let mut index = Command::new(env!("CARGO_BIN_EXE_alike"));
        index.arg("index").arg(folder).args(["--recipe", "deep", "--model"]).arg(network());
        assert!(index.output().expect("the program was just built").status.success());
        let collection = Collection::open(&folder.join(".alike")).expect("it was just made");
        let first = fill(&collection, pictures, choice);
        Self { folder: folder.to_owned(), first, pictures }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The descriptors for the peer: a matrix, and a line for each row beside it.
    pub(crate) fn export(&self) -> PathBuf {
        let rows = self.folder.join("rows.npy");
        let mut export = Command::new(env!("CARGO_BIN_EXE_alike"));
        export.arg("export").arg("-c").arg(&self.folder).arg("--npy").arg(&rows);
        assert!(export.output().expect("the program was just built").status.success());
        rows
    }
}

fn fill(collection: &Collection, pictures: usize, choice: ScanChoice) -> u64 {
    let snapshot = collection.snapshot().expect("it was just made");
    let (root, source, recipe) = (&snapshot.roots()[0], &snapshot.sources()[0], &snapshot.recipes()[0]);
    assert_eq!(source.dims, DIMS);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut writer = collection.write("benchmark").expect("nobody else writes").with_threads(cores);
    writer.choose_scan(choice).expect("the collection can be written");
    let (vectors, _) = synthetic::vectors(pictures, Shape { dims: DIMS, classes: 500, spread: 0.5 });
    let keys = filling::Keys { root: root.id, source: &source.key, recipe: &recipe.key };
    let first = filling::fill(&mut writer, keys, DIMS, &vectors).expect("room for a collection");
    writer.finish().expect("room for a collection");
    first
}

/// Photos of Corel-1k, in the order of their names.
pub(crate) fn photos() -> Vec<PathBuf> {
    let files = |folder: PathBuf| fs_err::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut photos: Vec<PathBuf> = files(data().join("corel1k")).filter(|path| path.is_dir()).flat_map(files).collect();
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    photos.sort();
    photos
}
