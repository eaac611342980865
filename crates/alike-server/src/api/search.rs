//! Searching.

use super::bodies::{Example, Examples, File, Ids, Parts, refused_at_once};
use super::files;
use super::images::Image;
use crate::error::{ApiError, ErrorBody};
use crate::meaning::Meaning;
use crate::parameters::{Id, Parameters, SearchParameters};
use crate::service::{Ready, Service};
use crate::together::{Answer, Context, Query, Wanted};
use alike::calibration::Verdict;
use alike::picture::{Region, Views};
use alike::recipe::Descriptor;
use alike::store::{Record, RecordId, Scan, ScanKind};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Results {
    /// As its author wrote it.
    recipe: String,
    /// With everything spelt out.
    canonical: String,
    /// From the decoded request to the hits, waiting for other requests included.
    took_ms: f64,
    scan: Scanned,
    /// Where the recipe is calibrated and one picture was searched with as the recipe says.
    meaning: Option<Meaning>,
    /// Best first.
    hits: Vec<Hit>,
}

/// How hits were found.
#[derive(Debug, Serialize, ToSchema)]
struct Scanned {
    /// `exact`, `bytes` or `lists`.
    kind: String,
    /// Share of the true nearest that this finds on average, 1 for all.
    recall: f64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    /// From 1.
    rank: usize,
    /// The cosine for recipes that give vectors, 1 - distance / bits for codes; the higher, the more alike.
    score: f32,
    /// That the hit is relevant, where scores have a meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// `same` (a probability of at least .95), `similar` (.5) or `unrelated`, where scores have a meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
    /// Whether this is what was searched with.
    is_query: bool,
    #[serde(flatten)]
    image: Image,
}

/// Search with one or several pictures.
///
/// The body is a picture as it is; or a form with files `like` and `unlike`, and ids `like_id` and `unlike_id`; or JSON
/// with ids of images. Of several, vectors are added and subtracted.
#[utoipa::path(
    post, path = "/api/v1/search", tag = "search", operation_id = "search", params(SearchParameters),
    request_body(content(
        (File = "application/octet-stream"),
        (File = "image/*"),
        (Parts = "multipart/form-data"),
        (Ids = "application/json")
    )),
    responses(
        (status = 200, body = Results),
        (status = 400, description = "A parameter or the body is wrong.", body = ErrorBody),
        (status = 404, description = "There is no such image.", body = ErrorBody),
        (status = 408, description = "The body came in too slowly.", body = ErrorBody),
        (status = 413, description = "The body or the picture is too large.", body = ErrorBody),
        (status = 415, description = "The body is of another kind.", body = ErrorBody),
        (status = 422, description = "The picture can't be decoded, or has nothing to compare.", body = ErrorBody),
    )
)]
pub(crate) async fn search(
    State(service): State<Arc<Service>>,
    wanted: Result<Parameters<SearchParameters>, ApiError>,
    request: Request,
) -> Result<Json<Results>, ApiError> {
    let asked = match wanted.and_then(|Parameters(wanted)| Asked::new(&wanted)) {
        Ok(asked) => asked,
        Err(refusal) => return Err(refused_at_once(request, refusal).await),
    };
    let (examples, room) = Examples::read(&service, request).await?;
    asked.answer(&service, examples, room).await
}

/// Search with an image of the collection.
#[utoipa::path(
    get, path = "/api/v1/images/{id}/similar", tag = "search", operation_id = "similarImages",
    params(("id" = u64, Path, minimum = 1), SearchParameters),
    responses(
        (status = 200, body = Results),
        (status = 400, description = "A parameter is wrong.", body = ErrorBody),
        (status = 404, description = "There is no such image.", body = ErrorBody),
        (status = 413, description = "The picture of a region is larger than this server decodes.", body = ErrorBody),
        (status = 422, description = "The image has nothing to compare.", body = ErrorBody),
    )
)]
pub(crate) async fn similar(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Parameters(wanted): Parameters<SearchParameters>,
) -> Result<Json<Results>, ApiError> {
    let asked = Asked::new(&wanted)?;
    let examples = Examples { like: vec![Example::Id(id)], unlike: Vec::new() };
    asked.answer(&service, examples, None).await
}

/// A search whose parameters are in order.
struct Asked {
    recipe: Option<String>,
    region: Option<Region>,
    wanted: Wanted,
}

impl Asked {
    fn new(parameters: &SearchParameters) -> Result<Self, ApiError> {
        let (region, wanted) = (parameters.region()?, parameters.wanted()?);
        Ok(Self { recipe: parameters.recipe.clone(), region, wanted })
    }

    /// `room` is given back when the examples are described.
    async fn answer(
        self,
        service: &Arc<Service>,
        examples: Examples,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<Json<Results>, ApiError> {
        let started = Instant::now();
        if self.region.is_some() && !examples.is_single() {
            return Err(ApiError::bad("bad_region", "a region is part of one picture, got several pictures"));
        }
        let wanted = self.wanted.clone();
        let asked: Vec<RecordId> = examples.like.iter().filter_map(Example::id).collect();
        let query = move |service: &Service| {
            let _room = room;
            let view = service.view()?;
            let ready = view.ready(service, self.recipe.as_deref())?;
            let mut ids = examples.like.iter().chain(&examples.unlike).filter_map(Example::id);
            if let Some(gone) = ids.find(|&id| !view.has(id)) {
                return Err(ApiError::no_image(gone));
            }
            let descriptor = self.query(service, &ready, &examples)?;
            // Of what the recipe makes of one picture: other scores mean something else.
            let is_usual = self.wanted.expand.is_none() && examples.is_single();
            let known = if is_usual { ready.known(service)? } else { None };
            Ok(Query { ready, descriptor, context: Context { view, known } })
        };
        let Answer { ready, hits, scan, context: Context { view, known } } = service.search(wanted, query).await?;
        let there = (1..).zip(hits.into_iter().filter(|hit| view.has(hit.record.id)));
        let hits = there.map(|(rank, hit)| {
            let probability = known.as_ref().map(|known| known.probability(hit.score));
            let (score, is_query) = (hit.score, asked.contains(&hit.record.id));
            let verdict = probability.map(|probability| Verdict::of(probability).to_string());
            Hit { rank, score, probability, verdict, is_query, image: Image::of(&hit.record) }
        });
        Ok(Json(Results {
            recipe: ready.searcher.recipe().to_owned(),
            canonical: ready.searcher.canonical().to_owned(),
            meaning: known.as_ref().map(|known| known.meaning()),
            hits: hits.collect(),
            scan: scanned(&scan),
            took_ms: started.elapsed().as_secs_f64() * 1e3,
        }))
    }

    fn query(&self, service: &Service, ready: &Ready, examples: &Examples) -> Result<Descriptor, ApiError> {
        let (started, patience) = (Instant::now(), service.settings.patience);
        let one = |example: &Example| match started.elapsed() < patience {
            true => self.descriptor(service, ready, example),
            false => Err(ApiError::took_too_long(patience)),
        };
        let describe = |examples: &[Example]| examples.iter().map(one).collect::<Result<Vec<Descriptor>, ApiError>>();
        let (mut like, unlike) = (describe(&examples.like)?, describe(&examples.unlike)?);
        if examples.is_single() {
            return Ok(like.remove(0));
        }
        Descriptor::blend(&like, &unlike).ok_or_else(|| {
            let message = "several pictures can be added up where a recipe gives vectors, and where they don't cancel each other out: search with one, or by another recipe";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "no_blend", message)
        })
    }

    fn descriptor(&self, service: &Service, ready: &Ready, example: &Example) -> Result<Descriptor, ApiError> {
        match (example, self.region) {
            (Example::Id(id), None) => kept(service, ready, *id),
            (Example::Id(id), Some(_)) => {
                let record = of_gallery(service, ready, *id)?;
                let file = files::bytes(service, &record)?;
                let views = Views::of_file(file, files::extension(&record), &service.settings.decode);
                self.described(service, ready, &views)
            }
            (Example::File(file), _) => {
                let views = Views::of_file(Cow::Borrowed(file.as_ref() as &[u8]), None, &service.settings.decode);
                self.described(service, ready, &views)
            }
        }
    }

    /// The descriptor of a picture, or of the region of it.
    fn described(&self, service: &Service, ready: &Ready, views: &Views<'_>) -> Result<Descriptor, ApiError> {
        let region = self.region.map(|region| views.at_least(None).map(|picture| picture.region(region)));
        let region = region.transpose().map_err(|error| ApiError::of_picture(&error))?;
        let part = region.map(|picture| Views::of_picture(Cow::Owned(picture)));
        ready.with_describer(service, |describer| {
            let described = describer.describe(part.as_ref().unwrap_or(views));
            described.map_err(|error| ApiError::of_describing(service, &error))
        })
    }
}

/// A record of what is searched, which may be older than the collection is now.
fn of_gallery(service: &Service, ready: &Ready, id: RecordId) -> Result<Record, ApiError> {
    let found = ready.searcher.snapshot().record(id).map_err(|error| ApiError::of_store(service, &error))?;
    found.ok_or_else(|| ApiError::no_image(id))
}

/// What an image is searched by already.
fn kept(service: &Service, ready: &Ready, id: RecordId) -> Result<Descriptor, ApiError> {
    if ready.searcher.snapshot().ids().binary_search(&id).is_err() {
        return Err(ApiError::no_image(id));
    }
    let found = ready.searcher.descriptors(&[id]).map_err(|error| ApiError::of_store(service, &error))?;
    found.into_iter().next().flatten().ok_or_else(|| {
        let message = format!("by `{}` image {id} has nothing to compare: try another recipe", ready.searcher.recipe());
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_compare", message)
    })
}

fn scanned(scan: &Scan) -> Scanned {
    let kind = match scan.kind {
        ScanKind::Exact => "exact",
        ScanKind::Bytes => "bytes",
        ScanKind::Lists { .. } => "lists",
    };
    Scanned { kind: kind.to_owned(), recall: scan.recall }
}
