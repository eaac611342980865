//! Each pair of recipes, tested on the same queries.

use super::numbers::{interval, p_value, signed, things};
use super::{Section, series, verdict};
use crate::evaluation::{Comparison, Evaluation};
use maud::{Markup, html};

/// The first metric's pairs, and folded the others'.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let known = |c: &&Comparison| c.a < evaluation.results.len() && c.b < evaluation.results.len();
    let all: Vec<&Comparison> = evaluation.comparisons.iter().filter(known).collect();
    if all.is_empty() {
        return None;
    }
    let first = verdict::primary(evaluation).unwrap_or("mAP");
    let (primary, others): (Vec<&Comparison>, Vec<&Comparison>) = all.into_iter().partition(|c| c.metric == first);
    let content = html! {
        p.hint {
            "Mean difference over the same queries, its 95 % interval, and a two-sided p value, by paired bootstrap. With many "
            "pairs and metrics some small p come by chance: the values are not corrected for that."
        }
        @if !primary.is_empty() {
            details { summary { (first) ": " (things(primary.len(), "pair", "pairs")) } (table(evaluation, &primary)) }
        }
        @if !others.is_empty() {
            details.long {
                summary { "All other metrics: " (things(others.len(), "comparison", "comparisons")) }
                (table(evaluation, &others))
            }
        }
    };
    Section::new("comparisons", "Pairs of recipes", content)
}

fn table(evaluation: &Evaluation, comparisons: &[&Comparison]) -> Markup {
    html! {
        div.scroll {
            table.comparisons {
                thead {
                    tr {
                        th scope="col" { "metric" } th scope="col" { "pair" } th scope="col" { "difference" }
                        th scope="col" { "95 % interval" } th scope="col" { "p" } th scope="col" { "better" }
                    }
                }
                tbody { @for comparison in comparisons { (row(evaluation, comparison)) } }
            }
        }
    }
}

fn row(evaluation: &Evaluation, comparison: &Comparison) -> Markup {
    let names = [comparison.a, comparison.b].map(|index| evaluation.results[index].recipe.as_str());
    let better = if comparison.difference > 0.0 { comparison.a } else { comparison.b };
    html! {
        tr {
            th scope="row" { (comparison.metric) }
            td title=(names.join(" − ")) { (series::badge(comparison.a)) " − " (series::badge(comparison.b)) }
            td { (signed(comparison.difference)) }
            td { (interval(comparison.ci95).unwrap_or_else(|| super::numbers::NONE.to_owned())) }
            td { (p_value(comparison.p)) }
            td { @if comparison.is_significant() { (series::badge(better)) } @else { span.soft { "open" } } }
        }
    }
}
