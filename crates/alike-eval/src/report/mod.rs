//! The report: an [`Evaluation`] as one page and as a table of its queries. Text alone, the same for the same numbers.
//!
//! The page needs nothing else: no network, no other file, no script to be read, and it may be printed. All text that
//! comes from outside passes through `maud`, which escapes it.

mod answer;
mod classes;
mod comparisons;
mod confusion;
mod costs;
mod csv;
mod curves;
mod definitions;
mod metrics;
mod notes;
mod numbers;
mod protocol;
mod series;
mod strips;
mod svg;
mod verdict;
mod winners;

pub use csv::per_query_csv;
pub use verdict::best;
pub use winners::shown_winners;

use crate::evaluation::Evaluation;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::borrow::Cow;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Enforced by the browser, whatever the page's text should hold: nothing is loaded from anywhere.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A picture that a page wants to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown<'a> {
    /// A query.
    Query {
        /// Its position among all queries.
        position: usize,
        /// Path as the list has it.
        path: &'a str,
    },
    /// A picture of the gallery.
    Gallery {
        /// Its position in the gallery.
        position: usize,
        /// Path as the list has it.
        path: &'a str,
    },
}

/// The report as one HTML page.
///
/// `look` gives a picture as a `data:image/..` URI, best a JPEG of some 160 pixels; where it gives `None`, or an address
/// of any other kind, a placeholder is shown. It is asked once for each picture that is shown: those of the three best
/// and the three worst queries of each recipe.
pub fn html(evaluation: &Evaluation, look: &dyn Fn(Shown) -> Option<String>) -> String {
    let sections = [
        protocol::section(evaluation),
        metrics::section(evaluation),
        curves::section(evaluation),
        classes::section(evaluation),
        confusion::section(evaluation),
        strips::section(evaluation, look),
        costs::section(evaluation),
        comparisons::section(evaluation),
        definitions::section(evaluation),
    ];
    let present: Vec<Section> = sections.into_iter().flatten().collect();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (answer::title(evaluation)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.eyebrow { "Evaluation by alike " (evaluation.protocol.version) }
                    h1 { (answer::sentence(evaluation)) }
                    p.lede { (answer::basis(evaluation)) }
                    (notes::panel(evaluation))
                    nav aria-label="Sections" {
                        @for section in &present { a href={ "#" (section.id) } { (section.title) } " " }
                    }
                }
                main { @for section in &present { (section.markup()) } }
                footer {
                    "Made by " strong { "alike" } " " (evaluation.protocol.version)
                    ". The same numbers are in " code { "report.json" } ", each query’s in " code { "per_query.csv" } "."
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

impl Section {
    fn new(id: &'static str, title: &'static str, content: Markup) -> Option<Self> {
        Some(Self { id, title, content })
    }

    fn markup(&self) -> Markup {
        html! { section id=(self.id) { h2 { (self.title) } (self.content) } }
    }
}

/// The beginning and the end of a text that is too long; the end is where long recipes differ.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= most {
        return Cow::Borrowed(text);
    }
    let end = most / 3;
    let start: String = text.chars().take(most - end - 1).collect();
    let end: String = text.chars().skip(length - end).collect();
    Cow::Owned(format!("{start}…{end}"))
}

/// How strongly a cell is tinted, in twentieths.
fn heat(value: f64) -> String {
    let step = if value.is_finite() { (value.clamp(0.0, 1.0) * 20.0).round() } else { 0.0 };
    format!("h{step:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_keeps_its_ends() {
        assert_eq!(shortened("deep + color", 12), "deep + color");
        assert_eq!(shortened("deep + 花 + color | hash(mean)", 13), "deep + 花…ean)".to_owned());
        assert_eq!(shortened("0123456789abc", 10).chars().count(), 10);
    }

    #[test]
    fn heat_is_always_a_step() {
        assert_eq!([heat(0.0), heat(0.5), heat(1.0), heat(7.0), heat(f64::NAN)], ["h0", "h10", "h20", "h20", "h0"]);
    }
}
