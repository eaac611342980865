//! Recipes x metrics: means, intervals, what ties could change.

use super::numbers::{count, interval, share, tick};
use super::svg::{Axis, coordinate, line};
use super::{Section, series, verdict};
use crate::evaluation::{Evaluation, RecipeResult};
use maud::{Markup, html};

/// Columns of a table that fit a sheet of paper.
const COLUMNS: usize = 8;
/// Units of the plot of intervals.
const WIDTH: f64 = 240.0;

/// The recipes, and a table for the whole ranking and for each cut-off.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    if evaluation.results.is_empty() {
        return None;
    }
    let content = html! {
        (overview(evaluation))
        @for (caption, names) in blocks(&evaluation.metric_names()) {
            @for names in names.chunks(COLUMNS) { (table(evaluation, &caption, names)) }
        }
        @if evaluation.queries > 0 { p.hint { (hint(evaluation)) } }
    };
    Section::new("metrics", "Metrics", content)
}

/// Metrics of the whole ranking, then those of each cut-off, each in the order in which they come.
fn blocks<'a>(names: &[&'a str]) -> Vec<(String, Vec<&'a str>)> {
    let mut blocks = vec![(None, Vec::new())];
    for &name in names {
        let cutoff = cutoff(name);
        match blocks.iter_mut().find(|(known, _)| *known == cutoff) {
            Some((_, members)) => members.push(name),
            None => blocks.push((cutoff, vec![name])),
        }
    }
    blocks.retain(|(_, members)| !members.is_empty());
    let caption = |cutoff: Option<&str>| match cutoff {
        None => "Whole ranking".to_owned(),
        Some("1") => "First hit".to_owned(),
        Some(k) => format!("First {k} hits"),
    };
    blocks.into_iter().map(|(cutoff, members)| (caption(cutoff), members)).collect()
}

/// The `k` of `P@k` or `mAP@k/R`; `MAP@R` has none.
fn cutoff(name: &str) -> Option<&str> {
    let (_, after) = name.split_once('@')?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    (digits > 0).then(|| &after[..digits])
}

fn table(evaluation: &Evaluation, caption: &str, names: &[&str]) -> Markup {
    let best: Vec<Option<usize>> = names.iter().map(|name| verdict::best(evaluation, name)).collect();
    html! {
        div.scroll {
            table.metrics {
                caption { (caption) }
                thead { tr { th scope="col" { "recipe" } @for name in names { th scope="col" { (name) } } } }
                tbody {
                    @for (index, result) in evaluation.results.iter().enumerate() {
                        tr {
                            th scope="row" { (series::key(index, result)) }
                            @for (name, best) in names.iter().zip(&best) { (cell(result, name, *best == Some(index))) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(result: &RecipeResult, name: &str, is_best: bool) -> Markup {
    let mean = result.metrics.get(name).unwrap_or(f64::NAN);
    html! {
        td class=[is_best.then_some("best")] {
            span.mean { (share(mean)) @if is_best { span.star title="significantly better than every other" { " ★" } } }
            @if let Some(interval) = result.ci95.get(name).copied().and_then(interval) { span.ci { (interval) } }
            @if let Some((least, most)) = range(result, name) {
                span.ties title="least and most that an order of the ties can give" { (share(least)) " to " (share(most)) }
            }
        }
    }
}

/// What ties leave open, where that can be seen.
fn range(result: &RecipeResult, name: &str) -> Option<(f64, f64)> {
    let mean = result.metrics.get(name)?;
    let least = result.min.get(name).copied().unwrap_or(mean);
    let most = result.max.get(name).copied().unwrap_or(mean);
    (least.is_finite() && most.is_finite() && share(least) != share(most)).then_some((least, most))
}

fn hint(evaluation: &Evaluation) -> Markup {
    let names = evaluation.metric_names();
    let ranges = evaluation.results.iter().any(|result| names.iter().any(|name| range(result, name).is_some()));
    let intervals = evaluation.results.iter().any(|result| !result.ci95.is_empty());
    html! {
        "Means over the queries that count."
        @if intervals { " In brackets: 95 % bootstrap intervals." }
        @if evaluation.results.len() > 1 {
            " ★ marks a value that is significantly better than that of every other recipe (paired bootstrap: p < .05, and "
            "the interval of the difference leaves out 0); a metric without ★ has no such recipe."
        }
        @if ranges { " Slanted: the least and the most that an order of equal scores can give." }
    }
}

fn overview(evaluation: &Evaluation) -> Markup {
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    let axis = ends(evaluation, metric);
    let canonical = |result: &RecipeResult| result.recipe_canonical != result.recipe;
    html! {
        div.scroll {
            table.overview {
                caption { "The recipes" }
                thead {
                    tr {
                        th scope="col" { "recipe" }
                        th scope="col" { "descriptor" }
                        th scope="col" { (metric) }
                        @if let Some((low, high)) = axis {
                            th.plot scope="col" aria-label={ (metric) ", from " (tick(low)) " to " (tick(high)) } {
                                span.ends { span { (tick(low)) } span { (tick(high)) } }
                            }
                        }
                    }
                }
                tbody {
                    @for (index, result) in evaluation.results.iter().enumerate() {
                        tr {
                            th scope="row" {
                                (series::badge(index)) " " code { (result.recipe) }
                                @if canonical(result) { span.canonical { (result.recipe_canonical) } }
                            }
                            td { (descriptor(result)) }
                            td { strong { (share(result.metrics.get(metric).unwrap_or(f64::NAN))) } }
                            @if let Some(ends) = axis { td.plot { (whisker(index, result, metric, ends)) } }
                        }
                    }
                }
            }
        }
    }
}

fn descriptor(result: &RecipeResult) -> String {
    let unit = if result.kind == "code" { "bits" } else { "numbers" };
    format!("{} {unit}", count(result.dims as u128))
}

/// Ends of the axis on which all means and intervals lie, in steps of .05; nothing if there is no number.
fn ends(evaluation: &Evaluation, metric: &str) -> Option<(f64, f64)> {
    let values = evaluation.results.iter().flat_map(|result| {
        let (low, high) = result.ci95.get(metric).copied().unwrap_or((f64::NAN, f64::NAN));
        [low, high, result.metrics.get(metric).unwrap_or(f64::NAN)]
    });
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return None;
    }
    let (low, high) = ((low * 20.0 - 0.1).floor() / 20.0, (high * 20.0 + 0.1).ceil() / 20.0);
    Some((low.max(0.0), high.min(1.0).max(low.max(0.0) + 0.05)))
}

/// The mean as a dot on its interval.
fn whisker(index: usize, result: &RecipeResult, metric: &str, (low, high): (f64, f64)) -> Markup {
    let axis = Axis::linear(low, high);
    let at = |value: f64| 6.0 + axis.share(value) * (WIDTH - 12.0);
    let mean = result.metrics.get(metric).filter(|mean| mean.is_finite());
    let interval = result.ci95.get(metric).copied().filter(|(low, high)| low.is_finite() && high.is_finite());
    html! {
        svg class={ "whisker s" (index % 8) } viewBox={ "0 0 " (WIDTH) " 22" } aria-hidden="true" {
            g.grid { (line(6.0, 21.0, WIDTH - 6.0, 21.0)) }
            @if let Some((low, high)) = interval {
                (line(at(low), 11.0, at(high), 11.0)) (line(at(low), 6.0, at(low), 16.0)) (line(at(high), 6.0, at(high), 16.0))
            }
            @if let Some(mean) = mean { circle cx=(coordinate(at(mean))) cy="11" r="4.5" {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_grouped_by_cutoff() {
        let names = ["P@1", "mAP@1", "P@10", "mAP", "mAP@10/R", "MAP@R"];
        let blocks = blocks(&names);
        assert_eq!(blocks[0], ("Whole ranking".to_owned(), vec!["mAP", "MAP@R"]));
        assert_eq!(blocks[1], ("First hit".to_owned(), vec!["P@1", "mAP@1"]));
        assert_eq!(blocks[2], ("First 10 hits".to_owned(), vec!["P@10", "mAP@10/R"]));
    }
}
