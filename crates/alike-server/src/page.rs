//! The page for people, embedded: what is in `page/`, as it is.

use crate::entity_tag::{entity_tag, unchanged};
use crate::error::ApiError;
use crate::service::Service;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Name, media type, content.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! assets {
    ($($name:literal)*) => { [$(($name, media_type($name), include_bytes!(concat!("page/", $name)) as &[u8])),*] };
}

static INDEX: Asset = ("index.html", "text/html; charset=utf-8", include_bytes!("page/index.html"));

static REFERENCE: Asset = ("reference.html", "text/html; charset=utf-8", include_bytes!("page/reference.html"));

static ASSETS: &[Asset] = &assets![
    "address.js" "api.js" "app.js" "chinese.js" "collection.js" "column.js" "elements.js" "english.js" "examples.js"
    "gestures.js" "grid.js" "manage.js" "map.js" "options.js" "plot.js" "query.js" "reference.js" "region.js" "search.js" "uploads.js"
    "words.js" "style.css" "pictures.css" "map.css" "reference.css" "icon.svg"
];

const fn media_type(name: &str) -> &'static str {
    match name.as_bytes() {
        [.., b'.', b'j', b's'] => "text/javascript; charset=utf-8",
        [.., b'.', b'c', b's', b's'] => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    }
}

pub(crate) fn router() -> Router<Arc<Service>> {
    let pages = [("/".to_owned(), &INDEX), ("/api/docs".to_owned(), &REFERENCE)].into_iter();
    let assets = ASSETS.iter().map(|asset| (format!("/assets/{}", asset.0), asset));
    pages.chain(assets).fold(Router::new().route("/report", get(report)), |router, (path, (_, kind, content))| {
        let tag = entity_tag(&Sha256::digest(content), "");
        router.route(&path, get(async move |headers: HeaderMap| answer(kind, content, &tag, &headers)))
    })
}

/// What the page of an evaluation needs, which holds all of it.
const REPORT_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts";

async fn report(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let none = || ApiError::not_found("no_report", "there is no report: start the server with --report DIR");
    let path = service.settings.report.clone().ok_or_else(none)?;
    let read = move |service: &Service| fs_err::read(&path).map_err(|error| ApiError::fault(service, error));
    let html = service.work(read).await?;
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, REPORT_POLICY)], html).into_response())
}

/// Asked for again each time, so that a new version of the program never meets old parts of its page.
fn answer(kind: &'static str, content: &'static [u8], tag: &str, headers: &HeaderMap) -> Response {
    let whole = || ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache"), (ETAG, tag)], content).into_response();
    unchanged(headers, tag).unwrap_or_else(whole)
}
