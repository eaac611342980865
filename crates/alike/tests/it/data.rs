//! Where the shared test data lies, and how to read what numpy wrote there.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The file or folder `name` of the test data (`ALIKE_DATA`, else `../shared/data` beside the checkout). Where it is
/// absent this says that `test` was skipped, past the test harness's capture, and fails if `ALIKE_REQUIRE_DATA` is set.
pub(crate) fn data(test: &str, name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("ALIKE_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("ALIKE_REQUIRE_DATA").is_some();
    assert!(!required, "{test}: ALIKE_REQUIRE_DATA is set and {} is missing", path.display());
    writeln!(std::io::stderr(), "skipped {test}: no {}", path.display()).unwrap();
    None
}

/// The content of a `.npy` file after its header, and the shape in the header.
pub(crate) fn npy(path: &Path) -> (Vec<usize>, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    let shape = text.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (shape, bytes[10 + header..].to_vec())
}

/// A `.npy` matrix of float32, row by row.
pub(crate) fn npy_rows(path: &Path) -> Vec<Vec<f32>> {
    let (shape, bytes) = npy(path);
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    values.chunks_exact(shape[1]).map(<[f32]>::to_vec).collect()
}
