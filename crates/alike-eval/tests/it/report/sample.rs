//! Evaluations as they come out of a gallery of flowers, without one.

use alike_eval::evaluation::{
    ClassResult, ClassWinner, Comparison, Evaluation, Hit, Metrics, Pair, PrCurve, Protocol, QueryResult, RecipeResult,
    Timing,
};
use alike_eval::report::Shown;
use std::collections::BTreeMap;

pub(super) const FLOWERS: [&str; 12] = [
    "daisy",
    "dandelion",
    "rose",
    "sunflower",
    "tulip",
    "牡丹",
    "water lily",
    "iris",
    "cherry blossom",
    "荷花",
    "orchid",
    "bird of paradise",
];

/// Numbers that look like chance and are always the same.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// In 0..1.
    pub(super) fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A recipe and the mean that it reaches.
pub(crate) struct Made {
    pub(super) recipe: &'static str,
    pub(super) canonical: &'static str,
    pub(super) dims: usize,
    pub(super) quality: f64,
}

pub(crate) const RECIPES: [Made; 4] = [
    Made { recipe: "deep", canonical: "deep@mobilenet_v2#c0c3f76d", dims: 1280, quality: 0.877 },
    Made {
        recipe: "0.7*deep + 0.3*color",
        canonical: "0.7*deep@mobilenet_v2#c0c3f76d + 0.3*color/2",
        dims: 1536,
        quality: 0.842,
    },
    Made {
        recipe: "deep | hash(mean)",
        canonical: "deep@mobilenet_v2#c0c3f76d | hash(mean)",
        dims: 1280,
        quality: 0.731,
    },
    Made { recipe: "color", canonical: "color/2", dims: 256, quality: 0.412 },
];

const K: [usize; 3] = [1, 5, 10];

/// Names of metrics with a plausible value of each.
fn metrics(quality: f64) -> Vec<(String, f64)> {
    let mut all = Vec::new();
    let hit = |k: usize| 1.0 - (1.0 - quality).powf(1.0 + (k as f64).ln());
    for k in K {
        let precision = quality * (1.02 - 0.01 * k as f64);
        let recall = precision * k as f64 / 40.0;
        all.push((format!("P@{k}"), precision));
        all.push((format!("R@{k}"), recall));
        all.push((format!("F1@{k}"), 2.0 * precision * recall / (precision + recall)));
        all.push((format!("hit@{k}"), hit(k)));
        all.push((format!("nDCG@{k}"), quality * 1.01));
    }
    all.push(("mAP".to_owned(), quality));
    for k in K {
        all.push((format!("mAP@{k}"), quality * 1.015));
        all.push((format!("mAP@{k}/R"), quality * k as f64 / 40.0));
        all.push((format!("mAP@{k}/hits"), (quality * 1.05).min(0.99)));
    }
    all.push(("MAP@R".to_owned(), quality * 0.93));
    all.push(("R-precision".to_owned(), quality * 0.96));
    all
}

fn curve(quality: f64) -> PrCurve {
    let recall: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
    let at = |r: f64| (0.995 - (1.0 - quality) * 0.4) * (1.0 - r.powf(0.8 + 6.0 * quality * quality)) + quality * 0.1;
    let precision: Vec<f64> = recall.iter().map(|&r| at(r).clamp(0.0, 1.0)).collect();
    let eleven_points = (0..=10).map(|i| precision[i * 10]).collect();
    PrCurve { recall, precision, eleven_points }
}

fn timing(dims: usize, is_code: bool) -> Timing {
    let per_picture = if is_code { 2e-6 } else { dims as f64 * 2.2e-7 };
    let at = |n: usize| 0.004 + per_picture * n as f64;
    let growth = [500, 1000, 2000, 4000, 8000].map(|n| (n, at(n))).to_vec();
    let exponent = if is_code { 0.62 } else { 1.004 };
    let factor_ms = at(2000) / 2000f64.powf(exponent);
    let median_ms = at(4000);
    Timing { median_ms, p95_ms: median_ms * 1.3, p99_ms: median_ms * 2.1, growth, exponent, factor_ms }
}

fn confusion(classes: usize, quality: f64, dice: &mut Dice) -> Vec<Vec<f64>> {
    let row = |q: usize, dice: &mut Dice| {
        let mut row: Vec<f64> = (0..classes).map(|_| dice.roll().powi(6)).collect();
        row[q] = 0.0;
        let wrong: f64 = row.iter().sum();
        let right = (quality + 0.25 * (dice.roll() - 0.5)).clamp(0.05, 0.99);
        row.iter_mut().for_each(|share| *share *= (1.0 - right) / wrong.max(1e-9));
        row[q] = right;
        row
    };
    (0..classes).map(|q| row(q, dice)).collect()
}

fn queries(classes: &[String], quality: f64, dice: &mut Dice) -> Vec<QueryResult> {
    let label = |class: usize| classes.get(class).cloned();
    let many = classes.len().max(1);
    let mut one = |query: usize| {
        let class = query % many;
        let own = (quality + 0.9 * (dice.roll() - 0.6)).clamp(0.02, 1.0);
        let mut hit = |rank: usize| {
            let relevant = dice.roll() < own;
            let found = if relevant { class } else { (class + 1 + rank) % many };
            let picture = found + many * (rank + query);
            let path = format!("jpg/{}/image_{picture:05}.jpg", classes.get(found).map_or("all", String::as_str));
            let score = 0.97 - 0.03 * rank as f64 - 0.02 * dice.roll();
            Hit { picture, path, label: label(found), score, relevant }
        };
        let hits = (0..10).map(&mut hit).collect();
        let path = format!("query/{}/image_{query:05}.jpg", classes.get(class).map_or("all", String::as_str));
        let metrics = metrics(own).into_iter().map(|(_, value)| value).collect();
        QueryResult { query, path, label: label(class), relevant: 40, metrics, hits }
    };
    (0..24).map(&mut one).collect()
}

/// What a recipe reached.
pub(crate) fn result(made: &Made, classes: &[String]) -> RecipeResult {
    let mut dice = Dice::new(made.recipe.len() as u64 + classes.len() as u64);
    let is_code = made.recipe.contains("hash");
    let means = metrics(made.quality);
    let around = |by: f64| means.iter().map(move |(name, mean)| (name.clone(), (mean + by).clamp(0.0, 1.0)));
    let ci95 =
        means.iter().map(|(name, mean)| (name.clone(), ((mean - 0.016).max(0.0), (mean + 0.015).min(1.0)))).collect();
    let tied = |by: f64| if is_code { around(by).collect() } else { BTreeMap::new() };
    let mut of_class =
        |_| ClassResult { metrics: Metrics(metrics((made.quality + 0.4 * (dice.roll() - 0.6)).clamp(0.03, 0.995))) };
    RecipeResult {
        recipe: made.recipe.to_owned(),
        recipe_canonical: made.canonical.to_owned(),
        kind: if is_code { "code" } else { "vector" }.to_owned(),
        dims: made.dims,
        bytes_per_image: if is_code { made.dims / 8 } else { made.dims * 4 },
        min: tied(-0.021),
        max: tied(0.018),
        tied_queries: if is_code { 311 } else { 0 },
        pr_curve: curve(made.quality),
        timing: Some(timing(made.dims, is_code)),
        per_class: classes.iter().map(&mut of_class).collect(),
        confusion: confusion(classes.len(), made.quality, &mut Dice::new(made.dims as u64)),
        source_bytes: 4_321_000,
        notebook: None,
        confusion_depth: 10,
        per_query: queries(classes, made.quality, &mut Dice::new(made.dims as u64 + 7)),
        metrics: Metrics(means),
        ci95,
    }
}

/// Each pair: differences of less than .02 are within chance.
pub(super) fn compare(results: &[RecipeResult]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (name, _) in results.iter().take(1).flat_map(|result| &result.metrics.0) {
        for b in 1..results.len() {
            for a in 0..b {
                let mean = |i: usize| results[i].metrics.get(name).unwrap();
                let difference = mean(a) - mean(b);
                let p = if difference.abs() < 0.02 { 0.31 } else { 0.0 };
                let ci95 = (difference - 0.02, difference + 0.02);
                all.push(Comparison { metric: name.clone(), a, b, difference, ci95, p });
            }
        }
    }
    all
}

/// Of each class the first two recipes by its mean, as if all classes but every fourth had a clear winner.
fn class_winners(results: &[RecipeResult], classes: usize) -> Vec<ClassWinner> {
    let winner = |class: usize| {
        let mean = |i: usize| results[i].per_class[class].metrics.get("mAP").unwrap();
        let mut ranked: Vec<usize> = (0..results.len()).collect();
        ranked.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
        let [a, b, ..] = ranked[..] else { return None };
        let (difference, supported) = (mean(a) - mean(b), !class.is_multiple_of(4));
        let ci95 = (difference - if supported { 0.0 } else { 1.0 }, difference + 0.02);
        let comparison = Comparison { metric: "mAP".to_owned(), a, b, difference, ci95, p: 0.01 };
        Some(ClassWinner { class, queries: 85, mean: mean(a), comparison, supported })
    };
    (0..classes).filter_map(winner).collect()
}

pub(super) fn evaluation(made: &[Made], classes: &[String]) -> Evaluation {
    let results: Vec<RecipeResult> = made.iter().map(|made| result(made, classes)).collect();
    let pair = |i: usize, same: bool| Pair {
        a: format!("jpg/daisy/image_{i:05}.jpg"),
        b: format!("jpg/old/copy of {i}.jpg"),
        label_a: Some("daisy".to_owned()),
        label_b: Some(if same { "daisy" } else { "tulip" }.to_owned()),
    };
    Evaluation {
        protocol: Protocol {
            command: "alike eval --gallery train.txt --query test.txt --recipe deep --recipe '0.7*deep + 0.3*color' \
                      --recipe 'deep | hash(mean)' --recipe color -k 1,5,10 --report report"
                .to_owned(),
            version: "0.1.0".to_owned(),
            models: vec![(
                "mobilenet_v2#c0c3f76d".to_owned(),
                "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5".to_owned(),
            )],
            runtime: Some("ONNX Runtime 1.32.0".to_owned()),
            gallery: "train.txt".to_owned(),
            queries: "test.txt".to_owned(),
            relevance: if classes.is_empty() { "lists" } else { "labels" }.to_owned(),
            ties: "expected".to_owned(),
            k: K.to_vec(),
            seed: 42,
            resamples: 10_000,
        },
        gallery: 8189,
        queries: 1020,
        excluded: 24,
        no_relevant: 3,
        warnings: vec!["2 files of the gallery could not be read and are left out".to_owned()],
        leaks: (0..17).map(|i| pair(i, true)).collect(),
        conflicts: (0..2).map(|i| pair(i, false)).collect(),
        classes: classes.to_vec(),
        class_gallery: (0..classes.len()).map(|i| 40 + 13 * i).collect(),
        class_queries: vec![85; classes.len()],
        comparisons: compare(&results),
        class_winners: class_winners(&results, classes.len()),
        results,
    }
}

/// Four recipes on twelve flowers.
pub(super) fn flowers() -> Evaluation {
    evaluation(&RECIPES, &FLOWERS.map(str::to_owned))
}

/// A drawing that stands for a picture; every ninth can't be read.
pub(super) fn look(shown: Shown) -> Option<String> {
    let (Shown::Query { position, path } | Shown::Gallery { position, path }) = shown;
    let hue = path.bytes().take(14).map(usize::from).sum::<usize>() * 47 % 360;
    let size = 16 + position % 11;
    (position % 9 != 8).then(|| {
        format!(
            "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 80 60'><rect width='80' height='60' \
             fill='hsl({hue} 30%25 80%25)'/><circle cx='40' cy='30' r='{size}' fill='hsl({hue} 65%25 45%25)'/></svg>"
        )
    })
}

/// Four recipes, and no query with anything relevant in the gallery.
pub(super) fn unmeasured() -> Evaluation {
    let mut evaluation = flowers();
    (evaluation.queries, evaluation.no_relevant) = (0, 12);
    evaluation.comparisons.clear();
    evaluation.class_winners.clear();
    evaluation.class_queries.fill(0);
    for result in &mut evaluation.results {
        result.metrics.0.iter_mut().for_each(|(_, value)| *value = f64::NAN);
        result.per_class.iter_mut().flat_map(|class| &mut class.metrics.0).for_each(|(_, value)| *value = f64::NAN);
        (result.ci95, result.min, result.max) = Default::default();
        result.pr_curve = PrCurve { recall: Vec::new(), precision: Vec::new(), eleven_points: Vec::new() };
        result.confusion.iter_mut().for_each(|row| row.fill(0.0));
        result.per_query.iter_mut().for_each(|query| query.metrics.clear());
    }
    evaluation
}
