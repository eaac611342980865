//! The answer in one sentence, and what it rests on.

use super::numbers::{interval, p_relation, share, signed, things};
use super::verdict::{self, Standing};
use super::{series, shortened};
use crate::evaluation::Evaluation;
use maud::{Markup, html};

/// For the browser's tab.
pub(super) fn title(evaluation: &Evaluation) -> String {
    match evaluation.results.as_slice() {
        [one] => format!("Evaluation of {}", shortened(&one.recipe, 60)),
        several => format!("Evaluation of {}", things(several.len(), "recipe", "recipes")),
    }
}

/// The sentence at the top of the page.
pub(super) fn sentence(evaluation: &Evaluation) -> Markup {
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    if evaluation.queries == 0 || evaluation.results.is_empty() {
        return html! { "Nothing could be measured: " (nothing(evaluation)) };
    }
    match verdict::standing(evaluation, metric) {
        Standing::Nothing => html! { "Nothing could be measured." },
        Standing::Alone(only) => html! { (name(evaluation, only)) " reaches " (value(evaluation, only, metric)) "." },
        Standing::Untested(leader) => html! {
            (name(evaluation, leader)) " finds most: " (value(evaluation, leader, metric))
            ". Whether the difference is more than chance was not tested."
        },
        Standing::Best(best) => html! {
            (name(evaluation, best)) " finds most: " (value(evaluation, best, metric)) ", significantly better than "
            (beaten(evaluation, best, metric)) "."
        },
        Standing::Ahead { leader, unbeaten } if unbeaten.len() + 1 == verdict::measured(evaluation, metric).count() => {
            html! {
                "No recipe is significantly better: " (name(evaluation, leader)) " is ahead with "
                (value(evaluation, leader, metric)) ", but " (doubt(evaluation, metric, leader, &unbeaten)) "."
            }
        }
        Standing::Ahead { leader, unbeaten } => html! {
            (name(evaluation, leader)) " is ahead with " (value(evaluation, leader, metric))
            ", but not significantly better than " (list(evaluation, &unbeaten)) ": "
            (doubt(evaluation, metric, leader, &unbeaten)) "."
        },
    }
}

/// What the sentence rests on.
pub(super) fn basis(evaluation: &Evaluation) -> Markup {
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    let measured: Vec<usize> = verdict::measured(evaluation, metric).collect();
    let without: Vec<usize> = (0..evaluation.results.len()).filter(|i| !measured.contains(i)).collect();
    let tested = evaluation.results.len() > 1 && !evaluation.comparisons.is_empty();
    if verdict::primary(evaluation).is_none() || evaluation.queries == 0 {
        return html! {};
    }
    html! {
        "Judged by " (metric) " over " (things(evaluation.queries, "query", "queries")) " in a gallery of "
        (things(evaluation.gallery, "picture", "pictures")) "."
        @if evaluation.results.iter().any(|result| result.ci95.contains_key(metric)) {
            " In brackets: 95 % intervals from " (things(evaluation.protocol.resamples, "resample", "resamples"))
            " of the queries."
        }
        @if tested {
            " Differences are tested in pairs on the same queries; p values are not corrected for the number of pairs."
        }
        @if !measured.is_empty() && !without.is_empty() {
            " Without figures, and left out of this: " (list(evaluation, &without)) "."
        }
    }
}

fn nothing(evaluation: &Evaluation) -> &'static str {
    match (evaluation.no_relevant, evaluation.results.is_empty()) {
        (_, true) => "no recipe was evaluated.",
        (0, false) => "there is no query.",
        (_, false) => "no query has a relevant picture in the gallery.",
    }
}

fn name(evaluation: &Evaluation, index: usize) -> Markup {
    let recipe = &evaluation.results[index].recipe;
    html! { code title=(recipe) { (shortened(recipe, 60)) } }
}

fn value(evaluation: &Evaluation, index: usize, metric: &str) -> Markup {
    let result = &evaluation.results[index];
    let mean = result.metrics.get(metric).unwrap_or(f64::NAN);
    html! {
        (metric) " " (share(mean))
        @if let Some(interval) = result.ci95.get(metric).copied().and_then(interval) { " " span.soft { (interval) } }
    }
}

fn beaten(evaluation: &Evaluation, best: usize, metric: &str) -> Markup {
    let others: Vec<usize> = verdict::measured(evaluation, metric).filter(|&i| i != best).collect();
    html! {
        @match others.as_slice() {
            [one] => (name(evaluation, *one)),
            several => { "each of the " (several.len()) " others" },
        }
    }
}

/// Up to three names; more would be no sentence.
fn list(evaluation: &Evaluation, indices: &[usize]) -> Markup {
    let last = indices.len().saturating_sub(1);
    html! {
        @if indices.len() > 3 { (indices.len()) " of the recipes" }
        @else {
            @for (place, &index) in indices.iter().enumerate() {
                @if place > 0 { (if place == last { " and " } else { ", " }) }
                (name(evaluation, index))
            }
        }
    }
}

/// The nearest rival and how far it is.
fn doubt(evaluation: &Evaluation, metric: &str, leader: usize, unbeaten: &[usize]) -> Markup {
    let mean = |index: &usize| evaluation.results[*index].metrics.get(metric).filter(|mean| mean.is_finite());
    let rival = unbeaten.iter().copied().reduce(|best, next| if mean(&next) > mean(&best) { next } else { best });
    let compared = rival.and_then(|rival| verdict::comparison(evaluation, metric, leader, rival));
    html! {
        @match compared {
            Some(compared) => {
                @if unbeaten.len() > 1 || verdict::measured(evaluation, metric).count() == 2 {
                    "its lead over " (name_or_letter(evaluation, compared.b)) " is "
                } @else { "its lead is " }
                (signed(compared.difference))
                @if let Some(interval) = interval(compared.ci95) { " " span.soft { (interval) } }
                ", p " (p_relation(compared.p))
            },
            None => "not every pair was tested",
        }
    }
}

/// A long recipe that the sentence named already is called by its letter the second time.
fn name_or_letter(evaluation: &Evaluation, index: usize) -> Markup {
    if evaluation.results[index].recipe.chars().count() > 30 { series::badge(index) } else { name(evaluation, index) }
}
