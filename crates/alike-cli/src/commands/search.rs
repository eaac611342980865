//! `alike search`: find the pictures that look like a given one.

mod compare;
mod explain;
mod fused;
mod hits;
mod plain;
mod query;
mod show;
mod verdict;

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::decoding;
use crate::networks::{self, NetworkArgs};
use crate::output::Printer;
use crate::pick::Pick;
use alike::engine::{Engine, Fusion, SearchOptions, Searcher, Searchers};
use alike::store::RecordId;
use anyhow::bail;
use clap::{Args, ValueEnum};
use query::Query;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike search cat.jpg                                  ten hits, from the collection found upward from here
  alike search cat.jpg -c ~/Pictures -k 30 --html hits.html
  curl -s URL | alike search - -c DIR --json            the picture from a pipe
  alike search cat.jpg --label cat --min-score 0.8 --path-prefix ~/Pictures/2026
  alike search cat.jpg --precision 0.95                 only what is similar, which may be nothing
  alike search cat.jpg --tag holiday --tag best         tags, as given by `alike tag add`
  alike search --list test.txt --pick random -c DIR --strip hits.png
  alike search cat.jpg --recipe color                   any recipe over what was indexed
  alike search cat.jpg --recipe 'deep | expand'         the query drawn to its neighbours
  alike search cat.jpg --recipe 'deep | hash(itq, 64)' --rescore 200
  alike search cat.jpg --recipe deep --recipe color --fuse rrf
                                                        one ranking made of two
  alike search cat.jpg --compare deep --compare color --strip both.png
                                                        each recipe's hits, one below the other
  alike search cat.jpg --explain --html why.html        what each term adds, and where pictures agree

--fuse takes each recipe's best 100 hits (10 times -k, where that is more), after the filters. `rrf` is reciprocal rank
fusion: the sum of 1 / (60 + rank). `scores` is the mean of the scores, brought to 0 .. 1 by each recipe's least and
greatest. What a recipe didn't find counts 0 for it. --min-score applies to the fused score.

Exit codes: 0 found, 1 nothing found, 2 error.")]
pub(crate) struct SearchArgs {
    /// The picture; `-` reads it from stdin
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    image: Option<PathBuf>,

    /// How many hits
    #[arg(short, default_value_t = NonZeroUsize::new(10).expect("ten"))]
    k: NonZeroUsize,

    /// Recipe to search by [default: the first indexed]
    ///
    /// Repeat it for several, with --fuse.
    #[arg(long = "recipe", value_name = "RECIPE")]
    recipes: Vec<String>,

    /// Make one ranking of those of several --recipe
    #[arg(long, value_enum, value_name = "rrf|scores", hide_possible_values = true, conflicts_with = "rescore")]
    fuse: Option<FuseArg>,

    /// Show the hits of several recipes side by side
    ///
    /// Repeat it, or name several recipes behind it.
    #[arg(long, value_name = "RECIPE", num_args = 1.., conflicts_with_all = ["recipes", "fuse", "rescore"])]
    compare: Vec<String>,

    /// Say why: each term's share of a score, and where the pictures agree
    ///
    /// Pictures (--strip, --html, the terminal) get heat drawn over them, --json the numbers, where the recipe has `deep` or
    /// an averaged layer. The files of the hits are read, and the network is run on them.
    #[arg(hide_short_help = true, long, conflicts_with_all = ["fuse", "compare", "rescore"])]
    explain: bool,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    /// Only pictures with this label (id or name)
    #[arg(long)]
    label: Option<String>,

    /// Only pictures with this tag (several: with all)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Only pictures in this folder or below it
    #[arg(long, value_name = "DIR")]
    path_prefix: Option<PathBuf>,

    /// Share of the true nearest to be found, on average; 1 looks at every picture
    #[arg(hide_short_help = true, long, value_name = "X", default_value_t = RECALL, value_parser = recall)]
    recall: f64,

    /// Recipes that give codes: rank the N nearest again by the vectors that the codes were made of
    #[arg(hide_short_help = true, long, value_name = "N")]
    rescore: Option<NonZeroUsize>,

    /// Only hits of scores that are right so often
    ///
    /// By what `alike calibrate` learnt of the recipe, else by an estimate from the gallery's own pictures.
    #[arg(long, value_name = "P", value_parser = verdict::precision, conflicts_with_all = ["fuse", "compare", "rescore"])]
    precision: Option<f64>,

    /// Only hits with at least this score
    #[arg(hide_short_help = true, long, value_name = "S")]
    min_score: Option<f32>,

    /// Take the query from a list file, as --pick says
    #[arg(long, value_name = "FILE", requires = "pick")]
    list: Option<PathBuf>,

    /// Which of its lines: `random`, or a number from 0
    #[arg(long, value_name = "random|N", requires = "list")]
    pick: Option<Pick>,

    /// What the paths of --list are relative to [default: the list's folder]
    #[arg(hide_short_help = true, long, value_name = "DIR", requires = "list")]
    root: Option<PathBuf>,

    /// Draw the same line each time with --pick random
    #[arg(hide_short_help = true, long, value_name = "N", requires = "pick")]
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
    #[arg(hide_short_help = true, long)]
    lenient: bool,

    /// Scanning threads [default: one for each core]
    #[arg(hide_short_help = true, short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Share of the true nearest that a search finds where nothing is said.
pub(crate) const RECALL: f64 = 0.99;

/// Recipes that are shown side by side at most: each has a letter.
const MOST_COMPARED: usize = 26;

/// How several rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FuseArg {
    Rrf,
    Scores,
}

impl FuseArg {
    fn fusion(self) -> Fusion {
        match self {
            Self::Rrf => Fusion::ReciprocalRank,
            Self::Scores => Fusion::Scores,
        }
    }

    /// As on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Rrf => "rrf",
            Self::Scores => "scores",
        }
    }
}

/// A query and where it is searched.
struct Asked<'a> {
    args: &'a SearchArgs,
    printer: &'a Printer,
    engine: &'a Engine,
    searchers: &'a Searchers,
    query: &'a Query,
    /// The query's own record in the gallery.
    own: Option<RecordId>,
    path_prefix: Option<PathBuf>,
}

impl<'a> Asked<'a> {
    fn options(&self) -> SearchOptions<'_> {
        SearchOptions {
            k: self.args.k.get(),
            label: self.args.label.as_deref(),
            tags: &self.args.tags,
            path_prefix: self.path_prefix.as_deref(),
            min_score: self.args.min_score,
            expand: None,
            threads: decoding::jobs(self.args.jobs),
            recall: self.args.recall,
        }
    }

    /// The searcher of the first recipe.
    fn first(&self) -> &'a Searcher {
        &self.searchers.each()[0]
    }

    /// The recipes as the user wrote them.
    fn recipes(&self) -> Vec<&'a str> {
        self.searchers.each().iter().map(Searcher::recipe).collect()
    }
}

pub(crate) fn run(args: &SearchArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    check_recipes(args)?;
    let query = Query::read(args, printer)?;
    let engine =
        Engine::new(args.collection.open_near(query.path.as_deref())?, networks::open(&args.network, printer)?);
    let searchers = engine.searchers(if args.compare.is_empty() { &args.recipes } else { &args.compare })?;
    let own = query.path.as_deref().map(|path| searchers.each()[0].record_of_file(path)).transpose()?.flatten();
    let asked = Asked {
        args,
        printer,
        engine: &engine,
        searchers: &searchers,
        query: &query,
        own: own.map(|record| record.id),
        path_prefix: args.path_prefix.as_deref().map(index::absolute).transpose()?,
    };
    let found = match args.fuse {
        _ if !args.compare.is_empty() => compare::run(&asked)?,
        Some(fuse) => fused::run(&asked, fuse)?,
        None => plain::run(&asked)?,
    };
    Ok(if found { Outcome::Success } else { Outcome::NothingFound })
}

/// Several recipes need a word on what to do with them, and one needs none.
fn check_recipes(args: &SearchArgs) -> anyhow::Result<()> {
    match (args.recipes.len(), args.fuse, args.compare.len()) {
        (2.., None, _) => bail!(
            "got {} recipes, wanted one: add --fuse rrf or --fuse scores to make one ranking of theirs, or see them side by side with --compare '{}'",
            args.recipes.len(),
            args.recipes.join("' --compare '")
        ),
        (0..=1, Some(_), _) => bail!(
            "--fuse makes one ranking of several, got {}: name two or more recipes, each with --recipe, or leave --fuse away",
            if args.recipes.is_empty() { "no --recipe" } else { "one --recipe" }
        ),
        (_, _, 1) => {
            bail!("--compare shows recipes side by side, got one: name another with --compare, or use --recipe")
        }
        (_, _, n) if n > MOST_COMPARED => bail!("--compare got {n} recipes, wanted at most {MOST_COMPARED}"),
        _ => Ok(()),
    }
}

/// More than nothing, and at most all.
pub(crate) fn recall(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("got `{text}`, wanted a number above 0 and at most 1, such as 0.99"))
}
