//! Small galleries to index, and the binary to do it with.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file or folder `name` of the test data (`ALIKE_DATA`, else `../shared/data` beside the checkout). Where it is
/// absent this says that `test` was skipped, past the test harness's capture, and fails if `ALIKE_REQUIRE_DATA` is set.
pub(crate) fn data(test: &str, name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("ALIKE_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path.to_str().unwrap().to_owned());
    }
    let required = std::env::var_os("ALIKE_REQUIRE_DATA").is_some();
    assert!(!required, "{test}: ALIKE_REQUIRE_DATA is set and {} is missing", path.display());
    writeln!(std::io::stderr(), "skipped {test}: no {}", path.display()).unwrap();
    None
}

/// A folder of its own for one test.
pub(crate) struct Gallery {
    dir: tempfile::TempDir,
}

impl Gallery {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A striped picture: `hue` says which colours, `stripes` how many.
    pub(crate) fn draw(&self, name: &str, hue: u8, stripes: u32) -> PathBuf {
        let picture = image::RgbImage::from_fn(64, 48, |x, _| {
            let bright = if (x * stripes / 64).is_multiple_of(2) { 200 } else { 60 };
            image::Rgb([bright, hue, 255 - hue])
        });
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(&path).unwrap();
        path
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `alike` in the gallery's folder, with caches of its own.
    pub(crate) fn alike(&self, args: &[&str]) -> Run {
        self.alike_with(args, &[], "")
    }

    pub(crate) fn alike_with(&self, args: &[&str], environment: &[(&str, &Path)], stdin: impl Into<Vec<u8>>) -> Run {
        let mut command = Command::cargo_bin("alike").unwrap();
        command.current_dir(self.dir.path()).args(args).write_stdin(stdin);
        for unset in ["ALIKE_COLLECTION", "ORT_DYLIB_PATH", "HF_ENDPOINT", "HF_HOME", "NO_COLOR"] {
            command.env_remove(unset);
        }
        command.env("ALIKE_CACHE", self.path(".cache")).envs(environment.iter().copied());
        let output = command.output().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a run of the binary gave.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The run, if it ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The run, if stderr says this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "wanted `{words}` in: {}", self.stderr);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// File names of the hits of `search --json`, best first.
    pub(crate) fn hits(&self) -> Vec<String> {
        let json = self.json();
        let name = |hit: &serde_json::Value| {
            let path = PathBuf::from(hit["path"].as_str().unwrap());
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        json["hits"].as_array().unwrap().iter().map(name).collect()
    }
}

/// Two classes that differ in colour, so many pictures of each in the gallery and one query.
pub(crate) fn two_classes(pictures: u32) -> Gallery {
    let gallery = Gallery::new();
    let (mut trainval, mut test) = (String::new(), String::new());
    for (label, hue) in [("0", 20), ("1", 200)] {
        for stripes in 1..=pictures {
            gallery.draw(&format!("images/{label}_{stripes}.png"), hue + stripes as u8, stripes + 1);
            trainval += &format!("images/{label}_{stripes}.png\t{label}\n");
        }
        gallery.draw(&format!("images/q{label}.png"), hue, 7);
        test += &format!("images/q{label}.png\t{label}\n");
    }
    gallery.write("trainval.txt", trainval);
    gallery.write("test.txt", test);
    gallery.write("dataset_info.json", r#"{"label_dict": {"0": "虎", "1": "sea lion"}}"#);
    gallery
}

/// A figure of `alike eval --json`.
pub(crate) fn metric(json: &Value, recipe: usize, name: &str) -> f64 {
    json["results"][recipe]["metrics"][name].as_f64().unwrap_or_else(|| panic!("no {name}"))
}
