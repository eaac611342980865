//! Graphs as ONNX Runtime has optimised them, in files. A session made from one starts in half the time, because nothing is
//! left to optimise and the file is mapped into memory; and the sessions of several workers share its weights.
//!
//! What optimising makes of a graph depends on the runtime and on the processor, so both are part of a file's name. A file
//! is what the runtime writes (its ORT format), and behind it the SHA-256 of that.

use super::LoadableGraph;
use crate::model::hex;
use fs_err as fs;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const HASH_BYTES: u64 = 32;

/// Read at once.
const READ_BYTES: usize = 1 << 16;

/// A folder of optimised graphs. All of it may be deleted at any time.
pub(super) struct OptimisedGraphs {
    dir: PathBuf,
    /// Files that this process has checked. Locked while one is made, so that workers don't make it twice.
    checked: Mutex<HashSet<PathBuf>>,
}

impl OptimisedGraphs {
    /// `dir` need not exist yet.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, checked: Mutex::default() }
    }

    /// The file with what `runtime` makes of a graph. Where there is none, or a damaged one, `write` writes it.
    pub(super) fn file(
        &self,
        graph: &LoadableGraph,
        runtime: &str,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        let name = hex(&Sha256::digest(format!("{}\n{runtime}\n{}", graph.key, processor())));
        let path = self.dir.join(name).with_extension("ort");
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !checked.contains(&path) {
            if !is_whole(&path) {
                make(&path, write)?;
            }
            checked.insert(path.clone());
        }
        Ok(path)
    }
}

fn is_whole(path: &Path) -> bool {
    split_hash(path).is_ok_and(|(hash, kept)| hash == kept)
}

/// The hash of all but a file's end, and the end. Read in parts: as a whole it would take as much memory as the weights.
fn split_hash(path: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = fs::File::open(path)?;
    let content = file.metadata()?.len().saturating_sub(HASH_BYTES);
    let hash = hash(&mut (&mut file).take(content))?;
    let mut kept = Vec::new();
    file.read_to_end(&mut kept)?;
    Ok((hash, kept))
}

fn hash(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut hasher = Sha256::new();
    let mut part = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(&part[..read]);
    }
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
    let hash = hash(&mut file)?;
    file.write_all(&hash)?;
    file.sync_all()
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
