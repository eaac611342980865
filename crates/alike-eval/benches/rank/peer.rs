//! numpy, in a process of its own, on the same data.

use super::data::Set;
use super::timing::Time;
use std::process::Command;

/// Queries that numpy ranks; its times are scaled to all.
pub(crate) const QUERIES: usize = 1_000;

pub(crate) struct Peer {
    python: String,
    folder: tempfile::TempDir,
    dims: usize,
    scale: f64,
}

impl Peer {
    /// `None` without a Python: `ALIKE_PYTHON` names it.
    pub(crate) fn new(set: &Set) -> Option<Self> {
        let python = std::env::var("ALIKE_PYTHON").ok()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let count = set.truth.queries().min(QUERIES);
        for (name, values) in [("gallery", &set.gallery[..]), ("queries", &set.queries[..count * set.dims])] {
            fs_err::write(folder.path().join(name), bytemuck::cast_slice(values)).expect("room for the data");
        }
        Some(Self { python, folder, dims: set.dims, scale: set.truth.queries() as f64 / count as f64 })
    }

    /// Times for all queries: of the product alone, and of the product and its order.
    pub(crate) fn run(&self) -> [Time; 2] {
        let output = Command::new(&self.python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rank/numpy_peer.py"))
            .arg(self.folder.path())
            .arg(self.dims.to_string())
            // Set where BLAS is to give the same numbers on all machines; they make it slower than it has to be.
            .env_remove("OPENBLAS_CORETYPE")
            .env_remove("OPENBLAS_L2_SIZE")
            .output()
            .expect("ALIKE_PYTHON runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let times: Vec<f64> =
            text.split_whitespace().map(|time| time.parse::<f64>().expect("a number") * self.scale).collect();
        [0, 2].map(|i| Time { wall: times[i], cpu: times[i + 1] })
    }
}
