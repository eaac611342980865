//! What users change by hand: which pictures are in the collection, and their tags.

use super::Engine;
use crate::store::{Batch, Label, Record, RecordId, StoreError, Tag};
use std::path::PathBuf;

impl Engine {
    /// Removes the records of files, and of everything below folders. The files themselves are left alone. Returns
    /// how many records there were for each path.
    pub fn remove(&self, paths: &[PathBuf], who: &str) -> Result<Vec<usize>, StoreError> {
        let mut writer = self.collection().write(who)?;
        let found = self.below(paths, &|_| true)?;
        writer.commit(Batch { removed: found.ids, ..Batch::default() })?;
        writer.finish()?;
        Ok(found.counts)
    }

    /// Removes these records; their files are left alone. Returns those that existed.
    pub fn remove_records(&self, ids: &[RecordId], who: &str) -> Result<Vec<Record>, StoreError> {
        let mut writer = self.collection().write(who)?;
        let records = self.collection().snapshot()?.records_of(ids)?;
        writer.commit(Batch { removed: records.iter().map(|record| record.id).collect(), ..Batch::default() })?;
        writer.finish()?;
        Ok(records)
    }

    /// Gives a record a label, or none. A list or folder with labels that brought it gives it its own again when it is
    /// brought in line. `None` where there is no such record.
    pub fn relabel(&self, id: RecordId, label: Option<Label>, who: &str) -> Result<Option<Record>, StoreError> {
        let mut writer = self.collection().write(who)?;
        let Some(record) = self.collection().snapshot()?.record(id)? else { return Ok(None) };
        let record = Record { label, ..record };
        writer.commit(Batch { upserts: vec![record.clone()], ..Batch::default() })?;
        writer.finish()?;
        Ok(Some(record))
    }

    /// Tags files, and everything below folders. Returns how many records there are for each path.
    pub fn tag(&self, tag: &Tag, paths: &[PathBuf], who: &str) -> Result<Vec<usize>, StoreError> {
        let mut writer = self.collection().write(who)?;
        let found = self.below(paths, &|_| true)?;
        writer.tag(tag, &found.ids)?;
        Ok(found.counts)
    }

    /// Takes a tag from files, and from everything below folders. Returns how many records had it for each path.
    pub fn untag(&self, tag: &Tag, paths: &[PathBuf], who: &str) -> Result<Vec<usize>, StoreError> {
        let mut writer = self.collection().write(who)?;
        let tagged = self.collection().snapshot()?.ids_of_tag(tag.as_str())?;
        let found = self.below(paths, &|id| tagged.binary_search(&id).is_ok())?;
        writer.untag(tag, &found.ids)?;
        Ok(found.counts)
    }

    /// The wanted ones of the records in or below `paths`.
    fn below(&self, paths: &[PathBuf], is_wanted: &dyn Fn(RecordId) -> bool) -> Result<Found, StoreError> {
        let snapshot = self.collection().snapshot()?;
        let mut found = Found { ids: Vec::new(), counts: Vec::new() };
        for path in paths {
            let before = found.ids.len();
            let below = snapshot.ids_below(self.collection(), path)?;
            found.ids.extend(below.into_iter().filter(|&id| is_wanted(id)));
            found.counts.push(found.ids.len() - before);
        }
        found.ids.sort_unstable();
        found.ids.dedup();
        Ok(found)
    }
}

struct Found {
    /// Ascending, each once.
    ids: Vec<RecordId>,
    /// How many for each path.
    counts: Vec<usize>,
}
