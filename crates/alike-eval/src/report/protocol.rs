//! What was measured, in short.

use super::Section;
use super::numbers::{count, things};
use crate::evaluation::Evaluation;
use maud::{Markup, html};

/// The facts that numbers can't be compared without.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let protocol = &evaluation.protocol;
    let cutoffs: Vec<String> = protocol.k.iter().map(usize::to_string).collect();
    let pictures = things(evaluation.gallery, "picture", "pictures");
    let counted = things(evaluation.queries, "query that counts", "queries that count");
    let classes = evaluation.classes.len();
    let content = html! {
        dl.facts {
            (fact("Gallery", html! { strong { (pictures) } " " (aside(&protocol.gallery)) }))
            (fact("Queries", html! { strong { (counted) } " " (aside(&protocol.queries)) }))
            (fact("Relevant", html! {
                @match protocol.relevance.as_str() {
                    "labels" => "pictures of the query’s class",
                    "lists" => "pictures that the ground truth lists",
                    other => (other),
                }
                @if classes > 0 { " " (aside(&things(classes, "class", "classes"))) }
            }))
            (fact("Excluded", html! {
                @if evaluation.excluded == 0 { "no query’s own file lies in the gallery" }
                @else { "the own file of " (things(evaluation.excluded, "query", "queries")) }
            }))
            (fact("Left out", html! {
                @if evaluation.no_relevant == 0 { "no query: each has something relevant" }
                @else { (things(evaluation.no_relevant, "query", "queries")) " with nothing relevant in the gallery" }
            }))
            (fact("Ties", html! { (ties(&protocol.ties)) }))
            (fact("Cut-offs", html! { @if cutoffs.is_empty() { "none" } @else { "k = " (cutoffs.join(", ")) } }))
            (fact("Intervals", html! {
                (count(protocol.resamples as u128)) " resamples, seed " (protocol.seed)
            }))
        }
    };
    Section::new("protocol", "What was measured", content)
}

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn aside(text: &str) -> Markup {
    html! { @if !text.is_empty() { span.soft { (text) } } }
}

/// What becomes of equal scores, in a few words.
fn ties(ties: &str) -> String {
    match ties {
        "expected" => "mean over all orders of equal scores".to_owned(),
        "index" => "equal scores by position in the gallery".to_owned(),
        "min" => "the worst order of equal scores".to_owned(),
        "max" => "the best order of equal scores".to_owned(),
        other => other.to_owned(),
    }
}
