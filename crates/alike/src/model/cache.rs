//! The user's cache: models by hash, so that a collection's network is found again without being named.

use super::{Model, ModelError, hex};
use crate::checksum;
use fs_err as fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const GRAPH: &str = "model.onnx";
const MANIFEST: &str = "model.toml";

/// A folder with one folder a model, named by the SHA-256 of its ONNX file: `<sha256>/model.onnx` and `model.toml`.
#[derive(Debug, Clone)]
pub struct ModelCache {
    dir: PathBuf,
}

impl ModelCache {
    /// `dir` need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder that a model of this hash has; `None` if that is no SHA-256 in lower-case hexadecimal.
    pub fn folder(&self, sha256: &str) -> Option<PathBuf> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hash.then(|| self.dir.join(sha256))
    }

    /// Keeps graph, manifest and class names. Of two manifests for the same graph the last is kept. A crash leaves the
    /// former state.
    pub fn store(&self, model: &Model) -> Result<(), ModelError> {
        let Some(folder) = self.folder(&model.id().sha256) else { return Ok(()) };
        fs::create_dir_all(&folder)?;
        let graph = folder.join(GRAPH);
        let kept = fs::File::open(&graph).and_then(|mut file| checksum::hash(&mut file));
        if !kept.is_ok_and(|kept| hex(&kept) == model.id().sha256) {
            write_whole(&graph, &model.content()?)?;
        }
        let mut manifest = model.manifest().clone();
        if let Some(labels) = model.labels()? {
            write_whole(&folder.join("labels.txt"), (labels.join("\n") + "\n").as_bytes())?;
            manifest.labels = Some("labels.txt".to_owned());
        }
        write_whole(&folder.join(MANIFEST), manifest.to_toml().as_bytes())
    }

    /// The model whose ONNX file has this SHA-256; `None` if it isn't here. Its content is checked against the hash.
    pub fn find(&self, sha256: &str) -> Result<Option<Model>, ModelError> {
        let Some(path) = self.folder(sha256).map(|folder| folder.join(GRAPH)) else { return Ok(None) };
        // Without its manifest a graph would get guessed preprocessing, which is another model.
        if !path.exists() || !path.with_file_name(MANIFEST).exists() {
            return Ok(None);
        }
        let model = Model::open(&path)?;
        if model.id().sha256 != sha256 {
            return Err(ModelError::WrongHash { path, got: model.id().sha256.clone(), wanted: sha256.to_owned() });
        }
        Ok(Some(model))
    }
}

/// Writes beside, syncs, renames: a reader sees the old file or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = write_synced(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    Ok(written?)
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
