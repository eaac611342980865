//! The hits of one recipe.

use super::explain::{self, Why};
use super::verdict::Meaning;
use super::{Asked, hits};
use crate::look::{Ranking, Shown};
use alike::engine::{Found, Hit};
use alike::recipe::DescriptorKind;
use alike::store::Scan;
use anyhow::bail;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Searches and shows; whether anything was found.
pub(super) fn run(asked: &Asked<'_>) -> anyhow::Result<bool> {
    let started = Instant::now();
    let found = found(asked)?;
    let mut hits = found.hits.into_iter().next().unwrap_or_default();
    let took = started.elapsed();
    let meaning = Meaning::of(asked)?;
    meaning.iter().for_each(|meaning| meaning.keep(asked, &mut hits));
    let whys = explain::explain(asked, &hits)?;
    let told = Told { asked, hits: &hits, whys: &whys, meaning: meaning.as_ref() };
    if asked.args.json {
        asked.printer.line(told.as_json(&found.scan, took))?;
    } else {
        told.print(&found.scan)?;
    }
    asked.show(took, &hits, |pictures| pictures.write(&[Ranking::alone(&told.shown())]))?;
    Ok(!hits.is_empty())
}

fn found(asked: &Asked<'_>) -> anyhow::Result<Found> {
    let searcher = asked.first();
    let mut describer = searcher.describer(asked.engine)?;
    let views = &asked.query.views;
    let Some(candidates) = asked.args.rescore else {
        return Ok(searcher.search(&[asked.query.described(describer.describe(views))?], &asked.options())?);
    };
    if let DescriptorKind::Vector(_) = searcher.kind() {
        bail!(
            "`{}` gives vectors, and --rescore is for codes: leave it away, or search with a recipe that ends in `| hash(..)`",
            searcher.recipe()
        );
    }
    let query = asked.query.described(describer.describe_unhashed(views))?;
    Ok(searcher.search_rescored(&[query], candidates.get(), &asked.options())?)
}

/// Hits with what is known of them.
struct Told<'a> {
    asked: &'a Asked<'a>,
    hits: &'a [Hit],
    /// Of each hit.
    whys: &'a [Why],
    /// Of all scores, where that is known.
    meaning: Option<&'a Meaning>,
}

impl Told<'_> {
    fn as_json(&self, scan: &Scan, took: Duration) -> Value {
        let Self { asked, hits, whys, meaning } = *self;
        let hit = |(hit, why): (&Hit, &Why)| {
            let mut value = asked.hit_json(hit);
            if asked.args.explain {
                why.add_to(&mut value);
            }
            meaning.iter().for_each(|meaning| meaning.add_to_hit(&mut value, hit));
            value
        };
        let mut value = hits::recipe_json(asked.first(), scan);
        value["query"] = asked.query.as_json();
        value["took_ms"] = json!(took.as_secs_f64() * 1e3);
        if let Some(meaning) = meaning {
            value["calibration"] = meaning.as_json();
        }
        value["hits"] = hits.iter().zip(whys).map(hit).collect();
        value
    }

    fn print(&self, scan: &Scan) -> std::io::Result<()> {
        let Self { asked, hits, whys, meaning } = *self;
        if hits.is_empty() {
            if asked.args.precision.is_none() {
                asked.printer.status("nothing found");
            }
            return Ok(());
        }
        let labels = hits::labelled(hits.iter());
        for (hit, why) in hits.iter().zip(whys) {
            let word = meaning.map(|meaning| meaning.column(hit)).unwrap_or_default();
            asked.printer.line(asked.line(hit, &(word + &why.columns()), labels))?;
        }
        asked.say_scan(scan);
        Ok(())
    }

    fn shown(&self) -> Vec<Shown> {
        let mut shown = explain::shown(self.asked, self.hits, self.whys);
        if let Some(meaning) = self.meaning {
            shown.iter_mut().zip(self.hits).for_each(|(shown, hit)| shown.note = meaning.word(hit));
        }
        shown
    }
}
