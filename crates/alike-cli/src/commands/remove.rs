//! `alike remove`: take pictures out of a collection. The files stay.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::networks;
use crate::output::{Printer, shown_path};
use alike::engine::Engine;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  alike remove cat.jpg
  alike remove ~/Pictures/old -c ~/Pictures

The next `alike index` of a folder that still holds them brings them back.")]
pub(crate) struct RemoveArgs {
    /// Files, or folders with everything below them
    #[arg(required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    collection: CollectionArgs,
}

pub(crate) fn run(args: &RemoveArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let collection = args.collection.open()?;
    let engine = Engine::new(collection, networks::none());
    let paths = args.paths.iter().map(|path| index::absolute(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let counts = engine.remove(&paths, "alike remove")?;
    for (path, count) in args.paths.iter().zip(&counts) {
        match count {
            0 => printer.warning(format_args!("not in the collection: {}", shown_path(path))),
            1 => printer.status(format_args!("1 picture removed: {}", shown_path(path))),
            count => printer.status(format_args!("{count} pictures removed: {}", shown_path(path))),
        }
    }
    Ok(if counts.iter().sum::<usize>() == 0 { Outcome::NothingFound } else { Outcome::Success })
}
