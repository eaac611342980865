//! The one module that opens sockets: a known model comes from the hub, or from the Hugging Face cache, into alike's own.
//!
//! Nothing appears under its final name before its size and hash are right. What a cut connection left is kept as
//! `NAME.onnx.part` and continued by the next call.

mod error;
mod hub_cache;
mod part;
mod transfer;

pub use error::DownloadError;

use super::Manifest;
use super::catalogue::KnownModel;
use crate::checksum::hash_into;
use part::Part;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where models come from. The library reads no environment; whoever calls it does.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Base address, such as `https://huggingface.co`.
    pub endpoint: String,
    /// Access token, sent to the endpoint's host and to no other.
    pub token: Option<String>,
    /// Proxy for all requests.
    pub proxy: Option<Proxy>,
    /// The Hugging Face cache (`.../hub`), read and never written.
    pub hugging_face_cache: Option<PathBuf>,
    /// Open no connection.
    pub offline: bool,
    /// The longest wait for a connection, and for the next bytes of an open one.
    pub patience: Duration,
}

/// A proxy and who is reached without it.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Such as `http://user:password@host:3128`.
    pub url: String,
    /// Hosts reached directly: `example.com`, `.example.com` or `*`.
    pub except: Vec<String>,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk, those of an earlier attempt included.
    pub done: u64,
    /// Bytes of the whole file, where they are known.
    pub total: Option<u64>,
}

/// Where a downloaded file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was in alike's cache already; its hash was checked again.
    Cached,
    /// The Hugging Face cache held it here.
    HuggingFaceCache(PathBuf),
    /// The hub, at this address.
    Hub(String),
}

/// A model that lies in alike's cache, its hash checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The graph; its manifest lies beside it.
    pub path: PathBuf,
    /// What it hashes to.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a known model's graph lies in the model cache, downloaded or not.
pub fn cached_path(model: &KnownModel, cache: &Path) -> PathBuf {
    cache.join(model.name).join(format!("{}.onnx", model.name))
}

/// Brings a known model into `cache`, from the nearest place that holds the right file.
pub fn download(
    model: &KnownModel,
    hub: &Hub,
    cache: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Downloaded, DownloadError> {
    let path = cached_path(model, cache);
    if let Some(found) = already_there(model, &path)? {
        return Ok(found);
    }
    let mut part = Part::open(&path)?;
    if let Some(found) = already_there(model, &path)? {
        return Ok(found); // another process finished while this one waited for the lock
    }
    let origin = match hub_cache::copy(model, hub, &mut part)? {
        Some(file) => Origin::HuggingFaceCache(file),
        None => {
            transfer::fetch(model, hub, &mut part, on_progress)?;
            Origin::Hub(model.url(&hub.endpoint))
        }
    };
    let (sha256, bytes) = part.finish(model, &path)?;
    Ok(Downloaded { path, sha256, bytes, origin })
}

/// The cached graph, if it is there and still hashes to what it should.
fn already_there(model: &KnownModel, path: &Path) -> Result<Option<Downloaded>, DownloadError> {
    let Some((sha256, bytes)) = hash_file(path)? else { return Ok(None) };
    if wanted_hash(model, path).as_ref() != Some(&sha256) || !path.with_extension("toml").is_file() {
        return Ok(None);
    }
    Ok(Some(Downloaded { path: path.to_owned(), sha256, bytes, origin: Origin::Cached }))
}

/// What the file must hash to, if that is known.
fn wanted_hash(model: &KnownModel, path: &Path) -> Option<String> {
    model.sha256.map(str::to_owned).or_else(|| recorded_hash(path))
}

/// The hash that the manifest beside the graph records: what pins a model whose hash the catalogue doesn't know.
fn recorded_hash(path: &Path) -> Option<String> {
    let path = path.with_extension("toml");
    let manifest = Manifest::parse(&fs_err::read_to_string(&path).ok()?, &path).ok()?;
    manifest.origin.sha256
}

/// SHA-256 and size of a file, `None` where there is none.
fn hash_file(path: &Path) -> Result<Option<(String, u64)>, DownloadError> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = fs_err::File::open(path).map_err(DownloadError::cache)?;
    let mut hasher = Sha256::new();
    let bytes = hash_into(&mut file, &mut hasher).map_err(DownloadError::cache)?;
    Ok(Some((hex(hasher), bytes)))
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
