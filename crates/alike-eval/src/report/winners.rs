//! Which recipe wins for which class.

use super::numbers::{count, interval, share, signed, things};
use super::{series, verdict};
use crate::evaluation::{ClassWinner, Evaluation};
use maud::{Markup, html};

/// Of more classes only those are shown that have a supported winner.
const MOST: usize = 30;

/// The classes that are worth a line, and how many others there are.
pub fn shown_winners(evaluation: &Evaluation) -> (Vec<&ClassWinner>, usize) {
    let all = &evaluation.class_winners;
    let shown: Vec<&ClassWinner> = all.iter().filter(|winner| all.len() <= MOST || winner.supported).collect();
    let others = all.len() - shown.len();
    (shown, others)
}

/// A line for each class, and what the marks mean; nothing where there is nothing to compare.
pub(super) fn table(evaluation: &Evaluation) -> Option<Markup> {
    let (shown, others) = shown_winners(evaluation);
    if shown.is_empty() && others == 0 {
        return None;
    }
    Some(html! {
        @if !shown.is_empty() { div.scroll { (lines(evaluation, &shown)) } }
        @if others > 0 {
            p { "No recipe is significantly better than every other for " (things(others, "class", "classes")) "." }
        }
        p.hint {
            "The best recipe of a class against the runner-up: mean difference over the queries of the class and its 95 % "
            "interval, by paired bootstrap. ★ marks a recipe that is significantly better than every other one, for classes "
            "of at least 6 queries. With many classes some ★ come by chance: p values are not corrected for that."
        }
    })
}

fn lines(evaluation: &Evaluation, winners: &[&ClassWinner]) -> Markup {
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    html! {
        table.comparisons {
            caption { "The best recipe by class" }
            thead {
                tr {
                    th scope="col" { "class" } th scope="col" { "queries" } th scope="col" { "best" }
                    th scope="col" { (metric) } th scope="col" { "runner-up" } th scope="col" { "difference" }
                    th scope="col" { "95 % interval" }
                }
            }
            tbody { @for winner in winners { (line(evaluation, winner)) } }
        }
    }
}

fn line(evaluation: &Evaluation, winner: &ClassWinner) -> Markup {
    let comparison = &winner.comparison;
    let recipe = |index: usize| html! { span title=(evaluation.results[index].recipe) { (series::badge(index)) } };
    html! {
        tr {
            th scope="row" { (evaluation.classes[winner.class]) }
            td.n { (count(winner.queries as u128)) }
            td { (recipe(comparison.a)) @if winner.supported { span.star { " ★" } } }
            td { (share(winner.mean)) }
            td { (recipe(comparison.b)) }
            td { (signed(comparison.difference)) }
            td { (interval(comparison.ci95).unwrap_or_else(|| super::numbers::NONE.to_owned())) }
        }
    }
}
