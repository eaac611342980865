//! Which class is mistaken for which.

use super::numbers::{percent, things};
use super::{Section, heat, series, verdict};
use crate::evaluation::{Evaluation, RecipeResult};
use maud::{Markup, html};

/// More classes make no map that can be read.
const MOST_CLASSES: usize = 50;
/// Maps of more classes take the whole width, and only the leader's is unfolded.
const SMALL: usize = 15;
/// Maps of more classes are set in smaller type.
const CROWD: usize = 24;
/// Pairs that stand for a map.
const PAIRS: usize = 20;

/// A map for each recipe; of many classes the pairs that are mistaken most.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let mapped = evaluation.results.iter().enumerate().filter(|(_, result)| has_hits(result));
    let mut mapped: Vec<(usize, &RecipeResult)> = mapped.collect();
    if evaluation.classes.is_empty() || mapped.is_empty() {
        return None;
    }
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    let leader = verdict::leader(evaluation, metric);
    let classes = evaluation.classes.len();
    if classes > SMALL {
        mapped.sort_by_key(|&(index, _)| Some(index) != leader); // the leader first, the others as they were
    }
    let content = html! {
        p.hint {
            @if classes <= MOST_CLASSES {
                "Rows: the query’s class. Columns: the class of its hits, in % of the hits counted; outlined where it is the same. "
                "A dot: never; 0: less than half a per cent. Mistakes are tinted by the square root, so that rare ones show. "
                "Pictures that tie for the last places share them."
            } @else {
                "With " (classes) " classes a map can’t be read: these are the pairs that are mistaken most, in % of the hits "
                "counted."
            }
        }
        div class=(if classes <= SMALL { "maps" } else { "maps wide" }) {
            @for (place, &(index, result)) in mapped.iter().enumerate() {
                @let summary = html! { (series::key(index, result)) " " span.soft { (depth(result)) } };
                @if classes <= SMALL || place == 0 { div.map { p { (summary) } (one(evaluation, result)) } }
                @else { details.map { summary { (summary) } (one(evaluation, result)) } }
            }
        }
    };
    Section::new("confusion", "What is mistaken for what", content)
}

fn has_hits(result: &RecipeResult) -> bool {
    result.confusion.iter().flatten().any(|&share| share > 0.0)
}

fn depth(result: &RecipeResult) -> String {
    format!("first {} of each query", things(result.confusion_depth, "hit", "hits"))
}

fn one(evaluation: &Evaluation, result: &RecipeResult) -> Markup {
    let pairs = mistaken(evaluation, result);
    html! {
        @if evaluation.classes.len() > MOST_CLASSES { (pair_table(evaluation, &pairs)) }
        @else {
            (map(evaluation, result))
            p.hint {
                @if pairs.is_empty() { "Nothing is mistaken." }
                @else {
                    "Most often: "
                    @for (place, (share, query, hit)) in pairs.iter().take(3).enumerate() {
                        @if place > 0 { "; " }
                        (evaluation.classes[*query]) " → " (evaluation.classes[*hit]) " (" (percent(*share)) " %)"
                    }
                    "."
                }
            }
        }
    }
}

/// Whether the class has queries that count.
fn is_asked(evaluation: &Evaluation, class: usize) -> bool {
    evaluation.class_queries.get(class) != Some(&0)
}

fn map(evaluation: &Evaluation, result: &RecipeResult) -> Markup {
    let classes = &evaluation.classes;
    let crowd = if classes.len() > CROWD { "confusion crowded" } else { "confusion" };
    html! {
        div.scroll {
            table class=(crowd) {
                thead { tr { td {} @for name in classes { th scope="col" { span { (name) } } } } }
                tbody {
                    @for (query, (name, row)) in classes.iter().zip(&result.confusion).enumerate() {
                        tr {
                            th scope="row" { (name) }
                            @for (hit, &share) in row.iter().enumerate() {
                                @let share = if is_asked(evaluation, query) { share } else { f64::NAN };
                                td class={ (tint(share, query == hit)) @if query == hit { " same" } @if share < 0.005 { " rare" } } { (percent(share)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Mistakes are tinted by the root of their share, or the usual ones of a few hundredths would look like none.
fn tint(share: f64, is_right: bool) -> String {
    heat(if is_right { share } else { share.sqrt() })
}

/// Share, query's class and hit's class of all mistakes, the most frequent first.
fn mistaken(evaluation: &Evaluation, result: &RecipeResult) -> Vec<(f64, usize, usize)> {
    let known = evaluation.classes.len();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (query, row) in result.confusion.iter().enumerate().take(known) {
        let wrong = row.iter().copied().enumerate().take(known).filter(|&(hit, share)| hit != query && share > 0.0);
        pairs.extend(wrong.filter(|_| is_asked(evaluation, query)).map(|(hit, share)| (share, query, hit)));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.truncate(PAIRS);
    pairs
}

fn pair_table(evaluation: &Evaluation, pairs: &[(f64, usize, usize)]) -> Markup {
    html! {
        @if pairs.is_empty() { p { "Nothing is mistaken." } }
        @else {
            div.scroll {
                table.heat {
                    caption { "Mistaken most" }
                    thead { tr { th scope="col" { "query’s class" } th.text scope="col" { "hit’s class" } th scope="col" { "%" } } }
                    tbody {
                        @for &(share, query, hit) in pairs {
                            tr {
                                th scope="row" { (evaluation.classes[query]) }
                                td.text { (evaluation.classes[hit]) }
                                td class={ "wrong " (tint(share, false)) } { (percent(share)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
