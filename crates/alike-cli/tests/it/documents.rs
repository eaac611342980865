//! The documents say what is true.

use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn every_path_in_the_map_exists() {
    let text = read("ARCHITECTURE.md");
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.starts_with("crates/") || word.starts_with("docs/"))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which doesn't exist");
    }
    assert!(text.lines().count() <= 170);
}

#[test]
fn what_benchmarks_write_is_there() {
    let text = read("docs/performance.md");
    let sets = ["A", "B", "C", "D", "corel1k", "zodiac-like"].map(|set| format!("search {set}"));
    let parts = ["extraction", "search", "collection", "serving", "rank", "preprocess", "sources"].map(str::to_owned);
    for part in sets.iter().chain(&parts) {
        let (_, rest) = text.split_once(&format!("<!-- {part}: written by the benchmark -->\n")).unwrap();
        let (written, _) = rest.split_once(&format!("<!-- {part}: end -->")).unwrap();
        assert!(!written.trim().is_empty(), "{part} holds nothing");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let text = read("ARCHITECTURE.md");
    for name in ["alike", "alike-eval", "alike-server", "alike-cli"] {
        let manifest = read(&format!("crates/{name}/Cargo.toml"));
        for line in manifest.lines().filter(|line| line.contains("workspace = true") && !line.starts_with("workspace"))
        {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            let is_metadata =
                ["version", "edition", "rust-version", "license", "repository", "publish"].contains(&name);
            assert!(
                is_metadata || name.starts_with("alike") || text.contains(&format!("`{name}`")),
                "no reason for {name}"
            );
        }
    }
}

#[test]
fn the_readme_begins_with_the_two_commands_and_its_links_lead_somewhere() {
    let text = read("README.md");
    let top: Vec<&str> = text.lines().take(40).collect();
    assert!(top.contains(&"cargo run --release -- demo") && top.contains(&"cargo test --workspace"));
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(link.starts_with("https://") || root().join(link).exists(), "README.md links to {link}");
    }
}

#[test]
fn short_help_fits_a_screen_and_long_help_has_examples() {
    let gallery = crate::gallery::Gallery::new();
    let fitting = |args: &[&str]| {
        let short = gallery.alike(args).exits(0).stdout;
        assert!(short.lines().count() <= 24 && short.lines().all(|line| line.chars().count() <= 80), "{short}");
        short
    };
    fitting(&["search", "-h"]);
    let short = fitting(&["-h"]);
    for command in [
        "index",
        "search",
        "eval",
        "train",
        "calibrate",
        "tune",
        "serve",
        "demo",
        "info",
        "verify",
        "remove",
        "tag",
        "export",
        "model",
        "runtime",
        "completions",
    ] {
        assert!(short.contains(command), "{command}");
        let long = gallery.alike(&[command, "--help"]).exits(0).stdout;
        assert!(long.contains("alike ") && long.contains("Example"), "{command}: {long}");
    }
    assert!(gallery.alike(&["completions", "bash"]).exits(0).stdout.contains("_alike"));
    gallery.alike(&["completions", "--man", "man"]).exits(0);
    assert!(gallery.path("man/alike-search.1").exists());
}
