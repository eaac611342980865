//! From descriptors and ground truth to the numbers of a recipe.

use crate::bootstrap::{Bootstrap, Estimate, Resampled};
use crate::evaluation::{ClassResult, Comparison, Hit, Metrics, NotebookFigure, PrCurve, QueryResult, RecipeResult};
use crate::measures::{Judged, Scheme};
use crate::rank::{self, Depth, Found, Ranked, Rows, Ties};
use crate::truth::{Item, Truth};
use alike::store::Label;
use std::collections::{BTreeMap, HashMap};

/// Levels of recall of the curves: 0 to 1 in steps of .01.
const CURVE_STEPS: u32 = 100;

/// Hits of each query that are named in the results, and counted by the confusion map.
pub const HITS: usize = 10;

/// Ranks that the notebook looks at.
const NOTEBOOK_DEPTH: usize = 10;

/// Metrics whose value can fall when a relevant picture moves up: their extremes aren't those of the extreme orders.
const NOT_MONOTONE: &str = "/hits";

/// What counts where scores are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieRule {
    /// The expectation over all orders.
    Expected,
    /// The order of the gallery.
    Index,
    /// The order with relevant pictures last.
    Min,
    /// The order with relevant pictures first.
    Max,
}

impl TieRule {
    /// How the gallery is ranked for it.
    fn ties(self) -> Ties {
        if self == Self::Index { Ties::Index } else { Ties::Group }
    }

    /// The ranking that counts.
    fn apply(self, ranking: &Judged) -> Judged {
        match self {
            Self::Expected | Self::Index => ranking.clone(),
            Self::Min => ranking.worst(),
            Self::Max => ranking.best(),
        }
    }
}

/// What all recipes of an evaluation share.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The pictures searched.
    pub gallery: &'a [Item],
    /// The pictures asked about.
    pub queries: &'a [Item],
    /// What is relevant.
    pub truth: &'a Truth,
    /// The classes of both; none without labels.
    pub classes: &'a Classes,
    /// Which metrics.
    pub scheme: &'a Scheme,
    /// What counts where scores are equal.
    pub ties: TieRule,
    /// Draws the intervals.
    pub bootstrap: Bootstrap,
}

/// A recipe and the descriptors it gave.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// As the user wrote it.
    pub recipe: &'a str,
    /// With everything spelt out.
    pub canonical: &'a str,
    /// A row for each picture of the gallery.
    pub gallery: Rows<'a>,
    /// A row for each query.
    pub queries: Rows<'a>,
    /// For each query the candidates that were ranked anew, best first, if any were: the ranking begins with them.
    pub reranked: Option<&'a [Vec<Found>]>,
}

impl Subject<'_> {
    /// What `each` makes of the ranking for each query.
    fn rank<T: Send>(
        &self,
        setup: &Setup<'_>,
        depth: (Depth, Ties),
        each: impl Fn(usize, Ranked) -> T + Sync,
    ) -> Vec<T> {
        let sides = (self.gallery, self.queries);
        rank::rank_behind(self.reranked, sides, setup.truth, depth, setup.bootstrap.threads, each)
    }
}

/// The labels of a split as classes, numbered in their order: by number where all labels are numbers, else by text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    /// What people call them.
    pub names: Vec<String>,
    /// The class of each picture of the gallery.
    pub of_gallery: Vec<Option<usize>>,
    /// The class of each query.
    pub of_queries: Vec<Option<usize>>,
}

impl Classes {
    /// The classes of a split.
    pub fn of(gallery: &[Item], queries: &[Item]) -> Self {
        let mut labels: Vec<&Label> = gallery.iter().chain(queries).filter_map(|item| item.label.as_ref()).collect();
        labels.sort_by_key(|label| {
            (label.id.parse::<u64>().ok().map_or(1, |_| 0), label.id.parse::<u64>().ok(), &label.id)
        });
        labels.dedup_by_key(|label| &label.id);
        let number: HashMap<&str, usize> = labels.iter().enumerate().map(|(i, label)| (&*label.id, i)).collect();
        let class = |item: &Item| item.label.as_ref().map(|label| number[&*label.id]);
        Self {
            names: labels.iter().map(ToString::to_string).collect(),
            of_gallery: gallery.iter().map(class).collect(),
            of_queries: queries.iter().map(class).collect(),
        }
    }
}

/// Queries that count: something is relevant to them.
pub fn counted(truth: &Truth) -> impl Iterator<Item = usize> + '_ {
    (0..truth.queries()).filter(|&query| truth.relevant(query).next().is_some())
}

/// What one query gave.
struct Outcome {
    /// The first hits by name, and those that tie with the last of them.
    top: Vec<Found>,
    relevant: u32,
    tied: bool,
    /// `None` where nothing is relevant.
    values: Option<Values>,
}

struct Values {
    metrics: Vec<f64>,
    least: Vec<f64>,
    most: Vec<f64>,
    curve: Vec<f64>,
}

/// Ranks the gallery for each query and measures. The fields that take another look (timing, the notebook's figures, the
/// sources' size) are left empty. Also gives what [`compare`] needs.
pub fn evaluate(setup: &Setup<'_>, subject: &Subject<'_>) -> (RecipeResult, Resampled) {
    let depth = (Depth::Full { top: HITS }, setup.ties.ties());
    let outcomes = subject.rank(setup, depth, |_, ranked| outcome(setup, ranked));
    let (kind, dims, bytes_per_image) = match subject.gallery {
        Rows::Vectors { dims, .. } => ("vector", dims, dims * size_of::<f32>()),
        Rows::Codes { bits, .. } => ("code", bits, bits.div_ceil(64) * size_of::<u64>()),
    };
    let values: Vec<&Values> = outcomes.iter().filter_map(|outcome| outcome.values.as_ref()).collect();
    let rows: Vec<Vec<f64>> = values.iter().map(|values| values.metrics.clone()).collect();
    let names = setup.scheme.names();
    let resampled = setup.bootstrap.resample(&rows);
    let estimates = resampled.estimates();
    let (min, max) = extremes(&names, &values);
    let precision = mean_of(&values, |values| &values.curve);
    let result = RecipeResult {
        recipe: subject.recipe.to_owned(),
        recipe_canonical: subject.canonical.to_owned(),
        kind: kind.to_owned(),
        dims,
        bytes_per_image,
        metrics: Metrics(names.iter().cloned().zip(estimates.iter().map(|estimate| estimate.mean)).collect()),
        ci95: names.iter().cloned().zip(estimates.iter().map(|e| (e.low, e.high))).collect(),
        min,
        max,
        tied_queries: outcomes.iter().filter(|outcome| outcome.tied).count(),
        pr_curve: PrCurve {
            recall: (0..=CURVE_STEPS).map(|step| f64::from(step) / f64::from(CURVE_STEPS)).collect(),
            eleven_points: precision.iter().copied().step_by(CURVE_STEPS as usize / 10).collect(),
            precision,
        },
        timing: None,
        notebook: None,
        source_bytes: 0,
        per_class: per_class(setup, &names, &outcomes),
        confusion: confusion(setup.classes, &outcomes),
        confusion_depth: HITS,
        per_query: outcomes
            .into_iter()
            .enumerate()
            .map(|(query, outcome)| query_result(setup, query, outcome))
            .collect(),
    };
    (result, resampled)
}

/// What the classroom notebook prints under the name of mAP, beside what P@k and mAP@k are. It ranks equal scores in the
/// order of the gallery, takes the mean of P@k for mAP@k, and reads the second column, P@2, for mAP@1.
pub fn notebook(setup: &Setup<'_>, subject: &Subject<'_>) -> Vec<NotebookFigure> {
    let means = |scheme: &Scheme, rule: TieRule| {
        let depth = (Depth::Top(NOTEBOOK_DEPTH), rule.ties());
        let measure =
            |_, ranked: Ranked| scheme.measure_at_k(&rule.apply(&Judged::new(ranked.groups, ranked.relevant)));
        let rows = subject.rank(setup, depth, measure);
        let rows: Vec<Vec<f64>> = rows.into_iter().flatten().collect();
        let mean = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len().max(1) as f64;
        let names = scheme.names().into_iter().take(scheme.cutoffs().len() * Scheme::PER_CUTOFF).enumerate();
        names.map(|(i, name)| (name, mean(i))).collect::<HashMap<String, f64>>()
    };
    let printed = means(&Scheme::new(&[2, 5, 10]), TieRule::Index);
    let right = means(&Scheme::new(&[1, 5, 10]), setup.ties);
    let figure = |(k, read)| NotebookFigure {
        name: format!("mAP@{k}"),
        printed: printed[&format!("P@{read}")],
        is: format!("mean of P@{read}"),
        precision: right[&format!("P@{k}")],
        map: right[&format!("mAP@{k}")],
    };
    [(1, 2), (5, 5), (10, 10)].map(figure).to_vec()
}

fn outcome(setup: &Setup<'_>, ranked: Ranked) -> Outcome {
    let as_ranked = Judged::new(ranked.groups, ranked.relevant);
    let tied = as_ranked.has_ties();
    let judged = setup.ties.apply(&as_ranked);
    let values = setup.scheme.measure(&judged).map(|metrics| {
        let at_extreme = |extreme: fn(&Judged) -> Judged| {
            if tied { setup.scheme.measure(&extreme(&as_ranked)) } else { None }.unwrap_or_else(|| metrics.clone())
        };
        Values {
            least: at_extreme(Judged::worst),
            most: at_extreme(Judged::best),
            curve: judged.interpolated_precision(CURVE_STEPS).unwrap_or_default(),
            metrics,
        }
    });
    Outcome { top: ranked.top, relevant: ranked.relevant, tied, values }
}

/// Means of the least and the most that an order of the ties gives, where they differ from each other.
fn extremes(names: &[String], values: &[&Values]) -> (BTreeMap<String, f64>, BTreeMap<String, f64>) {
    let least = mean_of(values, |values| &values.least);
    let most = mean_of(values, |values| &values.most);
    let (mut min, mut max) = (BTreeMap::new(), BTreeMap::new());
    for ((name, least), most) in names.iter().zip(least).zip(most) {
        if most - least > 1e-12 && !name.ends_with(NOT_MONOTONE) {
            min.insert(name.clone(), least);
            max.insert(name.clone(), most);
        }
    }
    (min, max)
}

/// Element-wise mean over the queries; empty without any.
fn mean_of(values: &[&Values], part: impl Fn(&Values) -> &Vec<f64>) -> Vec<f64> {
    let length = values.first().map_or(0, |first| part(first).len());
    (0..length).map(|i| values.iter().map(|values| part(values)[i]).sum::<f64>() / values.len() as f64).collect()
}

fn per_class(setup: &Setup<'_>, names: &[String], outcomes: &[Outcome]) -> Vec<ClassResult> {
    let of_class = |class: usize| {
        let mine = outcomes.iter().zip(&setup.classes.of_queries).filter(|(_, of)| **of == Some(class));
        let values: Vec<&Values> = mine.filter_map(|(outcome, _)| outcome.values.as_ref()).collect();
        let means = mean_of(&values, |values| &values.metrics);
        ClassResult { metrics: Metrics(names.iter().cloned().zip(means).collect()) }
    };
    (0..setup.classes.names.len()).map(of_class).collect()
}

/// `[q][g]`: among the first hits of queries of class `q`, the share of pictures of class `g`. Of pictures that tie for
/// the last places each has the same share in them.
fn confusion(classes: &Classes, outcomes: &[Outcome]) -> Vec<Vec<f64>> {
    let count = classes.names.len();
    let mut hits = vec![vec![0.0; count]; count];
    for (outcome, class) in outcomes.iter().zip(&classes.of_queries) {
        let Some(class) = class else { continue };
        for (found, share) in shares(&outcome.top) {
            if let Some(got) = classes.of_gallery[found.picture as usize] {
                hits[*class][got] += share;
            }
        }
    }
    for row in &mut hits {
        let total = row.iter().sum::<f64>();
        row.iter_mut().filter(|_| total > 0.0).for_each(|share| *share /= total);
    }
    hits
}

/// The first hits, each with the probability that it is among them.
fn shares(top: &[Found]) -> impl Iterator<Item = (&Found, f64)> {
    let last = top.get(HITS - 1).map_or(f64::NEG_INFINITY, |last| last.score);
    let before = top.iter().take_while(|found| found.score > last).count();
    let tied = top.len() - before;
    let share = (HITS.min(top.len()) - before) as f64 / tied.max(1) as f64;
    top.iter().enumerate().map(move |(i, found)| (found, if i < before { 1.0 } else { share }))
}

fn query_result(setup: &Setup<'_>, query: usize, outcome: Outcome) -> QueryResult {
    let item = &setup.queries[query];
    let set = &setup.truth.sets[setup.truth.set_of_query[query]];
    let hit = |found: &Found| {
        let picture = &setup.gallery[found.picture as usize];
        Hit {
            picture: found.picture as usize,
            path: picture.name.clone(),
            label: picture.label.as_ref().map(ToString::to_string),
            score: found.score,
            relevant: set.binary_search(&found.picture).is_ok(),
        }
    };
    QueryResult {
        query,
        path: item.name.clone(),
        label: item.label.as_ref().map(ToString::to_string),
        relevant: outcome.relevant,
        metrics: outcome.values.map(|values| values.metrics).unwrap_or_default(),
        hits: outcome.top.iter().take(HITS).map(hit).collect(),
    }
}

/// The paired test between each two recipes, for each metric.
pub fn compare(results: &[RecipeResult], resampled: &[Resampled]) -> Vec<Comparison> {
    let pairs = (0..results.len()).flat_map(|a| (a + 1..results.len()).map(move |b| (a, b)));
    let comparisons = pairs.flat_map(|(a, b)| {
        let names = results[a].metrics.0.iter().map(|(name, _)| name.clone());
        let comparison = move |(metric, estimate): (String, Estimate)| {
            let Estimate { mean, low, high, p } = estimate;
            Comparison { metric, a, b, difference: mean, ci95: (low, high), p }
        };
        names.zip(resampled[a].minus(&resampled[b])).map(comparison)
    });
    comparisons.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(scores: &[f64]) -> Vec<Found> {
        (0..).zip(scores).map(|(picture, &score)| Found { picture, score }).collect()
    }

    #[test]
    fn ties_share_the_last_places() {
        let shares_of = |scores: &[f64]| shares(&found(scores)).map(|(_, share)| share).collect::<Vec<f64>>();
        let mut scores = vec![0.9; 8];
        scores.extend([0.5; 6]);
        let mut wanted = vec![1.0; 8];
        wanted.extend([2.0 / 6.0; 6]);
        assert_eq!(shares_of(&scores), wanted);
        assert_eq!(shares_of(&[0.3, 0.2]), [1.0, 1.0]);
        assert_eq!(shares_of(&[0.3; 10]), [1.0; 10]);
        assert!(shares_of(&[]).is_empty());
    }
}
