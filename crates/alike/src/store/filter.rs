//! Which rows a search looks at: lists of ids that ascend are merged, once for each segment.

use super::RecordId;

/// An ascending list that is asked for ascending ids, and passes over each of its own once.
pub(crate) struct Ascending<'a>(pub(crate) &'a [RecordId]);

impl Ascending<'_> {
    /// Whether the list has `id`; it must not be lower than the one asked for before.
    pub(crate) fn has(&mut self, id: RecordId) -> bool {
        let lower = self.0.iter().take_while(|&&other| other < id).count();
        self.0 = &self.0[lower..];
        self.0.first() == Some(&id)
    }
}

/// Which rows of a segment are in `live` and, where it is given, in `only`; `None` for all of them.
pub(super) fn wanted(ids: &[RecordId], live: &[RecordId], only: Option<&[RecordId]>) -> Option<Vec<bool>> {
    // Where no row is dead and the segments don't interleave, a comparison of memory tells that nothing is struck.
    let mut striking: Vec<Ascending<'_>> = [Some(live), only]
        .into_iter()
        .flatten()
        .map(|list| within(list, ids))
        .filter(|list| *list != ids)
        .map(Ascending)
        .collect();
    if striking.is_empty() {
        return None;
    }
    let wanted: Vec<bool> = ids.iter().map(|&id| striking.iter_mut().all(|list| list.has(id))).collect();
    wanted.contains(&false).then_some(wanted)
}

/// The part of an ascending list from the first to the last of `ids`.
fn within<'a>(list: &'a [RecordId], ids: &[RecordId]) -> &'a [RecordId] {
    let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return &[] };
    let list = &list[list.partition_point(|&id| id < first)..];
    &list[..list.partition_point(|&id| id <= last)]
}
