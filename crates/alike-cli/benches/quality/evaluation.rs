//! Runs `alike eval`, and reads what it says.

use crate::data::{data, network};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What is searched for what.
#[derive(Clone, Copy)]
pub(crate) enum Gallery<'a> {
    /// A labelled list of the gallery, and one of the queries; of the test data, or in a folder by its whole path.
    Lists(&'a str),
    /// A list of what is relevant to each query.
    Relevant(&'a str),
}

/// The answer of `alike eval --json`, as far as it is wanted here.
#[derive(Deserialize)]
pub(crate) struct Evaluation {
    pub(crate) results: Vec<Outcome>,
    comparisons: Vec<Comparison>,
    #[serde(skip)]
    folder: Option<tempfile::TempDir>,
}

#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) recipe: String,
    pub(crate) bytes_per_image: f64,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) ci95: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct Comparison {
    /// Which of the results.
    a: usize,
    b: usize,
    metric: String,
    difference: f64,
    ci95: [f64; 2],
}

impl Evaluation {
    /// By the network of the test data. `None` where the test data aren't at hand.
    pub(crate) fn of(gallery: Gallery<'_>, recipes: &[String]) -> Option<Self> {
        Self::by(&network(), gallery, recipes)
    }

    /// By another network.
    pub(crate) fn by(network: &Path, gallery: Gallery<'_>, recipes: &[String]) -> Option<Self> {
        Self::run(network, gallery, recipes, &[])
    }

    /// Of all pixels, however large the pictures are.
    pub(crate) fn of_all_pixels(gallery: Gallery<'_>, recipes: &[String]) -> Option<Self> {
        Self::run(&network(), gallery, recipes, &["--exact-decode"])
    }

    fn run(network: &Path, gallery: Gallery<'_>, recipes: &[String], more: &[&str]) -> Option<Self> {
        let data = data();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_alike"));
        command.args(["eval", "--json", "--no-timing", "-k", "1,10", "--report"]).arg(folder.path());
        let (Gallery::Lists(set) | Gallery::Relevant(set)) = gallery;
        match gallery {
            Gallery::Lists(_) => {
                command.arg("--gallery").arg(data.join(set).join("trainval.txt"));
                command.arg("--query").arg(data.join(set).join("test.txt"));
            }
            Gallery::Relevant(_) => _ = command.arg("--ground-truth").arg(data.join(set).join("groundtruth.txt")),
        }
        command.arg("--model").arg(network).args(more);
        recipes.iter().for_each(|recipe| _ = command.args(["--recipe", recipe]));
        if !data.join(set).is_dir() {
            return None;
        }
        let output = command.output().expect("the program was just built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let evaluation: Self = serde_json::from_slice(&output.stdout).expect("it answers in JSON");
        Some(Self { folder: Some(folder), ..evaluation })
    }

    /// How much better one result is than another, with its interval.
    pub(crate) fn difference(&self, one: usize, than: usize, metric: &str) -> Option<(f64, [f64; 2])> {
        let wanted = self.comparisons.iter().filter(|comparison| comparison.metric == metric);
        wanted.clone().find(|c| (c.a, c.b) == (one, than)).map(|c| (c.difference, c.ci95)).or_else(|| {
            let other = wanted.clone().find(|c| (c.a, c.b) == (than, one))?;
            let [low, high] = other.ci95;
            Some((-other.difference, [-high, -low]))
        })
    }

    /// Of each query, under one of the recipes.
    pub(crate) fn of_queries(&self, recipe: usize, metric: &str) -> Vec<f64> {
        let text =
            fs_err::read_to_string(self.report().join("per_query.csv")).expect("a line for each query and recipe");
        let mut lines = text.lines();
        // From the end: recipes before it may have commas.
        let place = lines.next().and_then(|names| names.rsplit(',').position(|name| name == metric));
        let place = place.expect("the metric has a column");
        let value = |line: &str| line.rsplit(',').nth(place)?.parse().ok();
        lines.skip(recipe).step_by(self.results.len()).map(|line| value(line).expect("a number")).collect()
    }

    pub(crate) fn report(&self) -> &Path {
        self.folder.as_ref().expect("a report was asked for").path()
    }
}
