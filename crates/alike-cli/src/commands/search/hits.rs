//! A hit as a line of a table and as JSON.

use super::Asked;
use crate::output::{padded, path_fields, shown_path};
use alike::engine::{Hit, Searcher};
use alike::store::Scan;
use serde_json::{Value, json};

impl Asked<'_> {
    /// A line of the table; `more` stands behind the score, `labels` says whether there is a column for them.
    pub(super) fn line(&self, hit: &Hit, more: &str, labels: bool) -> String {
        let label = hit.record.label.as_ref().map(ToString::to_string).unwrap_or_default();
        let label = if labels { format!("{}  ", padded(&label, 14)) } else { String::new() };
        let own = if self.own == Some(hit.record.id) { "  (the query itself)" } else { "" };
        format!("{:>3}  {:.4}  {more}{label}{}{own}", hit.rank, hit.score, shown_path(&hit.path))
    }

    pub(super) fn hit_json(&self, hit: &Hit) -> Value {
        let label = hit.record.label.as_ref();
        let mut value = json!({
            "rank": hit.rank, "score": hit.score, "id": hit.record.id,
            "label": label.map(|l| &l.id), "label_name": label.and_then(|l| l.name.as_ref()),
            "is_query": self.own == Some(hit.record.id),
        });
        path_fields(&mut value, &hit.path);
        value
    }

    /// Says so where not every picture was looked at.
    pub(super) fn say_scan(&self, scan: &Scan) {
        if scan.recall < 1.0 {
            self.printer.status(format_args!("{scan}; --recall 1 looks at every vector"));
        }
    }
}

/// Whether any of these has a label.
pub(super) fn labelled<'a>(mut hits: impl Iterator<Item = &'a Hit>) -> bool {
    hits.any(|hit| hit.record.label.is_some())
}

/// A recipe, and how its hits were found.
pub(super) fn recipe_json(searcher: &Searcher, scan: &Scan) -> Value {
    json!({
        "recipe": searcher.recipe(), "recipe_canonical": searcher.canonical(),
        "scan": scan.to_string(), "recall": scan.recall,
    })
}
