//! `alike verify`: look for damage in a collection, and mend it.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::decoding::DecodingArgs;
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, escaped, human_bytes, shown_path};
use alike::engine::{Engine, Recipes, SyncRequest};
use alike::recipe::Recipe;
use alike::store::{Damage, DamagePlace, Verification};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike verify                    read every byte of the collection found upward from here
  alike verify -c DIR --repair    and mend what is damaged

Checks the records, the size, header and SHA-256 of each file, the ids of its rows, what recipes learnt, copies of what
`alike train` wrote, and that descriptors are what the rows of their sources give. --repair derives descriptors, makes
indexes and learns anew; rows of sources that are damaged are described again from the pictures. A recipe whose copy of a
file is damaged is struck: index by it again. Damaged records can't be mended: restore them from a copy, or index into a
new collection.

Exit codes: 0 sound, 2 damaged.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    collection: CollectionArgs,

    #[command(flatten)]
    network: NetworkArgs,

    /// Mend what is damaged
    #[arg(long)]
    repair: bool,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    decoding: DecodingArgs,
}

pub(crate) fn run(args: &VerifyArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let engine = Engine::new(args.collection.open()?, networks::open(&args.network, printer)?);
    let mut found = look(&engine, printer)?;
    if args.repair && !found.damages.is_empty() {
        for damage in &found.damages {
            printer.warning(in_words(damage));
        }
        let needs_pictures = engine.repair(&found.damages, "alike verify --repair")?;
        if needs_pictures {
            describe_again(args, &engine, printer)?;
        }
        found = look(&engine, printer)?;
    }
    if args.json {
        printer.line(serde_json::to_string_pretty(&as_json(&engine, &found))?)?;
    } else {
        print(&found, args.repair, printer)?;
    }
    let sound = found.damages.iter().all(|damage| damage.place == DamagePlace::Stray);
    Ok(if sound { Outcome::Success } else { Outcome::Incomplete })
}

fn look(engine: &Engine, printer: &Printer) -> anyhow::Result<Verification> {
    let bytes = engine.collection().bytes()?;
    let bar = printer.progress(bytes, "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    let found = engine.verify(&mut |_, bytes| bar.inc(bytes));
    bar.finish_and_clear();
    Ok(found?)
}

/// Rows that were struck are made again from the pictures of all roots.
fn describe_again(args: &VerifyArgs, engine: &Engine, printer: &Printer) -> anyhow::Result<()> {
    let cancel = index::cancelled_by_ctrl_c()?;
    let request = SyncRequest {
        inputs: Vec::new(),
        recipes: Recipes::Keep { fallback: Recipe::default_without_model() },
        decode: args.decoding.options(),
        decoding: args.decoding.pixels(),
        jobs: args.decoding.jobs(),
        forget: false,
        scan: None,
        who: "alike verify --repair",
        cancel: &cancel,
    };
    let report = index::sync(engine, &request, printer)?;
    printer.status(format_args!("{} pictures described again", report.completed));
    Ok(())
}

fn in_words(damage: &Damage) -> String {
    format!("{}: {}", shown_path(&damage.path), escaped(&damage.what))
}

fn print(found: &Verification, repaired: bool, printer: &Printer) -> std::io::Result<()> {
    for note in &found.notes {
        printer.note(escaped(note));
    }
    for damage in &found.damages {
        printer.line(in_words(damage))?;
    }
    let read = format!("{} files, {} read", found.files, human_bytes(found.bytes));
    let damaged = found.damages.iter().filter(|damage| damage.place != DamagePlace::Stray).count();
    let beyond = found.damages.iter().any(|damage| damage.place == DamagePlace::Records);
    let advice = match (damaged, beyond, repaired) {
        (0, ..) => "sound",
        (_, true, _) => {
            "damaged: records can't be mended; restore the collection from a copy, or index into a new one (-c)"
        }
        (_, _, true) => "still damaged: see above",
        (_, _, false) => "damaged: mend it with --repair",
    };
    printer.line(format_args!("{read}: {advice}"))
}

fn as_json(engine: &Engine, found: &Verification) -> Value {
    let damage = |damage: &Damage| {
        let (place, key) = match &damage.place {
            DamagePlace::Records => ("records", None),
            DamagePlace::Source { key, .. } => ("source", Some(key)),
            DamagePlace::Recipe { key, .. } => ("recipe", Some(key)),
            DamagePlace::Index { key } => ("index", Some(key)),
            DamagePlace::Learned { key } => ("learned", Some(key)),
            DamagePlace::Trained { key } => ("trained", Some(key)),
            DamagePlace::Calibration { key } => ("calibration", Some(key)),
            DamagePlace::Stray => ("stray", None),
        };
        json!({ "path": damage.path.to_string_lossy(), "what": damage.what, "place": place, "key": key })
    };
    let damages: Vec<Value> = found.damages.iter().map(damage).collect();
    json!({
        "collection": engine.collection().dir().to_string_lossy(), "files": found.files, "bytes": found.bytes,
        "sound": found.damages.iter().all(|damage| damage.place == DamagePlace::Stray),
        "damages": damages, "notes": found.notes,
    })
}
