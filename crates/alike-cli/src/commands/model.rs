//! `alike model list | pull | show`.

mod show;

use crate::cli::Outcome;
use crate::environment::model_cache_dir;
use crate::hub::hub;
use crate::output::{Printer, human_bytes, shown_path};
use alike::model::Model;
use alike::model::catalogue::{self, Bytes, CATALOGUE, KnownModel};
use alike::model::download::{Downloaded, Origin, Progress, cached_path, download};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::Path;

#[derive(Args)]
#[command(after_help = "Examples:
  alike model list
  alike model pull dinov2_small
  alike model show my_network.onnx")]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// The networks that alike knows by name
    List(ListArgs),
    /// Download one of them
    Pull(PullArgs),
    /// Layers, shapes, parameters and preprocessing of a network
    Show(show::ShowArgs),
}

#[derive(Args)]
struct ListArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct PullArgs {
    /// A name of `alike model list`
    name: String,
}

pub(crate) fn run(args: &ModelArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    match &args.command {
        ModelCommand::List(args) => list(args, printer),
        ModelCommand::Pull(args) => pull(args, printer),
        ModelCommand::Show(args) => show::run(args, printer),
    }
}

fn list(args: &ListArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let cache = model_cache_dir()?;
    if args.json {
        let known: Vec<_> = CATALOGUE.iter().map(|model| as_json(model, &cache)).collect();
        printer.line(serde_json::to_string_pretty(&known)?)?;
        return Ok(Outcome::Success);
    }
    printer.line("NAME               HERE  SIZE        LICENCE     DIMS  FOR")?;
    for model in &CATALOGUE {
        let here = if cached_path(model, &cache).is_file() { "yes" } else { "no" };
        printer.line(format_args!(
            "{:<18} {here:<5} {:<11} {:<11} {:<5} {}",
            model.name,
            size(model, &cache),
            model.licence,
            model.dims,
            model.description
        ))?;
    }
    Ok(Outcome::Success)
}

/// The size of the file that is here, else the known one.
fn size(model: &KnownModel, cache: &Path) -> String {
    match (fs_err::metadata(cached_path(model, cache)), model.bytes) {
        (Ok(meta), _) => human_bytes(meta.len()),
        (Err(_), Bytes::Exactly(bytes)) => human_bytes(bytes),
        (Err(_), Bytes::AtMost(bytes)) => format!("<{}", human_bytes(bytes)),
    }
}

fn as_json(model: &KnownModel, cache: &Path) -> serde_json::Value {
    let path = cached_path(model, cache);
    let exact = matches!(model.bytes, Bytes::Exactly(_)).then(|| model.bytes.limit());
    json!({
        "name": model.name,
        "downloaded": path.is_file(),
        "path": path.is_file().then(|| path.to_string_lossy()),
        "bytes": fs_err::metadata(&path).ok().map(|meta| meta.len()).or(exact),
        "licence": model.licence,
        "dims": model.dims,
        "description": model.description,
        "repository": model.repository,
        "revision": model.revision,
        "file": model.file,
        "sha256": model.sha256,
    })
}

fn pull(args: &PullArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let Some(model) = catalogue::find(&args.name) else {
        let names: Vec<&str> = CATALOGUE.iter().map(|known| known.name).collect();
        bail!("no network `{}` is known: there are {}", args.name, names.join(", "));
    };
    let bar = printer.progress(model.bytes.limit(), "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    let mut on_progress = |progress: Progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
    };
    let downloaded = download(model, &hub(), &model_cache_dir()?, &mut on_progress);
    bar.finish_and_clear();
    let downloaded = downloaded?;
    report(model, &downloaded, printer)?;
    Ok(Outcome::Success)
}

fn report(model: &KnownModel, downloaded: &Downloaded, printer: &Printer) -> anyhow::Result<()> {
    let Downloaded { path, sha256, bytes, origin } = downloaded;
    let from = match origin {
        Origin::Cached => "was here already".to_owned(),
        Origin::HuggingFaceCache(file) => format!("came from {}", shown_path(file)),
        Origin::Hub(url) => format!("came from {url}"),
    };
    printer.status(format_args!("{}: {}, {from}", model.name, human_bytes(*bytes)));
    if model.sha256.is_some() {
        printer.status(format_args!("sha256 {sha256} is the pinned one"));
    } else {
        let manifest = path.with_extension("toml");
        printer.note(format_args!(
            "no hash is known for {}: the file has sha256 {sha256}; {} records it, and later downloads must match",
            model.name,
            shown_path(&manifest)
        ));
    }
    if let Some(dims) = Model::open(path)?.feature_dims() {
        printer.status(format_args!("use it ({dims} features): alike index FOLDER --model {}", model.name));
    }
    printer.line(shown_path(path))?;
    Ok(())
}
