//! Numbers about the server, in the text format that Prometheus reads.

use crate::service::Service;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Instant;

/// Upper bounds in seconds: from a search by id to a large upload.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

type Labels = Vec<(&'static str, String)>;

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    /// Over a gallery; each for one search or several.
    pub(crate) passes: Counter,
    waiting: Gauge,
    pictures: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("alike");
        let requests = Family::default();
        let seconds: Family<Labels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let (passes, waiting, pictures) = (Counter::default(), Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer a request", seconds.clone());
        registry.register("passes", "Passes over the collection, each for one search or several", passes.clone());
        registry.register("jobs_waiting", "Requests that wait for a worker or a pass", waiting.clone());
        registry.register("pictures", "Pictures in the collection", pictures.clone());
        Self { registry, requests, seconds, passes, waiting, pictures }
    }

    /// All of them, with what is true at this moment.
    pub(crate) fn text(&self, waiting: usize, pictures: usize) -> Result<String, std::fmt::Error> {
        self.waiting.set(waiting as i64);
        self.pictures.set(pictures as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Clients may invent methods, too.
fn method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PATCH | Method::DELETE | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// Counts and times a request, by the pattern of its address: there are as many addresses as clients think of.
pub(crate) async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let method = method(request.method()).to_owned();
    let path = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = vec![("method", method), ("path", path)];
    service.metrics.seconds.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    let labels = [labels, vec![("status", status)]].concat();
    service.metrics.requests.get_or_create(&labels).inc();
    response
}
