//! The tables of the page.

use crate::ours::Ours;
use crate::peer::Done;
use crate::sets::Set;
use crate::{Best, FEW_ROUNDS, ROUNDS, page};
use std::fmt::Write;

pub(crate) fn begin() -> String {
    format!(
        "Machine: {}.\nCommand: `ALIKE_PYTHON=python cargo bench -p alike --bench search`.\nEach time is the best of {ROUNDS} \
         rounds ({FEW_ROUNDS} with set D) in which the programs take turns. Recall is of the true ten nearest. Rows of the set \
         lie in a mapped file, as those of a collection do; FAISS has them in its memory.\n",
        page::machine()
    )
}

pub(crate) struct Lines {
    text: String,
    bytes: f64,
    flops: f64,
    limit: (f64, f64),
}

impl Lines {
    pub(crate) fn new(set: &Set, peer: Option<&str>) -> Self {
        let mut text = String::new();
        writeln!(text, "\n### Set {}\n\nPeer: {}.\n", set.name, peer.unwrap_or("none")).expect("text takes text");
        let numbers = set.base().len() as f64;
        Self { text, bytes: 4.0 * numbers, flops: 2.0 * numbers, limit: (0.0, 0.0) }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(crate) fn limits(&mut self, threads: usize, bandwidth: f64, multiplied: f64) {
        self.limit = (bandwidth, multiplied);
        let (read, product) = (bandwidth / 1e9, multiplied / 1e9);
        self.line(&format!(
            "\nThreads: {threads}. The machine reads {read:.1} GB/s and multiplies {product:.0} GFLOP/s a core.\n"
        ));
        self.line(
            "| | queries/s | recall | share of the limit | FAISS | queries/s | recall | ours / FAISS | by CPU time |",
        );
        self.line("|---|---|---|---|---|---|---|---|---|");
    }

    pub(crate) fn row(&mut self, task: &str, best: &Best, threads: usize) {
        let speed = best.queries as f64 / best.time.wall;
        let limit = if task.starts_with("f32, one") {
            format!("{:.2} of reading", speed * self.bytes / self.limit.0)
        } else if task.starts_with("f32") {
            format!("{:.2} of multiplying", speed * self.flops / self.limit.1 / threads as f64)
        } else {
            String::new()
        };
        let peer = best.peer.as_ref().map_or(String::from(" | | | | "), |done| {
            let theirs = done.queries as f64 / done.wall;
            let by_cpu = (best.queries as f64 / best.time.cpu) / (done.queries as f64 / done.cpu);
            format!("{} | {theirs:.0} | {:.4} | {:.2} | {by_cpu:.2}", done.what, done.recall, speed / theirs)
        });
        self.line(&format!("| {task} | {speed:.0} | {:.4} | {limit} | {peer} |", best.recall));
    }

    pub(crate) fn builds(&mut self, ours: &Ours<'_>, ivf: &Done, hnsw: &Done) {
        let (build, measuring) = (ours.build, ours.measuring);
        self.line(&format!(
            "\nBuilding the lists: {:.1} CPU s, and {:.1} to measure their recall; FAISS IVF {:.1} CPU s (ours / FAISS {:.2} \
             without measuring), HNSW {:.1} CPU s.",
            build.cpu,
            measuring.cpu,
            ivf.cpu,
            build.cpu / ivf.cpu,
            hnsw.cpu
        ));
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
