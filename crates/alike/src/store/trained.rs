//! What recipes name that was learnt from labels: the files' content, so that a collection needs no other file.

use super::records::Database;
use super::{Snapshot, StoreError, Writer};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

/// A file that a recipe of a collection names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainedEntry {
    /// Key of the recipe.
    pub recipe: String,
    /// As the recipe has it.
    pub name: String,
    /// What was in the file when the recipe was added.
    pub content: Vec<u8>,
}

impl Database {
    /// All of a recipe; an error if they aren't what was written.
    pub(super) fn trained(&self, recipe: &str) -> Result<Vec<TrainedEntry>, StoreError> {
        let sql = "SELECT name, content, sha256 FROM trained WHERE recipe = ? ORDER BY name";
        let read = |row: &rusqlite::Row<'_>| {
            let entry = TrainedEntry { recipe: recipe.to_owned(), name: row.get(0)?, content: row.get(1)? };
            Ok((entry, row.get::<_, [u8; 32]>(2)?))
        };
        let sound = |(entry, sha256): (TrainedEntry, [u8; 32])| {
            if sha256 == checksum(&entry.content) { Ok(entry) } else { Err(self.damaged(changed(&entry.name))) }
        };
        self.all(sql, [recipe], read)?.into_iter().map(sound).collect()
    }
}

fn changed(name: &str) -> String {
    format!("the copy of `{name}`, which a recipe names, has changed: the SHA-256 is another than the one recorded")
}

impl Snapshot {
    /// The files that a recipe names. Fails if they are damaged.
    pub fn trained(&self, recipe: &str) -> Result<Vec<TrainedEntry>, StoreError> {
        self.database().trained(recipe)
    }
}

impl Writer {
    /// Keeps a file that a recipe names; nothing happens if it is kept already: another content makes another recipe.
    pub fn keep_trained(&mut self, entry: &TrainedEntry) -> Result<(), StoreError> {
        self.database.transaction(|connection| put_trained(connection, entry))
    }
}

fn put_trained(connection: &Connection, entry: &TrainedEntry) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO trained (recipe, name, content, sha256) VALUES (?, ?, ?, ?)";
    connection.execute(sql, params![entry.recipe, entry.name, entry.content, checksum(&entry.content)]).map(drop)
}

fn checksum(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}
