//! `alike export`: descriptors as a matrix for numpy, with a table of what each row is.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, path_fields, shown_path};
use alike::engine::Engine;
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  alike export --npy deep.npy --recipe deep
  python3 -c 'import numpy; x = numpy.load(\"deep.npy\"); print(x @ x[0])'

Row i of the matrix is line i of the .jsonl file written beside it. Codes are written as bits 0 and 1.")]
pub(crate) struct ExportArgs {
    /// Where to write the float32 matrix, pictures x dimensions
    #[arg(long, value_name = "FILE")]
    npy: PathBuf,

    /// Recipe to export [default: the collection's]
    #[arg(long)]
    recipe: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,
}

pub(crate) fn run(args: &ExportArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let engine = Engine::new(args.collection.open()?, networks::open(&args.network, printer)?);
    let searcher = engine.searcher(args.recipe.as_deref())?;
    let matrix = searcher.matrix()?;
    fs_err::write(&args.npy, matrix.to_npy())?;
    let table = args.npy.with_extension("jsonl");
    let mut out = std::io::BufWriter::new(fs_err::File::create(&table)?);
    for record in searcher.snapshot().records_of(&matrix.ids)? {
        let path = engine.collection().absolute_path(&record.path);
        let mut line = json!({"id": record.id, "label": record.label.as_ref().map(|l| &l.id), "label_name": record.label.as_ref().and_then(|l| l.name.as_ref())});
        path_fields(&mut line, &path);
        writeln!(out, "{line}")?;
    }
    out.flush().with_context(|| format!("can't write {}", table.display()))?;
    printer.status(format_args!(
        "{} x {} descriptors in {}, their pictures in {}",
        matrix.ids.len(),
        matrix.dims,
        shown_path(&args.npy),
        shown_path(&table)
    ));
    Ok(Outcome::Success)
}
