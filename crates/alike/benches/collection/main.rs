//! How long a large collection takes to open, and how much memory searches in it take. Writes its table into
//! `docs/performance.md`: `cargo bench -p alike --bench collection` (or sets to measure and print alone behind `--`).
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

mod child;
#[path = "../filling.rs"]
mod filling;
#[path = "../page.rs"]
mod page;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../synthetic.rs"]
mod synthetic;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../timing.rs"]
mod timing;

use alike::recipe::DescriptorKind;
use alike::store::{Collection, RecipeEntry, RootKind, SourceEntry, StoreError};
use child::Measured;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use synthetic::Shape;
use timing::Time;

const SOURCE: &str = "aa";
const RECIPE: &str = "bb";
const QUERIES: usize = 1000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let [task, folder, recall] = &args[..]
        && task == "child"
    {
        return child::run(Path::new(folder), recall.parse().expect("a number"));
    }
    let whole = args.is_empty();
    let names = if whole { ["B", "C", "D"].map(str::to_owned).to_vec() } else { args };
    let mut text = begin();
    for name in &names {
        text.push_str(&measure(name));
    }
    println!("{text}");
    if whole {
        page::write("performance", "collection", &text);
    }
}

fn begin() -> String {
    format!(
        "Machine: {}.\nCommand: `cargo bench -p alike --bench collection`.\nA process of its own opens the collection and \
         searches {QUERIES} times, one query at a time, on one thread. Files are in the system's cache. Memory is what the \
         process has of it at the end, mapped files included, and beside it the bytes of the vectors in int8 and of those \
         that were found.\n\n\
         | collection | indexed in, s | opened in, ms | first search, ms | how it is searched | a search, ms | memory, MiB | \
         needed, MiB | memory / (1.1 needed + 64) |\n|---|---|---|---|---|---|---|---|---|\n",
        page::machine()
    )
}

fn measure(name: &str) -> String {
    let (rows, dims) = match name {
        "A" => (200_000, 128),
        "B" => (100_000, 1280),
        "C" => (1_000_000, 128),
        "D" => (1_000_000, 512),
        other => panic!("no set {other}: wanted A, B, C or D"),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (time, made) = Time::with(|| fill(folder.path(), rows, dims));
    made.expect("room for a collection");
    let mut text = String::new();
    for recall in ["0.99", "0.9999"] {
        let child = Command::new(std::env::current_exe().expect("the benchmark's own program"))
            .args(["child".as_ref(), folder.path().as_os_str(), recall.as_ref()])
            .output()
            .expect("the benchmark runs");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        let found: Measured = serde_json::from_slice(&child.stdout).expect("it answers in JSON");
        // The least that an exact answer takes: bytes of all, and the rows of what was found.
        let needed = (rows * dims.next_multiple_of(64) + QUERIES * 10 * dims * 4) as f64 / 1048576.0;
        let Measured { open_ms, first_ms, search_ms, memory_mib, how, .. } = found;
        writeln!(
            text,
            "| {name}: {rows} x {dims} | {:.0} | {open_ms:.1} | {first_ms:.1} | {how} | {search_ms:.3} | {memory_mib:.0} | \
             {needed:.0} | {:.2} |",
            time.wall,
            memory_mib / (1.1 * needed + 64.0)
        )
        .expect("text takes text");
    }
    text
}

/// A collection of so many pictures, and queries beside it.
fn fill(folder: &Path, rows: usize, dims: usize) -> Result<(), StoreError> {
    let collection = Collection::create(&folder.join(".alike"))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut writer = collection.write("benchmark")?.with_threads(cores);
    let root = writer.add_root(&RootKind::Folder { labels_from_folders: false }, Path::new(""))?;
    writer.add_source(&SourceEntry { key: SOURCE.into(), text: "made/1".into(), dims, model_sha256: None })?;
    writer.add_recipe(&RecipeEntry {
        key: RECIPE.into(),
        text: "made".into(),
        canonical: "made/1".into(),
        sources: vec![SOURCE.into()],
        kind: DescriptorKind::Vector(dims),
    })?;
    let (vectors, _) = synthetic::vectors(rows + QUERIES, Shape { dims, classes: 500, spread: 0.5 });
    let (vectors, queries) = vectors.split_at(rows * dims);
    fs_err::write(folder.join("queries"), bytemuck::cast_slice(queries))?;
    filling::fill(&mut writer, filling::Keys { root, source: SOURCE, recipe: RECIPE }, dims, vectors)?;
    writer.finish()
}
