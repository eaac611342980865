//! How to do it again, and what the numbers mean.

use super::{Section, series};
use crate::evaluation::Evaluation;
use maud::{Markup, html};

/// The command, the versions, the networks, the recipes in full, and the definition of every metric in the report.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let protocol = &evaluation.protocol;
    let content = html! {
        h3 { "To do it again" }
        pre { code { (command(&protocol.command)) } }
        dl.facts {
            div { dt { "Version" } dd { "alike " (protocol.version) } }
            div { dt { "Seed" } dd { (protocol.seed) ", " (protocol.resamples) " resamples" } }
            @if let Some(runtime) = &protocol.runtime { div { dt { "Runtime" } dd { (runtime) } } }
            @for (name, sha256) in &protocol.models {
                div.wide { dt { "Network" } dd { code { (name) } br; span.soft { "sha256 " code { (sha256) } } } }
            }
        }
        ul.recipes {
            @for (index, result) in evaluation.results.iter().enumerate() {
                li { (series::badge(index)) " " code { (result.recipe_canonical) } }
            }
        }
        h3 { "What the numbers mean" }
        p {
            "Each query ranks the gallery" @if evaluation.excluded > 0 { ", its own file left out" }
            ". R is the number of pictures relevant to it, h(k) the number of those among its first k hits. "
            "A metric is computed for each query; the report shows the mean over the queries that have something relevant."
        }
        dl.definitions {
            @for (name, text) in METRICS {
                @if uses(evaluation, name) { div { dt { (name) } dd { (text) } } }
            }
        }
        p { (ties(&protocol.ties)) }
        p {
            strong { "Curves. " }
            "A query’s curve has a point at each score where a threshold can stand, so pictures of equal score enter together, "
            "however ties are treated elsewhere. Precision is interpolated: at each recall the greatest precision there or at "
            "higher recall. The plotted curve is the mean of the queries’ curves at 101 levels of recall (eleven in the table), "
            "so every query weighs the same."
        }
        p {
            strong { "Intervals and p values. " }
            "Percentile bootstrap over the queries: as many are drawn with replacement as there are, and the mean is taken, again "
            "and again; the interval holds the middle 95 %. Two recipes are compared on the same draws, query by query. The "
            "queries stand for others like them; the gallery is taken as it is."
        }
    };
    Section::new("definitions", "Method", content)
}

/// The command, unchanged, but its lines don't end within a flag: `--` and `report` would read as two words.
fn command(command: &str) -> Markup {
    html! {
        @for (place, word) in command.split(' ').enumerate() {
            @if place > 0 { " " }
            @if word.starts_with('-') && word.len() < 30 { span.flag { (word) } } @else { (word) }
        }
    }
}

const METRICS: [(&str, &str); 15] = [
    ("P@k", "Precision: h(k) / k. With fewer than k relevant pictures it can’t reach 1."),
    ("R@k", "Recall: h(k) / R. Metric learning gives this name to what is hit@k here."),
    ("F1@k", "The harmonic mean of P@k and R@k."),
    ("hit@k", "1 if at least one of the first k hits is relevant, else 0."),
    (
        "nDCG@k",
        "The sum over the relevant of the first k hits of 1 / log2(rank + 1), divided by what the best ranking would reach.",
    ),
    (
        "mAP",
        "The mean of average precision, AP: the sum of P@i over the ranks i of relevant pictures in the whole ranking, divided by R.",
    ),
    (
        "mAP@k",
        "The same over the first k hits, divided by the smaller of R and k, so that 1 can be reached. Three denominators are in use: see the next two.",
    ),
    ("mAP@k/R", "The same divided by R (as trec_eval and ranx do): below 1 where R is greater than k."),
    (
        "mAP@k/hits",
        "The same divided by h(k), the relevant pictures found (as papers on hashing do); 0 if none is. It doesn’t punish missing ones.",
    ),
    ("MAP@R", "The sum of P@i over the ranks i of relevant pictures among the first R hits, divided by R."),
    ("R-precision", "h(R) / R."),
    ("MRR", "The mean of 1 / rank of the first relevant picture."),
    (
        "mAP (Oxford)",
        "As the Oxford and Paris benchmarks have it: the area under the curve by trapezoids, a little below mAP.",
    ),
    ("mAP (11 points)", "The mean of the interpolated precision at recall 0, .1, .., 1 (PASCAL VOC until 2009)."),
    ("mAP (interpolated)", "The area under the interpolated curve (PASCAL VOC since 2010)."),
];

/// Whether the report has a metric of this family.
fn uses(evaluation: &Evaluation, family: &str) -> bool {
    evaluation.metric_names().iter().any(|name| family == family_of(name))
}

/// `P@k` for `P@10`, `mAP@k/R` for `mAP@5/R`, `MAP@R` for itself.
fn family_of(name: &str) -> String {
    let Some((start, after)) = name.split_once('@') else { return name.to_owned() };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == after.len() { name.to_owned() } else { format!("{start}@k{rest}") }
}

fn ties(ties: &str) -> Markup {
    html! {
        strong { "Equal scores. " }
        @match ties {
            "expected" => "Their order is unknown, so each metric is its exact expectation over all orders. Where an order could \
                change a mean, the least and the most are given beside it.",
            "index" => "They are ranked by position in the gallery. Where files of a class lie together this may favour the classes \
                that come first.",
            "min" => "The relevant ones are ranked last, which gives the least of every metric but mAP@k/hits.",
            "max" => "The relevant ones are ranked first, which gives the most of every metric but mAP@k/hits: no figures to compare \
                others with.",
            other => { "Treated as: " (other) "." },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{METRICS, family_of};
    use crate::measures::Scheme;

    #[test]
    fn each_metric_is_defined() {
        for name in Scheme::new(&[1, 10]).names() {
            assert!(METRICS.iter().any(|(family, _)| *family == family_of(&name)), "{name}");
        }
    }

    #[test]
    fn families_are_found() {
        assert_eq!(
            ["P@10", "mAP@5/R", "mAP@1/hits", "MAP@R", "mAP"].map(family_of),
            ["P@k", "mAP@k/R", "mAP@k/hits", "MAP@R", "mAP"]
        );
    }
}
