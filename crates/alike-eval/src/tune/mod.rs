//! Which recipe to use for labelled pictures: one part of them chooses among hundreds, another, which the search never sees,
//! confirms that the choice is better than what was there before.
//!
//! Pictures are dealt into five parts, class by class. Four choose: each is asked about in turn and searched among the other
//! three. The fifth confirms: asked about once, it is searched among the four. What recipes learn, they learn from the
//! pictures searched. The search is greedy, in stages; the answer is the simplest recipe within one standard error of the
//! best, and the baseline unless the paired 95 % interval of the gain lies above 0 in both.

mod candidate;
mod choice;
mod matrix;
mod measure;
mod search;
mod split;

use crate::bootstrap::{Bootstrap, Estimate};
use crate::measures::Scheme;
use crate::truth::Item;
use alike::model::Model;
use alike::recipe::{Draft, LearnError, RecipeError};
use candidate::{Axes, Base, Candidate};
use measure::{Bench, Measured, bytes};
use search::Search;
use serde::Serialize;
use split::{Fold, Split};
use std::collections::HashMap;
use std::sync::Arc;

/// Cut-offs of the metrics there are.
const CUTOFFS: [usize; 3] = [1, 5, 10];
const RESAMPLES: usize = 10_000;

/// Labelled pictures and the raw rows of the sources that may be used.
pub struct Pictures<'a> {
    /// Pictures without a label take no part.
    pub items: &'a [Item],
    /// Networks that recipes may mean; the first one where they name none.
    pub models: &'a [Arc<Model>],
    /// By the key of the source: a row for each picture.
    pub rows: HashMap<String, Vec<&'a [f32]>>,
}

/// What is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the answer has to be better than.
    pub baseline: String,
    /// Sources that may be mixed, each once, and the tenths of the weight that each has at the start.
    pub mix: Vec<(String, u32)>,
    /// Other recipes to go on from.
    pub starts: Vec<String>,
    /// One of [`metrics`].
    pub metric: String,
    /// The most that a descriptor may take.
    pub bytes: Option<usize>,
    /// Says how pictures are dealt, and begins the draws of the intervals.
    pub seed: u64,
    /// Nothing depends on it but time.
    pub threads: usize,
}

/// How the caller keeps an eye on a search.
pub struct Watch<'a> {
    /// Asked before each measurement: `true` ends the search, and the best so far is the choice.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Told after each measurement.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is varied.
    pub stage: &'static str,
    /// Measurements of this step of the stage.
    pub done: usize,
    /// How many there will be.
    pub of: usize,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// What to use: the choice if it is confirmed, else the baseline.
    pub recipe: String,
    /// What was there before.
    pub baseline: String,
    /// What the search chose.
    pub choice: String,
    /// Whether the choice is better than the baseline, on both sides.
    pub confirmed: bool,
    /// What a descriptor of the choice takes.
    pub choice_bytes: usize,
    /// What one of the baseline takes.
    pub baseline_bytes: usize,
    /// By which means are taken.
    pub metric: String,
    /// How many pictures take part: those with a label, and no more than 10,000.
    pub pictures: usize,
    /// The four parts that chose. Means of a search for the best promise too much.
    pub choosing: Side,
    /// The part that confirms.
    pub confirming: Side,
    /// What was tried, in its order.
    pub stages: Vec<Stage>,
    /// Recipes measured.
    pub tried: usize,
    /// Whether the search was ended before its end.
    pub stopped: bool,
}

/// The choice beside the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Queries with something relevant.
    pub queries: usize,
    /// Pictures that each is searched among; the least where parts differ.
    pub gallery: usize,
    /// Mean of the baseline.
    pub baseline: f64,
    /// Mean of the choice.
    pub choice: f64,
    /// How much more the choice finds.
    pub gain: f64,
    /// Its 95 % interval, by the paired bootstrap over queries.
    pub ci95: (f64, f64),
}

/// What one stage tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// What it varied.
    pub name: &'static str,
    /// How many recipes.
    pub tried: usize,
    /// The best few of them.
    pub best: Vec<Recipe>,
}

/// A recipe, and what it finds on the part that chooses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// Its text.
    pub recipe: String,
    /// Mean over the queries.
    pub mean: f64,
}

/// Why there is nothing to search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// Nothing says what is relevant.
    #[error(
        "none of the {pictures} pictures has a label, and labels say what should be found: name a list of `path TAB label` lines, or folders by label"
    )]
    NoLabels {
        /// Pictures there are.
        pictures: usize,
    },
    /// Too little to deal into parts.
    #[error(
        "got {classes} classes of {each} different pictures or more, {pictures} pictures in all, wanted at least 2 classes and {least} pictures: label more"
    )]
    TooFew {
        /// Classes that are large enough.
        classes: usize,
        /// Pictures in them.
        pictures: usize,
        /// Pictures of a class, one for each part.
        each: usize,
        /// Pictures in all.
        least: usize,
    },
    /// No such metric.
    #[error("unknown metric `{got}`: known are {}", metrics().join(", "))]
    Metric {
        /// As asked for.
        got: String,
    },
    /// A baseline that no descriptor small enough comes from.
    #[error(
        "`{recipe}` takes {got} bytes a picture, {wanted} are allowed, and no `pca` can follow it: name another baseline"
    )]
    Bytes {
        /// The baseline.
        recipe: String,
        /// What it takes.
        got: usize,
        /// What was asked for.
        wanted: usize,
    },
    /// A mix that doesn't add up.
    #[error("the tenths of the mix add up to {got}, wanted 10")]
    Mix {
        /// Their sum.
        got: u32,
    },
    /// Rows that a recipe needs aren't among those given.
    #[error("`{recipe}` needs rows of `{source_id}`, which aren't given")]
    NoRows {
        /// The recipe.
        recipe: String,
        /// The source, canonical.
        source_id: String,
    },
    /// A recipe that doesn't parse or bind.
    #[error("in the recipe `{recipe}`: {error}")]
    Recipe {
        /// Its text.
        recipe: String,
        /// What is wrong with it.
        error: RecipeError,
    },
    /// Too few pictures for what a recipe learns.
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// What may be mixed where a network is at hand, and with which tenths a search begins: what costs next to nothing beside it.
pub const MIX_WITH_MODEL: [(&str, u32); 5] =
    [("deep", 10), ("semantic", 0), ("color", 0), ("texture", 0), ("shape", 0)];

/// The same without a network: it begins with [`Recipe::default_without_model`](alike::recipe::Recipe::default_without_model).
pub const MIX_WITHOUT_MODEL: [(&str, u32); 5] =
    [("color", 2), ("texture", 5), ("correlogram", 1), ("edges", 2), ("shape", 0)];

/// The recipe of a mix.
pub fn mixed(mix: &[(String, u32)]) -> String {
    Base::Mix(mix.to_vec()).to_string()
}

/// Names of the metrics by which a search can go.
pub fn metrics() -> Vec<String> {
    Scheme::new(&CUTOFFS).names()
}

/// Searches, chooses, confirms. The same pictures, request and seed give the same answer, unless the watch says stop.
pub fn tune(pictures: &Pictures<'_>, request: &Request, watch: &Watch<'_>) -> Result<Tuned, TuneError> {
    let scheme = Scheme::new(&CUTOFFS);
    let unknown = || TuneError::Metric { got: request.metric.clone() };
    let metric = scheme.names().iter().position(|name| *name == request.metric).ok_or_else(unknown)?;
    search::check(&request.mix)?;
    let split = Split::new(pictures.items, request.seed)?;
    let bench = Bench { pictures, folds: &split.choosing, scheme: &scheme, metric, threads: request.threads, watch };
    let patient = Bench { watch: &Watch { stop: &|| false, progress: watch.progress }, ..bench };
    let mut search = Search { bench: patient, request, tried: Vec::new(), stages: Vec::new() };
    let baseline = baseline(&search)?;
    search.attempt("baseline", vec![baseline.clone()])?;
    search.bench = bench;
    search.run()?;
    let fitting = search.tried.iter().filter(|tried| search.fits(tried));
    let before = &search.tried[0];
    let choice = choice::simplest(fitting).unwrap_or(before);
    let confirm = Bench { folds: std::slice::from_ref(&split.confirming), ..patient };
    let both = confirm.measure("confirmation", &[baseline, choice.candidate.clone()])?;
    let [confirmed_before, confirmed_choice] = both.as_slice() else { unreachable!("nothing stops these") };
    let choosing = side(request, &split.choosing, before, choice);
    let confirming = side(request, confirm.folds, confirmed_before, confirmed_choice);
    let confirmed = choosing.ci95.0 > 0.0 && confirming.ci95.0 > 0.0;
    Ok(Tuned {
        recipe: if confirmed { &choice.text } else { &before.text }.clone(),
        baseline: before.text.clone(),
        choice: choice.text.clone(),
        confirmed,
        choice_bytes: choice.bytes,
        baseline_bytes: before.bytes,
        metric: request.metric.clone(),
        pictures: split.pictures,
        choosing,
        confirming,
        tried: search.tried.len(),
        stopped: (watch.stop)(),
        stages: search.stages,
    })
}

/// As asked for; where that is too large, the axes of it that fit.
fn baseline(search: &Search<'_>) -> Result<Candidate, TuneError> {
    let written = search.written(&search.request.baseline)?;
    let got = bytes(search.bench.pictures.draft(&written)?.kind());
    match search.request.bytes {
        Some(wanted) if got > wanted => {
            let dims = (wanted / size_of::<f32>()).min(search.pictures() / 2);
            let too_large = TuneError::Bytes { recipe: search.request.baseline.clone(), got, wanted };
            let axes = Some(Axes { dims, whiten: None });
            if written.is_open() && dims > 0 { Ok(Candidate { axes, ..written }) } else { Err(too_large) }
        }
        _ => Ok(written),
    }
}

fn side(request: &Request, folds: &[Fold], baseline: &Measured, choice: &Measured) -> Side {
    let bootstrap = Bootstrap { seed: request.seed, resamples: RESAMPLES, threads: request.threads };
    let [before, after] = [baseline, choice].map(|measured| {
        let rows: Vec<Vec<f64>> = measured.values.iter().map(|value| vec![*value]).collect();
        bootstrap.resample(&rows)
    });
    let Estimate { mean, low, high, .. } = after.minus(&before)[0];
    Side {
        queries: choice.values.len(),
        gallery: folds.iter().map(|fold| fold.gallery.len()).min().unwrap_or(0),
        baseline: baseline.mean,
        choice: choice.mean,
        gain: mean,
        ci95: (low, high),
    }
}

impl Pictures<'_> {
    /// A candidate, bound.
    fn draft(&self, candidate: &Candidate) -> Result<Draft, TuneError> {
        let recipe = candidate.to_string();
        let draft = recipe.parse().and_then(|parsed| Draft::new(&parsed, self.models));
        let draft = draft.map_err(|error| TuneError::Recipe { recipe: recipe.clone(), error })?;
        match draft.sources().iter().find(|source| !self.rows.contains_key(source.id().key())) {
            Some(source) => Err(TuneError::NoRows { recipe, source_id: source.id().to_string() }),
            None => Ok(draft),
        }
    }

    /// Of each of these pictures, by their positions, the rows of the recipe's sources.
    fn rows(&self, draft: &Draft, places: &[usize]) -> Vec<Vec<&[f32]>> {
        let sources: Vec<&Vec<&[f32]>> = draft.sources().iter().map(|source| &self.rows[source.id().key()]).collect();
        places.iter().map(|&place| sources.iter().map(|rows| rows[place]).collect()).collect()
    }
}
