//! Requests by `wrk`, and how they were answered.

use crate::gallery::Gallery;
use crate::server::Server;
use std::process::Command;

/// What was asked for in one go.
#[derive(Clone, Copy, Default, serde::Deserialize)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    /// Anything but an answer with results.
    failed: usize,
    seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

const SECONDS: usize = 5;

/// Searches by random ids, for ten hits each, by so many clients that wait for each answer before they ask again.
pub(crate) fn by_id(server: &Server, clients: usize, gallery: &Gallery) -> Load {
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "60s", &format!("-c{clients}"), &format!("-d{SECONDS}s"), "-s"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/serving/search.lua"))
        .arg(format!("http://{}", server.address))
        .args(["--", &gallery.first.to_string(), &gallery.pictures.to_string()])
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let load = text.lines().last().and_then(|line| serde_json::from_str::<Load>(line).ok());
    let load = load.unwrap_or_else(|| panic!("wrk didn't say what it did: {text}"));
    assert_eq!(load.failed, 0, "{text}");
    load
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    pub(crate) fn better(self, other: Self) -> Self {
        if other.per_second() > self.per_second() { other } else { self }
    }
}
