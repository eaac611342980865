//! What changes the collection: pictures are added, named and removed. The gate has seen the token.

use super::bodies::{File, json, picture, refused_at_once, room, text, within};
use super::images::{Image, record};
use crate::error::{ApiError, ErrorBody};
use crate::parameters::{Id, Parameters};
use crate::service::Service;
use alike::engine::{Input, Recipes, SyncError, SyncRequest};
use alike::picture::media_type;
use alike::recipe::Recipe;
use alike::store::{Label, Record};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use utoipa::{IntoParams, ToSchema};

/// Who writes, for those who find the collection locked.
const WHO: &str = "alike serve";

/// The collection's folder for what is added here.
const UPLOADS: &str = "uploads";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AddParameters {
    /// Its class.
    label: Option<String>,
}

/// Add a picture.
///
/// It is kept in the collection's own folder. One that was added before is answered with its image, which gets the label.
#[utoipa::path(
    post, path = "/api/v1/images", tag = "images", operation_id = "addImage", params(AddParameters),
    security(("token" = [])),
    request_body(content((File = "application/octet-stream"), (File = "image/*"))),
    responses(
        (status = 201, body = Image),
        (status = 400, description = "A parameter or the body is wrong.", body = ErrorBody),
        (status = 408, description = "The body came in too slowly.", body = ErrorBody),
        (status = 413, description = "The body or the picture is too large.", body = ErrorBody),
        (status = 422, description = "The picture can't be decoded, or has nothing to compare.", body = ErrorBody),
    )
)]
pub(crate) async fn add(
    State(service): State<Arc<Service>>,
    wanted: Result<Parameters<AddParameters>, ApiError>,
    request: Request,
) -> Result<(StatusCode, Json<Image>), ApiError> {
    let label = match wanted.and_then(|Parameters(AddParameters { label })| label.map(checked).transpose()) {
        Ok(label) => label,
        Err(refusal) => return Err(refused_at_once(request, refusal).await),
    };
    let (room, request) = room(&service, request).await?;
    let file = within(service.settings.patience, picture(request)).await?;
    let add = move |service: &Service| {
        let _room = room;
        added(service, &file, label)
    };
    let added = service.change(add).await?;
    Ok((StatusCode::CREATED, Json(Image::of(&added))))
}

fn added(service: &Service, file: &Bytes, label: Option<Label>) -> Result<Record, ApiError> {
    let (path, is_new) = kept(service, file)?;
    let added = indexed(service, &path);
    if added.is_err() && is_new {
        // Nobody will look for it again.
        drop(fs_err::remove_file(&path));
    }
    match (added?, label) {
        (record, Some(label)) => relabelled(service, record.id, Some(label)),
        (record, None) => Ok(record),
    }
}

/// Brings a file of the uploads into the collection.
fn indexed(service: &Service, path: &Path) -> Result<Record, ApiError> {
    let request = SyncRequest {
        inputs: vec![Input::Files(vec![path.to_owned()])],
        recipes: Recipes::Keep { fallback: Recipe::default_without_model() },
        decode: service.settings.decode.clone(),
        decoding: None,
        jobs: 1,
        forget: false,
        scan: None,
        who: WHO,
        cancel: &AtomicBool::new(false),
    };
    let report = service.engine.sync(&request, &mut |_| {}).map_err(|error| match error {
        SyncError::Store(error) => ApiError::of_store(service, &error),
        error => ApiError::fault(service, error),
    })?;
    if let Some(skip) = report.skipped.first() {
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable_picture", &*skip.what.reason));
    }
    let stored = service.engine.collection().stored_path(path);
    let found = service.view()?.snapshot.find_path(&stored).map_err(|error| ApiError::of_store(service, &error))?;
    found.ok_or_else(|| ApiError::fault(service, "a picture that was added isn't there"))
}

/// Writes an upload under its hash, beside first: whoever finds it finds it whole. Also says whether it wasn't there before.
fn kept(service: &Service, file: &[u8]) -> Result<(PathBuf, bool), ApiError> {
    let kind = media_type(file, None).unwrap_or_default();
    let Some(extension) = kind.strip_prefix("image/") else {
        let message = "the body is no picture that can be read here: send a JPEG, PNG, WebP, GIF, BMP, TIFF or QOI";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "not_a_picture", message));
    };
    let name: String = Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = service.engine.collection().dir().join(UPLOADS);
    let path = folder.join(name).with_extension(extension);
    let is_new = !path.exists();
    if is_new {
        write(&folder, &path, file).map_err(|error| ApiError::fault(service, error))?;
    }
    Ok((path, is_new))
}

fn write(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    let part = path.with_extension("part");
    let mut file = fs_err::File::create(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs_err::rename(&part, path)
}

/// What becomes of an image.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Its class from now on; none with `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    label: Option<String>,
}

/// Give an image another label, or none.
#[utoipa::path(
    patch, path = "/api/v1/images/{id}", tag = "images", operation_id = "relabelImage", security(("token" = [])),
    params(("id" = u64, Path, minimum = 1)), request_body = Change,
    responses(
        (status = 200, body = Image),
        (status = 400, description = "The id or the body is wrong.", body = ErrorBody),
        (status = 404, description = "There is no such image.", body = ErrorBody),
        (status = 408, description = "The body came in too slowly.", body = ErrorBody),
        (status = 413, description = "The body is too large.", body = ErrorBody),
    )
)]
pub(crate) async fn relabel(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Image>, ApiError> {
    let body = within(service.settings.patience, text(request)).await?;
    let label = json::<Change>(&body)?.label.map(checked).transpose()?;
    service.change(move |service| relabelled(service, id, label).map(|record| Json(Image::of(&record)))).await
}

fn relabelled(service: &Service, id: u64, label: Option<Label>) -> Result<Record, ApiError> {
    let relabelled = service.engine.relabel(id, label, WHO).map_err(|error| ApiError::of_store(service, &error))?;
    relabelled.ok_or_else(|| ApiError::no_image(id))
}

/// As list files can have them.
fn checked(label: String) -> Result<Label, ApiError> {
    let is_plain = !label.trim().is_empty() && label.len() <= 200 && !label.chars().any(char::is_control);
    let wanted = "a label is 1 to 200 bytes of text without line breaks and tabs";
    if is_plain { Ok(Label { id: label, name: None }) } else { Err(ApiError::bad("bad_label", wanted)) }
}

/// Remove an image from the collection.
///
/// Its file stays, unless it was added here.
#[utoipa::path(
    delete, path = "/api/v1/images/{id}", tag = "images", operation_id = "removeImage", security(("token" = [])),
    params(("id" = u64, Path, minimum = 1)),
    responses(
        (status = 204, description = "It is gone."),
        (status = 400, description = "The id is no number.", body = ErrorBody),
        (status = 404, description = "There is no such image.", body = ErrorBody),
    )
)]
pub(crate) async fn remove(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, ApiError> {
    let remove = move |service: &Service| {
        record(service, id)?;
        let removed = service.engine.remove_records(&[id], WHO).map_err(|error| ApiError::of_store(service, &error))?;
        let collection = service.engine.collection();
        let uploads = collection.dir().join(UPLOADS);
        for path in removed.iter().map(|record| collection.absolute_path(&record.path)) {
            if path.parent() == Some(&uploads) {
                drop(fs_err::remove_file(&path));
            }
        }
        Ok(StatusCode::NO_CONTENT)
    };
    service.change(remove).await
}
