//! A collection over HTTP: an API, and a page for people.
//!
//! [`app`] makes the router, which tests call without a port; [`serve`] runs it on a socket. Nothing here prints: what went
//! wrong inside goes to [`Settings::on_fault`].

mod api;
mod entity_tag;
mod error;
mod gate;
mod meaning;
mod metrics;
mod page;
mod parameters;
mod serve;
mod service;
mod together;
mod token;
mod workers;

pub use api::openapi;
pub use serve::{End, serve};
pub use service::{Access, Settings};
pub use token::new_token;

use alike::engine::Engine;
use alike::store::StoreError;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use service::Service;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// All that is answered about an engine's collection.
///
/// # Errors
///
/// Where the collection can't be read.
pub fn app(engine: Engine, settings: Settings) -> Result<Router, StoreError> {
    let service = Arc::new(Service::new(engine, settings)?);
    let answers = api::router().merge(page::router());
    Ok(answers
        .fallback(error::no_such_address)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(service.settings.max_body))
        .layer(from_fn_with_state(Arc::clone(&service), gate::guard))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn_with_state(Arc::clone(&service), metrics::count))
        .layer(from_fn_with_state(Arc::clone(&service), gate::harden))
        .with_state(service))
}
