//! `alike index`: look at pictures and keep descriptors of them.

mod timings;

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::decoding::DecodingArgs;
use crate::networks::{self, NetworkArgs};
use crate::output::Printer;
use alike::engine::{Engine, Event, Input, Recipes, SyncReport, SyncRequest};
use alike::gallery::Separator;
use alike::recipe::Recipe;
use alike::store::ScanChoice;
use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike index ~/Pictures                                   a folder; the collection lies in ~/Pictures/.alike
  alike index                                              bring all indexed folders and lists in line
  alike index --labels-from-folders animals -c DIR         labels are the folders' names
  alike index --list trainval.txt -c DIR                   a labelled list: `path TAB label`, names in dataset_info.json
  alike index --model mobilenet_v2.onnx --recipe deep --recipe 'deep | hash(mean)' photos
  find . -name '*.jpg' -print0 | alike index - -0 -c DIR   paths from a pipe
  alike index photos --timings                             and where the time went, stage by stage

Recipes: a source or a weighted sum of several, as in `0.7*deep + 0.3*color`, and behind it any steps:
  deep, semantic, layer(\"NODE\", gem(3))   a network; `deep(scales=2)` looks at parts of the picture as well
  semantic(\"animals.head\")   the classes of a list, learnt by `alike train`; likewise | project(\"animals.proj\")
  color, lab, texture, shape, moments, correlogram, edges, gist, sift   the pixels
  ahash, dhash, phash, whash   codes of the pixels, which stand alone
  | center, | pca(D), | whiten(D)   better vectors, by what the gallery teaches; sift takes | vlad(K)
  | hash(mean), | hash(lsh, BITS), | hash(itq, BITS)   codes of vectors
What is learnt stays as it is when pictures are added; once there are more than four times as many it is learnt anew.

A picture that can't be read is named and left out; the rest is indexed. Ctrl-C keeps what is done, and the next run
goes on from there.")]
pub(crate) struct IndexArgs {
    /// Folders or files; `-` reads paths from stdin; nothing brings all that was indexed in line
    paths: Vec<PathBuf>,

    /// List file: a line for each picture, `path TAB label`
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// What the paths of --list are relative to [default: the list's folder]
    #[arg(long, value_name = "DIR", requires = "list")]
    root: Option<PathBuf>,

    /// The label of a picture is the name of its folder
    #[arg(long)]
    labels_from_folders: bool,

    /// Recipe to describe pictures by; repeat for several [default: deep with a network, else a mix of color, texture, correlogram, edges]
    #[arg(long = "recipe", value_name = "RECIPE")]
    recipes: Vec<String>,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    #[command(flatten)]
    decoding: DecodingArgs,

    /// Forget folders and lists that are missing or empty now
    #[arg(long)]
    forget: bool,

    /// How vectors are searched from now on: `exact`, all in bytes (`int8`), only `lists` near the query, or `auto`, by their
    /// number [default: as before, at first `auto`]
    #[arg(long, value_name = "auto|exact|int8|lists", value_parser = scan_choice)]
    scan: Option<ScanChoice>,

    /// Exit with 2 if a picture was left out
    #[arg(long)]
    strict: bool,

    /// Say where the time went
    #[arg(long)]
    timings: bool,

    /// What was done, what was left out and where the time went, as JSON
    #[arg(long)]
    json: bool,

    /// Paths on stdin end with a zero byte (find -print0)
    #[arg(short = '0', long)]
    null: bool,
}

pub(crate) fn run(args: &IndexArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let inputs = inputs(args)?;
    let folder = match &inputs[..] {
        [Input::Folder { path, .. }] => Some(path.clone()),
        _ => None,
    };
    let recipes = args.recipes.iter().map(|text| parse(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let networks = networks::open(&args.network, printer)?;
    let (collection, is_new) = args.collection.open_or_create(folder.as_deref())?;
    let engine = Engine::new(collection, networks);
    // Before the run: one that is killed has to find its network again, too.
    networks::remember(&engine, printer);
    let cancel = cancelled_by_ctrl_c()?;
    let request = SyncRequest {
        inputs,
        recipes: wanted_recipes(&engine, recipes, printer),
        decode: args.decoding.options(),
        decoding: args.decoding.pixels(),
        jobs: args.decoding.jobs(),
        forget: args.forget,
        scan: args.scan,
        who: "alike index",
        cancel: &cancel,
    };
    let report = match sync(&engine, &request, printer) {
        Ok(report) => report,
        Err(error) if is_new => return Err(discard_if_empty(&engine, error)),
        Err(error) => return Err(error),
    };
    summarise(&engine, &report, printer);
    if args.timings {
        timings::print(&report, args.decoding.jobs(), printer);
    }
    if args.json {
        printer.line(serde_json::to_string_pretty(&timings::as_json(&engine, &report, args.decoding.jobs()))?)?;
    }
    if report.interrupted {
        printer.note("stopped; run the same command again to go on from here");
        return Ok(Outcome::Interrupted);
    }
    let incomplete = !report.warnings.is_empty() || report.skipped.iter().any(|skip| skip.is_picture);
    Ok(if args.strict && incomplete { Outcome::Incomplete } else { Outcome::Success })
}

/// A run that failed before anything was indexed leaves no empty collection behind, for later commands to find.
fn discard_if_empty(engine: &Engine, error: anyhow::Error) -> anyhow::Error {
    let is_empty = engine.collection().snapshot().is_ok_and(|snapshot| snapshot.recipes().is_empty());
    if is_empty && let Err(removing) = fs_err::remove_dir_all(engine.collection().dir()) {
        return error.context(removing);
    }
    error
}

/// Runs a sync with a progress bar; every file left out is named as it happens.
pub(crate) fn sync(engine: &Engine, request: &SyncRequest<'_>, printer: &Printer) -> anyhow::Result<SyncReport> {
    let mut bar: Option<ProgressBar> = None;
    let report = engine.sync(request, &mut |event| {
        let say = |words: &dyn Fn()| match &bar {
            Some(bar) => bar.suspend(words),
            None => words(),
        };
        match event {
            Event::Scanned { pictures, .. } => bar = Some(printer.picture_progress(pictures as u64)),
            Event::Advanced => bar.iter().for_each(|bar| bar.inc(1)),
            Event::Skipped(skip) => say(&|| printer.skipped(skip)),
            Event::Warning(text) => say(&|| printer.warning(text)),
            Event::Finishing => {
                bar.iter().for_each(ProgressBar::finish_and_clear);
                bar = Some(printer.spinner("bringing descriptors and indexes in line"));
            }
            _ => {}
        }
    });
    bar.iter().for_each(ProgressBar::finish_and_clear);
    Ok(report?)
}

fn scan_choice(text: &str) -> Result<ScanChoice, String> {
    match text {
        "auto" => Ok(ScanChoice::Auto),
        "exact" => Ok(ScanChoice::Exact),
        "int8" => Ok(ScanChoice::Bytes),
        "lists" => Ok(ScanChoice::Lists),
        _ => Err(format!("got `{text}`, wanted auto, exact, int8 or lists")),
    }
}

pub(crate) fn parse(text: &str) -> anyhow::Result<Recipe> {
    text.parse().with_context(|| format!("in the recipe `{text}`"))
}

fn inputs(args: &IndexArgs) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let mut files = Vec::new();
    for path in &args.paths {
        if path == Path::new("-") {
            files.extend(paths_from_stdin(args.null)?);
            continue;
        }
        let absolute = absolute(path)?;
        if absolute.is_dir() {
            inputs.push(Input::Folder { path: absolute, labels_from_folders: args.labels_from_folders });
        } else if absolute.exists() || args.forget {
            files.push(absolute);
        } else {
            bail!("no such file or folder: wanted pictures at {}", path.display());
        }
    }
    if !files.is_empty() {
        inputs.push(Input::Files(files));
    }
    if let Some(list) = &args.list {
        let base = args.root.as_deref().map(absolute).transpose()?;
        inputs.push(Input::List { path: absolute(list)?, base });
    }
    Ok(inputs)
}

fn paths_from_stdin(null: bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    stdin().lock().read_to_end(&mut bytes).context("can't read paths from stdin")?;
    let separator = if null { Separator::Nul } else { Separator::Newline };
    let paths = alike::gallery::read_paths(&bytes, separator, &std::env::current_dir()?);
    if paths.is_empty() {
        bail!("no paths on stdin: wanted one path on each line (or zero-terminated, with -0)");
    }
    paths.iter().map(|path| absolute(path)).collect()
}

/// The path from the file system's root; folders above it resolved, so that one file has one path.
pub(crate) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    match fs_err::canonicalize(path) {
        Ok(canonical) => Ok(canonical),
        Err(_) => std::path::absolute(path).with_context(|| format!("not a path: {}", path.display())),
    }
}

fn wanted_recipes(engine: &Engine, recipes: Vec<Recipe>, printer: &Printer) -> Recipes {
    if !recipes.is_empty() {
        return Recipes::Add(recipes);
    }
    if engine.networks().given().is_some() {
        return Recipes::Keep { fallback: Recipe::default_with_model() };
    }
    let is_new = engine.collection().snapshot().is_ok_and(|snapshot| snapshot.recipes().is_empty());
    let fallback = Recipe::default_without_model();
    if is_new {
        printer.note(format_args!(
            "no network given, so pictures are described by hand-crafted features (`{fallback}`); a network finds more: `alike model pull mobilenet_v2`, then index with --model mobilenet_v2"
        ));
    }
    Recipes::Keep { fallback }
}

/// Set when the user presses Ctrl-C: what is under way is finished and kept. Pressed again, or with the flag set already,
/// it ends the process at once.
pub(crate) fn cancelled_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    #[allow(clippy::exit, reason = "the user asked twice, and nothing on disk is left half done")]
    let stop = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(stop).context("can't listen for Ctrl-C")?;
    Ok(cancel)
}

fn summarise(engine: &Engine, report: &SyncReport, printer: &Printer) {
    let counts = [
        (report.added, "added"),
        (report.changed, "changed"),
        (report.moved, "moved"),
        (report.completed, "completed"),
        (report.removed, "removed"),
        (report.kept, "unchanged"),
        (report.skipped.iter().filter(|skip| skip.is_picture).count(), "skipped"),
        (report.skipped.iter().filter(|skip| !skip.is_picture).count(), "not pictures"),
    ];
    let parts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let parts = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    let seconds = report.times.total.as_secs_f64();
    printer.status(format_args!("{parts} in {seconds:.1} s; collection: {}", engine.collection().dir().display()));
}
