//! `alike tag add | remove | list`: words of one's own for pictures.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::networks;
use crate::output::{Printer, escaped, shown_path};
use alike::engine::Engine;
use alike::store::Tag;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  alike tag add holiday ~/Pictures/2026/crete cat.jpg
  alike tag remove holiday cat.jpg
  alike tag list
  alike search cat.jpg --tag holiday

Tags belong to the collection, not to the files. They stay when a picture moves or changes.")]
pub(crate) struct TagArgs {
    #[command(subcommand)]
    command: TagCommand,
}

#[derive(Subcommand)]
enum TagCommand {
    /// Tag pictures
    Add(ChangeArgs),
    /// Take a tag from pictures
    Remove(ChangeArgs),
    /// The tags there are, and how many pictures bear them
    List(ListArgs),
}

#[derive(Args)]
struct ChangeArgs {
    /// The tag: a word, or several in quotes
    tag: Tag,

    /// Files, or folders with everything below them
    #[arg(required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    collection: CollectionArgs,
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    collection: CollectionArgs,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TagArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    match &args.command {
        TagCommand::Add(args) => add(args, printer),
        TagCommand::Remove(args) => remove(args, printer),
        TagCommand::List(args) => list(args, printer),
    }
}

fn add(args: &ChangeArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let counts = args.engine()?.tag(&args.tag, &args.absolute_paths()?, "alike tag add")?;
    Ok(args.report(&counts, "tagged", "not in the collection", printer))
}

fn remove(args: &ChangeArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let counts = args.engine()?.untag(&args.tag, &args.absolute_paths()?, "alike tag remove")?;
    let nothing = format!("no picture tagged `{}`", escaped(args.tag.as_str()));
    Ok(args.report(&counts, "no longer tagged", &nothing, printer))
}

impl ChangeArgs {
    fn engine(&self) -> anyhow::Result<Engine> {
        Ok(Engine::new(self.collection.open()?, networks::none()))
    }

    fn absolute_paths(&self) -> anyhow::Result<Vec<PathBuf>> {
        self.paths.iter().map(|path| index::absolute(path)).collect()
    }

    fn report(&self, counts: &[usize], done: &str, nothing: &str, printer: &Printer) -> Outcome {
        let tag = escaped(self.tag.as_str());
        for (path, count) in self.paths.iter().zip(counts) {
            let path = shown_path(path);
            match count {
                0 => printer.warning(format_args!("{nothing}: {path}")),
                1 => printer.status(format_args!("1 picture {done} `{tag}`: {path}")),
                count => printer.status(format_args!("{count} pictures {done} `{tag}`: {path}")),
            }
        }
        if counts.iter().all(|&count| count == 0) { Outcome::NothingFound } else { Outcome::Success }
    }
}

fn list(args: &ListArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let tags = args.collection.open()?.snapshot()?.tags()?;
    if args.json {
        let tags: Vec<_> = tags.iter().map(|count| json!({"tag": count.tag, "pictures": count.records})).collect();
        printer.line(serde_json::to_string_pretty(&tags)?)?;
        return Ok(Outcome::Success);
    }
    if tags.is_empty() {
        printer.status("no tags yet: give some with `alike tag add TAG PATH`");
    }
    for count in &tags {
        printer.line(format_args!("{:>6}  {}", count.records, escaped(&count.tag)))?;
    }
    Ok(Outcome::Success)
}
