//! What the Hugging Face libraries downloaded before: `models--ORG--NAME/snapshots/COMMIT/FILE`.

use super::part::Part;
use super::{DownloadError, Hub, KnownModel, hash_file};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Copies the file into `part` if the Hugging Face cache holds it with the right hash; returns where it was.
///
/// A model without a pinned hash is never taken from there: nothing would say that it is whole.
pub(super) fn copy(model: &KnownModel, hub: &Hub, part: &mut Part) -> Result<Option<PathBuf>, DownloadError> {
    let (Some(cache), Some(wanted)) = (&hub.hugging_face_cache, model.sha256) else { return Ok(None) };
    let Some(file) = candidates(model, cache).into_iter().find(|file| hashes_to(file, wanted)) else {
        return Ok(None);
    };
    part.restart()?;
    let mut source = fs_err::File::open(&file).map_err(DownloadError::cache)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = source.read(&mut buffer).map_err(DownloadError::cache)?;
        if n == 0 {
            return Ok(Some(file));
        }
        part.write(&buffer[..n])?;
    }
}

/// An unreadable file of another program's cache is as good as none.
fn hashes_to(file: &Path, wanted: &str) -> bool {
    matches!(hash_file(file), Ok(Some((sha256, _))) if sha256 == wanted)
}

/// The pinned commit or what the branch points to, then every other snapshot: the hash decides.
fn candidates(model: &KnownModel, cache: &Path) -> Vec<PathBuf> {
    let repository = cache.join(format!("models--{}", model.repository.replace('/', "--")));
    let snapshots = repository.join("snapshots");
    let mut commits = vec![model.revision.to_owned()];
    if let Ok(commit) = fs_err::read_to_string(repository.join("refs").join(model.revision)) {
        commits.push(commit.trim().to_owned());
    }
    let mut files: Vec<_> = commits.iter().map(|commit| snapshots.join(commit).join(model.file)).collect();
    if let Ok(entries) = fs_err::read_dir(&snapshots) {
        files.extend(entries.flatten().map(|entry| entry.path().join(model.file)));
    }
    files.retain(|file| fs_err::metadata(file).is_ok_and(|meta| meta.is_file() && meta.len() <= model.bytes.limit()));
    files
}
