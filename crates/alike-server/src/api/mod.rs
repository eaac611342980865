//! The addresses under `/api/v1`, and those for machines that watch the server. Their description in OpenAPI 3.1 is made of
//! the functions that answer them.

mod bodies;
mod changes;
mod collection;
mod files;
mod images;
mod search;
mod watching;

use crate::service::Service;
use axum::Json;
use axum::Router;
use axum::routing::get;
use std::sync::Arc;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where pictures are asked about. It is asked with POST, because pictures don't fit into addresses.
pub(crate) const SEARCH: &str = "/api/v1/search";

#[derive(OpenApi)]
#[openapi(
    info(title = "alike", description = "Pictures that look alike, from one collection."),
    tags(
        (name = "search", description = "Which pictures look like this one?"),
        (name = "images", description = "The pictures of the collection."),
        (name = "collection", description = "The collection as a whole."),
        (name = "watching", description = "For machines that watch the server.")
    ),
    modifiers(&Token)
)]
struct Api;

/// How what changes the collection is asked for.
struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut Description) {
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

fn described() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(search::search))
        .routes(routes!(search::similar))
        .routes(routes!(images::list, changes::add))
        .routes(routes!(images::image, changes::relabel, changes::remove))
        .routes(routes!(files::file))
        .routes(routes!(files::thumbnail))
        .routes(routes!(collection::collection))
        .routes(routes!(collection::map))
        .routes(routes!(watching::alive))
        .routes(routes!(watching::ready))
        .routes(routes!(watching::metrics))
}

pub(crate) fn router() -> Router<Arc<Service>> {
    let (router, description) = described().split_for_parts();
    router.route("/api/v1/openapi.json", get(|| async move { Json(description) }))
}

/// The description of the API, OpenAPI 3.1.
pub fn openapi() -> Description {
    described().into_openapi()
}
