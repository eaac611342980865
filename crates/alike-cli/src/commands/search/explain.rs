//! Why hits are hits: `--explain`.

use super::Asked;
use crate::look::{self, Agreement, Shown};
use crate::output::shown_path;
use alike::engine::{ExplainError, Explainer, Heat, HeatMap, Hit};
use alike::picture::{DecodeOptions, Picture, Views};
use alike::recipe::Share;
use alike::store::RecordId;
use serde_json::{Value, json};
use std::fmt::Display;

/// What is known of why a hit is one.
#[derive(Default)]
pub(super) struct Why {
    /// Of each term; empty where scores don't fall apart.
    shares: Vec<Share>,
    heat: Option<Heat>,
}

/// For each hit why it is one. What can't be told of any is said once, of a single one by its name.
pub(super) fn explain(asked: &Asked<'_>, hits: &[Hit]) -> anyhow::Result<Vec<Why>> {
    let none = || hits.iter().map(|_| Why::default()).collect();
    if !asked.args.explain || hits.is_empty() {
        return Ok(none());
    }
    let mut explainer = asked.query.described(asked.first().explainer(asked.engine, &asked.query.views))?;
    let mut whys = Vec::new();
    for hit in hits {
        match explainer.shares(hit.record.id) {
            Ok(shares) => whys.push(Why { shares, heat: None }),
            Err(ExplainError::Split(reason)) => {
                asked.printer.note(format_args!("these scores can't be taken apart: {reason}"));
                return Ok(none());
            }
            Err(error) => return Err(error.into()),
        }
    }
    if asked.args.json || asked.shows_pictures() {
        add_heat(asked, &mut explainer, hits, &mut whys);
    }
    Ok(whys)
}

/// Reads the pictures of the hits once more, and runs the network on them.
fn add_heat(asked: &Asked<'_>, explainer: &mut Explainer<'_>, hits: &[Hit], whys: &mut [Why]) {
    if let Some(reason) = explainer.no_map() {
        asked.printer.note(format_args!("no heat maps: {reason}"));
        return;
    }
    let progress = asked.printer.picture_progress(hits.len() as u64);
    for (hit, why) in hits.iter().zip(whys) {
        let left_out = |reason: &dyn Display| {
            let path = shown_path(&hit.path);
            progress.suspend(|| asked.printer.warning(format_args!("no heat map of {path}: {reason}")));
        };
        match Views::open(&hit.path, &DecodeOptions::default()) {
            Ok(views) => match explainer.heat(hit.record.id, &views) {
                Ok(heat) => why.heat = heat,
                Err(error) => left_out(&error),
            },
            Err(error) => left_out(&error),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
}

impl Why {
    /// The columns of a table that tell the shares: `deep 0.78  color 0.22`.
    pub(super) fn columns(&self) -> String {
        let number = |share: f64| if share.is_finite() { format!("{share:.2}") } else { "–".to_owned() };
        self.shares.iter().map(|share| format!("{} {:>4}  ", share.name, number(share.share))).collect()
    }

    /// Adds `terms` and `heat` to the JSON of a hit.
    pub(super) fn add_to(&self, hit: &mut Value) {
        let term = |share: &Share| json!({ "term": share.term, "weight": share.weight, "cosine": share.cosine, "share": share.share });
        hit["terms"] = if self.shares.is_empty() { Value::Null } else { self.shares.iter().map(term).collect() };
        hit["heat"] = self.heat.as_ref().map(|heat| self.heat_json(heat)).into();
    }

    fn heat_json(&self, heat: &Heat) -> Value {
        let rows = |map: &HeatMap| map.values.chunks(map.width).map(|row| json!(row)).collect::<Vec<_>>();
        let seen = |map: &HeatMap| json!([map.seen.left, map.seen.top, map.seen.width, map.seen.height]);
        json!({
            "term": self.shares[heat.term].term, "query": rows(&heat.query), "hit": rows(&heat.hit),
            "query_seen": seen(&heat.query), "hit_seen": seen(&heat.hit),
        })
    }
}

/// Hits with what is drawn of why they are hits. All maps share one scale, so that they can be compared.
pub(super) fn shown(asked: &Asked<'_>, hits: &[Hit], whys: &[Why]) -> Vec<Shown> {
    // The query agrees with itself far more than with any other picture.
    let others = look::brightest(maps(hits, whys, asked.own));
    let brightest = others.or_else(|| look::brightest(maps(hits, whys, None)));
    let shown = |(hit, why): (&Hit, &Why)| {
        let shares = why.shares.iter().map(|share| (share.name.clone(), share.share)).collect();
        let shown = Shown { shares, ..asked.shown(hit) };
        match why.heat.as_ref().zip(brightest) {
            Some((heat, brightest)) => with_heat(shown, asked.query.picture(), heat, brightest),
            None => shown,
        }
    };
    hits.iter().zip(whys).map(shown).collect()
}

/// Of all hits but one.
fn maps<'a>(hits: &[Hit], whys: &'a [Why], but: Option<RecordId>) -> impl Iterator<Item = &'a HeatMap> {
    let heats = hits
        .iter()
        .zip(whys)
        .filter(move |(hit, _)| but != Some(hit.record.id))
        .filter_map(|(_, why)| why.heat.as_ref());
    heats.flat_map(|heat| [&heat.query, &heat.hit])
}

fn with_heat(shown: Shown, query: Option<&Picture>, heat: &Heat, brightest: f64) -> Shown {
    let picture = shown.picture.as_ref().and_then(|picture| look::heated(picture, &heat.hit, brightest));
    let query = query.and_then(|query| look::heated(query, &heat.query, brightest));
    let agreement = query.map(|query| Agreement { query, brightest });
    Shown { picture, agreement, ..shown }
}
