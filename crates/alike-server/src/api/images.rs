//! What is known of the images.

use crate::error::{ApiError, ErrorBody};
use crate::parameters::{Id, ListParameters, Parameters};
use crate::service::{Service, View};
use alike::engine::SearchError;
use alike::store::{Record, RecordId, StoreError};
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use utoipa::ToSchema;

/// An indexed picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Image {
    /// Never reused: a file that changes becomes another image.
    #[schema(minimum = 1)]
    id: u64,
    /// Relative to the folder of the collection if below it, else absolute.
    path: String,
    /// The path's bytes in base64, where it is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    /// The class, as the list or folder has it.
    label: Option<String>,
    /// What `dataset_info.json` calls the class.
    label_name: Option<String>,
    /// In pixels, upright.
    width: u32,
    /// In pixels, upright.
    height: u32,
    /// Of the file.
    bytes: u64,
}

impl Image {
    pub(crate) fn of(record: &Record) -> Self {
        let Record { id, path, size, width, height, label, .. } = record;
        let (label, label_name) = label.as_ref().map(|label| (label.id.clone(), label.name.clone())).unzip();
        let (path, path_bytes) = text(path);
        Self {
            id: *id,
            path,
            path_bytes,
            label,
            label_name: label_name.flatten(),
            width: *width,
            height: *height,
            bytes: *size,
        }
    }
}

/// A path as text, and as it is where that says less.
fn text(path: &Path) -> (String, Option<String>) {
    let bytes = || STANDARD.encode(path.as_os_str().as_encoded_bytes());
    (path.to_string_lossy().into_owned(), path.to_str().is_none().then(bytes))
}

/// Some of the images.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Images {
    /// How many there are in all.
    total: usize,
    images: Vec<Image>,
}

/// List images, in the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/images", tag = "images", operation_id = "listImages", params(ListParameters),
    responses(
        (status = 200, body = Images),
        (status = 400, description = "A parameter is wrong.", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Parameters(wanted): Parameters<ListParameters>,
) -> Result<Json<Images>, ApiError> {
    let limit = wanted.limit()?;
    let list = move |service: &Service| {
        let view = service.view()?;
        let ids = listed(&view, &wanted).map_err(|error| ApiError::of_search(service, &error))?;
        let page: Vec<RecordId> = ids.iter().copied().skip(wanted.offset).take(limit).collect();
        let records = view.snapshot.records_of(&page).map_err(|error| ApiError::of_store(service, &error))?;
        Ok(Json(Images { total: ids.len(), images: records.iter().map(Image::of).collect() }))
    };
    service.work(list).await
}

/// Ascending.
fn listed(view: &View, wanted: &ListParameters) -> Result<Vec<RecordId>, SearchError> {
    let snapshot = &view.snapshot;
    let labelled = wanted.label.as_deref().map(|label| snapshot.ids_of_label(label)).transpose()?;
    let tagged = wanted.tag.as_deref().map(|tag| snapshot.ids_of_tag(tag)).transpose()?;
    Ok(match (labelled, tagged) {
        (Some(labelled), Some(tagged)) => labelled.into_iter().filter(|id| tagged.binary_search(id).is_ok()).collect(),
        (Some(ids), None) | (None, Some(ids)) => ids,
        (None, None) => snapshot.ids().to_vec(),
    })
}

/// What is known of one image.
#[utoipa::path(
    get, path = "/api/v1/images/{id}", tag = "images", operation_id = "getImage", params(("id" = u64, Path, minimum = 1)),
    responses(
        (status = 200, body = Image),
        (status = 400, description = "The id is no number.", body = ErrorBody),
        (status = 404, description = "There is no such image.", body = ErrorBody),
    )
)]
pub(crate) async fn image(State(service): State<Arc<Service>>, Id(id): Id) -> Result<Json<Image>, ApiError> {
    service.work(move |service| record(service, id).map(|record| Json(Image::of(&record)))).await
}

pub(crate) fn record(service: &Service, id: RecordId) -> Result<Record, ApiError> {
    let found: Result<Option<Record>, StoreError> = service.view()?.snapshot.record(id);
    found.map_err(|error| ApiError::of_store(service, &error))?.ok_or_else(|| ApiError::no_image(id))
}
