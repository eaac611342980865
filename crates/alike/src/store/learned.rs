//! What steps of recipes learnt from the gallery.

use super::records::Database;
use super::{RecipeEntry, StoreError};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// Whose parameters they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Learner {
    /// The steps that make vectors and codes: numbers.
    Steps = 0,
    /// `augment`, which looks at all pictures of the gallery: which these were.
    Augment = 1,
}

impl Database {
    /// The parameters; an error if they aren't what was written.
    pub(super) fn learned(&self, recipe: &RecipeEntry, learner: Learner) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT parameters, sha256 FROM learned WHERE recipe = ? AND step = ?";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, [u8; 32]>(1)?));
        match self.error(self.connection.query_row(sql, params![recipe.key, learner as i64], read).optional())? {
            Some((parameters, sha256)) if sha256 != checksum(&parameters) => Err(self.damaged(format!(
                "what `{}` learnt from the gallery has changed: the SHA-256 is another than the one recorded",
                recipe.text
            ))),
            found => Ok(found.map(|(parameters, _)| parameters)),
        }
    }

    /// As far as it is recorded, whatever state the parameters are in.
    pub(super) fn learned_from(&self, recipe: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT rows FROM learned WHERE recipe = ? AND step = ?";
        let found = self
            .connection
            .query_row(sql, params![recipe, Learner::Steps as i64], |row| row.get::<_, i64>(0))
            .optional();
        Ok(self.error(found)?.map(i64::cast_unsigned))
    }
}

/// In the place of what was learnt before.
pub(super) fn put_learned(
    connection: &Connection,
    (recipe, learner): (&str, Learner),
    rows: u64,
    parameters: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO learned (recipe, step, version, rows, parameters, sha256) VALUES (?, ?, 1, ?, ?, ?)
        ON CONFLICT (recipe, step) DO UPDATE SET version = version + 1, rows = excluded.rows,
        parameters = excluded.parameters, sha256 = excluded.sha256";
    connection
        .execute(sql, params![recipe, learner as i64, rows.cast_signed(), parameters, checksum(parameters)])
        .map(drop)
}

pub(super) fn remove_learned(connection: &Connection, recipe: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM learned WHERE recipe = ?", [recipe]).map(drop)
}

fn checksum(parameters: &[u8]) -> [u8; 32] {
    Sha256::digest(parameters).into()
}
