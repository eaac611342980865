//! `alike demo`: draw a gallery, index it, search it, show the results. Offline, without a network.

use crate::cli::Outcome;
use crate::commands::index;
use crate::decoding;
use crate::demo_gallery::{self, DemoGallery};
use crate::look::{self, Facts, HITS_IN_A_ROW, Page, Ranking, Search, Shown, Terminal};
use crate::networks;
use crate::output::{Printer, shown_path};
use alike::engine::{Engine, Hit, Input, Recipes, SearchOptions, Searcher, SyncReport, SyncRequest};
use alike::gallery::{self, Candidate};
use alike::picture::{DecodeOptions, Views};
use alike::recipe::{Descriptor, Recipe};
use alike::store::{Collection, Label};
use alike_eval::measures::Judged;
use anyhow::{Context, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::io::stdout;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The demo is the same everywhere.
const SEED: u64 = 20_26;

#[derive(Args)]
#[command(after_help = "Examples:
  alike demo
  alike demo /tmp/demo && xdg-open /tmp/demo/results.html")]
pub(crate) struct DemoArgs {
    /// Folder to draw in; made if missing, refused if it holds anything else
    #[arg(default_value = "alike-demo")]
    dir: PathBuf,
}

/// What the held-out queries say, and what it took.
struct Trial {
    queries: Vec<Candidate>,
    hits: Vec<Vec<Hit>>,
    describe: Duration,
    search: Duration,
}

pub(crate) fn run(args: &DemoArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let dir = prepared(&args.dir)?;
    let started = Instant::now();
    let drawn = demo_gallery::draw(&dir, SEED).with_context(|| format!("can't draw in {}", dir.display()))?;
    let drawing = started.elapsed();
    let (engine, report) = index_gallery(&dir, &drawn, printer)?;
    let searcher = engine.searcher(None)?;
    let trial = try_queries(&engine, &searcher, &drawn)?;
    let times = [
        ("draw", drawing),
        ("index", report.times.total),
        ("describe queries", trial.describe),
        ("search", trial.search),
    ];
    summarise(&drawn, &report, &searcher, &trial, &times, printer)?;
    write_pictures(&dir, &searcher, &trial, &times, printer)?;
    Ok(Outcome::Success)
}

/// An empty folder to draw in. An earlier demo there is drawn anew.
fn prepared(dir: &Path) -> anyhow::Result<PathBuf> {
    let ours = dir.join("dataset_info.json").exists() && dir.join("test.txt").exists();
    if dir.is_dir() && !ours && fs_err::read_dir(dir)?.next().is_some() {
        bail!("{} holds other files: name an empty folder or a new one, `alike demo DIR`", dir.display());
    }
    let collection = dir.join(".alike");
    if ours && collection.is_dir() {
        fs_err::remove_dir_all(collection)?;
    }
    fs_err::create_dir_all(dir)?;
    Ok(fs_err::canonicalize(dir)?)
}

fn index_gallery(dir: &Path, drawn: &DemoGallery, printer: &Printer) -> anyhow::Result<(Engine, SyncReport)> {
    let collection = Collection::create(&dir.join(".alike"))?;
    let engine = Engine::new(collection, networks::none());
    let request = SyncRequest {
        inputs: vec![Input::List { path: drawn.gallery_list.clone(), base: None }],
        recipes: Recipes::Keep { fallback: Recipe::default_without_model() },
        decode: DecodeOptions::default(),
        decoding: None,
        jobs: decoding::jobs(None),
        forget: false,
        scan: None,
        who: "alike demo",
        cancel: &AtomicBool::new(false),
    };
    let report = index::sync(&engine, &request, printer)?;
    Ok((engine, report))
}

fn try_queries(engine: &Engine, searcher: &Searcher, drawn: &DemoGallery) -> anyhow::Result<Trial> {
    let queries = gallery::read_list(&drawn.query_list, None)?.files;
    let started = Instant::now();
    let mut describer = searcher.describer(engine)?;
    let mut descriptors: Vec<Descriptor> = Vec::new();
    for query in &queries {
        descriptors.push(describer.describe(&Views::open(&query.path, &DecodeOptions::default())?)?);
    }
    let describe = started.elapsed();
    let searching = Instant::now();
    let options = SearchOptions { threads: decoding::jobs(None), ..SearchOptions::best(10) };
    let hits = searcher.search(&descriptors, &options)?.hits;
    Ok(Trial { queries, hits, describe, search: searching.elapsed() })
}

/// Mean P@k of the held-out queries.
fn precision_at(trial: &Trial, k: usize) -> f64 {
    let precision = |(query, hits): (&Candidate, &Vec<Hit>)| {
        let right: Vec<bool> = hits.iter().map(|hit| hit.record.label == query.label).collect();
        // What the gallery has beyond the hits changes no P@k.
        Judged::from_labels(&right, 1).precision(k).unwrap_or_default()
    };
    trial.queries.iter().zip(&trial.hits).map(precision).sum::<f64>() / trial.queries.len() as f64
}

fn summarise(
    drawn: &DemoGallery,
    report: &SyncReport,
    searcher: &Searcher,
    trial: &Trial,
    times: &[(&str, Duration)],
    printer: &Printer,
) -> std::io::Result<()> {
    let classes: BTreeSet<&Option<Label>> = trial.queries.iter().map(|query| &query.label).collect();
    printer.line(format_args!(
        "gallery   {} pictures of {} classes, {} held-out queries",
        drawn.gallery,
        classes.len(),
        trial.queries.len()
    ))?;
    printer.line(format_args!("recipe    {}", searcher.recipe()))?;
    printer.line(format_args!("P@1       {:.3}", precision_at(trial, 1)))?;
    printer.line(format_args!("P@10      {:.3}", precision_at(trial, 10)))?;
    for (stage, time) in times {
        printer.line(format_args!("{stage:<18} {:>8.1} ms", time.as_secs_f64() * 1e3))?;
    }
    let each = |time: Duration, n: usize| time.as_secs_f64() * 1e3 / n.max(1) as f64;
    let (index, search) = (each(report.times.total, report.added), each(trial.search, trial.queries.len()));
    printer.line(format_args!("that is {index:.2} ms to index a picture, {search:.3} ms to search the gallery"))
}

/// One query of each class: the first one's hits as a strip, all of them on a page.
fn write_pictures(
    dir: &Path,
    searcher: &Searcher,
    trial: &Trial,
    times: &[(&str, Duration)],
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    let mut answered = Vec::new();
    for (query, hits) in trial.queries.iter().zip(&trial.hits) {
        if seen.insert(&query.label) {
            let shown = Shown::of_query(&query.path, query.label.clone());
            answered.push((shown, hits.iter().map(|hit| Shown::of_hit(hit, false)).collect::<Vec<_>>()));
        }
    }
    let (query, hits) = answered.first().context("the demo gallery has no queries")?;
    let strip_path = dir.join("strip.png");
    look::save_png(&look::strip(query, &[Ranking::alone(hits)], HITS_IN_A_ROW), &strip_path)?;
    if let Some(terminal) = Terminal::found() {
        terminal.show(&mut stdout().lock(), query, &[Ranking::alone(hits)])?;
    }
    let took = trial.search / trial.queries.len().max(1) as u32;
    let rankings: Vec<[Ranking<'_>; 1]> = answered.iter().map(|(_, hits)| [Ranking::alone(hits)]).collect();
    let searches = answered.iter().zip(&rankings).map(|((query, _), rankings)| Search { query, rankings, took });
    let searches: Vec<Search<'_>> = searches.collect();
    let page = look::results_page(&Page {
        title: "alike demo",
        recipes: &[searcher.recipe()],
        collection: &shown_path(searcher.collection().dir()),
        facts: &facts(trial, times),
        searches: &searches,
    });
    let page_path = dir.join("results.html");
    fs_err::write(&page_path, page)?;
    printer.status(format_args!("strip: {}\npage:  {}", shown_path(&strip_path), shown_path(&page_path)));
    printer.status(format_args!("next: alike search --list {0}/test.txt --pick random -c {0}", shown_path(dir)));
    printer.status(format_args!("      alike eval -c {0} --query {0}/test.txt --report {0}/report", shown_path(dir)));
    printer.status(format_args!("      alike serve -c {}", shown_path(dir)));
    Ok(())
}

fn facts(trial: &Trial, times: &[(&str, Duration)]) -> [Facts; 2] {
    let quality = [1, 10].map(|k| (format!("P@{k}"), format!("{:.3}", precision_at(trial, k))));
    let time = |(stage, time): &(&str, Duration)| ((*stage).to_owned(), format!("{:.1} ms", time.as_secs_f64() * 1e3));
    [
        Facts { caption: format!("{} held-out queries", trial.queries.len()), rows: quality.to_vec() },
        Facts { caption: "Time".to_owned(), rows: times.iter().map(time).collect() },
    ]
}
