//! From a draft to a plan: with what the collection keeps, or with what its rows teach.

use super::SearchError;
use crate::recipe::{Draft, Plan};
use crate::store::{RecordId, Snapshot, StoreError};

/// Of each picture that has them all, the rows of the recipe's sources.
pub(super) fn rows<'a>(
    snapshot: &'a Snapshot,
    draft: &Draft,
    ids: &[RecordId],
) -> Result<Vec<Vec<&'a [f32]>>, StoreError> {
    let sources = draft.sources().iter().map(|source| snapshot.source_rows(source.id().key()));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    Ok(ids.iter().filter_map(|&id| sources.iter().map(|rows| rows.row(id)).collect()).collect())
}

/// The pictures that have rows of all the recipe's sources, ascending.
pub(super) fn described(snapshot: &Snapshot, draft: &Draft) -> Result<Vec<RecordId>, StoreError> {
    let mut ids = snapshot.ids().to_vec();
    for source in draft.sources() {
        let rows = snapshot.source_rows(source.id().key())?;
        ids.retain(|&id| rows.row(id).is_some());
    }
    Ok(ids)
}

/// With what the collection keeps; `None` where the recipe has yet to learn, or isn't the collection's.
pub(super) fn stored(snapshot: &Snapshot, draft: &Draft) -> Result<Option<Plan>, StoreError> {
    let is_kept = snapshot.recipes().iter().any(|entry| entry.key == draft.key());
    if !draft.learns() || !is_kept {
        return Ok(draft.ready());
    }
    let Some(parameters) = snapshot.learned(draft.key())? else { return Ok(None) };
    let plan = draft.with_parameters(&parameters);
    let misfit = || {
        let bytes = parameters.len();
        snapshot.damaged(format!("the {bytes} bytes that `{}` learnt from the gallery don't fit it", draft.canonical()))
    };
    plan.ok_or_else(misfit).map(Some)
}

/// With what these pictures teach.
pub(super) fn learnt_from(snapshot: &Snapshot, draft: &Draft, ids: &[RecordId]) -> Result<Plan, SearchError> {
    match draft.ready() {
        Some(plan) => Ok(plan),
        None => Ok(draft.learn(&rows(snapshot, draft, ids)?)?),
    }
}

/// For searches: with what the collection keeps, else with what all its pictures teach now.
pub(super) fn ready(snapshot: &Snapshot, draft: &Draft) -> Result<Plan, SearchError> {
    match stored(snapshot, draft)? {
        Some(plan) => Ok(plan),
        None => learnt_from(snapshot, draft, snapshot.ids()),
    }
}
