//! Has somebody written to a collection?

use super::records::Database;
use super::{Collection, StoreError};

/// Notices what is committed to a collection, by this process and by others.
#[derive(Debug)]
pub struct Watch {
    database: Database,
    /// As SQLite counts the commits of others than this connection.
    seen: i64,
}

impl Collection {
    /// Watches from now on.
    pub fn watch(&self) -> Result<Watch, StoreError> {
        let (database, _) = Database::open_to_read(&self.database())?;
        let seen = version(&database)?;
        Ok(Watch { database, seen })
    }
}

impl Watch {
    /// Whether anything was committed since the last call. Takes some microseconds.
    pub fn changed(&mut self) -> Result<bool, StoreError> {
        let now = version(&self.database)?;
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }
}

fn version(database: &Database) -> Result<i64, StoreError> {
    database.error(database.connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
}
