//! Database-side augmentation: descriptors of a gallery that its other pictures have a part in.

use super::learn;
use crate::rank::Neighbours;
use crate::recipe::{Descriptor, Draft, Plan};
use crate::store::{Collection, RecordId, Snapshot, StoreError, Writer};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The descriptors of all pictures that have one, each with its neighbours among the others.
pub(super) fn augmented(
    snapshot: &Snapshot,
    plan: &Plan,
    augment: Neighbours,
    threads: usize,
) -> Result<BTreeMap<RecordId, Descriptor>, StoreError> {
    among(snapshot, plan, augment, &learn::described(snapshot, plan)?, threads)
}

/// The same of pictures that have rows of all the recipe's sources, among each other.
fn among(
    snapshot: &Snapshot,
    plan: &Plan,
    augment: Neighbours,
    ids: &[RecordId],
    threads: usize,
) -> Result<BTreeMap<RecordId, Descriptor>, StoreError> {
    let (mut kept, mut rows, mut dims) = (Vec::new(), Vec::new(), 1);
    for (id, picture) in ids.iter().zip(learn::rows(snapshot, plan, ids)?) {
        if let Some(Descriptor::Vector(vector)) = plan.describe(&picture) {
            dims = vector.len();
            kept.push(*id);
            rows.extend(vector);
        }
    }
    let rows = augment.augmented(dims, &rows, threads);
    Ok(kept.into_iter().zip(rows.chunks_exact(dims).map(|row| Descriptor::Vector(row.to_vec()))).collect())
}

/// Brings the descriptors on disk in line with the gallery: a picture that came or went changes those of others, so that
/// all are made anew then.
pub(super) fn derive(
    collection: &Collection,
    writer: &mut Writer,
    plan: &Plan,
    augment: Neighbours,
    threads: usize,
) -> Result<(), StoreError> {
    let snapshot = collection.snapshot()?;
    let ids = learn::described(&snapshot, plan)?;
    let now = gallery(&ids);
    let is_current = is_of(&snapshot, plan, &now)?;
    if is_current && snapshot.missing(plan.key())?.is_empty() {
        return Ok(());
    }
    let descriptors = among(&snapshot, plan, augment, &ids, threads)?;
    // A reader that stays open would hold up a database without a write-ahead log.
    drop(snapshot);
    if !is_current {
        writer.augment(plan.key(), ids.len() as u64, &now)?;
    }
    writer.derive(plan.key(), &mut |id, _| descriptors.get(&id).cloned())?;
    Ok(())
}

/// Whether the descriptors on disk are those of the gallery as it is now.
pub(super) fn is_current(snapshot: &Snapshot, draft: &Draft) -> Result<bool, StoreError> {
    is_of(snapshot, draft, &gallery(&learn::described(snapshot, draft)?))
}

fn is_of(snapshot: &Snapshot, draft: &Draft, gallery: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(snapshot.augmented_by(draft.key())?.is_some_and(|then| then == gallery))
}

/// A sign of which pictures these are: an id is never given to another picture.
fn gallery(ids: &[RecordId]) -> [u8; 32] {
    let mut digest = Sha256::new();
    ids.iter().for_each(|id| digest.update(id.to_le_bytes()));
    digest.finalize().into()
}
