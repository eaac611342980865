//! Made descriptors in a collection, as a run of indexing brings them.

use alike::recipe::Descriptor;
use alike::store::{Batch, Record, SourceRowsToAdd, StoreError, Writer};

/// Where rows belong.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) root: u64,
    pub(crate) source: &'a str,
    pub(crate) recipe: &'a str,
}

/// Rows that are committed at once, as a run of indexing commits them.
const BATCH: usize = 5000;

/// Adds pictures that have these unit vectors, which are the descriptors, too. Gives the first of their ids, which lie side
/// by side.
pub(crate) fn fill(writer: &mut Writer, keys: Keys<'_>, dims: usize, vectors: &[f32]) -> Result<u64, StoreError> {
    let first = writer.reserve_ids((vectors.len() / dims) as u64)?;
    for (batch, rows) in vectors.chunks(BATCH * dims).enumerate() {
        let ids: Vec<u64> = (first + (batch * BATCH) as u64..).take(rows.len() / dims).collect();
        let upserts = ids.iter().map(|&id| record(id, keys.root)).collect();
        let rows = SourceRowsToAdd { source_key: keys.source.into(), ids, rows: rows.to_vec() };
        writer.commit(Batch { upserts, rows: vec![rows], ..Batch::default() })?;
    }
    writer.derive(keys.recipe, &mut |_, rows| Some(Descriptor::Vector(rows[0].to_vec())))?;
    Ok(first)
}

fn record(id: u64, root: u64) -> Record {
    let path = format!("{:03}/{id}.jpg", id % 1000).into();
    Record { id, root, path, size: 1, mtime_ns: 0, content: [0; 32], width: 500, height: 375, label: None }
}
