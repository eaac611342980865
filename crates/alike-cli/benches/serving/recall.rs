//! What share of the true nearest a server finds.

use crate::gallery::Gallery;
use crate::http;
use crate::server::Server;

const QUERIES: usize = 200;

/// The hits of images at equal distances in the gallery.
pub(crate) fn hits(server: &Server, gallery: &Gallery) -> Vec<Vec<u64>> {
    let ids = (gallery.first..).take(gallery.pictures).step_by((gallery.pictures / QUERIES).max(1));
    ids.map(|id| hits_of(server, id)).collect()
}

pub(crate) fn recall(found: &[Vec<u64>], truth: &[Vec<u64>]) -> f64 {
    let both = found.iter().zip(truth);
    let right: usize = both.map(|(found, truth)| found.iter().filter(|id| truth.contains(id)).count()).sum();
    right as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64
}

fn hits_of(server: &Server, id: u64) -> Vec<u64> {
    let answer = http::ask(server.address, "GET", &format!("/api/v1/images/{id}/similar?k=10"), &[]);
    let answer = answer.expect("the server answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("it answers in JSON");
    let hits = body["hits"].as_array().expect("hits");
    hits.iter().map(|hit| hit["id"].as_u64().expect("an id")).collect()
}
