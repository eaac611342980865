//! The queries that went best and worst, as strips: numbers say how much is found, pictures say what.

use super::numbers::{score, share, things};
use super::{Section, Shown, series, verdict};
use crate::evaluation::{Evaluation, Hit, QueryResult, RecipeResult};
use maud::{Markup, html};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Queries at either end.
const QUERIES: usize = 3;
/// Hits of a strip.
const HITS: usize = 10;

/// Strips of each recipe, the leader's unfolded.
pub(super) fn section(evaluation: &Evaluation, look: &dyn Fn(Shown) -> Option<String>) -> Option<Section> {
    let metric = verdict::primary(evaluation)?;
    let album = Album { look, seen: RefCell::default() };
    let leader = verdict::leader(evaluation, metric);
    let mut shown: Vec<(usize, &RecipeResult)> = evaluation.results.iter().enumerate().collect();
    shown.retain(|(_, result)| !chosen(result, metric).0.is_empty());
    shown.sort_by_key(|&(index, _)| Some(index) != leader); // the leader first, the others as they were
    if shown.is_empty() {
        return None;
    }
    let content = html! {
        @for (place, &(index, result)) in shown.iter().enumerate() {
            @if place == 0 { div.strips { p { (series::key(index, result)) } (strips(result, metric, &album)) } }
            @else { details.strips { summary { (series::key(index, result)) } (strips(result, metric, &album)) } }
        }
    };
    Section::new("queries", "Worst and best queries", content)
}

/// Asks for each picture once: the same one is a hit of many queries.
struct Album<'a> {
    look: &'a dyn Fn(Shown) -> Option<String>,
    seen: RefCell<BTreeMap<(bool, usize), Option<String>>>,
}

impl Album<'_> {
    fn picture(&self, shown: Shown, alt: &str) -> Markup {
        let key = match shown {
            Shown::Query { position, .. } => (true, position),
            Shown::Gallery { position, .. } => (false, position),
        };
        let mut seen = self.seen.borrow_mut();
        let uri = seen.entry(key).or_insert_with(|| (self.look)(shown).filter(|uri| uri.starts_with("data:image/")));
        html! {
            @match uri {
                Some(uri) => img src=(uri) alt=(alt);,
                None => div.missing role="img" aria-label=(alt) { "no picture" },
            }
        }
    }
}

/// Queries with their values.
type Valued<'a> = Vec<(f64, &'a QueryResult)>;

/// The worst queries, worst first, and the best, best first; none is both.
fn chosen<'a>(result: &'a RecipeResult, metric: &str) -> (Valued<'a>, Valued<'a>) {
    let Some(place) = result.metrics.0.iter().position(|(name, _)| name == metric) else { return Default::default() };
    let values = result.per_query.iter().filter_map(|query| Some((*query.metrics.get(place)?, query)));
    let mut ordered: Valued = values.filter(|(value, _)| value.is_finite()).collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.query.cmp(&b.1.query)));
    let worst = ordered.len().div_ceil(2).min(QUERIES);
    let best = (ordered.len() - worst).min(QUERIES);
    (ordered[..worst].to_vec(), ordered[ordered.len() - best..].iter().rev().copied().collect())
}

fn strips(result: &RecipeResult, metric: &str, album: &Album) -> Markup {
    let (worst, best) = chosen(result, metric);
    let all = best.is_empty();
    html! {
        @for (title, queries) in [(if all { "The only query" } else { "Worst" }, worst), ("Best", best)] {
            @if !queries.is_empty() {
                h3 { (title) }
                @for (value, query) in queries { (strip(value, query, metric, album)) }
            }
        }
    }
}

fn strip(value: f64, query: &QueryResult, metric: &str, album: &Album) -> Markup {
    let hits = &query.hits[..query.hits.len().min(HITS)];
    let right = hits.iter().filter(|hit| hit.relevant).count();
    let alt = alt("query", query.label.as_deref(), &query.path);
    let one = if metric == "mAP" { "AP" } else { metric };
    html! {
        article.strip {
            p.asked {
                strong { (one) " " (share(value)) }
                " · " (right) " of " (hits.len()) " right"
                " · " (things(query.relevant as usize, "relevant picture", "relevant pictures")) " in the gallery"
                br; span.path { (query.path) }
            }
            ol {
                li.query {
                    (album.picture(Shown::Query { position: query.query, path: &query.path }, &alt))
                    span.line { b { "query" } }
                    span.label { (query.label.as_deref().unwrap_or("")) }
                }
                @for (place, hit) in hits.iter().enumerate() { (card(place + 1, hit, album)) }
            }
        }
    }
}

fn card(rank: usize, hit: &Hit, album: &Album) -> Markup {
    let (class, mark, word) = if hit.relevant { ("right", "✓", "right") } else { ("wrong", "✗", "wrong") };
    let alt = alt(&format!("hit {rank}, {word}"), hit.label.as_deref(), &hit.path);
    html! {
        li class=(class) title=(hit.path) {
            (album.picture(Shown::Gallery { position: hit.picture, path: &hit.path }, &alt))
            span.line { b { (rank) " " span.mark { (mark) } } " " span.score { (score(hit.score)) } }
            span.label { (hit.label.as_deref().unwrap_or("")) }
        }
    }
}

fn alt(what: &str, label: Option<&str>, path: &str) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    label.map_or_else(|| format!("{what}: {file}"), |label| format!("{what}: {label}, {file}"))
}
