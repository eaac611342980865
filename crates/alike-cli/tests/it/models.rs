//! `alike model` and `alike runtime`, with a hub on 127.0.0.1.

use crate::gallery::{Gallery, Run};
use std::path::Path;
use std::sync::Arc;
use tiny_http::{Header, Response, Server};

const TINY: &[u8] = include_bytes!("fixtures/tiny.onnx");
/// Known without a hash, so any network will do for it.
const UNPINNED: &str = "/Qdrant/resnet50-onnx/resolve/main/model.onnx";
const PINNED: &str = "/onnxmodelzoo/mobilenetv2-12/resolve/main/mobilenetv2-12.onnx";

/// A hub that has these two files, both with the tiny network for content.
fn start_hub() -> (Arc<Server>, String) {
    let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
    let endpoint = format!("http://{}", server.server_addr());
    let its_server = Arc::clone(&server);
    std::thread::spawn(move || {
        for request in its_server.incoming_requests() {
            let known = [UNPINNED, PINNED].contains(&request.url());
            let response =
                if known { Response::from_data(TINY) } else { Response::from_data("").with_status_code(404) };
            let kind = Header::from_bytes("content-type", "application/octet-stream").unwrap();
            drop(request.respond(response.with_header(kind)));
        }
    });
    (server, endpoint)
}

fn pull(gallery: &Gallery, name: &str, variables: &[(&str, &Path)]) -> Run {
    let none = Path::new("");
    let mut all = vec![("HF_HOME", none), ("HF_HUB_CACHE", none), ("HTTP_PROXY", none), ("http_proxy", none)];
    all.extend([("ALL_PROXY", none), ("all_proxy", none), ("HF_HUB_OFFLINE", none), ("HF_TOKEN", none)]);
    all.push(("XDG_CACHE_HOME", Path::new("/nonexistent")));
    all.extend_from_slice(variables);
    gallery.alike_with(&["model", "pull", name], &all, "")
}

#[test]
fn list_names_every_model_and_says_what_is_here() {
    let gallery = Gallery::new();
    let table = gallery.alike(&["model", "list"]).exits(0).stdout;
    for name in ["mobilenet_v2", "dinov2_small", "dinov2_small_int8", "resnet50", "clip_vit_b32"] {
        assert!(table.lines().any(|line| line.split_whitespace().next() == Some(name)), "{table}");
    }
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    let json = gallery.alike(&["model", "list", "--json"]).exits(0).json();
    assert_eq!(json.as_array().unwrap().len(), 5);
    assert_eq!(json[1]["bytes"], 88_532_934);
    assert_eq!(json[0]["downloaded"], false);
}

#[test]
fn a_pulled_model_is_listed_shown_and_known_by_name() {
    let (_server, endpoint) = start_hub();
    let gallery = Gallery::new();
    let run = pull(&gallery, "resnet50", &[("HF_ENDPOINT", Path::new(&endpoint))]).exits(0);
    let run = run.says("no hash is known for resnet50").says("4 features").says("--model resnet50");
    let path = gallery.path(".cache/models/resnet50/resnet50.onnx");
    assert_eq!(run.stdout.trim_end(), path.to_str().unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), TINY);

    let listed = gallery.alike(&["model", "list", "--json"]).exits(0).json();
    assert_eq!(listed[3]["downloaded"], true);
    let shown = gallery.alike(&["model", "show", "resnet50", "--json"]).exits(0).json();
    assert_eq!((&shown["name"], &shown["features"]), (&"resnet50".into(), &4.into()));
    assert_eq!((&shown["parameters"], &shown["guessed"]), (&48.into(), &false.into()));
    assert_eq!(shown["layers"][0]["shape"], serde_json::json!([1, 4, 112, 112]));
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);

    pull(&gallery, "resnet50", &[("HF_HUB_OFFLINE", Path::new("1"))]).exits(0).says("was here already");
}

#[test]
fn a_file_that_is_not_the_known_one_is_refused() {
    let (_server, endpoint) = start_hub();
    let gallery = Gallery::new();
    pull(&gallery, "mobilenet_v2", &[("HF_ENDPOINT", Path::new(&endpoint))]).exits(2).says("instead of c0c3f76d");
    assert!(!gallery.path(".cache/models/mobilenet_v2/mobilenet_v2.onnx").exists());
}

#[test]
fn what_a_hub_lacks_and_what_alike_does_not_know_are_told_apart() {
    let (_server, endpoint) = start_hub();
    let gallery = Gallery::new();
    pull(&gallery, "clip_vit_b32", &[("HF_ENDPOINT", Path::new(&endpoint))]).exits(2).says("404");
    pull(&gallery, "vgg", &[]).exits(2).says("mobilenet_v2, dinov2_small");
    pull(&gallery, "dinov2_small", &[("HF_HUB_OFFLINE", Path::new("1"))]).exits(2).says("HF_HUB_OFFLINE");
}

#[test]
fn a_known_model_that_is_not_here_says_how_to_get_it() {
    let gallery = Gallery::new();
    gallery.alike(&["model", "show", "mobilenet_v2"]).exits(2).says("alike model pull mobilenet_v2");
    gallery.alike(&["model", "show", "nonsense"]).exits(2).says("clip_vit_b32");
}

#[test]
fn show_lists_the_layers_of_a_file() {
    let gallery = Gallery::new();
    gallery.write("tiny.onnx", TINY);
    let run = gallery.alike(&["model", "show", "tiny.onnx"]).exits(0).says("no manifest");
    assert!(run.stdout.contains("conv (Conv)               [1, 4, 112, 112]               48\n"), "{}", run.stdout);
    assert!(run.stdout.contains("parameters     48\n"), "{}", run.stdout);
    gallery.write("text.onnx", "hello");
    gallery.alike(&["model", "show", "text.onnx"]).exits(2).says("not an ONNX model");
}

#[test]
fn a_file_that_is_no_runtime_is_refused_and_rten_steps_in() {
    let gallery = Gallery::new();
    let text = gallery.write("libonnxruntime.so", "hello");
    let broken = gallery.write("broken/libonnxruntime.so", b"\x7fELF then nothing");
    let no_python = Path::new("/nonexistent");
    for file in [&text, &broken, &gallery.path("missing.so")] {
        let run = gallery.alike_with(&["runtime"], &[("ORT_DYLIB_PATH", file), ("PATH", no_python)], "").exits(0);
        assert!(run.stdout.starts_with("runtime   rten"), "{}", run.stdout);
        assert!(run.stdout.contains(&format!("refused   {}", file.display())), "{}", run.stdout);
    }
}

#[test]
fn install_without_python_says_what_to_do() {
    let gallery = Gallery::new();
    let run = gallery.alike_with(&["runtime", "install"], &[("PATH", Path::new("/nonexistent"))], "");
    run.exits(2).says("ORT_DYLIB_PATH");
    assert!(std::fs::read_dir(gallery.path(".cache/onnxruntime")).unwrap().next().is_none());
}
