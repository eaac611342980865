//! The hits of several recipes side by side.

use super::{Asked, hits};
use crate::look::{Ranking, Shown};
use crate::output::escaped;
use alike::engine::{Hit, Searcher};
use alike::store::{RecordId, Scan};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What one recipe found.
struct Column<'a> {
    /// `A`, `B`, ..
    letter: char,
    searcher: &'a Searcher,
    hits: Vec<Hit>,
    scan: Scan,
    /// From descriptor to hits.
    took: Duration,
}

impl Column<'_> {
    fn has(&self, id: RecordId) -> bool {
        self.hits.iter().any(|hit| hit.record.id == id)
    }

    fn heading(&self) -> String {
        format!("{}  {}", self.letter, self.searcher.recipe())
    }
}

/// Searches and shows; whether anything was found.
pub(super) fn run(asked: &Asked<'_>) -> anyhow::Result<bool> {
    let started = Instant::now();
    let descriptors = asked.query.described(asked.searchers.describer(asked.engine)?.describe(&asked.query.views))?;
    let described = started.elapsed();
    let mut columns = Vec::new();
    for ((letter, searcher), descriptor) in ('A'..='Z').zip(asked.searchers.each()).zip(descriptors) {
        let started = Instant::now();
        let found = searcher.search(&[descriptor], &asked.options())?;
        let hits = found.hits.into_iter().next().unwrap_or_default();
        columns.push(Column { letter, searcher, hits, scan: found.scan, took: started.elapsed() });
    }
    let took = started.elapsed();
    if asked.args.json {
        asked.printer.line(as_json(asked, &columns, described))?;
    } else {
        print(asked, &columns)?;
    }
    asked.show(took, columns.iter().flat_map(|column| &column.hits), |pictures| {
        let headings: Vec<String> = columns.iter().map(Column::heading).collect();
        let shown: Vec<Vec<Shown>> = columns.iter().map(|column| shown(asked, &columns, column)).collect();
        let ranking = |(heading, hits)| Ranking { heading: Some(heading), hits };
        let rankings: Vec<Ranking<'_>> =
            headings.iter().map(String::as_str).zip(shown.iter().map(Vec::as_slice)).map(ranking).collect();
        pictures.write(&rankings)
    })?;
    Ok(columns.iter().any(|column| !column.hits.is_empty()))
}

/// Records that every recipe found, in the order of the first one's ranking.
fn common<'a>(columns: &'a [Column<'_>]) -> impl Iterator<Item = &'a Hit> {
    let first = columns.first().into_iter().flat_map(|column| &column.hits);
    first.filter(|hit| columns.iter().all(|column| column.has(hit.record.id)))
}

/// With the letters of the other recipes that found it as the note of a hit.
fn shown(asked: &Asked<'_>, columns: &[Column<'_>], column: &Column<'_>) -> Vec<Shown> {
    let note = |id| {
        let others = columns.iter().filter(|other| other.letter != column.letter && other.has(id));
        let letters: Vec<String> = others.map(|other| other.letter.to_string()).collect();
        if letters.is_empty() { String::new() } else { format!("also {}", letters.join(", ")) }
    };
    column.hits.iter().map(|hit| Shown { note: note(hit.record.id), ..asked.shown(hit) }).collect()
}

fn as_json(asked: &Asked<'_>, columns: &[Column<'_>], described: Duration) -> Value {
    let column = |column: &Column<'_>| {
        let mut value = hits::recipe_json(column.searcher, &column.scan);
        value["took_ms"] = json!(column.took.as_secs_f64() * 1e3);
        value["hits"] = column.hits.iter().map(|hit| asked.hit_json(hit)).collect();
        value
    };
    json!({
        "query": asked.query.as_json(), "described_ms": described.as_secs_f64() * 1e3,
        "compare": columns.iter().map(column).collect::<Vec<_>>(),
        "common": common(columns).map(|hit| hit.record.id).collect::<Vec<_>>(),
    })
}

/// A block for each recipe; behind the score of a hit the letters of the recipes that found it.
fn print(asked: &Asked<'_>, columns: &[Column<'_>]) -> std::io::Result<()> {
    let labels = hits::labelled(columns.iter().flat_map(|column| &column.hits));
    for column in columns {
        asked.printer.line(escaped(&column.heading()))?;
        for hit in &column.hits {
            let letter = |other: &Column<'_>| if other.has(hit.record.id) { other.letter } else { '.' };
            let letters: String = columns.iter().map(letter).collect();
            asked.printer.line(asked.line(hit, &format!("{letters}  "), labels))?;
        }
        if column.hits.is_empty() {
            asked.printer.line("  nothing found")?;
        }
        asked.printer.line("")?;
        asked.say_scan(&column.scan);
    }
    let (number, k) = (common(columns).count(), asked.args.k);
    asked.printer.line(format_args!("{number} of {k} hits are common to all {} recipes", columns.len()))
}
