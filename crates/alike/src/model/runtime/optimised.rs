//! Graphs as ONNX Runtime has optimised them, in files. A session made from one starts in half the time, because nothing is
//! left to optimise and the file is mapped into memory; and the sessions of several workers share its weights.
//!
//! What optimising makes of a graph depends on the runtime and on the processor, so both are part of a file's name. A file
//! is what the runtime writes (its ORT format), and behind it the SHA-256 of that. Files that nobody uses go after some time.

use super::LoadableGraph;
use crate::model::hex;
use fs_err as fs;
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

const HASH_BYTES: usize = 32;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The extension of a whole file.
const KEPT: &str = "ort";

/// The extension of one that is being written, or was when its program was killed.
const PART: &str = "part";

/// A folder of optimised graphs. All of it may be deleted at any time.
pub(super) struct OptimisedGraphs {
    dir: PathBuf,
    /// Locked while a file is made, so that workers don't make it twice.
    known: Mutex<Known>,
}

/// What this process knows of files.
#[derive(Default)]
struct Known {
    /// What its sessions use.
    mapped: HashMap<PathBuf, Weak<Mmap>>,
    /// Those that can't be made or used, which need not be tried again.
    failed: HashSet<PathBuf>,
}

impl OptimisedGraphs {
    /// `dir` need not exist yet.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, known: Mutex::default() }
    }

    /// Where what `runtime` makes of a graph lies, or would.
    pub(super) fn path(&self, graph: &LoadableGraph<'_>, runtime: &str) -> PathBuf {
        let name = hex(&Sha256::digest(format!("{}\n{runtime}\n{}", graph.key(), processor())));
        self.dir.join(name).with_extension(KEPT)
    }

    /// The graph at `path`. Where there is no file with it, or a damaged one, `write` writes it; `None` where that fails.
    pub(super) fn open(&self, path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Option<Arc<Mmap>> {
        let mut known = self.known();
        if known.failed.contains(path) {
            return None;
        }
        if let Some(map) = known.mapped.get(path).and_then(Weak::upgrade) {
            return Some(map);
        }
        let Ok(map) = whole(path).or_else(|_| make(path, write).and_then(|()| whole(path))) else {
            known.failed.insert(path.to_owned());
            return None;
        };
        let map = Arc::new(map);
        known.mapped.insert(path.to_owned(), Arc::downgrade(&map));
        Some(map)
    }

    /// Removes a file that is whole and yet can't be loaded.
    pub(super) fn discard(&self, path: &Path) {
        drop(fs::remove_file(path));
        self.known().failed.insert(path.to_owned());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file, if what it holds has the hash at its end. From now on it counts as used today.
fn whole(path: &Path) -> io::Result<Mmap> {
    let file = fs::File::open(path)?;
    let map = map(&file)?;
    let (content, hash) = map.split_last_chunk::<HASH_BYTES>().ok_or(io::ErrorKind::UnexpectedEof)?;
    if Sha256::digest(content)[..] != *hash {
        return Err(io::ErrorKind::InvalidData.into());
    }
    drop(file.set_modified(SystemTime::now()));
    Ok(map)
}

/// Written beside, hashed, synced, renamed: a reader sees a whole file or none.
fn make(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let part = create_part(path)?;
    let made = write(&part).and_then(|()| seal(&part)).and_then(|()| fs::rename(&part, path));
    if made.is_err() {
        drop(fs::remove_file(&part));
    }
    made.inspect(|()| drop(remove_unused(dir)))
}

/// An empty file of this process alone: others may have its number, in containers of their own. It is there before the
/// runtime is asked, because optimising takes long and may be in vain.
fn create_part(path: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let part = path.with_extension(format!("{number}.{PART}"));
        match fs::OpenOptions::new().write(true).create_new(true).open(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            created => return created.map(|_| part),
        }
    }
}

/// Removes what killed programs have left, and what nobody has used for a season.
fn remove_unused(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let limit = match path.extension().and_then(|extension| extension.to_str()) {
            Some(PART) => DAY,
            Some(KEPT) => 90 * DAY,
            _ => continue,
        };
        let age = entry.metadata()?.modified()?.elapsed();
        if age.is_ok_and(|age| age > limit) {
            drop(fs::remove_file(path));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::OptimisedGraphs;

    /// Whoever runs the tests may write everywhere, but not by a name that is too long.
    #[test]
    fn a_runtime_is_asked_for_nothing_that_cannot_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let graphs = OptimisedGraphs::new(dir.path().to_owned());
        assert!(graphs.open(&dir.path().join("n".repeat(255)), |_| panic!("it was asked")).is_none());
    }
}
