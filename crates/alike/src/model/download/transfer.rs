//! HTTP: one file, continued where an earlier attempt stopped.

use super::part::{Part, wanted_size};
use super::{DownloadError, Hub, KnownModel, Progress, Proxy};
use crate::model::catalogue::Bytes;
use std::error::Error as _;
use std::io::{self, Read};
use ureq::http::Response;
use ureq::{Agent, Body};

/// Fills `part` with the model's graph; what the hub sends beyond the known size is refused.
pub(super) fn fetch(
    model: &KnownModel,
    hub: &Hub,
    part: &mut Part,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), DownloadError> {
    if hub.offline {
        return Err(DownloadError::Offline { name: model.name.to_owned(), path: part.target() });
    }
    if model.sha256.is_none() || part.len() > model.bytes.limit() {
        part.restart()?; // without a hash nothing says that both halves are of one file
    }
    if part.len() > 0 && model.sha256 == Some(part.sha256().as_str()) {
        return Ok(()); // complete, but the process ended before it was renamed
    }
    let transfer = Transfer { model, url: model.url(&hub.endpoint), agent: agent(hub)?, token: hub.token.as_deref() };
    let response = transfer.open(part)?;
    let total = transfer.total(&response, part.len())?;
    transfer.copy(response, part, total, on_progress)
}

struct Transfer<'a> {
    model: &'a KnownModel,
    url: String,
    agent: Agent,
    token: Option<&'a str>,
}

impl Transfer<'_> {
    /// Asks for the rest of the file; where the server can't continue, `part` is emptied and the whole file asked for.
    fn open(&self, part: &mut Part) -> Result<Response<Body>, DownloadError> {
        let response = self.get(part.len())?;
        match response.status().as_u16() {
            200 => part.restart().map(|()| response),
            206 if continues_at(&response, part.len()) => Ok(response),
            206 | 416 if part.len() > 0 => {
                part.restart()?;
                self.open(part)
            }
            404 | 410 => Err(DownloadError::NotFound { url: self.url.clone() }),
            status @ (401 | 403) => Err(DownloadError::Forbidden { url: self.url.clone(), status }),
            status => Err(DownloadError::Status { url: self.url.clone(), status }),
        }
    }

    fn get(&self, from: u64) -> Result<Response<Body>, DownloadError> {
        let mut request = self.agent.get(&self.url);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.call().map_err(|error| self.explain(error))
    }

    /// Length of the whole file as the server announces it, refused if it can't be the right one.
    fn total(&self, response: &Response<Body>, done: u64) -> Result<Option<u64>, DownloadError> {
        let announced = response.body().content_length().map(|rest| rest.saturating_add(done));
        match (announced, self.model.bytes) {
            (Some(got), Bytes::Exactly(wanted)) if got != wanted => Err(self.wrong_size(got)),
            (Some(got), Bytes::AtMost(limit)) if got > limit => Err(self.wrong_size(got)),
            (None, Bytes::Exactly(wanted)) => Ok(Some(wanted)),
            (announced, _) => Ok(announced),
        }
    }

    fn copy(
        &self,
        response: Response<Body>,
        part: &mut Part,
        total: Option<u64>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), DownloadError> {
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            on_progress(Progress { done: part.len(), total });
            let n = read(&mut body, &mut buffer).map_err(|error| interrupted(part, &error.to_string()))?;
            if n == 0 {
                break;
            }
            if part.len() + n as u64 > self.model.bytes.limit() {
                part.restart()?;
                return Err(self.wrong_size(self.model.bytes.limit() + 1));
            }
            part.write(&buffer[..n])?;
        }
        match total {
            Some(total) if part.len() < total => Err(interrupted(part, &format!("{total} bytes were promised"))),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, got: u64) -> DownloadError {
        DownloadError::WrongSize { url: self.url.clone(), got, wanted: wanted_size(self.model.bytes) }
    }

    fn explain(&self, error: ureq::Error) -> DownloadError {
        let url = self.url.clone();
        match error {
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                DownloadError::Tls { url, reason: error.to_string() }
            }
            // rustls speaks through the socket's errors while it shakes hands
            ureq::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
                DownloadError::Tls { url, reason: io.to_string() }
            }
            error => DownloadError::Unreachable { url, reason: reason(&error) },
        }
    }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "no such host".to_owned(),
        ureq::Error::Io(io) => io.source().map_or_else(|| io.to_string(), ToString::to_string),
        error => error.to_string(),
    }
}

fn interrupted(part: &Part, reason: &str) -> DownloadError {
    DownloadError::Interrupted { done: part.len(), reason: reason.to_owned() }
}

fn read(body: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match body.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether `Content-Range: bytes FROM-...` starts where the part ends.
fn continues_at(response: &Response<Body>, from: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|value| value.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    start == Some(from)
}

fn agent(hub: &Hub) -> Result<Agent, DownloadError> {
    let proxy = hub.proxy.as_ref().map(proxy).transpose()?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("alike/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(hub.patience))
        .timeout_connect(Some(hub.patience))
        .timeout_recv_response(Some(hub.patience))
        .timeout_per_read(Some(hub.patience))
        .proxy(proxy);
    Ok(config.build().new_agent())
}

fn proxy(proxy: &Proxy) -> Result<ureq::Proxy, DownloadError> {
    let refuse = |_| DownloadError::Proxy { url: proxy.url.clone() };
    let parsed = ureq::Proxy::new(&proxy.url).map_err(refuse)?;
    let mut builder = ureq::Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let Some(username) = parsed.username() {
        builder = builder.username(username);
    }
    if let Some(password) = parsed.password() {
        builder = builder.password(password);
    }
    proxy.except.iter().fold(builder, |builder, host| builder.no_proxy(host)).build().map_err(refuse)
}
