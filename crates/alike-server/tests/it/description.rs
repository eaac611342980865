//! The description of the API.

use std::path::Path;

/// Set to write the page instead of comparing with it.
const WRITE: &str = "ALIKE_WRITE_OPENAPI";

#[test]
fn the_description_in_the_repository_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let described = alike_server::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &described).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == described, "docs/openapi.json is another: write it with {WRITE}=1 cargo test -p alike-server");
}
