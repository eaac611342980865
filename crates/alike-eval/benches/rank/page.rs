//! The table in `docs/performance.md`.

use super::data::Set;
use super::peer::QUERIES;
use super::timing::Time;
use super::{ROUNDS, Times, document};
use std::fmt::Write;

/// What is measured. The first and the last are what others are compared with.
pub(crate) const ROWS: [&str; 7] = [
    "product in f32, nothing done with the scores",
    "product in f64, nothing done with the scores",
    "the best 10, exact",
    "the best 10 and where all relevant ones stand, exact",
    "all metrics of each query from that, at k = 1, 5, 10 and of the whole ranking",
    "numpy: product in f32",
    "numpy: product in f32 and argsort",
];

pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new(threads: usize) -> Self {
        let mut page = Self(String::new());
        page.line(&format!("Machine: {}.", document::machine()));
        page.line("Command: `ALIKE_PYTHON=python cargo bench -p alike-eval --bench rank`.");
        page.line(&format!(
            "Each time is the best of {ROUNDS} rounds in which the programs take turns, all with {threads} threads (numpy's \
             argsort has one). CPU seconds are those of all threads. numpy ranks at most {QUERIES} of the queries, and its \
             time is scaled to all. The product's blocks are the rankings'."
        ));
        page
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("text takes text");
    }

    pub(crate) fn add(&mut self, set: &Set, times: &Times) {
        self.line(&format!("\n{} queries, gallery of {}:\n", set.truth.queries(), set.name));
        self.line("| | s | CPU s | CPU s / product's | numpy's s / s |");
        self.line("|---|---|---|---|---|");
        let (product, numpy) = (times[0], times[times.len() - 1]);
        for (name, time) in ROWS.iter().zip(times).filter(|(_, time)| time.wall.is_finite()) {
            let faster = if numpy.wall.is_finite() { format!("{:.1}", numpy.wall / time.wall) } else { String::new() };
            let Time { wall, cpu } = time;
            self.line(&format!("| {name} | {wall:.3} | {cpu:.3} | {:.2} | {faster} |", cpu / product.cpu));
        }
    }

    pub(crate) fn whole(&mut self, time: Time) {
        self.line(&format!(
            "\nAll that `alike eval` computes of a recipe on these 660 queries, from descriptors to metrics, curves, classes \
             and intervals of 10,000 resamples: {:.3} s ({:.3} CPU s).",
            time.wall, time.cpu
        ));
    }

    pub(crate) fn codes(&mut self, [top, full]: [Time; 2]) {
        self.line(&format!(
            "\nCodes of 128 bits, 10,000 queries, gallery of 100,000: the best 10 in {:.3} s ({:.3} CPU s), all in {:.3} s \
             ({:.3} CPU s).",
            top.wall, top.cpu, full.wall, full.cpu
        ));
    }

    /// Puts the table into the page.
    pub(crate) fn write(&self) {
        document::write("performance", "rank", &self.0);
        println!("{}", self.0);
    }
}
