//! Graphs kept as ONNX Runtime has optimised them: the same numbers, whatever happened to the files.

use super::graphs::{classifier, write};
use super::runtimes::onnx_runtime;
use alike::model::Model;
use alike::model::runtime::OnnxRuntime;
use alike::picture::Picture;
use std::fs;
use std::path::{Path, PathBuf};

fn logits(model: &Model, runtime: &OnnxRuntime) -> Vec<f32> {
    let picture = Picture::from_rgb(224, 224, (0..224 * 224 * 3).map(|i| (i % 251) as u8).collect()).unwrap();
    model.start(runtime).unwrap().run(&picture).unwrap().logits.unwrap()
}

/// The one file of the folder.
fn kept(folder: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("wanted one file, got {files:?}") };
    file.clone()
}

#[test]
fn kept_graphs_give_the_same_numbers_and_damaged_ones_are_made_anew() {
    let Some(runtime) = onnx_runtime("kept_graphs_give_the_same_numbers") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    let wanted = logits(&model, &runtime);
    let folder = dir.path().join("optimised");
    // What a runtime has checked once it trusts, as a process does; each of these is a process of its own.
    let run = || logits(&model, &runtime.clone().keeping_graphs_in(&folder));
    assert_eq!(run(), wanted);
    let whole = fs::read(kept(&folder)).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(kept(&folder), &damaged).unwrap();
        assert_eq!(run(), wanted, "byte {at} of {}", whole.len());
        assert_ne!(fs::read(kept(&folder)).unwrap(), damaged, "byte {at} of {}", whole.len());
    }
    for length in [0, 31, 32, whole.len() / 2, whole.len() - 1] {
        fs::write(kept(&folder), &whole[..length]).unwrap();
        assert_eq!(run(), wanted, "{length} bytes of {}", whole.len());
    }
}

#[test]
fn a_whole_file_is_used_as_it_is() {
    let Some(runtime) = onnx_runtime("a_whole_file_is_used_as_it_is") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    let folder = dir.path().join("optimised");
    logits(&model, &runtime.clone().keeping_graphs_in(&folder));
    let written = fs::metadata(kept(&folder)).unwrap().modified().unwrap();
    let runtime = runtime.keeping_graphs_in(&folder);
    let (first, second) = (logits(&model, &runtime), logits(&model, &runtime));
    assert_eq!(first, second);
    assert_eq!(fs::metadata(kept(&folder)).unwrap().modified().unwrap(), written);
}

#[test]
fn a_folder_that_cannot_be_made_is_done_without() {
    let Some(runtime) = onnx_runtime("a_folder_that_cannot_be_made_is_done_without") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    fs::write(dir.path().join("file"), "no folder").unwrap();
    let wanted = logits(&model, &runtime);
    assert_eq!(logits(&model, &runtime.keeping_graphs_in(dir.path().join("file/optimised"))), wanted);
}
