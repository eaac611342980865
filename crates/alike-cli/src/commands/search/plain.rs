//! The hits of one recipe.

use super::explain::{self, Why};
use super::{Asked, hits};
use crate::look::Ranking;
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
    let hits = found.hits.into_iter().next().unwrap_or_default();
    let took = started.elapsed();
    let whys = explain::explain(asked, &hits)?;
    if asked.args.json {
        asked.printer.line(as_json(asked, &hits, &whys, &found.scan, took))?;
    } else {
        print(asked, &hits, &whys, &found.scan)?;
    }
    asked.show(took, &hits, |pictures| pictures.write(&[Ranking::alone(&explain::shown(asked, &hits, &whys))]))?;
    Ok(!hits.is_empty())
}

fn found(asked: &Asked<'_>) -> anyhow::Result<Found> {
    let searcher = asked.first();
    let mut describer = searcher.describer(asked.engine)?;
    let picture = &asked.query.picture;
    let Some(candidates) = asked.args.rescore else {
        return Ok(searcher.search(&[describer.describe(picture)?], &asked.options())?);
    };
    if let DescriptorKind::Vector(_) = searcher.kind() {
        bail!(
            "`{}` gives vectors, and --rescore is for codes: leave it away, or search with a recipe that ends in `| hash(..)`",
            searcher.recipe()
        );
    }
    let query = describer.describe_unhashed(picture)?;
    Ok(searcher.search_rescored(&[query], candidates.get(), &asked.options())?)
}

fn as_json(asked: &Asked<'_>, hits: &[Hit], whys: &[Why], scan: &Scan, took: Duration) -> Value {
    let hit = |(hit, why): (&Hit, &Why)| {
        let mut value = asked.hit_json(hit);
        if asked.args.explain {
            why.add_to(&mut value);
        }
        value
    };
    let mut value = hits::recipe_json(asked.first(), scan);
    value["query"] = asked.query.as_json();
    value["took_ms"] = json!(took.as_secs_f64() * 1e3);
    value["hits"] = hits.iter().zip(whys).map(hit).collect();
    value
}

fn print(asked: &Asked<'_>, hits: &[Hit], whys: &[Why], scan: &Scan) -> std::io::Result<()> {
    if hits.is_empty() {
        asked.printer.status("nothing found");
        return Ok(());
    }
    let labels = hits::labelled(hits.iter());
    for (hit, why) in hits.iter().zip(whys) {
        asked.printer.line(asked.line(hit, &why.columns(), labels))?;
    }
    asked.say_scan(scan);
    Ok(())
}
