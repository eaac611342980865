//! `alike search`: find the pictures that look like a given one.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::decoding;
use crate::look::{self, HITS_IN_A_ROW, Page, Search, Shown, Terminal};
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, path_fields, shown_path};
use crate::pick::{self, Pick};
use alike::engine::{Engine, Hit, SearchOptions, Searcher};
use alike::picture::{DecodeOptions, Picture};
use alike::recipe::DescriptorKind;
use alike::store::{Label, Scan, ScanKind};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use std::io::{Read, stdin, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike search cat.jpg                                  ten hits, from the collection found upward from here
  alike search cat.jpg -c ~/Pictures -k 30 --html hits.html
  curl -s URL | alike search - -c DIR --json            the picture from a pipe
  alike search cat.jpg --label cat --min-score 0.8 --path-prefix ~/Pictures/2026
  alike search cat.jpg --tag holiday --tag best         tags, as given by `alike tag add`
  alike search --list test.txt --pick random -c DIR --strip hits.png
  alike search cat.jpg --recipe color                   any recipe over what was indexed
  alike search cat.jpg --recipe 'deep | hash(itq, 64)' --rescore 200

Exit codes: 0 found, 1 nothing found, 2 error.")]
pub(crate) struct SearchArgs {
    /// The picture; `-` reads it from stdin
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    image: Option<PathBuf>,

    /// How many hits
    #[arg(short, default_value_t = NonZeroUsize::new(10).expect("ten"))]
    k: NonZeroUsize,

    /// Recipe to compare by [default: the collection's first]
    #[arg(long)]
    recipe: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    /// Only pictures with this label (id or name)
    #[arg(long)]
    label: Option<String>,

    /// Only pictures with this tag; given several times, with all of them
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Only pictures in this folder or below it
    #[arg(long, value_name = "DIR")]
    path_prefix: Option<PathBuf>,

    /// Share of the true nearest to be found, on average; 1 looks at every picture
    #[arg(long, value_name = "X", default_value_t = RECALL, value_parser = recall)]
    recall: f64,

    /// Recipes that give codes: rank the N nearest again by the vectors that the codes were made of
    #[arg(long, value_name = "N")]
    rescore: Option<NonZeroUsize>,

    /// Only hits with at least this score
    #[arg(long, value_name = "S")]
    min_score: Option<f32>,

    /// Take the query from a list file, as --pick says
    #[arg(long, value_name = "FILE", requires = "pick")]
    list: Option<PathBuf>,

    /// Which line of the list: `random`, or a number from 0
    #[arg(long, value_name = "random|N", requires = "list")]
    pick: Option<Pick>,

    /// What the paths of --list are relative to [default: the list's folder]
    #[arg(long, value_name = "DIR", requires = "list")]
    root: Option<PathBuf>,

    /// Draw the same line each time with --pick random
    #[arg(long, value_name = "N", requires = "pick")]
    seed: Option<u64>,

    /// Write query and hits as one picture
    #[arg(long, value_name = "FILE.png")]
    strip: Option<PathBuf>,

    /// Write query and hits as a page
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,

    /// As JSON
    #[arg(long)]
    json: bool,

    /// Keep the part of a damaged query that decodes
    #[arg(long)]
    lenient: bool,

    /// Scanning threads [default: one for each core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Share of the true nearest that a search finds where nothing is said.
pub(crate) const RECALL: f64 = 0.99;

/// What is searched for.
struct Query {
    /// Absolute; `None` for stdin.
    path: Option<PathBuf>,
    picture: Picture,
    label: Option<Label>,
}

/// The hits for a query, and what took how long.
struct Answer {
    hits: Vec<Hit>,
    scan: Scan,
    /// The query's own record in the gallery.
    own: Option<u64>,
    took: Duration,
}

pub(crate) fn run(args: &SearchArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let query = query(args, printer)?;
    let engine =
        Engine::new(args.collection.open_near(query.path.as_deref())?, networks::open(&args.network, printer)?);
    let searcher = engine.searcher(args.recipe.as_deref())?;
    let answer = answer(args, &engine, &searcher, &query)?;
    if args.json {
        printer.line(as_json(&searcher, &query, &answer))?;
    } else {
        print_table(&answer, printer)?;
    }
    show(args, &searcher, query, &answer, printer)?;
    Ok(if answer.hits.is_empty() { Outcome::NothingFound } else { Outcome::Success })
}

fn require_codes(searcher: &Searcher) -> anyhow::Result<()> {
    match searcher.kind() {
        DescriptorKind::Code(_) => Ok(()),
        DescriptorKind::Vector(_) => bail!(
            "`{}` gives vectors, and --rescore is for codes: leave it away, or search with a recipe that ends in `| hash(..)`",
            searcher.recipe()
        ),
    }
}

/// More than nothing, and at most all.
fn recall(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("got `{text}`, wanted a number above 0 and at most 1, such as 0.99"))
}

fn query(args: &SearchArgs, printer: &Printer) -> anyhow::Result<Query> {
    let options = DecodeOptions { lenient: args.lenient, ..DecodeOptions::default() };
    if let (Some(list), Some(pick)) = (&args.list, &args.pick) {
        let picked = pick::from_list(list, args.root.as_deref(), *pick, args.seed)?;
        printer.status(format_args!("query: line {} of the list, {}", picked.line, shown_path(&picked.path)));
        let picture = open(&picked.path, &options)?;
        return Ok(Query { path: Some(picked.path), picture, label: picked.label });
    }
    let Some(image) = &args.image else { bail!("wanted a picture, or --list with --pick") };
    if image == Path::new("-") {
        let mut bytes = Vec::new();
        stdin().lock().take(options.limits.max_bytes).read_to_end(&mut bytes).context("can't read stdin")?;
        let picture = Picture::decode(&bytes, None, &options).context("the picture on stdin")?;
        return Ok(Query { path: None, picture, label: None });
    }
    let picture = open(image, &options)?;
    Ok(Query { path: Some(std::path::absolute(image)?), picture, label: None })
}

fn open(path: &Path, options: &DecodeOptions) -> anyhow::Result<Picture> {
    Picture::open(path, options).with_context(|| shown_path(path))
}

fn answer(args: &SearchArgs, engine: &Engine, searcher: &Searcher, query: &Query) -> anyhow::Result<Answer> {
    let started = Instant::now();
    let mut describer = searcher.describer(engine)?;
    let path_prefix = args.path_prefix.as_deref().map(index::absolute).transpose()?;
    let options = SearchOptions {
        k: args.k.get(),
        label: args.label.as_deref(),
        tags: &args.tags,
        path_prefix: path_prefix.as_deref(),
        min_score: args.min_score,
        threads: decoding::jobs(args.jobs),
        recall: args.recall,
    };
    let found = match args.rescore {
        None => searcher.search(&[describer.describe(&query.picture)?], &options)?,
        Some(candidates) => {
            require_codes(searcher)?;
            let query = describer.describe_unhashed(&query.picture)?;
            searcher.search_rescored(&[query], candidates.get(), &options)?
        }
    };
    let hits = found.hits.into_iter().next().unwrap_or_default();
    let own = query.path.as_deref().map(|path| searcher.record_of_file(path)).transpose()?.flatten();
    Ok(Answer { hits, scan: found.scan, own: own.map(|record| record.id), took: started.elapsed() })
}

fn as_json(searcher: &Searcher, query: &Query, answer: &Answer) -> serde_json::Value {
    let hit = |hit: &Hit| {
        let label = hit.record.label.as_ref();
        let mut value = json!({
            "rank": hit.rank, "score": hit.score, "id": hit.record.id,
            "label": label.map(|l| &l.id), "label_name": label.and_then(|l| l.name.as_ref()),
            "is_query": answer.own == Some(hit.record.id),
        });
        path_fields(&mut value, &hit.path);
        value
    };
    let mut shown = json!({
        "label": query.label.as_ref().map(|l| &l.id), "label_name": query.label.as_ref().and_then(|l| l.name.as_ref()),
        "width": query.picture.width(), "height": query.picture.height(),
    });
    path_fields(&mut shown, query.path.as_deref().unwrap_or(Path::new("-")));
    json!({
        "query": shown, "recipe": searcher.recipe(), "recipe_canonical": searcher.canonical(),
        "took_ms": answer.took.as_secs_f64() * 1e3, "scan": answer.scan.to_string(), "recall": answer.scan.recall,
        "hits": answer.hits.iter().map(hit).collect::<Vec<_>>(),
    })
}

fn print_table(answer: &Answer, printer: &Printer) -> std::io::Result<()> {
    if answer.hits.is_empty() {
        printer.status("nothing found");
        return Ok(());
    }
    let labels = answer.hits.iter().any(|hit| hit.record.label.is_some());
    for hit in &answer.hits {
        let label = hit.record.label.as_ref().map(ToString::to_string).unwrap_or_default();
        let label = if labels { format!("{}  ", crate::output::padded(&label, 14)) } else { String::new() };
        let own = if answer.own == Some(hit.record.id) { "  (the query itself)" } else { "" };
        printer.line(format_args!("{:>3}  {:.4}  {label}{}{own}", hit.rank, hit.score, shown_path(&hit.path)))?;
    }
    if answer.scan.kind != ScanKind::Exact {
        printer.status(format_args!("{}; --recall 1 looks at every vector", answer.scan));
    }
    Ok(())
}

/// Pictures, where somebody wants to look: files that were asked for, and a terminal that can show them.
fn show(
    args: &SearchArgs,
    searcher: &Searcher,
    query: Query,
    answer: &Answer,
    printer: &Printer,
) -> anyhow::Result<()> {
    let terminal = if args.json || answer.hits.is_empty() { None } else { Terminal::found() };
    if args.strip.is_none() && args.html.is_none() && terminal.is_none() {
        return Ok(());
    }
    let shown_query = Shown {
        picture: look::thumbnail(&query.picture),
        path: query.path.unwrap_or_else(|| PathBuf::from("stdin")),
        label: query.label.or_else(|| own_label(answer)),
        score: None,
        rank: 0,
        is_query: true,
    };
    let hits: Vec<Shown> =
        answer.hits.iter().map(|hit| Shown::of_hit(hit, answer.own == Some(hit.record.id))).collect();
    if let Some(terminal) = terminal {
        terminal.show(&mut stdout().lock(), &shown_query, &hits)?;
    }
    if let Some(path) = &args.strip {
        look::save_png(&look::strip(&shown_query, &hits, HITS_IN_A_ROW), path)?;
        printer.status(format_args!("strip: {}", shown_path(path)));
    }
    if let Some(path) = &args.html {
        let page = look::results_page(&Page {
            title: "Pictures that look alike",
            recipe: searcher.recipe(),
            collection: &shown_path(searcher.collection().dir()),
            facts: &[],
            searches: &[Search { query: &shown_query, hits: &hits, took: answer.took }],
        });
        fs_err::write(path, page)?;
        printer.status(format_args!("page: {}", shown_path(path)));
    }
    Ok(())
}

fn own_label(answer: &Answer) -> Option<Label> {
    let own = answer.hits.iter().find(|hit| answer.own == Some(hit.record.id));
    own.and_then(|hit| hit.record.label.clone())
}
