//! For machines that watch the server.

use crate::error::{ApiError, ErrorBody};
use crate::service::Service;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "watching", operation_id = "isAlive",
    responses((status = 200, description = "It lives.", content_type = "text/plain", body = String))
)]
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// The collection can be searched, and there is room for another request.
#[utoipa::path(
    get, path = "/readyz", tag = "watching", operation_id = "isReady",
    responses(
        (status = 200, description = "It is ready.", content_type = "text/plain", body = String),
        (status = 404, description = "The collection holds no pictures yet.", body = ErrorBody),
    )
)]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Result<&'static str, ApiError> {
    service.work(|service| service.view()?.ready(service, None).map(drop)).await?;
    Ok("ready\n")
}

/// Numbers for Prometheus, in OpenMetrics text.
#[utoipa::path(
    get, path = "/metrics", tag = "watching", operation_id = "getMetrics",
    responses(
        (status = 200, content_type = "application/openmetrics-text", body = String),
    )
)]
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let text = service
        .metrics
        .text(service.waiting(), service.pictures())
        .map_err(|error| ApiError::fault(&service, error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}
