//! What each hand-crafted source costs, beside the forward pass of a network. Writes its table into
//! `docs/performance.md`: `cargo bench -p alike --bench sources` (with the test data at hand).
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

mod data;
mod page;
#[allow(dead_code, reason = "shared with other benchmarks")]
mod timing;

use alike::model::Model;
use alike::model::runtime::Rten;
use alike::picture::{DecodeOptions, Picture};
use alike::recipe::Draft;
use alike::source::{Forward, Source};
use std::path::Path;
use std::sync::Arc;
use timing::Time;

const SOURCES: [&str; 13] = [
    "color",
    "texture",
    "shape",
    "lab",
    "moments",
    "correlogram",
    "edges",
    "gist",
    "sift",
    "ahash",
    "dhash",
    "phash",
    "whash",
];
/// Those whose cost is compared with the network's: the first ones.
const COMPARED: usize = 3;
const PICTURES: usize = 100;
/// The best time counts, because others use the machine as well.
const ROUNDS: usize = 5;

fn main() {
    let pictures = pictures(&data::data().join("corel1k"));
    let table = table(&pictures, &data::network());
    println!("{table}");
    page::write("performance", "sources", &table);
}

fn pictures(folder: &Path) -> Vec<Picture> {
    let list = fs_err::read_to_string(folder.join("test.txt")).expect("the test data are at hand");
    let files = list.lines().take(PICTURES).map(|line| line.split('\t').next().expect("a path"));
    files.map(|file| Picture::open(&folder.join(file), &DecodeOptions::default()).expect("a picture")).collect()
}

fn table(pictures: &[Picture], weights: &Path) -> String {
    let sources = SOURCES.map(|name| {
        let recipe = name.parse().expect("a recipe");
        Arc::clone(&Draft::new(&recipe, &[] as &[Arc<Model>]).expect("no network is needed").sources()[0])
    });
    let (working_picture, times) = of_sources(pictures, &sources);
    let network = of_network(pictures, weights);
    let mut rows = vec![("the working picture, made once".to_owned(), working_picture)];
    rows.extend(sources.iter().zip(&times).map(|(source, ms)| (format!("`{}`", source.id()), *ms)));
    let together = working_picture + times[..COMPARED].iter().sum::<f64>();
    rows.push(("`color + texture + shape` together".into(), together));
    rows.push(("MobileNetV2 in rten, preprocessing included".into(), network));
    let rows: String = rows.iter().map(|(name, ms)| format!("| {name} | {ms:.2} |\n")).collect();
    format!(
        "Machine: {}.\nCommand: `cargo bench -p alike --bench sources`.\n{} pictures of corel1k, decoded before; one thread, \
         the best of {ROUNDS} rounds.\n\n| | CPU ms a picture |\n|---|---|\n{rows}",
        page::machine(),
        pictures.len()
    )
}

/// CPU milliseconds a picture: of the working picture, and of each source once that is there.
fn of_sources(pictures: &[Picture], sources: &[Arc<dyn Source>]) -> (f64, Vec<f64>) {
    let describe = |source: &Arc<dyn Source>, picture: &Picture, forward: &Forward| {
        source.describe(picture, forward).expect("a row");
    };
    let first = &sources[0];
    let alone = best(pictures, || pictures.iter().for_each(|picture| describe(first, picture, &Forward::default())));
    let warm: Vec<Forward> = pictures.iter().map(|_| Forward::default()).collect();
    pictures.iter().zip(&warm).for_each(|(picture, forward)| describe(first, picture, forward));
    let of =
        |source| best(pictures, || pictures.iter().zip(&warm).for_each(|(p, forward)| describe(source, p, forward)));
    let each: Vec<f64> = sources.iter().map(of).collect();
    (alone - each[0], each)
}

fn of_network(pictures: &[Picture], weights: &Path) -> f64 {
    let model = Model::open(weights).expect("the weights are at hand");
    let mut network = model.start(&Rten::new()).expect("rten loads them");
    best(pictures, || pictures.iter().for_each(|picture| drop(network.run(picture).expect("a forward pass"))))
}

fn best(pictures: &[Picture], mut work: impl FnMut()) -> f64 {
    let time = (0..ROUNDS).map(|_| Time::of(&mut work)).fold(Time::NEVER, Time::best);
    time.cpu * 1000.0 / pictures.len() as f64
}
