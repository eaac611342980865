//! What a run did and where its time went, for people and as JSON.

use crate::output::{Printer, path_fields};
use alike::engine::{Engine, Skip, StageTimes, SyncReport};
use serde_json::{Value, json};
use std::time::Duration;

/// Each stage with what is done in it, in the order in which a picture comes through.
fn stages(times: &StageTimes) -> [(&'static str, Duration, &'static str); 8] {
    [
        ("scan", times.scan, "files found and compared with the records"),
        ("read", times.read, "files read ahead and hashed"),
        ("decode", times.decode, "bytes to pixels"),
        ("prepare", times.prepare, "resized and normalised for networks"),
        ("network", times.network, "forward passes"),
        ("describe", times.describe, "all else that sources compute"),
        ("store", times.store, "rows, descriptors, indexes"),
        ("elapsed", times.total, "from beginning to end, on the clock"),
    ]
}

/// As a table.
pub(super) fn print(report: &SyncReport, jobs: usize, printer: &Printer) {
    let described = described(report).max(1) as f64;
    printer.status(format_args!("stage      seconds  ms/picture   (reading and {jobs} workers: all threads added up)"));
    for (stage, time, what) in stages(&report.times) {
        let seconds = time.as_secs_f64();
        printer.status(format_args!("{stage:<9} {seconds:>8.2} {:>11.3}   {what}", seconds * 1e3 / described));
    }
}

/// With the counts, and what was left out.
pub(super) fn as_json(engine: &Engine, report: &SyncReport, jobs: usize) -> Value {
    let stages: serde_json::Map<String, Value> = stages(&report.times)
        .into_iter()
        .map(|(stage, time, _)| (stage.to_owned(), json!(time.as_secs_f64())))
        .collect();
    json!({
        "collection": engine.collection().dir().to_string_lossy(),
        "added": report.added, "changed": report.changed, "moved": report.moved, "completed": report.completed,
        "removed": report.removed, "unchanged": report.kept, "interrupted": report.interrupted,
        "skipped": report.skipped.iter().map(skip).collect::<Vec<_>>(),
        "warnings": report.warnings,
        "jobs": jobs, "described": described(report), "seconds": stages,
    })
}

fn skip(skip: &Skip) -> Value {
    let mut value = json!({"is_picture": skip.is_picture, "line": skip.what.line, "reason": skip.what.reason});
    path_fields(&mut value, &skip.what.path);
    value
}

fn described(report: &SyncReport) -> usize {
    report.added + report.changed + report.completed
}
