//! Graphs kept as ONNX Runtime has optimised them: the same numbers, whatever happened to the files.

use super::graphs::{classifier, write};
use super::runtimes::onnx_runtime;
use alike::model::Model;
use alike::model::runtime::OnnxRuntime;
use alike::picture::Picture;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

fn set_age(path: &Path, days: u64) {
    let file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60)).unwrap();
}

fn age(path: &Path) -> Duration {
    fs::metadata(path).unwrap().modified().unwrap().elapsed().unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn a_whole_file_is_used_as_it_is() {
    use std::os::unix::fs::MetadataExt;
    let Some(runtime) = onnx_runtime("a_whole_file_is_used_as_it_is") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    let folder = dir.path().join("optimised");
    logits(&model, &runtime.clone().keeping_graphs_in(&folder));
    let inode = || fs::metadata(kept(&folder)).unwrap().ino();
    let written = inode();
    set_age(&kept(&folder), 89);
    let runtime = runtime.keeping_graphs_in(&folder);
    let (first, second) = (logits(&model, &runtime), logits(&model, &runtime));
    assert_eq!(first, second);
    assert_eq!(inode(), written);
    assert!(age(&kept(&folder)) < Duration::from_secs(60 * 60), "it counts as used");
}

#[test]
fn what_nobody_uses_goes_when_a_file_is_made() {
    let Some(runtime) = onnx_runtime("what_nobody_uses_goes_when_a_file_is_made") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    let folder = dir.path().join("optimised");
    fs::create_dir(&folder).unwrap();
    let stays = ["new.ort", "of_last_month.ort", "new.0.part", "notes.txt"].map(|name| folder.join(name));
    let goes = ["of_last_season.ort", "of_yesterday.77.part"].map(|name| folder.join(name));
    let ages = [0, 89, 0, 1000, 91, 2];
    stays.iter().chain(&goes).zip(ages).for_each(|(path, days)| set_age(path, days));
    logits(&model, &runtime.keeping_graphs_in(&folder));
    assert!(stays.iter().all(|path| path.exists()));
    assert!(goes.iter().all(|path| !path.exists()));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), stays.len() + 1);
}

#[test]
fn a_whole_file_that_does_not_load_is_removed() {
    let Some(runtime) = onnx_runtime("a_whole_file_that_does_not_load_is_removed") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    let folder = dir.path().join("optimised");
    let wanted = logits(&model, &runtime.clone().keeping_graphs_in(&folder));
    let path = kept(&folder);
    let no_graph = [7; 5000];
    fs::write(&path, [&no_graph[..], &Sha256::digest(no_graph)[..]].concat()).unwrap();
    let this_process = runtime.clone().keeping_graphs_in(&folder);
    for _ in 0..2 {
        assert_eq!(logits(&model, &this_process), wanted);
        assert!(!path.exists());
    }
    assert_eq!(logits(&model, &runtime.keeping_graphs_in(&folder)), wanted);
    assert!(path.exists(), "the next process makes it");
}

#[test]
fn a_folder_that_cannot_be_made_is_done_without() {
    let Some(runtime) = onnx_runtime("a_folder_that_cannot_be_made_is_done_without") else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Model::open(&write(dir.path(), "net.onnx", classifier())).unwrap();
    fs::write(dir.path().join("file"), "no folder").unwrap();
    let wanted = logits(&model, &runtime);
    let folder = dir.path().join("file/optimised");
    let this_process = runtime.clone().keeping_graphs_in(&folder);
    assert_eq!(logits(&model, &this_process), wanted);
    fs::remove_file(dir.path().join("file")).unwrap();
    assert_eq!(logits(&model, &this_process), wanted);
    assert!(!folder.exists(), "it isn't tried again");
    assert_eq!(logits(&model, &runtime.keeping_graphs_in(&folder)), wanted);
    kept(&folder);
}
