//! What scores of recipes mean, kept as JSON.

use super::records::Database;
use super::{RecipeEntry, StoreError};
use crate::calibration::Calibration;
use rusqlite::{Connection, Error, OptionalExtension};

impl Database {
    /// `None` for a recipe that wasn't calibrated; an error if what is kept can't be read.
    pub(super) fn calibration(&self, recipe: &RecipeEntry) -> Result<Option<Calibration>, StoreError> {
        let sql = "SELECT content FROM calibrations WHERE recipe = ?";
        let found = self.connection.query_row(sql, [&recipe.key], |row| row.get::<_, String>(0)).optional();
        let Some(content) = self.error(found)? else { return Ok(None) };
        let parsed = serde_json::from_str(&content);
        parsed.map(Some).map_err(|error| {
            self.damaged(format!("what is kept of the scores of `{}` is no calibration: {error}", recipe.text))
        })
    }
}

/// In the place of an earlier one.
pub(super) fn put_calibration(
    connection: &Connection,
    recipe: &str,
    calibration: &Calibration,
) -> rusqlite::Result<()> {
    let content = serde_json::to_string(calibration).map_err(|error| Error::ToSqlConversionFailure(error.into()))?;
    connection.execute("INSERT OR REPLACE INTO calibrations VALUES (?, ?)", [recipe, &content]).map(drop)
}

pub(super) fn remove_calibration(connection: &Connection, recipe: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM calibrations WHERE recipe = ?", [recipe]).map(drop)
}
