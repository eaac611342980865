//! `alike info`: what a collection holds.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::output::{Printer, escaped, human_bytes, shown_path};
use alike::calibration::Origin;
use alike::recipe::DescriptorKind;
use alike::store::{Collection, RecipeEntry, Root, RootKind, Scan, Search, Snapshot};
use clap::Args;
use serde_json::json;

#[derive(Args)]
#[command(after_help = "Examples:
  alike info
  alike info -c DIR --json")]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    collection: CollectionArgs,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InfoArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let collection = args.collection.open()?;
    let snapshot = collection.snapshot()?;
    if args.json {
        printer.line(serde_json::to_string_pretty(&as_json(&collection, &snapshot)?)?)?;
    } else {
        print(&collection, &snapshot, printer)?;
    }
    Ok(Outcome::Success)
}

fn print(collection: &Collection, snapshot: &Snapshot, printer: &Printer) -> anyhow::Result<()> {
    printer.line(format_args!("collection  {}", shown_path(collection.dir())))?;
    printer.line(format_args!("pictures    {}", snapshot.ids().len()))?;
    for root in snapshot.roots() {
        printer.line(format_args!("root        {}", shown_root(collection, root)))?;
    }
    let sizes = snapshot.sizes();
    for (position, recipe) in snapshot.recipes().iter().enumerate() {
        let default = if position == 0 { "  (default)" } else { "" };
        printer.line(format_args!("recipe      {}{default}", recipe.text))?;
        printer.line(format_args!("            = {}", recipe.canonical))?;
        let size = sizes.recipes.iter().find(|size| size.key == recipe.key);
        let stored = size.map_or(0, |size| size.live_rows);
        let bytes = size.map_or(0, |size| size.bytes);
        let lacking = snapshot.missing(&recipe.key)?.len();
        let note = if lacking > 0 { format!(", {lacking} to be derived when needed") } else { String::new() };
        printer.line(format_args!(
            "            {}, {stored} descriptors, {}{note}",
            shape(recipe.kind),
            human_bytes(bytes)
        ))?;
        if let Some(pictures) = snapshot.learned_from(&recipe.key)? {
            printer.line(format_args!("            learnt from a gallery of {pictures} pictures"))?;
        }
        if let Some(calibration) = snapshot.calibration(&recipe.key)? {
            let Origin { queries, pictures, .. } = calibration.origin;
            printer
                .line(format_args!("            calibrated by {queries} labelled queries in {pictures} pictures"))?;
        }
        let scan = scan(snapshot, recipe);
        printer.line(format_args!("            searched by {scan}: {}", scan.why))?;
    }
    for source in snapshot.sources() {
        let size = sizes.sources.iter().find(|size| size.key == source.key);
        let (rows, bytes) = size.map_or((0, 0), |size| (size.live_rows, size.bytes));
        printer.line(format_args!(
            "source      {}: {rows} rows of {} numbers, {}",
            source.text,
            source.dims,
            human_bytes(bytes)
        ))?;
    }
    for label in snapshot.labels()? {
        printer.line(format_args!("label       {}: {} pictures", label.label, label.records))?;
    }
    for tag in snapshot.tags()? {
        printer.line(format_args!("tag         {}: {} pictures", escaped(&tag.tag), tag.records))?;
    }
    Ok(())
}

/// How a search is answered that doesn't say how much it wants to find.
fn scan(snapshot: &Snapshot, recipe: &RecipeEntry) -> Scan {
    let (recall, k) = (super::search::RECALL, 10);
    let search =
        Search { recipe: &recipe.key, kind: recipe.kind, queries: &[], k, only: None, extra: &[], threads: 1, recall };
    snapshot.scan(&search)
}

fn shape(kind: DescriptorKind) -> String {
    match kind {
        DescriptorKind::Vector(dims) => format!("{dims} dimensions"),
        DescriptorKind::Code(bits) => format!("{bits} bits"),
    }
}

fn shown_root(collection: &Collection, root: &Root) -> String {
    let path = shown_path(&collection.absolute_path(&root.path));
    match &root.kind {
        RootKind::Folder { labels_from_folders: true } => format!("folder {path}, labels are folder names"),
        RootKind::Folder { labels_from_folders: false } => format!("folder {path}"),
        RootKind::List { base: Some(base) } => format!("list {path}, paths relative to {}", shown_path(base)),
        RootKind::List { base: None } => format!("list {path}"),
        RootKind::Files => "files named one by one".to_owned(),
    }
}

fn as_json(collection: &Collection, snapshot: &Snapshot) -> anyhow::Result<serde_json::Value> {
    let sizes = snapshot.sizes();
    let recipe = |(position, recipe): (usize, &RecipeEntry)| -> anyhow::Result<serde_json::Value> {
        let scan = scan(snapshot, recipe);
        let size = sizes.recipes.iter().find(|size| size.key == recipe.key);
        let (kind, dims) = match recipe.kind {
            DescriptorKind::Vector(dims) => ("vector", dims),
            DescriptorKind::Code(bits) => ("code", bits),
        };
        Ok(json!({
            "recipe": recipe.text, "recipe_canonical": recipe.canonical, "default": position == 0, "kind": kind, "size": dims,
            "descriptors": size.map_or(0, |size| size.live_rows), "bytes": size.map_or(0, |size| size.bytes),
            "scan": scan.to_string(), "scan_why": scan.why, "recall": scan.recall,
            "learnt_from": snapshot.learned_from(&recipe.key)?,
            "calibrated_in": snapshot.calibration(&recipe.key)?.map(|calibration| calibration.origin.pictures),
        }))
    };
    let source = |source: &alike::store::SourceEntry| {
        let size = sizes.sources.iter().find(|size| size.key == source.key);
        json!({
            "source": source.text, "dims": source.dims, "model_sha256": source.model_sha256,
            "rows": size.map_or(0, |size| size.live_rows), "bytes": size.map_or(0, |size| size.bytes),
        })
    };
    let labels = snapshot.labels()?;
    let tags = snapshot.tags()?;
    Ok(json!({
        "collection": collection.dir().to_string_lossy(),
        "pictures": snapshot.ids().len(),
        "roots": snapshot.roots().iter().map(|root| shown_root(collection, root)).collect::<Vec<_>>(),
        "recipes": snapshot.recipes().iter().enumerate().map(recipe).collect::<anyhow::Result<Vec<_>>>()?,
        "sources": snapshot.sources().iter().map(source).collect::<Vec<_>>(),
        "labels": labels.iter().map(|l| json!({"label": l.label.id, "label_name": l.label.name, "pictures": l.records})).collect::<Vec<_>>(),
        "tags": tags.iter().map(|t| json!({"tag": t.tag, "pictures": t.records})).collect::<Vec<_>>(),
    }))
}
