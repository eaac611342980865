//! What a reader has to know before the numbers: warnings, leaks, contradictions.

use super::numbers::{count, things};
use crate::evaluation::{Evaluation, Pair};
use maud::{Markup, html};

/// Longer lists are folded.
const OPEN: usize = 10;
/// Rows of a list that are shown at all; `report.json` has the rest.
const MOST: usize = 200;

/// A panel with all of it; one quiet line if there is nothing.
pub(super) fn panel(evaluation: &Evaluation) -> Markup {
    let Evaluation { warnings, leaks, conflicts, .. } = evaluation;
    if warnings.is_empty() && leaks.is_empty() && conflicts.is_empty() {
        return html! { p.quiet { "✓ No leak, no contradiction, no warning." } };
    }
    html! {
        aside.notes aria-label="Warnings" {
            @if !warnings.is_empty() {
                (folded(warnings.len(), &things(warnings.len(), "warning", "warnings"), "", html! {
                    ul { @for warning in warnings.iter().take(MOST) { li { (warning) } } (rest(warnings.len())) }
                }))
            }
            @if !leaks.is_empty() {
                (folded(
                    leaks.len(),
                    &things(leaks.len(), "leak", "leaks"),
                    "The query and a picture in the gallery are the same bytes, so finding it proves nothing.",
                    pairs(leaks, "query", "picture in the gallery"),
                ))
            }
            @if !conflicts.is_empty() {
                (folded(
                    conflicts.len(),
                    &things(conflicts.len(), "contradiction", "contradictions"),
                    "Two files of the same bytes have different labels: one of them must be wrong.",
                    pairs(conflicts, "one file", "the other"),
                ))
            }
        }
    }
}

fn folded(length: usize, title: &str, reason: &str, list: Markup) -> Markup {
    let head = html! { strong { "⚠ " (title) } @if !reason.is_empty() { " " span.soft { (reason) } } };
    html! {
        @if length > OPEN { details.long { summary { (head) } (list) } }
        @else { div.note { p { (head) } (list) } }
    }
}

fn pairs(pairs: &[Pair], a: &str, b: &str) -> Markup {
    html! {
        div.scroll {
            table.pairs {
                thead { tr { th scope="col" { (a) } th scope="col" { (b) } } }
                tbody {
                    @for pair in pairs.iter().take(MOST) {
                        tr { td { (file(&pair.a, pair.label_a.as_deref())) } td { (file(&pair.b, pair.label_b.as_deref())) } }
                    }
                }
            }
        }
        (rest(pairs.len()))
    }
}

fn file(path: &str, label: Option<&str>) -> Markup {
    html! { code { (path) } @if let Some(label) = label { " " span.tag { (label) } } }
}

fn rest(length: usize) -> Markup {
    html! {
        @if length > MOST { p.soft { "and " (count((length - MOST) as u128)) " more, in " code { "report.json" } } }
    }
}
