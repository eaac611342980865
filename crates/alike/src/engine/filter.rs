//! Which records a search may find.

use super::search::{SearchError, SearchOptions};
use crate::store::{Ascending, Collection, RecordId, Snapshot};
use std::path::Path;

/// How many labels or tags an error lists.
const SHOWN: usize = 20;

/// The records that label, tags and folder all allow, ascending; `None` for all records.
pub(super) fn allowed(
    collection: &Collection,
    snapshot: &Snapshot,
    options: &SearchOptions<'_>,
) -> Result<Option<Vec<RecordId>>, SearchError> {
    let mut lists = Vec::new();
    lists.extend(options.label.map(|label| with_label(snapshot, label)).transpose()?);
    for tag in options.tags {
        lists.push(with_tag(snapshot, tag)?);
    }
    lists.extend(options.path_prefix.map(|path| below(collection, snapshot, path)).transpose()?);
    Ok(lists.into_iter().reduce(|mut both, list| {
        let mut list = Ascending(&list);
        both.retain(|&id| list.has(id));
        both
    }))
}

fn below(collection: &Collection, snapshot: &Snapshot, path: &Path) -> Result<Vec<RecordId>, SearchError> {
    let ids = snapshot.ids_below(collection, path)?;
    if ids.is_empty() { Err(SearchError::NothingBelow { path: path.to_path_buf() }) } else { Ok(ids) }
}

fn with_label(snapshot: &Snapshot, label: &str) -> Result<Vec<RecordId>, SearchError> {
    let ids = snapshot.ids_of_label(label)?;
    if !ids.is_empty() {
        return Ok(ids);
    }
    let labels = snapshot.labels()?.into_iter().map(|count| count.label.to_string());
    let hint = known(labels).unwrap_or_else(|| "; its pictures have no labels".to_owned());
    Err(SearchError::UnknownLabel { label: label.to_owned(), hint })
}

fn with_tag(snapshot: &Snapshot, tag: &str) -> Result<Vec<RecordId>, SearchError> {
    let ids = snapshot.ids_of_tag(tag)?;
    if !ids.is_empty() {
        return Ok(ids);
    }
    let hint = known(snapshot.tags()?.into_iter().map(|count| count.tag));
    let hint = hint.unwrap_or_else(|| "; its pictures have no tags: give some with `alike tag add`".to_owned());
    Err(SearchError::UnknownTag { tag: tag.to_owned(), hint })
}

/// What there is instead; `None` if nothing is.
fn known(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.take(SHOWN).collect();
    (!names.is_empty()).then(|| format!("; it has {}", names.join(", ")))
}
