//! Names of an answer's bytes (RFC 9110, 8.8.3), by which a browser asks whether it still has them.

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// Of a SHA-256: enough to tell any two answers at one address apart.
const BYTES: usize = 8;

/// The tag of bytes by their SHA-256, and by how they were changed, if they were.
pub(crate) fn entity_tag(sha256: &[u8], change: &str) -> String {
    let hash: String = sha256.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}{change}\"")
}

/// That nothing has changed, for a browser that has what the tag names.
pub(crate) fn unchanged(headers: &HeaderMap, tag: &str) -> Option<Response> {
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == tag);
    is_known.then(|| StatusCode::NOT_MODIFIED.into_response())
}
