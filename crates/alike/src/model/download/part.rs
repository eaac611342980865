//! A file on its way into the cache: locked, hashed as it grows, renamed when it is right.

use super::{DownloadError, KnownModel, hex, wanted_hash};
use crate::checksum::hash_into;
use crate::model::Model;
use crate::model::catalogue::Bytes;
use crate::model::manifest::Outputs;
use sha2::{Digest, Sha256};
use std::fs::TryLockError;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The unfinished file; one process at a time holds it.
pub(super) struct Part {
    path: PathBuf,
    file: fs_err::File,
    hasher: Sha256,
    len: u64,
    _lock: fs_err::File,
}

impl Part {
    /// Opens `PATH.part` behind a lock, with what an earlier attempt left in it.
    pub(super) fn open(target: &Path) -> Result<Self, DownloadError> {
        let parent = target.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent).map_err(DownloadError::cache)?;
        let lock = lock(&target.with_extension("lock"))?;
        let path = target.with_extension("onnx.part");
        let mut file = open_for_update(&path)?;
        let mut hasher = Sha256::new();
        let len = hash_into(&mut file, &mut hasher).map_err(DownloadError::cache)?;
        Ok(Self { path, file, hasher, len, _lock: lock })
    }

    /// Bytes on disk.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The name it will have.
    pub(super) fn target(&self) -> PathBuf {
        self.path.with_extension("")
    }

    /// Throws away what is there.
    pub(super) fn restart(&mut self) -> Result<(), DownloadError> {
        self.file.set_len(0).map_err(DownloadError::cache)?;
        self.file.seek(SeekFrom::Start(0)).map_err(DownloadError::cache)?;
        self.hasher = Sha256::new();
        self.len = 0;
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(DownloadError::cache)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// SHA-256 of what is there so far.
    pub(super) fn sha256(&self) -> String {
        hex(self.hasher.clone())
    }

    /// Checks size and hash, and gives the file its name; a wrong file is removed. Returns hash and size.
    pub(super) fn finish(mut self, model: &KnownModel, target: &Path) -> Result<(String, u64), DownloadError> {
        let sha256 = self.sha256();
        let checked = check(model, target, &sha256, self.len).and_then(|()| outputs(model, &self.path));
        let outputs = match checked {
            Ok(outputs) => outputs,
            Err(error) => {
                self.restart()?;
                fs_err::remove_file(&self.path).map_err(DownloadError::cache)?;
                return Err(error);
            }
        };
        self.file.sync_all().map_err(DownloadError::cache)?;
        write_manifest(target, &model.manifest(outputs, &sha256, self.len).to_toml())?;
        fs_err::rename(&self.path, target).map_err(DownloadError::cache)?;
        sync_folder(target)?;
        Ok((sha256, self.len))
    }
}

fn check(model: &KnownModel, target: &Path, sha256: &str, len: u64) -> Result<(), DownloadError> {
    let right_size = match model.bytes {
        Bytes::Exactly(bytes) => len == bytes,
        Bytes::AtMost(bytes) => len <= bytes && len > 0,
    };
    if !right_size {
        return Err(DownloadError::WrongSize {
            url: model.name.to_owned(),
            got: len,
            wanted: wanted_size(model.bytes),
        });
    }
    match wanted_hash(model, target) {
        Some(wanted) if wanted != sha256 => {
            let (name, got) = (model.name.to_owned(), sha256.to_owned());
            Err(DownloadError::WrongHash { name, got, wanted })
        }
        _ => Ok(()),
    }
}

/// The outputs that the graph suggests, where the catalogue doesn't name them.
fn outputs(model: &KnownModel, graph: &Path) -> Result<Outputs, DownloadError> {
    if model.features.is_some() {
        return Ok(Outputs::default());
    }
    let opened = Model::open(graph);
    let opened = opened.map_err(|source| DownloadError::NoModel { name: model.name.to_owned(), source })?;
    Ok(opened.manifest().outputs.clone())
}

/// For messages: "14" or "at most 14".
pub(super) fn wanted_size(bytes: Bytes) -> String {
    match bytes {
        Bytes::Exactly(bytes) => bytes.to_string(),
        Bytes::AtMost(bytes) => format!("at most {bytes}"),
    }
}

/// The lock is a file that is never removed or renamed: whoever waits for it must not end up holding a file that has
/// become the model.
fn lock(path: &Path) -> Result<fs_err::File, DownloadError> {
    let file = open_for_update(path)?;
    match file.file().try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy { lock: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(DownloadError::cache(error)),
    }
}

fn open_for_update(path: &Path) -> Result<fs_err::File, DownloadError> {
    let mut options = fs_err::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(DownloadError::cache)
}

/// The manifest is there before the graph is, so that a graph is never without one.
fn write_manifest(target: &Path, text: &str) -> Result<(), DownloadError> {
    let temporary = target.with_extension("toml.part");
    fs_err::write(&temporary, text).map_err(DownloadError::cache)?;
    fs_err::rename(&temporary, target.with_extension("toml")).map_err(DownloadError::cache)
}

/// Makes the rename survive a power cut; only Unix lets a folder be opened.
fn sync_folder(target: &Path) -> Result<(), DownloadError> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    let folder = fs_err::File::open(folder).map_err(DownloadError::cache)?;
    folder.sync_all().map_err(DownloadError::cache)
}
