use crate::model::ModelError;
use std::io;
use std::path::PathBuf;

/// Why a model could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Nothing may be downloaded, and no cache holds the file.
    #[error("`{name}` is in no cache and HF_HUB_OFFLINE forbids to download it: unset it, or copy the file to {}", path.display())]
    Offline {
        /// The model.
        name: String,
        /// Where it is looked for.
        path: PathBuf,
    },
    /// No connection.
    #[error("can't reach {url}: {reason}; check the network, HTTPS_PROXY and HF_ENDPOINT")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// The server's certificate or the handshake was refused.
    #[error("no secure connection to {url}: {reason}; is the clock right, or does a proxy replace certificates?")]
    Tls {
        /// What was asked for.
        url: String,
        /// What TLS said.
        reason: String,
    },
    /// The proxy's address can't be read.
    #[error("{url:?} is no proxy address: write http://HOST:PORT in HTTPS_PROXY")]
    Proxy {
        /// The address as given.
        url: String,
    },
    /// 404.
    #[error("{url} doesn't exist (404): the file was moved or HF_ENDPOINT is wrong")]
    NotFound {
        /// What was asked for.
        url: String,
    },
    /// 401 or 403.
    #[error("{url} is not for everybody ({status}): put an access token in HF_TOKEN")]
    Forbidden {
        /// What was asked for.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// Any other status.
    #[error("{url} answered {status}: try again later")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended early. What came is kept.
    #[error("the connection ended after {done} bytes: {reason}; run the same command again to continue")]
    Interrupted {
        /// Bytes kept.
        done: u64,
        /// What the network said.
        reason: String,
    },
    /// A file of another length than promised. Nothing is kept.
    #[error("{url} has {got} bytes instead of {wanted}: it is not the file that alike knows; nothing was kept")]
    WrongSize {
        /// What was asked for.
        url: String,
        /// Its length, or the length at which reading was given up.
        got: u64,
        /// "14 bytes" or "at most 14 bytes", without the unit.
        wanted: String,
    },
    /// A file of another hash than promised. Nothing is kept.
    #[error(
        "`{name}` came with sha256 {got} instead of {wanted}: it was changed on its way or at its source; nothing was kept"
    )]
    WrongHash {
        /// The model.
        name: String,
        /// What came.
        got: String,
        /// What is pinned.
        wanted: String,
    },
    /// What came is no network. Nothing is kept.
    #[error("what came for `{name}` is no usable network: {source}")]
    NoModel {
        /// The model.
        name: String,
        /// What was wrong.
        source: ModelError,
    },
    /// Another process downloads the same file.
    #[error("another alike is downloading this model (it holds {}): wait for it", lock.display())]
    Busy {
        /// The file that is locked.
        lock: PathBuf,
    },
    /// The cache can't be read or written.
    #[error("can't use the model cache: {source}; make room, or set ALIKE_CACHE to a folder you can write to")]
    Cache {
        /// The cause; it names the file.
        source: io::Error,
    },
}

impl DownloadError {
    pub(super) fn cache(source: io::Error) -> Self {
        Self::Cache { source }
    }
}
