//! What isn't a usable model is refused in one line that says what to do.

use super::graphs::{classifier, node, to_bytes, value, write};
use alike::model::Model;
use rten_onnx::onnx::{DataLocation, DataType, GraphProto, StringStringEntryProto};
use std::path::Path;

fn refusal(path: &Path) -> String {
    let message = Model::open(path).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    assert!(message.contains(path.file_stem().unwrap().to_str().unwrap()), "the file isn't named: {message}");
    message
}

fn refusal_of_bytes(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    std::fs::write(&path, bytes).unwrap();
    refusal(&path)
}

#[track_caller]
fn check_graph(wanted: &[&str], change: impl FnOnce(&mut GraphProto)) {
    let mut graph = classifier();
    change(&mut graph);
    let message = refusal_of_bytes(&to_bytes(graph));
    for part in wanted {
        assert!(message.contains(part), "{part:?} isn't in: {message}");
    }
}

#[test]
fn files_that_are_no_onnx() {
    assert!(refusal_of_bytes(b"").contains("it is empty"));
    for bytes in
        [&b"<html>404 not found</html>\n"[..], b"version https://git-lfs.github.com/spec/v1\n", b"\xff\xd8\xff\xe0"]
    {
        assert!(refusal_of_bytes(bytes).contains("not an ONNX model"));
    }
    assert!(refusal(Path::new("/nonexistent/net.onnx")).contains("net.onnx"));
}

#[test]
fn every_truncation_is_refused_and_none_panics() {
    let whole = to_bytes(classifier());
    for length in 0..whole.len() {
        // The last field is the operator set: without it a file is whole, but its graph can be read.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("net.onnx");
        std::fs::write(&path, &whole[..length]).unwrap();
        let opened = Model::open(&path);
        assert!(opened.is_err() || length + 8 > whole.len(), "{length} of {} bytes were accepted", whole.len());
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let whole = to_bytes(classifier());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(model) = Model::open(&path) {
            model.feature_dims();
        }
    }
}

#[test]
fn inputs_that_are_no_picture() {
    check_graph(&["2 inputs (picture, mask)", "wanted one"], |graph| {
        graph.input.push(value("mask", DataType::FLOAT, &[1, 1, 8, 8]));
    });
    check_graph(&["[1, 3]", "wanted [1, 3, height, width]"], |graph| {
        graph.input[0] = value("picture", DataType::FLOAT, &[1, 3]);
    });
    check_graph(&["(NHWC)", "NCHW"], |graph| graph.input[0] = value("picture", DataType::FLOAT, &[1, 8, 8, 3]));
    check_graph(&["[1, 1, 28, 28]", "colour"], |graph| {
        graph.input[0] = value("picture", DataType::FLOAT, &[1, 1, 28, 28])
    });
    check_graph(&["[4, 3, ?, ?]", "batch"], |graph| graph.input[0] = value("picture", DataType::FLOAT, &[4, 3, 0, 0]));
    check_graph(&["uint8", "wanted float32"], |graph| {
        graph.input[0] = value("picture", DataType::UINT8, &[1, 3, 8, 8])
    });
    check_graph(&["100000", "up to 4096"], |graph| {
        graph.input[0] = value("picture", DataType::FLOAT, &[1, 3, 100_000, 100_000]);
    });
    check_graph(&["no output"], |graph| graph.output.clear());
}

#[test]
fn weights_in_other_files_are_refused() {
    let external = |location: &str| {
        let entry = StringStringEntryProto { key: Some("location".to_owned()), value: Some(location.to_owned()) };
        move |graph: &mut GraphProto| {
            graph.initializer[0].float_data.clear();
            graph.initializer[0].data_location = Some(DataLocation::EXTERNAL);
            graph.initializer[0].external_data.push(entry);
        }
    };
    check_graph(&["outside its folder", "/etc/passwd"], external("/etc/passwd"));
    check_graph(&["outside its folder", "../../secret"], external("../../secret"));
    check_graph(&["weights.bin", "merge them"], external("weights.bin"));
}

#[test]
fn nothing_to_use_in_the_graph() {
    let dir = tempfile::tempdir().unwrap();
    let mut graph = classifier();
    graph.node = vec![node("Relu", &["picture"], "a"), node("Relu", &["picture"], "b")];
    graph.output = vec![value("a", DataType::FLOAT, &[0, 3, 0, 0]), value("b", DataType::FLOAT, &[0, 3, 0, 0])];
    let path = write(dir.path(), "two_maps.onnx", graph);
    assert!(refusal(&path).contains("two_maps.toml"));
}
