//! How well each class is found.

use super::numbers::{count, share};
use super::{Section, heat, series, verdict, winners};
use crate::evaluation::Evaluation;
use maud::{Markup, html};

/// Longer tables are folded.
const OPEN: usize = 50;
/// Recipes beside each other that fit a sheet of paper.
const COLUMNS: usize = 8;

/// A table for the first metric, and one for precision at the largest cut-off.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let results = &evaluation.results;
    if evaluation.classes.is_empty() || results.iter().all(|result| result.per_class.is_empty()) {
        return None;
    }
    let first = verdict::primary(evaluation).map(str::to_owned);
    let precision = evaluation.protocol.k.iter().max().map(|k| format!("P@{k}"));
    let names = evaluation.metric_names();
    let mut shown: Vec<String> = first.into_iter().chain(precision).collect();
    shown.retain(|name| names.contains(&name.as_str()));
    shown.dedup();
    let indices: Vec<usize> = (0..results.len()).collect();
    let tables = html! {
        div.tables {
            @for metric in &shown { @for part in indices.chunks(COLUMNS) { (table(evaluation, metric, part)) } }
        }
    };
    let content = html! {
        @if let Some(metric) = shown.first() { p { (hardest(evaluation, metric)) } }
        @if evaluation.classes.len() > OPEN {
            details { summary { "All " (evaluation.classes.len()) " classes" } (tables) }
        } @else { (tables) }
        p.hint { "Means over the queries of a class. Classes without a query that counts have none." }
        @if let Some(winners) = winners::table(evaluation) { (winners) }
    };
    Section::new("classes", "Classes", content)
}

fn value(evaluation: &Evaluation, index: usize, class: usize, metric: &str) -> f64 {
    if evaluation.class_queries.get(class) == Some(&0) {
        return f64::NAN;
    }
    let found = evaluation.results[index].per_class.get(class).and_then(|class| class.metrics.get(metric));
    found.unwrap_or(f64::NAN)
}

fn table(evaluation: &Evaluation, metric: &str, indices: &[usize]) -> Markup {
    html! {
        div.scroll {
            table.heat {
                caption { (metric) " by class" }
                thead {
                    tr {
                        th scope="col" { "class" } th scope="col" { "gallery" } th scope="col" { "queries" }
                        @for &index in indices { th scope="col" title=(evaluation.results[index].recipe) { (series::badge(index)) } }
                    }
                }
                tbody {
                    @for (class, name) in evaluation.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (name) }
                            td.n { (size(&evaluation.class_gallery, class)) }
                            td.n { (size(&evaluation.class_queries, class)) }
                            @for &index in indices {
                                @let value = value(evaluation, index, class, metric);
                                td class=(heat(value)) { (share(value)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn size(sizes: &[usize], class: usize) -> String {
    sizes.get(class).map_or_else(|| super::numbers::NONE.to_owned(), |&n| count(n as u128))
}

/// The three classes that the leading recipe finds worst.
fn hardest(evaluation: &Evaluation, metric: &str) -> Markup {
    let leader = verdict::leader(evaluation, metric).unwrap_or(0);
    let mut classes: Vec<(f64, &String)> = evaluation
        .classes
        .iter()
        .enumerate()
        .map(|(class, name)| (value(evaluation, leader, class, metric), name))
        .filter(|(value, _)| value.is_finite())
        .collect();
    classes.sort_by(|a, b| a.0.total_cmp(&b.0)); // stable: equals keep the order of the classes
    html! {
        @if classes.len() > 3 {
            "Hardest for " (series::key(leader, &evaluation.results[leader])) ": "
            @for (place, (value, name)) in classes.iter().take(3).enumerate() {
                @if place > 0 { ", " } strong { (name) } " (" (share(*value)) ")"
            }
            "."
        }
    }
}
