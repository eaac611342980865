//! What hits above the cut-off of a wanted precision are right, with labels and without.

use crate::data::{data, network};
use crate::recipes;
use crate::table::{line, quoted};
use alike_eval::bootstrap::{Bootstrap, Estimate};
use alike_eval::truth;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A set of pictures, and how it is labelled.
struct Set {
    name: &'static str,
    precisions: &'static [f64],
    recipes: fn() -> Vec<String>,
    is_listed: bool,
}

const SETS: [Set; 3] = [
    Set { name: "neardup", precisions: &[0.9, 0.95, 0.99], recipes: recipes::calibrated, is_listed: true },
    Set { name: "corel1k", precisions: &[0.8, 0.95], recipes: || vec!["deep".to_owned()], is_listed: false },
    Set { name: "zodiac-like", precisions: &[0.8, 0.95], recipes: || vec!["deep".to_owned()], is_listed: false },
];

/// `None` where the test data aren't at hand.
pub(crate) fn table() -> Option<String> {
    let mut text = "Precision and recall of the hits that `alike search --precision P` leaves, pooled over all queries, with 95 % intervals (bootstrap over photos, or classes), identical files not counted. With labels: of queries left out, in ten folds by photo or class. Without: by the estimate from the gallery's own scores. Command: `cargo bench -p alike-cli --bench quality -- calibration`; network: MobileNetV2 1.0.\n\n".to_owned();
    line(
        &mut text,
        "| set | recipe | wanted | precision, with labels | recall | precision, without labels | recall |\n|---|---|---|---|---|---|---|",
    );
    for set in &SETS {
        let collection = Indexed::new(set)?;
        for recipe in (set.recipes)() {
            let gallery = collection.gallery(&recipe);
            let cutoffs: Vec<Option<f32>> =
                set.precisions.iter().map(|&wanted| collection.estimated(&recipe, wanted, &gallery.paths[0])).collect();
            let labelled = collection.calibrated(&recipe);
            for (&wanted, cutoff) in set.precisions.iter().zip(cutoffs) {
                let [precision, recall] = collection.measured(&gallery, cutoff);
                let row = labelled.iter().find(|row| row["wanted"] == wanted).expect("the table has this precision");
                let with_labels = [figure(row, "precision"), figure(row, "recall")].join(" | ");
                let name = quoted(&recipe);
                line(
                    &mut text,
                    &format!("| {} | {name} | {wanted} | {with_labels} | {precision} | {recall} |", set.name),
                );
            }
        }
    }
    Some(text)
}

/// A figure of `alike calibrate --json` with its interval.
fn figure(row: &Value, name: &str) -> String {
    let interval = &row[format!("{name}_ci95")];
    shown(row[name].as_f64(), interval[0].as_f64().zip(interval[1].as_f64()))
}

fn shown(figure: Option<f64>, interval: Option<(f64, f64)>) -> String {
    match figure.zip(interval) {
        Some((figure, (low, high))) => format!("{figure:.3} ({low:.3} to {high:.3})"),
        None => "nothing found".to_owned(),
    }
}

/// A collection of a set.
struct Indexed<'a> {
    set: &'a Set,
    folder: tempfile::TempDir,
}

/// The descriptors of a recipe.
struct Gallery {
    paths: Vec<PathBuf>,
    labels: Vec<Option<String>>,
    dims: usize,
    rows: Vec<f32>,
    /// Rows are bits.
    is_code: bool,
}

impl<'a> Indexed<'a> {
    fn new(set: &'a Set) -> Option<Self> {
        let of = data().join(set.name);
        if !of.is_dir() {
            return None;
        }
        let indexed = Self { set, folder: tempfile::tempdir().expect("a temporary folder") };
        let mut command = indexed.alike("index");
        command.arg("--model").arg(network());
        (set.recipes)().iter().for_each(|recipe| _ = command.args(["--recipe", recipe]));
        if set.is_listed {
            let lists = truth::read_lists(&of.join("groundtruth.txt")).expect("the ground truth");
            let mut paths = lists.pictures();
            paths.extend(truth::read_distractors(&of.join("distractors.txt")).expect("the distractors"));
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            run(command.arg("-"), &paths.join("\n"));
        } else {
            run(command.arg("--list").arg(of.join("trainval.txt")), "");
        }
        Some(indexed)
    }

    fn alike(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alike"));
        command.arg(name).arg("-c").arg(self.folder.path());
        command
    }

    /// The cut-off without labels, which is the same for every query.
    fn estimated(&self, recipe: &str, wanted: f64, query: &Path) -> Option<f32> {
        let mut command = self.alike("search");
        command.args(["--json", "--recipe", recipe, "--precision", &wanted.to_string()]).arg(query);
        let answer: Value = serde_json::from_slice(&run(&mut command, "").stdout).expect("it answers in JSON");
        assert_eq!(answer["calibration"]["by"], "estimate");
        answer["calibration"]["cutoff"].as_f64().map(|cutoff| cutoff as f32)
    }

    /// The table of `alike calibrate`.
    fn calibrated(&self, recipe: &str) -> Vec<Value> {
        let mut command = self.alike("calibrate");
        command.args(["--json", "--recipe", recipe]);
        if self.set.is_listed {
            command.arg("--ground-truth").arg(data().join(self.set.name).join("groundtruth.txt"));
        }
        let answer: Value = serde_json::from_slice(&run(&mut command, "").stdout).expect("it answers in JSON");
        answer["precisions"].as_array().expect("a table").clone()
    }

    fn gallery(&self, recipe: &str) -> Gallery {
        let file = self.folder.path().join("rows.npy");
        run(self.alike("export").args(["--recipe", recipe, "--npy"]).arg(&file), "");
        let lines = fs_err::read_to_string(file.with_extension("jsonl")).expect("the names of the rows");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let path = |line: &Value| PathBuf::from(line["path"].as_str().expect("a path"));
        let bytes = fs_err::read(&file).expect("the rows");
        let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let rows: Vec<f32> =
            bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect();
        Gallery {
            paths: lines.iter().map(path).collect(),
            labels: lines.iter().map(|line| line["label"].as_str().map(str::to_owned)).collect(),
            dims: rows.len() / lines.len(),
            is_code: rows.iter().all(|&number| number == 0.0 || number == 1.0),
            rows,
        }
    }

    /// Precision and recall above a cut-off.
    fn measured(&self, gallery: &Gallery, cutoff: Option<f32>) -> [String; 2] {
        let contents: Vec<Vec<u8>> = gallery.paths.iter().map(|path| fs_err::read(path).expect("a picture")).collect();
        // For each photo, or class: right, found, relevant.
        let mut counts: HashMap<usize, Vec<f64>> = HashMap::new();
        for (query, group, relevant) in self.queries(gallery) {
            let counts = counts.entry(group).or_insert_with(|| vec![0.0; 3]);
            for picture in (0..gallery.paths.len()).filter(|&other| contents[other] != contents[query]) {
                let is_found = cutoff.is_some_and(|cutoff| gallery.score(query, picture) >= cutoff);
                let is_relevant = relevant.contains(&picture);
                counts[0] += f64::from(u8::from(is_found && is_relevant));
                counts[1] += f64::from(u8::from(is_found));
                counts[2] += f64::from(u8::from(is_relevant));
            }
        }
        let mut groups: Vec<usize> = counts.keys().copied().collect();
        groups.sort_unstable();
        let rows: Vec<Vec<f64>> = groups.iter().map(|group| counts[group].clone()).collect();
        let resampled = Bootstrap { seed: 0, resamples: 10_000, threads: 1 }.resample(&rows);
        let text = |estimate: Estimate| {
            shown(Some(estimate.mean).filter(|mean| mean.is_finite()), Some((estimate.low, estimate.high)))
        };
        [text(resampled.ratio(0, 1)), text(resampled.ratio(0, 2))]
    }

    /// Each query with its group and what is relevant to it.
    fn queries(&self, gallery: &Gallery) -> Vec<(usize, usize, HashSet<usize>)> {
        if !self.set.is_listed {
            let mut names: Vec<&String> = gallery.labels.iter().flatten().collect();
            names.sort_unstable();
            names.dedup();
            let class: Vec<Option<usize>> =
                gallery.labels.iter().map(|label| names.binary_search(&label.as_ref()?).ok()).collect();
            let fellows = |class_of: usize| (0..class.len()).filter(|&i| class[i] == Some(class_of)).collect();
            return (0..class.len()).filter_map(|i| Some((i, class[i]?, fellows(class[i]?)))).collect();
        }
        let at: HashMap<&Path, usize> = gallery.paths.iter().enumerate().map(|(i, path)| (path.as_path(), i)).collect();
        let lists = truth::read_lists(&data().join(self.set.name).join("groundtruth.txt")).expect("the ground truth");
        let lines = lists.lines.iter().enumerate();
        lines
            .map(|(group, line)| {
                let relevant = line.relevant.iter().map(|path| at[path.as_path()]).collect();
                (at[line.query.as_path()], group, relevant)
            })
            .collect()
    }
}

impl Gallery {
    fn score(&self, a: usize, b: usize) -> f32 {
        let row = |i: usize| &self.rows[i * self.dims..(i + 1) * self.dims];
        let pairs = row(a).iter().zip(row(b));
        if self.is_code {
            return (1.0 - pairs.filter(|(x, y)| x != y).count() as f64 / self.dims as f64) as f32;
        }
        pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>() as f32
    }
}

/// What the program says, which may be that nothing was found.
fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was just built");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    output
}
