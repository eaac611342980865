//! What a client is told when something goes wrong: a status, a code that stays, and a sentence that helps.

use crate::service::Service;
use alike::engine::{DescribeError, SearchError};
use alike::picture::PictureError;
use alike::store::StoreError;
use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::any::Any;
use std::fmt::Display;
use std::time::Duration;
use utoipa::ToSchema;

/// A refusal or a fault.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds.
    retry_after: Option<u32>,
}

/// The body of every answer that isn't a success.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetails,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetails {
    /// For programs: stays the same from version to version.
    #[schema(example = "no_such_image")]
    code: String,
    /// For people: what was got, what was wanted, what to do.
    message: String,
}

/// Seconds after which it is worth asking again.
const SOON: u32 = 2;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// What the client sent isn't what was wanted.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn no_image(id: u64) -> Self {
        Self::not_found(
            "no_such_image",
            format!("the collection has no image {id}: it may have been removed or changed"),
        )
    }

    pub(crate) fn busy() -> Self {
        let message = "too many requests are being worked on: ask again in a moment";
        Self { retry_after: Some(SOON), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message) }
    }

    /// Work that nobody shall wait for.
    pub(crate) fn took_too_long(patience: Duration) -> Self {
        let message = format!(
            "describing the pictures took more than {} seconds: send fewer, or smaller ones",
            patience.as_secs()
        );
        Self { retry_after: Some(SOON), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "took_too_long", message) }
    }

    /// Something that the client can't help; the details are for who runs the server.
    pub(crate) fn fault(service: &Service, what: impl Display) -> Self {
        (service.settings.on_fault)(&what.to_string());
        Self::internal()
    }

    fn internal() -> Self {
        let message = "something went wrong inside; the server's own output says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub(crate) fn of_picture(error: &PictureError) -> Self {
        const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "picture_too_large");
        let unusable = |code| (StatusCode::UNPROCESSABLE_ENTITY, code);
        let ((status, code), message) = match error {
            PictureError::TooManyPixels { width, height, max_pixels } => {
                (TOO_LARGE, format!("{width} x {height} pixels, wanted at most {max_pixels} in all: make it smaller"))
            }
            PictureError::TooMuchMemory { .. } => {
                (TOO_LARGE, "decoding it would take too much memory: make it smaller".to_owned())
            }
            PictureError::Damaged { reason } => (unusable("damaged_picture"), format!("damaged: {reason}")),
            PictureError::NotAPicture { .. } => (unusable("not_a_picture"), error.to_string()),
            PictureError::Io(_) => ((StatusCode::NOT_FOUND, "file_unreadable"), "the file can't be read".to_owned()),
            _ => (unusable("unsupported_picture"), error.to_string()),
        };
        Self::new(status, code, message)
    }

    pub(crate) fn of_describing(service: &Service, error: &DescribeError) -> Self {
        match error {
            DescribeError::Picture(error) => Self::of_picture(error),
            DescribeError::Nothing { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_compare", error.to_string())
            }
            _ => Self::fault(service, error),
        }
    }

    pub(crate) fn of_search(service: &Service, error: &SearchError) -> Self {
        match error {
            SearchError::UnknownLabel { .. } => Self::bad("unknown_label", error.to_string()),
            SearchError::UnknownTag { .. } => Self::bad("unknown_tag", error.to_string()),
            SearchError::CodesDontExpand { .. } => Self::bad("no_expansion", error.to_string()),
            SearchError::Empty { .. } => Self::not_found("empty_collection", "the collection holds no pictures yet"),
            _ => Self::fault(service, error),
        }
    }

    pub(crate) fn of_store(service: &Service, error: &StoreError) -> Self {
        match error {
            StoreError::Locked { .. } => {
                let message = "another program writes to the collection: ask again when it is done";
                Self { retry_after: Some(SOON), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "locked", message) }
            }
            _ => Self::fault(service, error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, retry_after } = self;
        let body = ErrorBody { error: ErrorDetails { code: code.to_owned(), message } };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(crate) async fn no_such_address(uri: Uri) -> ApiError {
    ApiError::not_found("no_such_address", format!("nothing is at {}: /api/docs lists what there is", uri.path()))
}

pub(crate) async fn no_such_method(uri: Uri) -> ApiError {
    let message = format!("{} takes other methods: /api/docs lists them", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", message)
}

/// Of a handler, which is not where pictures are worked on: those panics are caught by the [workers](crate::workers).
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal().into_response()
}
