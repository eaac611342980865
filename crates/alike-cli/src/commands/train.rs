//! `alike train`: learn a softmax head or a projection from labels.

mod material;
mod report;

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::decoding::DecodingArgs;
use crate::networks::NetworkArgs;
use crate::output::{Printer, shown_path};
use alike::train::{self, Lesson, Method, Request, Samples, Trained};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use material::Material;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike train --list trainval.txt --model mobilenet_v2 -o animals.head
  alike train animals --labels-from-folders --model mobilenet_v2 -o animals.head
  alike train -c lesson -o animals.head                 labels that the collection has
  alike train --list trainval.txt --recipe color -o colours.head
  alike train --list trainval.txt --model mobilenet_v2 --method whitening --dims 128 -o animals.proj

and then
  alike eval --gallery trainval.txt --query test.txt --model mobilenet_v2 --recipe 'semantic(\"animals.head\")'
  alike index -c lesson --model mobilenet_v2 --recipe 'semantic(\"animals.head\")'
  alike index -c lesson --model mobilenet_v2 --recipe 'deep | project(\"animals.proj\")'

A fifth of each class is held out at first: how strongly a head is held back is chosen by how well the pictures held out
find those of their class, and what is printed was measured on them. Then all pictures are learnt from. A head finds the
classes it knows; pictures of others it can't tell apart. Measure what was learnt on pictures that aren't in the list.")]
pub(crate) struct TrainArgs {
    /// Folder with a folder for each class (with --labels-from-folders)
    #[arg(conflicts_with = "list")]
    folder: Option<PathBuf>,

    /// List file: a line for each picture, `path TAB label` [default: the collection's pictures]
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// What the paths of the list are relative to [default: the list's folder]
    #[arg(long, value_name = "DIR", requires = "list")]
    root: Option<PathBuf>,

    /// The label of a picture is the name of its folder
    #[arg(long)]
    labels_from_folders: bool,

    /// Recipe whose vectors are learnt from [default: deep with a network, else hand-crafted sources]
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    /// What is learnt
    #[arg(long, value_enum, default_value_t = MethodArg::Softmax)]
    method: MethodArg,

    /// Dimensions of a projection [default: as many as there can be]
    #[arg(long, value_name = "D")]
    dims: Option<NonZeroUsize>,

    /// Of a projection, from 0 to 1: 0.95 serves classes that nobody labelled [default: by the pictures]
    #[arg(long, value_name = "S", value_parser = shrinkage)]
    shrinkage: Option<f64>,

    /// Where the random numbers begin that draw the part held out
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    decoding: DecodingArgs,
}

/// What is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    /// A head: probabilities of the classes, for semantic("FILE")
    Softmax,
    /// A projection to classes - 1 dimensions at most, by linear discriminant analysis
    Lda,
    /// A projection by whitening learnt from pairs of a class
    Whitening,
}

impl MethodArg {
    fn method(self) -> Method {
        match self {
            Self::Softmax => Method::Softmax,
            Self::Lda => Method::Lda,
            Self::Whitening => Method::Whitening,
        }
    }
}

pub(crate) fn run(args: &TrainArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    check(args)?;
    let cancel = index::cancelled_by_ctrl_c()?;
    let Some(material) = Material::gather(args, printer, &cancel)? else {
        printer.note("stopped; run the same command again to go on from here");
        return Ok(Outcome::Interrupted);
    };
    // Rows are kept: Ctrl-C may end the rest at once.
    cancel.store(true, Ordering::Relaxed);
    for warning in &material.warnings.news {
        printer.warning(warning);
    }
    let started = Instant::now();
    let lesson = learn(args, &material.samples, printer)?;
    let trained = Trained::new(&lesson, &material.plan, &material.text);
    write(&args.output, trained.bytes())?;
    let seconds = started.elapsed().as_secs_f64();
    if args.json {
        printer.line(serde_json::to_string_pretty(&report::json(args, &lesson, &trained, seconds))?)?;
    } else {
        report::print(args, &lesson, &material.text, seconds, printer)?;
    }
    Ok(Outcome::Success)
}

/// Fails before the work, not after it.
fn check(args: &TrainArgs) -> anyhow::Result<()> {
    if (args.dims.is_some() || args.shrinkage.is_some()) && args.method == MethodArg::Softmax {
        bail!(
            "--dims and --shrinkage are of projections, a head has a number for each class: leave them away, or add --method lda or whitening"
        );
    }
    let output = shown_path(&args.output);
    if args.output.is_dir() {
        bail!("{output} is a folder: name a file to write, as in -o animals.head");
    }
    let folder = folder_of(&args.output);
    if !folder.is_dir() {
        bail!("no folder {} to write {output} in: make it first", shown_path(folder));
    }
    Ok(())
}

/// A share.
fn shrinkage(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("got `{text}`, wanted a number from 0 to 1, such as 0.95"))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn learn(args: &TrainArgs, samples: &Samples, printer: &Printer) -> anyhow::Result<Lesson> {
    let request = Request {
        method: args.method.method(),
        dims: args.dims.map(NonZeroUsize::get),
        shrinkage: args.shrinkage,
        seed: args.seed,
        threads: args.decoding.jobs(),
    };
    let spinner = printer.spinner("learning");
    let lesson = train::learn(samples, &request, &mut |fitted| {
        spinner.set_message(match fitted.map {
            Some(map) => format!("learning; at strength {:.2e} mAP {map:.4} on the part held out", fitted.strength),
            None => "learnt".to_owned(),
        });
    });
    spinner.finish_and_clear();
    Ok(lesson?)
}

/// Whole or not at all: a head that is in use is replaced, never half overwritten.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut name = path.file_name().context("name a file to write, as in -o animals.head")?.to_owned();
    name.push(format!(".tmp-{}", std::process::id()));
    let unfinished = path.with_file_name(name);
    let written = fs_err::File::create(&unfinished).and_then(|mut file| file.write_all(bytes).and(file.sync_all()));
    if let Err(error) = written.and_then(|()| fs_err::rename(&unfinished, path)) {
        drop(fs_err::remove_file(&unfinished));
        return Err(error.into());
    }
    Ok(())
}
