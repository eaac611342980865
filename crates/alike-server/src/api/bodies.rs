//! What comes in with a request: a picture, several, or ids.

use crate::error::ApiError;
use crate::service::Service;
use axum::body::{Bytes, HttpBody};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

/// Pictures of one search.
const MOST_EXAMPLES: usize = 16;

/// Bytes of a body that is text: ids take a few hundred.
const MOST_TEXT: usize = 16 << 10;

/// How long is read for nothing, at most.
const DRAINING: Duration = Duration::from_secs(5);

/// A picture to search with.
#[derive(Debug)]
pub(super) enum Example {
    /// Of the collection.
    Id(u64),
    /// Uploaded.
    File(Bytes),
}

impl Example {
    /// Of an image of the collection.
    pub(super) fn id(&self) -> Option<u64> {
        match self {
            Self::Id(id) => Some(*id),
            Self::File(_) => None,
        }
    }
}

/// What hits shall look like, and unlike.
#[derive(Debug, Default)]
pub(super) struct Examples {
    pub(super) like: Vec<Example>,
    pub(super) unlike: Vec<Example>,
}

/// Images of the collection to search with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ids {
    /// What hits shall look like.
    #[serde(default)]
    #[schema(example = json!([7, 9]), max_items = 16)]
    like: Vec<u64>,
    /// What they shall not look like.
    #[serde(default)]
    #[schema(example = json!([12]), max_items = 16)]
    unlike: Vec<u64>,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "tells the description what is sent")]
pub(super) struct File(Vec<u8>);

/// Pictures of the client's and of the collection, in parts.
#[derive(ToSchema)]
#[expect(dead_code, reason = "tells the description what the parts are")]
pub(super) struct Parts {
    /// Files that hits shall look like.
    like: Option<Vec<File>>,
    /// Files that they shall not look like.
    unlike: Option<Vec<File>>,
    /// Ids of images that hits shall look like.
    like_id: Option<Vec<u64>>,
    /// Ids of images that they shall not look like.
    unlike_id: Option<Vec<u64>>,
}

impl Examples {
    /// One picture, and nothing that hits shall not look like.
    pub(super) fn is_single(&self) -> bool {
        (self.like.len(), self.unlike.len()) == (1, 0)
    }

    /// Reads a body of any of the three kinds; the room that files take is to be held as long as they are.
    pub(super) async fn read(
        service: &Service,
        request: Request,
    ) -> Result<(Self, Option<OwnedSemaphorePermit>), ApiError> {
        let kind = match kind(&request) {
            Ok(kind) => kind,
            Err(refusal) => return Err(refused_at_once(request, refusal).await),
        };
        let needs_room = matches!(kind, Kind::Parts | Kind::Picture);
        let (room, request) = if needs_room {
            room(service, request).await.map(|(room, request)| (Some(room), request))?
        } else {
            (None, request)
        };
        let examples = within(service.settings.patience, async {
            match kind {
                Kind::Json => ids(&text(request).await?),
                Kind::Parts => parts(request).await,
                Kind::Picture => {
                    picture(request).await.map(|file| Self { like: vec![Example::File(file)], unlike: vec![] })
                }
            }
        });
        let examples = examples.await?;
        match examples.like.len() + examples.unlike.len() {
            0 => Err(ApiError::bad("no_picture", "got no picture to search with, wanted one or more")),
            1..=MOST_EXAMPLES => Ok((examples, room)),
            n => Err(ApiError::bad("too_many_pictures", format!("got {n} pictures, wanted at most {MOST_EXAMPLES}"))),
        }
    }
}

/// Room for a body, which is thrown away where there is none, or where it says itself that it is too large.
pub(super) async fn room(service: &Service, request: Request) -> Result<(OwnedSemaphorePermit, Request), ApiError> {
    if request.body().size_hint().lower() > service.settings.max_body as u64 {
        return Err(refused_at_once(request, too_large()).await);
    }
    match service.room_for_body().await {
        Ok(room) => Ok((room, request)),
        Err(busy) => {
            // Who wanted to wait for a word before sending has lost patience by now.
            drained(request).await;
            Err(busy)
        }
    }
}

/// The refusal, when what the client sends has come in: whoever still sends may not see an answer.
pub(crate) async fn refused_at_once(request: Request, refusal: ApiError) -> ApiError {
    let waits = request.headers().get(EXPECT).is_some_and(|word| word.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    // Who waits for a word before sending sends nothing after this one.
    if !waits {
        drained(request).await;
    }
    refusal
}

/// Reads what nobody wants, as far as it comes soon.
async fn drained(request: Request) {
    let mut body = request.into_body();
    let reading = async { while let Some(Ok(_)) = body.frame().await {} };
    drop(tokio::time::timeout(DRAINING, reading).await);
}

enum Kind {
    Json,
    Parts,
    Picture,
}

fn kind(request: &Request) -> Result<Kind, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).map_or(Some("application/octet-stream"), |kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(Kind::Json),
        "multipart/form-data" => Ok(Kind::Parts),
        // What curl's --data-binary says of everything.
        "application/octet-stream" | "application/x-www-form-urlencoded" => Ok(Kind::Picture),
        kind if kind.starts_with("image/") => Ok(Kind::Picture),
        kind => {
            let message = format!(
                "the body is `{kind}`, wanted image/*, application/octet-stream, multipart/form-data or application/json"
            );
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
        }
    }
}

/// The one picture that a body is.
pub(super) async fn picture(request: Request) -> Result<Bytes, ApiError> {
    let file = bytes(request).await?;
    if file.is_empty() { Err(ApiError::bad("no_picture", "the body is empty, wanted a picture")) } else { Ok(file) }
}

/// Slow clients are cut off.
pub(super) async fn within<T>(
    patience: Duration,
    reading: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let late = |_| {
        let message = format!("the body took more than {} seconds to come in", patience.as_secs());
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message)
    };
    tokio::time::timeout(patience, reading).await.map_err(late)?
}

async fn bytes(request: Request) -> Result<Bytes, ApiError> {
    let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, &()).await;
    bytes.map_err(|error| refused(error.status(), &error.body_text()))
}

/// A body of text, which is short.
pub(super) async fn text(request: Request) -> Result<Bytes, ApiError> {
    let too_large =
        |error: axum::Error| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", error.to_string());
    axum::body::to_bytes(request.into_body(), MOST_TEXT).await.map_err(too_large)
}

fn ids(body: &[u8]) -> Result<Examples, ApiError> {
    let ids: Ids = json(body)?;
    let examples = |ids: Vec<u64>| ids.into_iter().map(Example::Id).collect();
    Ok(Examples { like: examples(ids.like), unlike: examples(ids.unlike) })
}

/// A body as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad("bad_json", format!("the body isn't what was wanted: {error}")))
}

async fn parts(request: Request) -> Result<Examples, ApiError> {
    let multipart = Multipart::from_request(request, &()).await;
    let mut multipart = multipart.map_err(|error| refused(error.status(), &error.body_text()))?;
    let mut examples = Examples::default();
    while let Some(field) = multipart.next_field().await.map_err(|error| part_refused(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let example = example(&name, field).await?;
        let list = if name.starts_with("like") { &mut examples.like } else { &mut examples.unlike };
        list.push(example);
        if list.len() > MOST_EXAMPLES {
            break;
        }
    }
    Ok(examples)
}

async fn example(name: &str, field: Field<'_>) -> Result<Example, ApiError> {
    let content = field.bytes().await.map_err(|error| part_refused(&error))?;
    match name {
        "like" | "unlike" => Ok(Example::File(content)),
        "like_id" | "unlike_id" => {
            let id = std::str::from_utf8(&content).ok().and_then(|text| text.trim().parse().ok());
            id.map(Example::Id).ok_or_else(|| ApiError::bad("bad_id", format!("the part `{name}` is no number")))
        }
        _ => Err(ApiError::bad("bad_part", format!("got a part `{name}`, wanted like, unlike, like_id or unlike_id"))),
    }
}

fn part_refused(error: &MultipartError) -> ApiError {
    refused(error.status(), &error.body_text())
}

fn refused(status: StatusCode, what: &str) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => ApiError::bad("bad_body", what),
    }
}

fn too_large() -> ApiError {
    let message = "the body is larger than this server takes (--max-upload): send a smaller picture";
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}
