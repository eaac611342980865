//! Graphs as ONNX Runtime has optimised them, in files. A session made from one starts in half the time, because nothing is
//! left to optimise and the file is mapped into memory; and the sessions of several workers share its weights.
//!
//! What optimising makes of a graph depends on the runtime and on the processor, so both are part of a file's name. A file
//! is what the runtime writes (its ORT format), and behind it the SHA-256 of that.

use super::LoadableGraph;
use crate::model::hex;
use fs_err as fs;
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

const HASH_BYTES: usize = 32;

/// A folder of optimised graphs. All of it may be deleted at any time.
pub(super) struct OptimisedGraphs {
    dir: PathBuf,
    /// What sessions of this process use. Locked while a file is made, so that workers don't make it twice.
    mapped: Mutex<HashMap<PathBuf, Weak<Mmap>>>,
}

impl OptimisedGraphs {
    /// `dir` need not exist yet.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, mapped: Mutex::default() }
    }

    /// What `runtime` makes of a graph. Where there is no file with it, or a damaged one, `write` writes it.
    pub(super) fn open(
        &self,
        graph: &LoadableGraph<'_>,
        runtime: &str,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<Arc<Mmap>> {
        let name = hex(&Sha256::digest(format!("{}\n{runtime}\n{}", graph.key(), processor())));
        let path = self.dir.join(name).with_extension("ort");
        let mut mapped = self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = mapped.get(&path).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let map = Arc::new(whole(&path).or_else(|_| make(&path, write).and_then(|()| whole(&path)))?);
        mapped.insert(path, Arc::downgrade(&map));
        Ok(map)
    }
}

/// The file, if what it holds has the hash at its end.
fn whole(path: &Path) -> io::Result<Mmap> {
    let map = map(&fs::File::open(path)?)?;
    let (content, hash) = map.split_last_chunk::<HASH_BYTES>().ok_or(io::ErrorKind::UnexpectedEof)?;
    let is_whole = Sha256::digest(content)[..] == *hash;
    if is_whole { Ok(map) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Written beside, hashed, synced, renamed: a reader sees a whole file or none.
fn make(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let made = write(&part).and_then(|()| seal(&part)).and_then(|()| fs::rename(&part, path));
    if made.is_err() {
        drop(fs::remove_file(&part));
    }
    made
}

fn seal(path: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).append(true).open(path)?;
    let hash = Sha256::digest(&map(&file)?[..]);
    file.write_all(&hash)?;
    file.sync_all()
}

#[allow(unsafe_code, reason = "mapping a file is unsafe by nature")]
fn map(file: &fs::File) -> io::Result<Mmap> {
    // SAFETY: the files are this program's own: renamed into place when they are whole, never written to after that.
    unsafe { Mmap::map(file.file()) }
}

/// The vector instructions by which weights are laid out.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let has = [
        is_x86_feature_detected!("avx"),
        is_x86_feature_detected!("avx2"),
        is_x86_feature_detected!("fma"),
        is_x86_feature_detected!("avx512f"),
        is_x86_feature_detected!("avx512bw"),
        is_x86_feature_detected!("avx512vnni"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let has = [false; 0];
    format!("{} {has:?}", std::env::consts::ARCH)
}
