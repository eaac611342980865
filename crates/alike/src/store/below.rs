//! The pictures of a folder.

use super::records::{Database, path, unsigned};
use super::{Collection, RecordId, Snapshot, StoreError, platform};
use rusqlite::params;
use std::path::{MAIN_SEPARATOR_STR, Path};

impl Snapshot {
    /// The records of the file `path`, or of the files below the folder `path`, ascending. It is absolute, and
    /// `collection` the snapshot's.
    pub fn ids_below(&self, collection: &Collection, path: &Path) -> Result<Vec<RecordId>, StoreError> {
        let database = self.database();
        let mut ids = if collection.base().starts_with(path) {
            database.relative_or_below(path)?
        } else {
            // A collection that was carried elsewhere may have absolute paths below its base, too.
            [database.below(&collection.stored_path(path))?, database.below(path)?].concat()
        };
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

impl Database {
    /// By the index of the paths: those that go on with a separator form a range.
    fn below(&self, stored: &Path) -> Result<Vec<RecordId>, StoreError> {
        let itself = platform::path_to_bytes(stored);
        let mut first = itself.clone();
        let separator = platform::path_to_bytes(Path::new(MAIN_SEPARATOR_STR));
        if !first.ends_with(&separator) {
            first.extend(separator);
        }
        let mut end = first.clone();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        let sql = "SELECT id FROM records WHERE path = ? UNION ALL SELECT id FROM records WHERE path >= ? AND path < ?";
        self.all(sql, params![itself, first, end], |row| unsigned(row, 0))
    }

    fn relative_or_below(&self, folder: &Path) -> Result<Vec<RecordId>, StoreError> {
        let all = self.all("SELECT id, path FROM records", [], |row| Ok((unsigned(row, 0)?, path(row, 1)?)))?;
        let is_below = |stored: &Path| stored.is_relative() || stored.starts_with(folder);
        Ok(all.into_iter().filter(|(_, stored)| is_below(stored)).map(|(id, _)| id).collect())
    }
}
