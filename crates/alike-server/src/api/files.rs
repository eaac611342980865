//! The files of images: as they are, and small. Never by a path that a client names, and only while a file is still the one
//! that was indexed.

use crate::entity_tag::{entity_tag, unchanged};
use crate::error::{ApiError, ErrorBody};
use crate::parameters::{Id, Parameters, within};
use crate::service::Service;
use alike::picture::{Views, media_type};
use alike::store::Record;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::bodies::File;
use super::images::record;

/// Asked for again each time, which costs little: another collection may be served here tomorrow.
const ASK_AGAIN: &str = "private, no-cache";

const SIDES: std::ops::RangeInclusive<u32> = 16..=1024;

/// The bytes of the file.
#[utoipa::path(
    get, path = "/api/v1/images/{id}/file", tag = "images", operation_id = "getFile",
    params(("id" = u64, Path, minimum = 1)),
    responses(
        (status = 200, description = "The file, by its decoded type.", content_type = "image/*", body = File),
        (status = 304, description = "As it was."),
        (status = 400, description = "The id is no number.", body = ErrorBody),
        (status = 404, description = "There is no such image, or its file is gone or has changed.", body = ErrorBody),
    )
)]
pub(crate) async fn file(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let record = service.work(move |service| record(service, id)).await?;
    let tag = entity_tag(&record.content, "");
    if let Some(unchanged) = unchanged(&headers, &tag) {
        return Ok(unchanged);
    }
    let room = service.room_for_file(record.size).await?;
    let read = move |service: &Service| {
        let sent = Sent { bytes: bytes(service, &record)?, _room: room };
        Ok((media_type(&sent.bytes, extension(&record)).unwrap_or("application/octet-stream"), Bytes::from_owner(sent)))
    };
    let (kind, body) = service.work(read).await?;
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, ASK_AGAIN), (ETAG, &tag)], body).into_response())
}

/// A file that takes up room as long as it is in memory, which is until the client has read it.
struct Sent {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThumbnailParameters {
    /// Length of the longer side in pixels, at most; smaller pictures aren't enlarged.
    #[param(minimum = 16, maximum = 1024, default = 256)]
    #[serde(default = "usual_side")]
    side: u32,
}

fn usual_side() -> u32 {
    256
}

/// The picture made small, as JPEG.
#[utoipa::path(
    get, path = "/api/v1/images/{id}/thumbnail", tag = "images", operation_id = "getThumbnail",
    params(("id" = u64, Path, minimum = 1), ThumbnailParameters),
    responses(
        (status = 200, content_type = "image/jpeg", body = File),
        (status = 304, description = "As it was."),
        (status = 400, description = "The id is no number, or the side is out of range.", body = ErrorBody),
        (status = 413, description = "The picture is larger than this server decodes.", body = ErrorBody),
        (status = 422, description = "The picture can't be decoded as strictly as this server does.", body = ErrorBody),
        (status = 404, description = "There is no such image, or its file is gone or has changed.", body = ErrorBody),
    )
)]
pub(crate) async fn thumbnail(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Parameters(ThumbnailParameters { side }): Parameters<ThumbnailParameters>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let side = within("side", side, SIDES)?;
    let answer = move |service: &Service| {
        let record = record(service, id)?;
        let tag = entity_tag(&record.content, &format!("-{side}"));
        if let Some(unchanged) = unchanged(&headers, &tag) {
            return Ok(unchanged);
        }
        let views = Views::of_file(bytes(service, &record)?, extension(&record), &service.settings.decode);
        let picture = views.at_least(Some(side)).map_err(|error| ApiError::of_picture(&error))?;
        let jpeg = picture.fitted(side, side).to_jpeg().map_err(|error| ApiError::fault(service, error))?;
        Ok(([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, ASK_AGAIN), (ETAG, &tag)], jpeg).into_response())
    };
    service.work(answer).await
}

/// The content of an image's file, if that is still what was indexed.
pub(super) fn bytes(service: &Service, record: &Record) -> Result<Vec<u8>, ApiError> {
    let changed = || {
        let message = format!("the file of image {} is gone or has changed since it was indexed", record.id);
        ApiError::not_found("file_changed", message)
    };
    let path = service.engine.collection().absolute_path(&record.path);
    let bytes = read(&path, record.size).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData => changed(),
        _ => ApiError::fault(service, error),
    })?;
    let is_same = <[u8; 32]>::from(Sha256::digest(&bytes)) == record.content;
    if is_same { Ok(bytes) } else { Err(changed()) }
}

/// A regular file of this length: what isn't may never end, and isn't opened.
fn read(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    let is_wanted = |found: &std::fs::Metadata| found.is_file() && found.len() == length;
    let refused = || io::Error::from(io::ErrorKind::InvalidData);
    Some(fs_err::metadata(path)?).filter(is_wanted).ok_or_else(refused)?;
    let file = fs_err::File::open(path)?;
    Some(file.metadata()?).filter(is_wanted).ok_or_else(refused)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn extension(record: &Record) -> Option<&str> {
    record.path.extension().and_then(|extension| extension.to_str())
}
