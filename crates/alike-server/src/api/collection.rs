//! The collection at a glance.

use crate::error::{ApiError, ErrorBody};
use crate::gate;
use crate::parameters::{Parameters, within};
use crate::service::{Service, View};
use alike::engine::overview;
use alike::recipe::DescriptorKind;
use alike::store::{RecipeEntry, StoreError};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What a collection holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Contents {
    /// Of the folder that the collection lies in.
    name: String,
    pictures: usize,
    /// On disk, all sources and recipes.
    bytes: u64,
    labels: Vec<LabelCount>,
    tags: Vec<TagCount>,
    /// The first is used where none is named.
    recipes: Vec<KeptRecipe>,
    /// Whether there is a page of an evaluation, at `/report`.
    report: bool,
    /// Whether changes need a token that the request didn't bring.
    token_needed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct LabelCount {
    id: String,
    /// What `dataset_info.json` calls it.
    name: Option<String>,
    pictures: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct TagCount {
    tag: String,
    pictures: u64,
}

/// A recipe that the collection keeps descriptors of.
#[derive(Debug, Serialize, ToSchema)]
struct KeptRecipe {
    /// As its author wrote it.
    recipe: String,
    /// With everything spelt out.
    canonical: String,
    /// `vector` or `code`.
    kind: String,
    /// Dimensions, or bits.
    dims: usize,
    /// On disk.
    bytes: u64,
}

/// What the collection holds.
#[utoipa::path(
    get, path = "/api/v1/collection", tag = "collection", operation_id = "getCollection",
    responses((status = 200, body = Contents))
)]
pub(crate) async fn collection(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<Contents>, ApiError> {
    let access = &service.settings.access;
    let token_needed = access.token.is_some() && !gate::is_trusted(access, &headers);
    let look = move |service: &Service| {
        let view = service.view()?;
        contents(service, &view, token_needed).map(Json).map_err(|error| ApiError::of_store(service, &error))
    };
    service.work(look).await
}

fn contents(service: &Service, view: &View, token_needed: bool) -> Result<Contents, StoreError> {
    let snapshot = &view.snapshot;
    let (labels, tags, sizes) = (snapshot.labels()?, snapshot.tags()?, snapshot.sizes());
    let folder = service.engine.collection().base().file_name();
    let recipes = snapshot.recipes().iter().zip(&sizes.recipes);
    let label = |count: alike::store::LabelCount| LabelCount {
        id: count.label.id,
        name: count.label.name,
        pictures: count.records,
    };
    Ok(Contents {
        name: folder.unwrap_or_default().to_string_lossy().into_owned(),
        pictures: sizes.records,
        bytes: sizes.sources.iter().chain(&sizes.recipes).map(|size| size.bytes).sum(),
        labels: labels.into_iter().map(label).collect(),
        tags: tags.into_iter().map(|count| TagCount { tag: count.tag, pictures: count.records }).collect(),
        recipes: recipes.map(|(entry, size)| kept(entry, size.bytes)).collect(),
        report: service.settings.report.is_some(),
        token_needed,
    })
}

fn kept(entry: &RecipeEntry, bytes: u64) -> KeptRecipe {
    let (kind, dims) = match entry.kind {
        DescriptorKind::Vector(dims) => ("vector", dims),
        DescriptorKind::Code(bits) => ("code", bits),
    };
    let (recipe, canonical) = (entry.text.clone(), entry.canonical.clone());
    KeptRecipe { recipe, canonical, kind: kind.to_owned(), dims, bytes }
}

/// Which map is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MapParameters {
    /// A recipe of the collection, by its text or its canonical form; the first where none is named.
    recipe: Option<String>,
    /// How many pictures at most, spread evenly over the collection; at most 10000.
    #[param(minimum = 1, maximum = 10000, default = 3000)]
    #[serde(default = "usual_points")]
    limit: usize,
}

fn usual_points() -> usize {
    3000
}

const MOST_POINTS: usize = 10_000;

/// Pictures as points: near each other where their descriptors are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Map {
    /// As its author wrote it.
    recipe: String,
    /// Share of the variance that lies along each of the two axes.
    explained: [f64; 2],
    points: Vec<Point>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Point {
    id: u64,
    /// -1 to 1.
    x: f32,
    /// -1 to 1.
    y: f32,
    label: Option<String>,
}

/// The two principal axes of the descriptors.
#[utoipa::path(
    get, path = "/api/v1/collection/map", tag = "collection", operation_id = "getMap", params(MapParameters),
    responses(
        (status = 200, body = Map),
        (status = 400, description = "A parameter is wrong.", body = ErrorBody),
        (status = 404, description = "The collection holds no pictures yet.", body = ErrorBody),
    )
)]
pub(crate) async fn map(
    State(service): State<Arc<Service>>,
    Parameters(wanted): Parameters<MapParameters>,
) -> Result<Json<Map>, ApiError> {
    within("limit", wanted.limit, 1..=MOST_POINTS)?;
    service.work(move |service| drawn(service, &wanted).map(Json)).await
}

fn drawn(service: &Service, wanted: &MapParameters) -> Result<Map, ApiError> {
    let view = service.view()?;
    let ready = view.ready(service, wanted.recipe.as_deref())?;
    let failed = |error: StoreError| ApiError::of_store(service, &error);
    let overview = overview(&ready.searcher, wanted.limit).map_err(failed)?;
    let ids: Vec<u64> = overview.points.iter().map(|point| point.id).collect();
    let records = ready.searcher.snapshot().records_of(&ids).map_err(failed)?;
    let points = overview.points.iter().zip(&records).filter(|(point, _)| view.has(point.id)).map(|(point, record)| {
        Point { id: point.id, x: point.x, y: point.y, label: record.label.as_ref().map(|label| label.id.clone()) }
    });
    Ok(Map { recipe: ready.searcher.recipe().to_owned(), explained: overview.explained, points: points.collect() })
}
