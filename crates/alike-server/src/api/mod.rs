//! The addresses under `/api/v1`, and those for machines that watch the server. Their description in OpenAPI 3.1 is made of
//! the functions that answer them.

mod bodies;
mod changes;
mod collection;
mod files;
mod images;
mod search;
mod watching;

pub(crate) use bodies::refused_at_once;

use crate::service::Service;
use axum::Json;
use axum::Router;
use axum::routing::get;
use std::sync::Arc;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Description, Ref, Response};
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

/// What any request may be refused for.
const REFUSALS: [(&str, &str); 4] = [
    (
        "401",
        "The token is missing or wrong: for changes, and for everything where the server is for others than its user.",
    ),
    ("403", "The server isn't known by this name, another site's page asks, or the server changes nothing."),
    ("500", "Something went wrong inside."),
    ("503", "Too busy, or another program writes: ask again after `Retry-After` seconds."),
];

fn with_refusals(mut description: Description) -> Description {
    let body = || Content::builder().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    for item in description.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for (status, why) in REFUSALS {
                let response = Response::builder().description(why).content("application/json", body()).build();
                operation.responses.responses.entry(status.to_owned()).or_insert(response.into());
            }
        }
    }
    description
}

pub(crate) fn router() -> Router<Arc<Service>> {
    let (router, description) = described().split_for_parts();
    let description = with_refusals(description);
    router.route("/api/v1/openapi.json", get(|| async move { Json(description) }))
}

/// The description of the API, OpenAPI 3.1.
pub fn openapi() -> Description {
    with_refusals(described().into_openapi())
}
