//! The files an evaluation leaves: report, tables, TREC run and qrels.

use super::EvalArgs;
use super::descriptors::{Descriptors, Queries};
use super::material::{Bound, Judged};
use crate::look;
use crate::output::{Printer, shown_path};
use alike_eval::evaluation::Evaluation;
use alike_eval::rank::{self, Depth, Ties};
use alike_eval::report;
use alike_eval::trec;
use alike_eval::truth::Truth;
use anyhow::bail;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Ranks of the run files that go with a report: what TREC runs usually have.
const REPORT_RUN_DEPTH: usize = 1000;

/// Queries ranked at a time for a run file, so that memory doesn't grow with queries x gallery.
const QUERIES_AT_A_TIME: usize = 256;

/// Fails before the work, not after it, where the files can't be written.
pub(super) fn prepare(args: &EvalArgs) -> anyhow::Result<()> {
    if let Some(dir) = &args.report {
        fs_err::create_dir_all(dir)?;
    }
    for file in args.trec_run.iter().chain(&args.qrels) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            bail!("no folder {} to write {} in: make it first", shown_path(folder), shown_path(file));
        }
    }
    Ok(())
}

pub(super) fn write(
    args: &EvalArgs,
    evaluation: &Evaluation,
    bound: &[Bound],
    judged: &Judged,
    printer: &Printer,
) -> anyhow::Result<()> {
    if let Some(file) = &args.trec_run {
        for path in write_runs(args, bound, judged, file, judged.gallery.len())? {
            printer.status(format_args!("run: {}", shown_path(&path)));
        }
    }
    if let Some(file) = &args.qrels {
        write_qrels(judged, file)?;
        printer.status(format_args!("qrels: {}", shown_path(file)));
    }
    if let Some(dir) = &args.report {
        let picture = pictures(judged);
        fs_err::write(dir.join("report.html"), report::html(evaluation, &picture))?;
        let json = serde_json::to_string_pretty(evaluation)?;
        fs_err::write(dir.join("report.json"), json + "\n")?;
        fs_err::write(dir.join("per_query.csv"), report::per_query_csv(evaluation))?;
        remove_runs(dir)?;
        write_runs(args, bound, judged, &dir.join("run.trec"), REPORT_RUN_DEPTH)?;
        write_qrels(judged, &dir.join("qrels.trec"))?;
        printer.status(format_args!("report: {}", shown_path(&dir.join("report.html"))));
    }
    Ok(())
}

/// Runs of an earlier report, which may have had more recipes.
fn remove_runs(dir: &Path) -> anyhow::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix("run-").and_then(|rest| rest.strip_suffix(".trec"));
        if name == "run.trec" || number.is_some_and(|number| number.parse::<usize>().is_ok()) {
            fs_err::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The pictures of a report, as small JPEGs.
fn pictures(judged: &Judged) -> impl Fn(report::Shown<'_>) -> Option<String> + '_ {
    |shown| match shown {
        report::Shown::Query { position, .. } => look::data_uri_of_file(&judged.queries.get(position)?.path),
        report::Shown::Gallery { position, .. } => look::data_uri_of_file(&judged.gallery.get(position)?.path),
    }
}

fn write_qrels(judged: &Judged, file: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::new(fs_err::File::create(file)?);
    trec::write_qrels(&mut out, &judged.queries, &judged.gallery, &judged.judgement.truth)?;
    Ok(out.flush()?)
}

/// A file for each recipe: `FILE`, or with several recipes `FILE` with `-1`, `-2`, .. before its extension.
fn write_runs(
    args: &EvalArgs,
    bound: &[Bound],
    judged: &Judged,
    file: &Path,
    depth: usize,
) -> anyhow::Result<Vec<PathBuf>> {
    let several = bound.len() > 1;
    let mut written = Vec::new();
    for (number, bound) in (1..).zip(bound) {
        let path = if several { numbered(file, number) } else { file.to_path_buf() };
        let mut out = BufWriter::new(fs_err::File::create(&path)?);
        write_run(args, bound, judged, depth, &mut out)?;
        out.flush()?;
        written.push(path);
    }
    Ok(written)
}

fn numbered(file: &Path, number: usize) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}-{number}{extension}"))
}

/// A run is one order: equal scores stand in the order of the gallery, whatever `--ties` says.
fn write_run(args: &EvalArgs, bound: &Bound, judged: &Judged, depth: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let threads = args.gallery.decoding.jobs();
    let gallery = Descriptors::of_gallery(bound, &judged.gallery_ids, threads)?;
    let queries: Vec<usize> = (0..judged.queries.len()).collect();
    for batch in queries.chunks(QUERIES_AT_A_TIME) {
        let truth = ignoring(&judged.judgement.truth, batch);
        let ids: Vec<_> = batch.iter().map(|&query| judged.query_ids[query]).collect();
        let rows = Queries::of(bound, &ids, &gallery, &truth, threads)?;
        let depth = (Depth::Top(depth), Ties::Index);
        let sides = (gallery.rows(), rows.rows());
        let first = rows.reranked.as_deref();
        let runs = rank::rank_behind(first, sides, &truth, depth, threads, |_, ranked| ranked.top);
        for (&query, top) in batch.iter().zip(runs) {
            let order: Vec<u32> = top.iter().map(|found| found.picture).collect();
            trec::write_run(out, &judged.queries[query], &judged.gallery, &order, &bound.text)?;
        }
    }
    Ok(())
}

/// What is taken out of the gallery for some of the queries. What is relevant to them doesn't change an order.
fn ignoring(truth: &Truth, queries: &[usize]) -> Truth {
    Truth {
        sets: vec![Vec::new()],
        set_of_query: vec![0; queries.len()],
        ignored: queries.iter().map(|&query| truth.ignored[query].clone()).collect(),
    }
}
