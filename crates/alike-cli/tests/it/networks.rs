//! Indexing and searching with a network, as its users do.

use crate::gallery::{Gallery, data};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

fn three() -> Gallery {
    let gallery = Gallery::new();
    gallery.draw("a.png", 10, 2);
    gallery.draw("b.png", 120, 5);
    gallery.draw("c.png", 240, 11);
    gallery
}

#[test]
fn a_network_is_remembered_and_several_recipes_share_its_pass() {
    let Some(model) = data("a_network_is_remembered", "weights/mobilenet_v2_1.0.onnx") else { return };
    let gallery = three();
    let run = gallery.alike(&[
        "index",
        ".",
        "--model",
        &model,
        "--recipe",
        "deep",
        "--recipe",
        "0.7*deep + 0.3*color",
        "--recipe",
        "semantic",
    ]);
    run.exits(0).says("3 added").says("guessed a stretch to 227x227");
    let found = gallery.alike(&["search", "b.png", "--json"]).exits(0);
    assert_eq!(found.hits()[0], "b.png");
    let canonical = found.json()["recipe_canonical"].as_str().unwrap().to_owned();
    assert!(canonical.starts_with("deep@mobilenet_v2_1.0#"), "{canonical}");
    for recipe in ["0.7*deep + 0.3*color", "semantic", "deep | hash(mean)", "color"] {
        let found = gallery.alike(&["search", "c.png", "--recipe", recipe, "--json"]).exits(0);
        assert_eq!(found.hits()[0], "c.png", "{recipe}");
    }
    gallery.draw("d.png", 77, 7);
    gallery.alike(&["index"]).exits(0).says("1 added, 3 unchanged");
}

#[test]
fn another_network_is_refused_unless_it_is_meant() {
    let Some(model) = data("another_network", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(other) = data("another_network", "weights/mobilenet_v2_1.0_tf.onnx") else { return };
    let gallery = three();
    gallery.alike(&["index", ".", "--model", &model]).exits(0);
    gallery.alike(&["search", "a.png", "--model", &other]).exits(2).says("was made with deep@mobilenet_v2_1.0#");
    gallery.alike(&["index", ".", "--model", &other]).exits(2).says("was made with deep@mobilenet_v2_1.0#");
    gallery.alike(&["index", ".", "--model", &other, "--recipe", "deep"]).exits(0).says("3 completed");
    assert_eq!(gallery.alike(&["info", "--json"]).json()["recipes"].as_array().unwrap().len(), 2);
    fs::remove_dir_all(gallery.path(".cache")).unwrap();
    gallery.alike(&["search", "a.png"]).exits(2).says("its network is not at hand");
    gallery.alike(&["search", "a.png", "--model", &model]).exits(0);
}

#[test]
fn what_is_no_network_is_refused_and_leaves_nothing() {
    let gallery = three();
    gallery.write("text.onnx", "I am no network, whatever my name is");
    gallery.write("empty.onnx", "");
    for (model, words) in [
        ("text.onnx", "not an ONNX model"),
        ("empty.onnx", "not an ONNX model"),
        ("gone.onnx", "gone.onnx"),
        ("resnet51", "no network `resnet51`"),
        ("mobilenet_v2", "alike model pull mobilenet_v2"),
    ] {
        let run = gallery.alike(&["index", ".", "--model", model]).exits(2).says(words);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    assert!(!gallery.path(".alike").exists());
}

#[test]
fn a_library_that_is_no_onnxruntime_is_passed_over() {
    let Some(model) = data("a_library_that_is_no_onnxruntime", "weights/mobilenet_v2_1.0.onnx") else { return };
    let gallery = three();
    let fake = gallery.write("libonnxruntime.so", "no library");
    let index = ["index", ".", "--model", &model];
    gallery
        .alike_with(&index, &[("ORT_DYLIB_PATH", &fake), ("PATH", &gallery.path("nothing"))], "")
        .exits(0)
        .says("3 added");
}

/// ONNX Runtime of `ALIKE_TEST_ONNXRUNTIME`; where that isn't set this says that `test` was skipped, and fails if
/// `ALIKE_REQUIRE_ONNXRUNTIME` is set.
fn onnx_runtime(test: &str) -> Option<PathBuf> {
    let library = std::env::var_os("ALIKE_TEST_ONNXRUNTIME");
    if library.is_none() {
        let required = std::env::var_os("ALIKE_REQUIRE_ONNXRUNTIME").is_some();
        assert!(!required, "{test}: ALIKE_REQUIRE_ONNXRUNTIME is set and ALIKE_TEST_ONNXRUNTIME isn't");
        writeln!(std::io::stderr(), "skipped {test}: ALIKE_TEST_ONNXRUNTIME isn't set").unwrap();
    }
    library.map(PathBuf::from)
}

/// Microsoft's library keeps a database of how it is used in the home folder, from where it sends it.
#[test]
fn onnxruntime_runs_keeps_its_graph_and_reports_nothing() {
    let Some(library) = onnx_runtime("onnxruntime_runs_keeps_its_graph") else { return };
    let gallery = three();
    gallery.write("tiny.onnx", TINY);
    let home = gallery.path("home");
    fs::create_dir(&home).unwrap();
    let environment = [("ORT_DYLIB_PATH", library.as_path()), ("HOME", &home), ("XDG_CACHE_HOME", &home)];
    let recipe = r#"layer("conv", max)"#;
    let index = ["index", ".", "--model", "tiny.onnx", "--recipe", recipe];
    gallery.alike_with(&index, &environment, "").exits(0).says("3 added");
    let found = gallery.alike_with(&["search", "b.png", "--json"], &environment, "").exits(0);
    assert_eq!(found.hits()[0], "b.png");
    assert_eq!(fs::read_dir(gallery.path(".cache/optimised")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "something was written to the home folder");
}

/// A network that is part of the project: the layer `conv` is a map of four channels.
const TINY: &[u8] = include_bytes!("fixtures/tiny.onnx");

#[test]
fn a_layer_is_indexed_searched_and_shown_in_full() {
    let gallery = three();
    gallery.write("tiny.onnx", TINY);
    let recipe = r#"layer("map", gem(3)) + layer("conv", max, scales=2)"#;
    gallery.alike(&["index", ".", "--model", "tiny.onnx", "--recipe", recipe]).exits(0).says("3 added");
    let found = gallery.alike(&["search", "b.png", "--json"]).exits(0);
    assert_eq!(found.hits()[0], "b.png");
    let canonical = found.json()["recipe_canonical"].as_str().unwrap().to_owned();
    assert!(
        canonical.contains(r#"("conv", gem(3))"#) && canonical.contains(r#"("conv", max, scales=2)"#),
        "{canonical}"
    );
    let again = gallery.alike(&["search", "b.png", "--json", "--recipe", &canonical]).exits(0);
    assert_eq!(again.hits(), found.hits());
}

#[test]
fn layers_that_are_not_there_and_wrong_arguments_are_refused() {
    let gallery = three();
    gallery.write("tiny.onnx", TINY);
    for (recipe, words) in [
        (r#"layer("cnv")"#, r#"no layer "cnv", but "conv": `alike model show` lists them"#),
        (r#"layer("conv", gem(99))"#, "gem(P) with P up to 10"),
        ("deep(scales=7)", "a number of scales from 1 to 3"),
    ] {
        let run = gallery.alike(&["index", ".", "--model", "tiny.onnx", "--recipe", recipe]).exits(2).says(words);
        assert_eq!(run.stdout, "");
    }
    assert!(!gallery.path(".alike").exists());
}
