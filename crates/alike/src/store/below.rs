//! The pictures of a folder.

use super::{Collection, RecordId, Snapshot, StoreError};
use std::path::Path;

impl Snapshot {
    /// The records of the file `path`, or of the files below the folder `path`, ascending. It is absolute, and
    /// `collection` the snapshot's.
    pub fn ids_below(&self, collection: &Collection, path: &Path) -> Result<Vec<RecordId>, StoreError> {
        let is_below = |stored: &Path| collection.absolute_path(stored).starts_with(path);
        Ok(self.records()?.iter().filter(|record| is_below(&record.path)).map(|record| record.id).collect())
    }
}
