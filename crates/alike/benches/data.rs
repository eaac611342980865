//! Where the test data lie.

use std::path::{Path, PathBuf};

/// Beside the project, or where `ALIKE_DATA` points.
pub(crate) fn data() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("ALIKE_DATA").map_or_else(beside, PathBuf::from)
}

/// A MobileNetV2.
pub(crate) fn network() -> PathBuf {
    data().join("weights/mobilenet_v2_1.0.onnx")
}
