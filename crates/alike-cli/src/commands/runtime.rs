//! `alike runtime [install]`: what runs the networks, and why.

mod install;

use crate::cli::Outcome;
use crate::environment::{onnxruntime_files, onnxruntime_of_python};
use crate::output::{Printer, shown_path};
use alike::model::runtime::{OnnxRuntime, Rten, Runtime, RuntimeError};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(after_help = "Examples:
  alike runtime
  alike runtime install

ONNX Runtime is looked for in ORT_DYLIB_PATH, beside the binary, in alike's cache and in the
onnxruntime package of the Python on PATH. Where it isn't found, rten runs the networks.")]
pub(crate) struct RuntimeArgs {
    #[command(subcommand)]
    command: Option<RuntimeCommand>,
}

#[derive(Subcommand)]
enum RuntimeCommand {
    /// Fetch ONNX Runtime with pip into alike's cache
    Install,
}

pub(crate) fn run(args: &RuntimeArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    if args.command.is_some() {
        let library = install::install(printer)?;
        printer.status(format_args!("installed {}", shown_path(&library)));
    }
    report(printer)?;
    Ok(Outcome::Success)
}

/// Tries every candidate in the order in which all commands do, up to the first that will do.
fn report(printer: &Printer) -> anyhow::Result<()> {
    let mut refused = Vec::new();
    let found =
        first_usable(onnxruntime_files(), &mut refused).or_else(|| first_usable(onnxruntime_of_python(), &mut refused));
    let rten = Rten::new().name();
    match &found {
        Some(runtime) => {
            printer.line(format_args!("runtime   {}", runtime.name()))?;
            printer.line(format_args!("library   {}", shown_path(runtime.path())))?;
            printer.line(format_args!("fallback  {rten}"))?;
        }
        None => printer.line(format_args!("runtime   {rten}"))?,
    }
    for (path, reason) in &refused {
        printer.line(format_args!("refused   {}: {reason}", shown_path(path)))?;
    }
    if found.is_none() {
        printer.note("no usable ONNX Runtime was found; `alike runtime install` fetches it, and networks run faster");
    }
    Ok(())
}

fn first_usable(candidates: Vec<PathBuf>, refused: &mut Vec<(PathBuf, String)>) -> Option<OnnxRuntime> {
    for path in candidates {
        match OnnxRuntime::find(std::slice::from_ref(&path)) {
            Ok(runtime) => return Some(runtime),
            Err(error) => {
                let reason = reason(error, &path);
                refused.push((path, reason));
            }
        }
    }
    None
}

/// What was wrong, without the path that is printed before it.
fn reason(error: RuntimeError, path: &Path) -> String {
    let text = match error {
        RuntimeError::NotFound { tried } => tried.join("; "),
        error => error.to_string(),
    };
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}
