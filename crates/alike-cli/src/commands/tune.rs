//! `alike tune`: search for the recipe that finds most on labelled pictures.

mod material;
mod table;

use crate::cli::Outcome;
use crate::commands::index;
use crate::gallery_args::GalleryArgs;
use crate::output::{Printer, escaped, shown_path};
use alike_eval::tune::{self, Progress, Tuned, Watch};
use anyhow::bail;
use clap::Args;
use indicatif::ProgressBar;
use material::Material;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike tune --gallery trainval.txt --model mobilenet_v2          sources, axes and neighbours
  alike tune --gallery animals --labels-from-folders              without a network
  alike tune -c lesson --bytes 64                                 the best that fits into 64 bytes a picture
  alike tune --gallery trainval.txt --model m.onnx --recipe 'layer(\"conv5\", gem(3))'   to go on from that, too
  alike tune --gallery trainval.txt --time 60 -o recipe.txt
  alike index --list trainval.txt --recipe \"$(cat recipe.txt)\" -c DIR

Four fifths of the pictures choose, and the last fifth, which the search never sees, says whether the
choice is better than the baseline. Where it isn't, with 95 % confidence, the answer is the baseline.
The last line of stdout is the recipe.")]
pub(crate) struct TuneArgs {
    #[command(flatten)]
    gallery: GalleryArgs,

    /// Recipe to go on from, beside the usual sources; repeat for several
    #[arg(long = "recipe", value_name = "RECIPE")]
    recipes: Vec<String>,

    /// What has to be beaten [default: deep with a network, else the usual mix]
    #[arg(long, value_name = "RECIPE")]
    baseline: Option<String>,

    /// By which metric: mAP, P@10 or another that eval shows
    #[arg(long, value_name = "NAME", default_value = "mAP")]
    metric: String,

    /// Most bytes that a descriptor may take: codes are tried, too
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..))]
    bytes: Option<u32>,

    /// Stop searching after so many seconds, with the best so far
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,

    /// Says which pictures choose and which confirm
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Write the recipe into this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TuneArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    prepare(args)?;
    let cancel = index::cancelled_by_ctrl_c()?;
    let Some(material) = Material::gather(args, printer, &cancel)? else {
        printer.note("stopped; run the same command again to go on from here");
        return Ok(Outcome::Interrupted);
    };
    let tuned = search(args, &material, printer, &cancel)?;
    let left_out = material.described_pictures() - tuned.pictures;
    if left_out > 0 {
        printer.note(format_args!(
            "{left_out} pictures took no part: they have no label, or are beyond the 10,000 that a search looks at"
        ));
    }
    if tuned.stopped {
        printer.note("stopped before the end of the search: the best so far is the choice");
    }
    if args.json {
        printer.line(serde_json::to_string_pretty(&tuned)?)?;
    } else {
        table::print(args, &tuned, printer)?;
    }
    if let Some(file) = &args.output {
        fs_err::write(file, format!("{}\n", tuned.recipe))?;
    }
    Ok(Outcome::Success)
}

/// Fails before the work, not after it, where nothing can come of it.
fn prepare(args: &TuneArgs) -> anyhow::Result<()> {
    if !tune::metrics().contains(&args.metric) {
        bail!("unknown metric `{}`: known are {}", args.metric, tune::metrics().join(", "));
    }
    let Some(file) = &args.output else { return Ok(()) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("no folder {} to write {} in: make it first", shown_path(folder), shown_path(file));
    }
    Ok(())
}

fn search(args: &TuneArgs, material: &Material, printer: &Printer, cancel: &AtomicBool) -> anyhow::Result<Tuned> {
    let bar = printer.progress(0, "{msg:13} {bar:30} {pos}/{len} measured, {elapsed}");
    let deadline = args.time.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let stop = || cancel.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let watch = Watch { stop: &stop, progress: &|progress| show(&bar, progress) };
    let request = tune::Request {
        baseline: material.baseline.clone(),
        mix: material.mix.clone(),
        starts: material.starts.clone(),
        metric: args.metric.clone(),
        bytes: args.bytes.map(|bytes| bytes as usize),
        seed: args.seed,
        threads: args.gallery.decoding.jobs(),
    };
    let tuned = material.pictures(|pictures| tune::tune(pictures, &request, &watch))?;
    bar.finish_and_clear();
    Ok(tuned?)
}

fn show(bar: &ProgressBar, Progress { stage, done, of }: Progress) {
    bar.set_message(stage);
    bar.set_length(of as u64);
    bar.set_position(done as u64);
}

/// Said before the search, which nothing can be done about afterwards.
fn warn(warnings: &[String], printer: &Printer) {
    warnings.iter().for_each(|warning| printer.warning(escaped(warning)));
}
