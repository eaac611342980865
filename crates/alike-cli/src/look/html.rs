//! Queries and hits as one page that needs nothing else: no network, no other file, no script.

use super::heat::RAMP;
use super::why::{Explained, TERMS, widths};
use super::{Ranking, Score, Shown, Verdict, thumbnail};
use alike::picture::{DecodeOptions, Picture};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::path::Path;
use std::time::Duration;

const STYLE: &str = include_str!("page.css");

/// What a page shows.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// As the user wrote them.
    pub(crate) recipes: &'a [&'a str],
    /// What was searched: a path, and how many pictures.
    pub(crate) collection: &'a str,
    /// Tables of what was measured, before the pictures.
    pub(crate) facts: &'a [Facts],
    pub(crate) searches: &'a [Search<'a>],
}

/// One query and what was found.
pub(crate) struct Search<'a> {
    pub(crate) query: &'a Shown,
    pub(crate) rankings: &'a [Ranking<'a>],
    /// From picture to hits.
    pub(crate) took: Duration,
}

/// A small table: name and value.
pub(crate) struct Facts {
    pub(crate) caption: String,
    pub(crate) rows: Vec<(String, String)>,
}

/// The page as HTML.
pub(crate) fn results_page(page: &Page) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (page.title) }
                    dl.about {
                        div {
                            dt { (if page.recipes.len() == 1 { "recipe" } else { "recipes" }) }
                            @for recipe in page.recipes { dd { code { (recipe) } } }
                        }
                        div { dt { "collection" } dd { (page.collection) } }
                    }
                }
                main {
                    @if !page.facts.is_empty() {
                        div.facts { @for facts in page.facts { (table(facts)) } }
                    }
                    @for search in page.searches { (section(search)) }
                }
                footer { "made by " strong { "alike" } }
            }
        }
    };
    markup.into_string()
}

fn table(facts: &Facts) -> Markup {
    html! {
        table {
            caption { (facts.caption) }
            tbody { @for (name, value) in &facts.rows { tr { th scope="row" { (name) } td { (value) } } } }
        }
    }
}

fn section(search: &Search) -> Markup {
    let hits: usize = search.rankings.iter().map(|ranking| ranking.hits.len()).sum();
    html! {
        section {
            div.query {
                figure.card.asked {
                    (picture(search.query, "query"))
                    figcaption {
                        @if let Some(name) = name(search.query) { span.label { (name) } }
                        span.path { (search.query.path.display()) }
                    }
                }
                p.outcome {
                    @if let [ranking @ Ranking { heading: None, .. }] = search.rankings { (outcome(search.query, ranking)) br; }
                    (hits) (if hits == 1 { " hit" } else { " hits" })
                    " in " (milliseconds(search.took))
                }
                (legend(&Explained::of(search.rankings)))
            }
            div.rankings { @for ranking in search.rankings { (hits_of(search.query, ranking)) } }
        }
    }
}

fn hits_of(query: &Shown, ranking: &Ranking<'_>) -> Markup {
    html! {
        @if let Some(heading) = ranking.heading {
            h2 { code { (heading) } " " span.outcome { (outcome(query, ranking)) } }
        }
        @if ranking.hits.is_empty() { p.nothing { "Nothing found." } }
        ol.hits { @for hit in ranking.hits { li { (card(query, hit)) } } }
    }
}

fn outcome(query: &Shown, ranking: &Ranking<'_>) -> Markup {
    let (right, judged) = ranking.right(query);
    html! { @if judged > 0 { strong { (right) " of " (judged) } " right" } }
}

fn card(query: &Shown, hit: &Shown) -> Markup {
    let (class, mark) = match Verdict::of(query, hit) {
        Verdict::Itself => ("itself", Some("query itself")),
        Verdict::Right => ("right", Some("✓ right")),
        Verdict::Wrong => ("wrong", Some("✗ wrong")),
        Verdict::Unknown => ("", None),
    };
    html! {
        figure class={ "card " (class) } {
            (picture(hit, &format!("hit {}", hit.rank)))
            figcaption {
                span.line {
                    span.rank { (hit.rank) }
                    @if let Some(name) = name(hit) { span.label { (name) } }
                    @if let Some(mark) = mark { span.mark { (mark) } }
                    @if !hit.note.is_empty() { span.note { (hit.note) } }
                }
                @if let Some(score) = hit.score { (score_bar(score)) }
                @if hit.shares.len() > 1 { (shares(&hit.shares)) }
                span.path { (hit.path.display()) }
                @if let Some(uri) = hit.agreement.as_ref().and_then(|agreement| data_uri(&agreement.query)) {
                    img.agreement src=(uri) alt="query, bright where it agrees with this hit" loading="lazy";
                }
            }
        }
    }
}

/// What the colours of bars and heat mean; nothing where no hit is explained.
fn legend(explained: &Explained<'_>) -> Markup {
    let colors = RAMP.map(|[r, g, b]| format!("rgb({r},{g},{b})")).join(",");
    html! {
        @if !explained.terms.is_empty() {
            ul.terms {
                @for (name, color) in explained.terms.iter().zip(TERMS.iter().cycle()) {
                    li { span.swatch style=(background(*color)) {} code { (name) } }
                }
            }
        }
        @if let Some(brightest) = explained.brightest {
            div.heat {
                "Bright where query and hit agree; the query stands below each hit."
                span.ramp style=(format!("background:linear-gradient(to right,{colors})")) {}
                span.ends { span { "0" } span { (format!("{brightest:.3} or more")) } }
                "of the score from one place of the network's map"
            }
        }
    }
}

/// What each term has of the score, as a bar and in numbers.
fn shares(shares: &[(String, f64)]) -> Markup {
    let terms = || shares.iter().zip(TERMS.iter().cycle());
    html! {
        span.shares {
            @for (width, (_, color)) in widths(shares).zip(terms()) {
                span style=(format!("width:{:.1}%;{}", width * 100.0, background(*color))) {}
            }
        }
        span.note.terms { @for ((name, share), _) in terms() { span { (name) " " (format!("{share:.2}")) } } }
    }
}

fn background([r, g, b]: [u8; 3]) -> String {
    format!("background:rgb({r},{g},{b})")
}

/// The greatest score fills the bar, 0 and less leave it empty.
fn score_bar(score: Score) -> Markup {
    let share = score.value / score.greatest;
    let percent = if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    html! {
        span.score {
            span.bar { span style=(format!("width:{percent:.1}%")) {} }
            span.number { (format!("{:.4}", score.value)) }
        }
    }
}

fn name(shown: &Shown) -> Option<&str> {
    shown.label.as_ref().map(|label| label.name.as_deref().unwrap_or(&label.id))
}

fn picture(shown: &Shown, what: &str) -> Markup {
    let file = shown.path.file_name().unwrap_or(shown.path.as_os_str()).to_string_lossy();
    let text = name(shown).map_or_else(|| format!("{what}: {file}"), |name| format!("{what}: {name}, {file}"));
    html! {
        @match shown.picture.as_ref().and_then(data_uri) {
            Some(uri) => img src=(uri) alt=(text) loading="lazy";,
            None => div.missing role="img" aria-label=(text) { "can't be read" },
        }
    }
}

/// Longest side of a picture in a report, which has hundreds of them.
const SMALL: u32 = 160;

/// A file as a small JPEG; `None` if it can't be read any more.
pub(crate) fn data_uri_of_file(path: &Path) -> Option<String> {
    let picture = Picture::open(path, &DecodeOptions::default()).ok()?;
    jpeg_uri(&picture.fitted(SMALL, SMALL))
}

/// A thumbnail as JPEG.
fn data_uri(picture: &Picture) -> Option<String> {
    jpeg_uri(&thumbnail(picture))
}

fn jpeg_uri(small: &Picture) -> Option<String> {
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(small.to_jpeg().ok()?)))
}

fn milliseconds(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn page_of(query: &Shown, hits: &[Shown]) -> String {
        let rankings = [Ranking::alone(hits)];
        let search = Search { query, rankings: &rankings, took: Duration::from_micros(1234) };
        let facts = Facts { caption: "Quality <1>".to_owned(), rows: vec![("P@1".to_owned(), "0.93".to_owned())] };
        let page =
            Page { title: "T", recipes: &["color + <b>"], collection: "c", facts: &[facts], searches: &[search] };
        results_page(&page)
    }

    #[test]
    fn text_of_others_is_escaped() {
        let evil = "<script>alert(1)</script>\" onerror=\"x";
        let query = shown(0, Some(("0", Some(evil))));
        let hit = Shown { path: "a<img src=x>.png".into(), ..shown(1, Some((evil, None))) };
        let page = page_of(&query, &[hit]);
        assert!(!page.contains("<script") && !page.contains("<img src=x>") && !page.contains("\" onerror"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("color + &lt;b&gt;") && page.contains("Quality &lt;1&gt;"));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = page_of(&shown(0, None), &[shown(1, None), Shown { picture: None, ..shown(2, None) }]);
        assert!(!page.contains("http") && !page.contains("url(") && !page.contains("<link"));
        assert_eq!(page.matches("src=\"data:image/jpeg;base64,").count(), 2);
        assert_eq!(page.matches("<img").count(), 2);
        assert_eq!(page.matches(" alt=\"").count(), 2);
        assert!(page.contains("can't be read") && page.contains("1.23 ms"));
    }

    #[test]
    fn right_and_wrong_are_said_in_words() {
        let query = shown(0, Some(("1", None)));
        let itself = Shown { is_query: true, ..shown(3, Some(("1", None))) };
        let page = page_of(&query, &[shown(1, Some(("1", None))), shown(2, Some(("2", None))), itself]);
        assert!(page.contains("✓ right") && page.contains("✗ wrong") && page.contains("query itself"));
        assert!(page.contains("<strong>1 of 2</strong> right"));
        assert!(page.contains("width:50.0%"));
    }
}
