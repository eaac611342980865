//! `alike calibrate`: learn from labelled pictures what the scores of a recipe mean.

mod pairs;

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::decoding;
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, escaped};
use alike::calibration::{self, Calibration, HeldOut, Pair};
use alike::engine::{Engine, Searcher};
use alike_eval::bootstrap::{Bootstrap, Estimate};
use anyhow::bail;
use clap::Args;
use pairs::Labelled;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike calibrate                                  by the labels that the collection has
  alike calibrate --labels-from-folders            each class has a folder of its own
  alike calibrate --ground-truth groundtruth.txt   lines of `query TAB relevant TAB relevant ..`
  alike calibrate --recipe color -c DIR --json
  alike search cat.jpg --precision 0.95            then: only hits of which .95 are right

With a ground-truth file the gallery is the whole collection, and what a line doesn't name is unrelated to its query.
Precision and recall are those of queries left out, in ten folds by photo: queries with relevant pictures in common are in
one fold. Byte-identical files don't count. The intervals are bootstrapped over photos.")]
pub(crate) struct CalibrateArgs {
    /// Recipe whose scores are calibrated [default: the first indexed]
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,

    /// What is relevant to what: lines of `query TAB relevant TAB relevant ..`
    #[arg(long, value_name = "FILE", conflicts_with = "labels_from_folders")]
    ground_truth: Option<PathBuf>,

    /// The label of a picture is the name of its folder
    #[arg(long)]
    labels_from_folders: bool,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    /// As JSON
    #[arg(long)]
    json: bool,

    /// Scanning threads [default: one for each core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Precisions of the table.
const WANTED: [f64; 5] = [0.5, 0.8, 0.9, 0.95, 0.99];

/// Resamples of the bootstrap.
const RESAMPLES: usize = 10_000;

pub(crate) fn run(args: &CalibrateArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let engine = Engine::new(args.collection.open()?, networks::open(&args.network, printer)?);
    let searcher = engine.searcher(args.recipe.as_deref())?;
    let kept = searcher.snapshot().recipes().iter().any(|entry| entry.key == searcher.plan().key());
    if !kept {
        bail!(
            "the collection doesn't keep descriptors of `{0}`, so that there is nothing to keep a calibration with: add it with `alike index --recipe '{0}'` first",
            searcher.recipe()
        );
    }
    let labelled = Labelled::gather(args, &searcher, printer)?;
    let relevant = labelled.pairs.iter().filter(|pair| pair.relevant).count();
    if relevant == 0 || labelled.groups() < 2 {
        bail!(
            "nothing to learn from: got {relevant} relevant pairs of {} photos, wanted several relevant pictures of two photos or classes at least",
            labelled.groups()
        );
    }
    let calibration = calibration::from_labels(&labelled.pairs, searcher.origin(labelled.queries));
    engine.collection().write("alike calibrate")?.calibrate(searcher.plan().key(), &calibration)?;
    let rows = measure(&calibration, &labelled.pairs, decoding::jobs(args.jobs));
    if args.json {
        printer.line(serde_json::to_string_pretty(&as_json(&searcher, &labelled, relevant, &rows))?)?;
    } else {
        print(&searcher, &labelled, relevant, &rows, printer)?;
    }
    Ok(Outcome::Success)
}

/// A line of the table.
struct Row {
    wanted: f64,
    /// Learnt from all pairs; `None` where the precision isn't reached.
    cutoff: Option<f32>,
    /// Of queries left out, with the cut-offs that the others give.
    precision: Estimate,
    recall: Estimate,
}

fn measure(calibration: &Calibration, pairs: &[Pair], threads: usize) -> Vec<Row> {
    let held_out = calibration::cross_validated(pairs, &WANTED);
    let bootstrap = Bootstrap { seed: 0, resamples: RESAMPLES, threads };
    let row = |(&wanted, groups): (&f64, &Vec<HeldOut>)| {
        let counts: Vec<Vec<f64>> = groups.iter().map(|group| vec![group.right, group.found, group.relevant]).collect();
        let resampled = bootstrap.resample(&counts);
        let cutoff = calibration.cutoff(wanted);
        Row { wanted, cutoff, precision: resampled.ratio(0, 1), recall: resampled.ratio(0, 2) }
    };
    WANTED.iter().zip(&held_out).map(row).collect()
}

fn as_json(searcher: &Searcher, labelled: &Labelled, relevant: usize, rows: &[Row]) -> Value {
    // What was found of nothing is no number.
    let number = |value: f64| value.is_finite().then_some(value);
    let interval = |estimate: &Estimate| json!([number(estimate.low), number(estimate.high)]);
    let row = |row: &Row| {
        json!({
            "wanted": row.wanted, "cutoff": row.cutoff,
            "precision": number(row.precision.mean), "precision_ci95": interval(&row.precision),
            "recall": number(row.recall.mean), "recall_ci95": interval(&row.recall),
        })
    };
    json!({
        "recipe": searcher.recipe(), "recipe_canonical": searcher.canonical(),
        "pictures": searcher.snapshot().ids().len(), "queries": labelled.queries, "photos": labelled.groups(),
        "pairs": labelled.pairs.len(), "relevant": relevant,
        "precisions": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn print(
    searcher: &Searcher,
    labelled: &Labelled,
    relevant: usize,
    rows: &[Row],
    printer: &Printer,
) -> std::io::Result<()> {
    printer.line(format_args!(
        "`{}`, by {} queries of {} photos or classes: {relevant} of {} pairs are relevant",
        escaped(searcher.recipe()),
        labelled.queries,
        labelled.groups(),
        labelled.pairs.len()
    ))?;
    printer.line("wanted  cut-off  precision (95 % interval)  recall (95 % interval), of queries left out")?;
    let figure = |estimate: &Estimate| match estimate.mean.is_finite() {
        true => format!("{:.3} ({:.3} to {:.3})", estimate.mean, estimate.low, estimate.high),
        false => "-".to_owned(),
    };
    for row in rows {
        let cutoff = row.cutoff.map_or_else(|| "never".to_owned(), |cutoff| format!("{cutoff:.4}"));
        let (precision, recall) = (figure(&row.precision), figure(&row.recall));
        printer.line(format_args!("{:>6}  {cutoff:>7}  {precision:<25}  {recall}", row.wanted))?;
    }
    Ok(())
}
