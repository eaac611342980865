//! `alike eval`: say how good recipes are on labelled pictures.

mod descriptors;
mod files;
mod material;
mod sides;
mod table;

use crate::cli::Outcome;
use crate::commands::index;
use crate::gallery_args::GalleryArgs;
use crate::output::{Printer, escaped, quoted};
use alike_eval::bootstrap::{Bootstrap, Resampled};
use alike_eval::evaluate::{self, Classes, Setup, Subject, TieRule};
use alike_eval::evaluation::{Evaluation, Pair, Protocol, RecipeResult};
use alike_eval::measures::Scheme;
use alike_eval::timing;
use alike_eval::truth::Item;
use alike_eval::winners::class_winners;
use anyhow::bail;
use clap::{Args, ValueEnum};
use descriptors::{Descriptors, Queries};
use material::{Bound, Judged, Material};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 10_000;

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike eval --gallery trainval.txt --query test.txt --model mobilenet_v2
  alike eval --gallery trainval.txt --query test.txt --recipe color --recipe 'color | hash(mean)' --report report
  alike eval --gallery animals --labels-from-folders     each picture in turn, searched among the others
  alike eval --ground-truth groundtruth.txt              lines of `query TAB relevant TAB relevant ..`
  alike eval -c lesson --query test.txt --notebook       the classroom's figures beside the right ones
  alike eval --gallery trainval.txt --query test.txt --trec-run run.txt --qrels qrels.txt

Rows of the sources are kept, so that a second run with another recipe decodes nothing.
In a ground-truth file, fields behind one that is just `|` are junk: they count neither way.")]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    gallery: GalleryArgs,

    /// Pictures asked about: a list file or a folder [default: each picture of the gallery in turn]
    #[arg(long, value_name = "LIST|DIR", conflicts_with = "ground_truth")]
    query: Option<PathBuf>,

    /// What is relevant to what: lines of `query TAB relevant TAB relevant ..`
    #[arg(long, value_name = "FILE")]
    ground_truth: Option<PathBuf>,

    /// Pictures relevant to nothing, a path a line [default: distractors.txt beside the ground truth, if there]
    #[arg(long, value_name = "FILE", requires = "ground_truth", conflicts_with = "gallery")]
    distractors: Option<PathBuf>,

    /// Recipe to evaluate; repeat for several [default: deep with a network, else the collection's]
    #[arg(long = "recipe", value_name = "RECIPE")]
    recipes: Vec<String>,

    /// Cut-offs of P@k and its like
    #[arg(short, value_name = "K,..", value_delimiter = ',', default_values_t = [1, 5, 10].map(|k| NonZeroUsize::new(k).expect("positive")))]
    k: Vec<NonZeroUsize>,

    /// What counts where scores are equal
    #[arg(long, value_enum, default_value_t = TieArg::Expected)]
    ties: TieArg,

    /// Take byte-identical copies of a query out of the gallery it searches
    #[arg(long)]
    exclude_identical: bool,

    /// Show the figures of the classroom notebook beside the right ones
    #[arg(long)]
    notebook: bool,

    /// Write report.html, report.json, per_query.csv and TREC files into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Write the whole rankings as trec_eval reads them (a file for each recipe)
    #[arg(long, value_name = "FILE")]
    trec_run: Option<PathBuf>,

    /// Write what is relevant as trec_eval reads it
    #[arg(long, value_name = "FILE")]
    qrels: Option<PathBuf>,

    /// Where the random numbers of the intervals begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Leave measured times out, so that the same input gives the same bytes
    #[arg(long)]
    no_timing: bool,

    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What counts where scores are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TieArg {
    /// The expectation over all orders
    Expected,
    /// The order of the gallery
    Index,
    /// The worst order
    Min,
    /// The best order
    Max,
}

impl TieArg {
    fn rule(self) -> TieRule {
        match self {
            Self::Expected => TieRule::Expected,
            Self::Index => TieRule::Index,
            Self::Min => TieRule::Min,
            Self::Max => TieRule::Max,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Index => "index",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

pub(crate) fn run(args: &EvalArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    files::prepare(args)?;
    let cancel = index::cancelled_by_ctrl_c()?;
    let Some(mut material) = Material::gather(args, printer, &cancel)? else {
        printer.note("stopped; run the same command again to go on from here");
        return Ok(Outcome::Interrupted);
    };
    // Everything that is worth keeping is kept: Ctrl-C may end the rest at once.
    cancel.store(true, Ordering::Relaxed);
    let judged = material.judge(args.exclude_identical)?;
    let counted = evaluate::counted(&judged.judgement.truth).count();
    if counted == 0 {
        bail!(
            "nothing to measure: none of the {} queries has a relevant picture among the {} of the gallery; check that both use the same labels",
            judged.queries.len(),
            judged.gallery.len()
        );
    }
    let news = split_warnings(args, &judged, &material.recipes);
    material.warnings.news.extend(news);
    let evaluation = measure(args, &material, &judged, counted)?;
    warn(&material.warnings.news, &evaluation, printer);
    if args.json {
        printer.line(serde_json::to_string_pretty(&evaluation)?)?;
    } else {
        table::print(&evaluation, printer)?;
    }
    files::write(args, &evaluation, &material.recipes, &judged, printer)?;
    Ok(Outcome::Success)
}

fn measure(args: &EvalArgs, material: &Material, judged: &Judged, counted: usize) -> anyhow::Result<Evaluation> {
    let judgement = &judged.judgement;
    let classes = Classes::of(&judged.gallery, &judged.queries);
    let scheme = Scheme::new(&args.k.iter().map(|k| k.get()).collect::<Vec<usize>>());
    let bootstrap = Bootstrap { seed: args.seed, resamples: RESAMPLES, threads: args.gallery.decoding.jobs() };
    let setup = Setup {
        gallery: &judged.gallery,
        queries: &judged.queries,
        truth: &judgement.truth,
        classes: &classes,
        scheme: &scheme,
        ties: args.ties.rule(),
        bootstrap,
    };
    let evaluated = material.recipes.iter().map(|bound| measure_one(args, &setup, bound, judged));
    let (results, resampled): (Vec<_>, Vec<_>) = evaluated.collect::<anyhow::Result<Vec<_>>>()?.into_iter().unzip();
    let comparisons = evaluate::compare(&results, &resampled);
    let class_winners = class_winners(&results, &classes.of_queries, "mAP", &bootstrap);
    let count = |of: &[Option<usize>], class: usize| of.iter().filter(|of| **of == Some(class)).count();
    let warnings = material.warnings.said.iter().chain(&material.warnings.news).cloned().collect();
    let mut counts = vec![false; judged.queries.len()];
    evaluate::counted(&judgement.truth).for_each(|query| counts[query] = true);
    let of_counted: Vec<Option<usize>> =
        classes.of_queries.iter().zip(&counts).map(|(class, counts)| class.filter(|_| *counts)).collect();
    Ok(Evaluation {
        protocol: protocol(args, material, judged, &scheme),
        gallery: judged.gallery.len(),
        queries: counted,
        excluded: judgement.excluded,
        no_relevant: judged.queries.len() - counted,
        warnings,
        leaks: judgement.leaks.iter().map(pair).collect(),
        conflicts: judgement.conflicts.iter().map(pair).collect(),
        class_gallery: (0..classes.names.len()).map(|class| count(&classes.of_gallery, class)).collect(),
        class_queries: (0..classes.names.len()).map(|class| count(&of_counted, class)).collect(),
        classes: classes.names,
        results,
        comparisons,
        class_winners,
    })
}

fn measure_one(
    args: &EvalArgs,
    setup: &Setup<'_>,
    bound: &Bound,
    judged: &Judged,
) -> anyhow::Result<(RecipeResult, Resampled)> {
    let threads = args.gallery.decoding.jobs();
    let gallery = Descriptors::of_gallery(bound, &judged.gallery_ids, threads)?;
    let queries = Queries::of(bound, &judged.query_ids, &gallery, &judged.judgement.truth, threads)?;
    let subject = Subject {
        recipe: &bound.text,
        canonical: bound.gallery.canonical(),
        gallery: gallery.rows(),
        queries: queries.rows(),
        reranked: queries.reranked.as_deref(),
    };
    let (mut result, resampled) = evaluate::evaluate(setup, &subject);
    if args.notebook {
        result.notebook = Some(evaluate::notebook(setup, &subject));
    }
    if !args.no_timing {
        result.timing = timing::time(subject.gallery, subject.queries);
    }
    result.source_bytes = bound.gallery.source_bytes();
    Ok((result, resampled))
}

fn protocol(args: &EvalArgs, material: &Material, judged: &Judged, scheme: &Scheme) -> Protocol {
    let mut models: Vec<(String, String)> = Vec::new();
    for model in material.recipes.iter().flat_map(|bound| bound.gallery.models()) {
        let named = (model.id().to_string(), model.id().sha256.clone());
        if !models.contains(&named) {
            models.push(named);
        }
    }
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    Protocol {
        command: std::iter::once("alike".to_owned()).chain(words).collect::<Vec<_>>().join(" "),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        runtime: (!models.is_empty()).then(|| material.networks.runtime().name()),
        models,
        gallery: material.gallery_words.clone(),
        queries: material.queries_words.clone(),
        relevance: if judged.by_lists { "lists" } else { "labels" }.to_owned(),
        ties: args.ties.name().to_owned(),
        k: scheme.cutoffs().to_vec(),
        seed: args.seed,
        resamples: RESAMPLES,
    }
}

fn split_warnings(args: &EvalArgs, judged: &Judged, recipes: &[Bound]) -> Vec<String> {
    let (judgement, queries) = (&judged.judgement, judged.queries.len());
    let mut warnings = Vec::new();
    if args.query.is_some() && judgement.excluded == queries && queries == judged.gallery.len() {
        warnings.push(format!(
            "THE QUERIES ARE THE GALLERY: all {queries} queries stand in the gallery. Each is searched among the others, which is easier than pictures never seen; name other pictures with --query for a fair measure"
        ));
    } else if args.query.is_some() && judgement.excluded > 0 {
        warnings.push(format!(
            "{} of {queries} queries stand in the gallery, too: each is searched among the others",
            judgement.excluded
        ));
    }
    let augments = |bound: &&Bound| bound.gallery.plan().ranking().augment.is_some();
    if let Some(bound) = recipes.iter().find(augments).filter(|_| judgement.excluded > 0) {
        warnings.push(format!(
            "`{}` augments the gallery by its own pictures, queries among them: name other pictures with --query for a fair measure",
            bound.text
        ));
    }
    if judgement.identical_excluded > 0 {
        warnings.push(format!(
            "{} queries: byte-identical copies were taken out of the gallery",
            judgement.identical_excluded
        ));
    }
    warnings
}

fn pair((a, b): &(Item, Item)) -> Pair {
    let label = |item: &Item| item.label.as_ref().map(ToString::to_string);
    Pair { a: a.name.clone(), b: b.name.clone(), label_a: label(a), label_b: label(b) }
}

/// Pairs named on the terminal; the report has all.
const PAIRS_SHOWN: usize = 5;

fn warn(news: &[String], evaluation: &Evaluation, printer: &Printer) {
    for warning in news {
        printer.warning(escaped(warning));
    }
    let pairs = [
        (&evaluation.leaks, "byte-identical to a picture of the gallery (--exclude-identical takes these out)"),
        (&evaluation.conflicts, "byte-identical pictures with different labels"),
    ];
    for (pairs, what) in pairs {
        if pairs.is_empty() {
            continue;
        }
        printer.warning(format_args!("{} {what}:", pairs.len()));
        for pair in pairs.iter().take(PAIRS_SHOWN) {
            printer.status(format_args!("  {}", table::shown_pair(pair)));
        }
        if pairs.len() > PAIRS_SHOWN {
            printer.status(format_args!("  and {} more", pairs.len() - PAIRS_SHOWN));
        }
    }
}
