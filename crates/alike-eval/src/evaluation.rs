//! What an evaluation found: numbers, not yet words.

use serde::Serialize;
use std::collections::BTreeMap;

/// An evaluation of several recipes on the same queries.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// How it was done.
    pub protocol: Protocol,
    /// Pictures in the gallery.
    pub gallery: usize,
    /// Queries that count.
    pub queries: usize,
    /// Queries whose own file was taken out of the gallery they search.
    pub excluded: usize,
    /// Queries left out of all means, because nothing in the gallery is relevant to them.
    pub no_relevant: usize,
    /// What a reader of the numbers has to know: leaks, contradictions, files left out.
    pub warnings: Vec<String>,
    /// Byte-identical pictures on both sides of the split.
    pub leaks: Vec<Pair>,
    /// Byte-identical pictures with different labels.
    pub conflicts: Vec<Pair>,
    /// Names of the classes; empty without labels.
    pub classes: Vec<String>,
    /// Number of gallery pictures of each class.
    pub class_gallery: Vec<usize>,
    /// Number of queries of each class that count.
    pub class_queries: Vec<usize>,
    /// Each recipe, in the order asked for.
    pub results: Vec<RecipeResult>,
    /// Each pair of recipes, for each metric that has an interval.
    pub comparisons: Vec<Comparison>,
    /// Of each class the best recipe in mAP; empty without labels or without several recipes.
    pub class_winners: Vec<ClassWinner>,
}

impl Evaluation {
    /// The names of all metrics, in the order in which the recipes have them.
    pub fn metric_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in self.results.iter().flat_map(|result| &result.metrics.0) {
            if !names.contains(&name.as_str()) {
                names.push(name.as_str());
            }
        }
        names
    }
}

/// Two files that shouldn't both be there.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// One of them: for leaks, the query.
    pub a: String,
    /// The other: for leaks, the picture in the gallery.
    pub b: String,
    /// Label of `a`, if it has one.
    pub label_a: Option<String>,
    /// Label of `b`, if it has one.
    pub label_b: Option<String>,
}

/// How an evaluation was done: enough to do it again.
#[derive(Debug, Clone, Serialize)]
pub struct Protocol {
    /// The command as it was typed.
    pub command: String,
    /// Version of alike.
    pub version: String,
    /// Networks used: `NAME#sha8`, sha256.
    pub models: Vec<(String, String)>,
    /// What ran the networks, if any were needed.
    pub runtime: Option<String>,
    /// What the gallery was made of, in words.
    pub gallery: String,
    /// What the queries were made of, in words.
    pub queries: String,
    /// `labels` or `lists`.
    pub relevance: String,
    /// `expected`, `index`, `min` or `max`.
    pub ties: String,
    /// The cut-offs `k`.
    pub k: Vec<usize>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Resamples of the bootstrap.
    pub resamples: usize,
}

/// What one recipe reached.
#[derive(Debug, Clone, Serialize)]
pub struct RecipeResult {
    /// As the user wrote it.
    pub recipe: String,
    /// With everything spelt out.
    pub recipe_canonical: String,
    /// `vector` or `code`.
    pub kind: String,
    /// Dimensions, or bits.
    pub dims: usize,
    /// Bytes that a picture's descriptor takes.
    pub bytes_per_image: usize,
    /// Mean of each metric over the queries that count, in the order of the report: `P@1`, .., `mAP`, ..
    pub metrics: Metrics,
    /// 95 % percentile bootstrap interval of each mean.
    pub ci95: BTreeMap<String, (f64, f64)>,
    /// Mean over the queries of the least that an order of the ties can give; only metrics where it differs.
    pub min: BTreeMap<String, f64>,
    /// Mean over the queries of the most that an order of the ties can give; only metrics where it differs.
    pub max: BTreeMap<String, f64>,
    /// Queries of which a tie changes a metric.
    pub tied_queries: usize,
    /// Macro means of interpolated precision.
    pub pr_curve: PrCurve,
    /// Bytes that the rows of its sources take on disk, of the gallery's whole collection.
    pub source_bytes: u64,
    /// Milliseconds of the search alone; `None` where timings were not wanted.
    #[serde(rename = "latency_ms")]
    pub timing: Option<Timing>,
    /// The classroom notebook's figures, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook: Option<Vec<NotebookFigure>>,
    /// Means of a class's queries, in the order of [`Evaluation::classes`]; empty without labels.
    pub per_class: Vec<ClassResult>,
    /// `confusion[q][g]`: among the first `confusion_depth` hits of queries of class `q`, the share of pictures of class `g`, in 0..=1.
    pub confusion: Vec<Vec<f64>>,
    /// How many hits of each query the confusion map counts.
    pub confusion_depth: usize,
    /// Each query's metrics.
    #[serde(skip)]
    pub per_query: Vec<QueryResult>,
}

/// Names and values, in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(pub Vec<(String, f64)>);

impl Metrics {
    /// The value of a metric.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }
}

impl Serialize for Metrics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Precision at levels of recall, the macro mean of each query's interpolated curve.
#[derive(Debug, Clone, Serialize)]
pub struct PrCurve {
    /// Levels of recall, 0 to 1 in steps of .01.
    pub recall: Vec<f64>,
    /// Mean over the queries of the greatest precision at that recall or more.
    pub precision: Vec<f64>,
    /// The same at 0, .1, .., 1.
    pub eleven_points: Vec<f64>,
}

/// How long the search for one query takes, descriptor to hits, by the exact scan on one thread.
#[derive(Debug, Clone, Serialize)]
pub struct Timing {
    /// Middle value in milliseconds.
    #[serde(rename = "median")]
    pub median_ms: f64,
    /// 95 in 100 are faster.
    #[serde(rename = "p95")]
    pub p95_ms: f64,
    /// 99 in 100 are faster.
    #[serde(rename = "p99")]
    pub p99_ms: f64,
    /// Median milliseconds at several gallery sizes: (pictures, milliseconds).
    pub growth: Vec<(usize, f64)>,
    /// Exponent `p` of the fit `T(n) = c * n^p`.
    pub exponent: f64,
    /// The factor `c` of that fit, in milliseconds.
    #[serde(rename = "factor")]
    pub factor_ms: f64,
}

/// A figure of the classroom notebook, and what its name means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotebookFigure {
    /// What the notebook calls it: `mAP@1`, `mAP@5`, `mAP@10`.
    pub name: String,
    /// The number it prints under that name.
    pub printed: f64,
    /// What that number is.
    pub is: String,
    /// P@k.
    pub precision: f64,
    /// mAP@k, divided by `min(R, k)`.
    pub map: f64,
}

/// Means over the queries of a class.
#[derive(Debug, Clone, Serialize)]
pub struct ClassResult {
    /// Mean of the metrics.
    pub metrics: Metrics,
}

/// One query under one recipe.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// Its position among all queries.
    pub query: usize,
    /// Path as the list has it.
    pub path: String,
    /// Name of its class.
    pub label: Option<String>,
    /// Relevant pictures in the gallery.
    pub relevant: u32,
    /// Same names and order as [`RecipeResult::metrics`]; empty for a query with nothing relevant.
    pub metrics: Vec<f64>,
    /// The first hits.
    pub hits: Vec<Hit>,
}

/// A hit of a query.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Position in the gallery.
    pub picture: usize,
    /// Path as the list has it.
    pub path: String,
    /// Name of its class.
    pub label: Option<String>,
    /// The higher, the more alike.
    pub score: f64,
    /// Whether it is relevant to the query.
    pub relevant: bool,
}

/// Whether one recipe is better than another: paired bootstrap over the same queries.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Which metric.
    pub metric: String,
    /// Position of the first recipe.
    pub a: usize,
    /// Position of the second.
    pub b: usize,
    /// Mean of a minus mean of b.
    pub difference: f64,
    /// 95 % percentile interval of the difference.
    pub ci95: (f64, f64),
    /// Two-sided bootstrap p value.
    pub p: f64,
}

/// Chance of a false alarm below which a difference counts.
const LEVEL: f64 = 0.05;

impl Comparison {
    /// The test's p value is small and its interval leaves out 0: each alone may happen by the granularity of resamples.
    pub fn is_significant(&self) -> bool {
        let (low, high) = self.ci95;
        self.p < LEVEL && (low > 0.0 || high < 0.0)
    }
}

/// The recipe that finds the pictures of a class best.
#[derive(Debug, Clone, Serialize)]
pub struct ClassWinner {
    /// Position of the class in [`Evaluation::classes`].
    pub class: usize,
    /// Queries of the class that count.
    pub queries: usize,
    /// What the best recipe reaches.
    pub mean: f64,
    /// The best recipe, `a`, against the runner-up, `b`, on the queries of the class.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// Whether the best recipe is significantly better than each other one, on at least 6 queries. Not corrected for the
    /// number of classes.
    pub supported: bool,
}
