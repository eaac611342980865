//! The hits of several recipes as one ranking.

use super::{Asked, FuseArg, hits};
use crate::look::{Ranking, Score, Shown};
use crate::output::padded;
use alike::engine::{FusedFound, FusedHit};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr;

/// Columns of a recipe's ranks.
const LEAST_WIDTH: usize = 4;
const MOST_WIDTH: usize = 16;

/// Searches and shows; whether anything was found.
pub(super) fn run(asked: &Asked<'_>, fuse: FuseArg) -> anyhow::Result<bool> {
    let started = Instant::now();
    let descriptors = asked.query.described(asked.searchers.describer(asked.engine)?.describe(&asked.query.views))?;
    let found = asked.searchers.search_fused(&descriptors, fuse.fusion(), &asked.options())?;
    let took = started.elapsed();
    if asked.args.json {
        asked.printer.line(as_json(asked, fuse, &found, took))?;
    } else {
        print(asked, fuse, &found)?;
    }
    let all = found.hits.iter().map(|fused| &fused.hit);
    asked.show(took, all, |pictures| {
        let greatest = fuse.fusion().greatest(asked.searchers.each().len()) as f32;
        let shown: Vec<Shown> = found.hits.iter().map(|fused| shown(asked, fused, greatest)).collect();
        let heading = format!("{} of {}", fuse.name(), asked.recipes().join(" and "));
        pictures.write(&[Ranking { heading: Some(&heading), hits: &shown }])
    })?;
    Ok(!found.hits.is_empty())
}

/// With the ranks under each recipe as its note.
fn shown(asked: &Asked<'_>, fused: &FusedHit, greatest: f32) -> Shown {
    let score = Some(Score { value: fused.hit.score, greatest });
    Shown { score, note: format!("({})", ranks(fused).join(", ")), ..asked.shown(&fused.hit) }
}

/// The rank under each recipe.
fn ranks(fused: &FusedHit) -> Vec<String> {
    fused.places.iter().map(|place| place.map_or_else(|| "–".to_owned(), |place| place.rank.to_string())).collect()
}

fn as_json(asked: &Asked<'_>, fuse: FuseArg, found: &FusedFound, took: Duration) -> Value {
    let recipes = asked.searchers.each().iter().zip(&found.scans);
    let hit = |fused: &FusedHit| {
        let mut value = asked.hit_json(&fused.hit);
        value["ranks"] = fused.places.iter().map(|place| json!(place.map(|place| place.rank))).collect();
        value["scores"] = fused.places.iter().map(|place| json!(place.map(|place| place.score))).collect();
        value
    };
    json!({
        "query": asked.query.as_json(), "fuse": fuse.name(),
        "recipes": recipes.map(|(searcher, scan)| hits::recipe_json(searcher, scan)).collect::<Vec<_>>(),
        "took_ms": took.as_secs_f64() * 1e3,
        "hits": found.hits.iter().map(hit).collect::<Vec<_>>(),
    })
}

fn print(asked: &Asked<'_>, fuse: FuseArg, found: &FusedFound) -> std::io::Result<()> {
    if found.hits.is_empty() {
        asked.printer.status("nothing found");
        return Ok(());
    }
    let widths: Vec<usize> =
        asked.recipes().iter().map(|recipe| recipe.width().clamp(LEAST_WIDTH, MOST_WIDTH)).collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| -> String {
        cells.zip(&widths).map(|(cell, width)| padded(cell, *width) + "  ").collect()
    };
    let head = row(&mut asked.recipes().into_iter());
    asked.printer.line(format_args!("     {}  {}", padded(fuse.name(), 6), head.trim_end()))?;
    let labels = hits::labelled(found.hits.iter().map(|fused| &fused.hit));
    for fused in &found.hits {
        let ranks = ranks(fused);
        asked.printer.line(asked.line(&fused.hit, &row(&mut ranks.iter().map(String::as_str)), labels))?;
    }
    found.scans.iter().for_each(|scan| asked.say_scan(scan));
    Ok(())
}
