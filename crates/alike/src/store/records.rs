//! The database: its tables, and the queries but for those of tags. Nothing read from it is trusted to be a name, a path or a size.

use super::collection::is_plain;
use super::indexes::{IndexEntry, QuantisedEntry};
use super::segment::SegmentEntry;
use super::{
    DescriptorKind, Label, LabelCount, RecipeEntry, Record, RecordId, Root, RootKind, ScanChoice, SourceEntry,
    StoreError, platform,
};
use crate::picture::Decoding;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension, Row, params};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const FORMAT_VERSION: i64 = 3;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE roots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('folder', 'labelled folder', 'list', 'files')),
    path BLOB NOT NULL,
    base BLOB
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    root INTEGER NOT NULL REFERENCES roots (id),
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content BLOB NOT NULL CHECK (length(content) = 32),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    label TEXT,
    label_name TEXT
) STRICT;
CREATE INDEX records_path ON records (path);
CREATE TABLE sources (
    position INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    dims INTEGER NOT NULL CHECK (dims > 0),
    model_sha256 TEXT
) STRICT;
CREATE TABLE recipes (
    position INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    canonical TEXT NOT NULL,
    sources TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('vector', 'code')),
    length INTEGER NOT NULL CHECK (length > 0)
) STRICT;
CREATE TABLE segments (
    owner TEXT NOT NULL,
    number INTEGER NOT NULL,
    ids BLOB NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (owner, number)
) STRICT;
CREATE TABLE unsearchable (
    recipe TEXT NOT NULL REFERENCES recipes (key),
    id INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    PRIMARY KEY (recipe, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unsearchable_id ON unsearchable (id);
INSERT INTO meta VALUES ('format_version', 1), ('next_id', 1), ('next_segment', 1);
";

/// The tables that later formats added, each of which may be empty, with the format that did. A writer adds them to an older
/// collection; a reader, who can't, has empty ones of its own in their place.
const ADDED: [(i64, &str); 6] = [
    (
        2,
        "TABLE tags (
    id INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (id, tag)
) STRICT, WITHOUT ROWID",
    ),
    (
        2,
        "TABLE learned (
    recipe TEXT NOT NULL REFERENCES recipes (key),
    step INTEGER NOT NULL,
    version INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    parameters BLOB NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (recipe, step)
) STRICT",
    ),
    (
        2,
        "TABLE indexes (
    recipe TEXT PRIMARY KEY REFERENCES recipes (key),
    lists INTEGER NOT NULL CHECK (lists > 0),
    centres INTEGER,
    sha256 BLOB,
    trained_rows INTEGER NOT NULL,
    closeness REAL NOT NULL,
    measured_rows INTEGER NOT NULL,
    measured TEXT NOT NULL
) STRICT",
    ),
    (
        2,
        "TABLE quantised (
    recipe TEXT NOT NULL REFERENCES recipes (key),
    segment INTEGER NOT NULL,
    number INTEGER NOT NULL,
    closeness REAL NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (recipe, segment)
) STRICT",
    ),
    (
        3,
        "TABLE trained (
    recipe TEXT NOT NULL REFERENCES recipes (key),
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (recipe, name)
) STRICT",
    ),
    (
        3,
        "TABLE calibrations (
    recipe TEXT PRIMARY KEY REFERENCES recipes (key),
    content TEXT NOT NULL
) STRICT",
    ),
];

/// What a collection of an older format lacks.
fn added_since(format: i64) -> impl Iterator<Item = &'static str> {
    ADDED.iter().filter(move |(since, _)| *since > format).map(|(_, table)| *table)
}

/// A connection and the name of its file, for messages.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
}

/// Makes a database with its tables, whole or not at all: under another name first, so that a process killed here
/// leaves no half collection.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Err(StoreError::Exists { dir: path.parent().unwrap_or(path).to_owned() });
    }
    let unfinished = path.with_extension(format!("new-{}", std::process::id()));
    drop(fs_err::remove_file(&unfinished));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Database::connect(&unfinished, flags)?;
    db.transaction(|connection| connection.execute_batch(SCHEMA))?;
    db.upgrade()?;
    let wal = db.connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
    db.error(wal)?;
    drop(db);
    fs_err::rename(&unfinished, path)?;
    Ok(())
}

/// Looks whether it can be read, and gives the notes for the user.
pub(super) fn check(path: &Path) -> Result<Vec<String>, StoreError> {
    let (db, read_only) = Database::open_to_read(path)?;
    let mode: String = db.error(db.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)))?;
    let mut notes = Vec::new();
    if read_only {
        notes.push("the collection can't be written here: opened read-only".to_owned());
    } else if mode != "wal" {
        notes.push(format!("no write-ahead log on this disk (a network share?): journal mode {mode}, readers and the writer wait for each other"));
    }
    Ok(notes)
}

impl Database {
    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Records { source, path: path.to_owned() };
        let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        Self::prepared(connection, path)
    }

    fn prepared(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let db = Self { connection, path: path.to_owned() };
        db.error(db.connection.busy_timeout(Duration::from_secs(10)))?;
        db.error(
            db.connection
                .execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"),
        )?;
        Ok(db)
    }

    /// Also says whether the medium is read-only.
    pub(super) fn open_to_read(path: &Path) -> Result<(Self, bool), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Self::connect(path, flags).and_then(Self::readable);
        let cannot = |code| matches!(code, ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied);
        match opened {
            Err(StoreError::Records { source, .. })
                if source.sqlite_error_code().is_some_and(cannot) && !has_log(path) =>
            {
                Ok((Self::open_immutable(path)?.readable()?, true))
            }
            opened => Ok((opened?, false)),
        }
    }

    pub(super) fn open_to_write(path: &Path) -> Result<Self, StoreError> {
        let db = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.check_format()?;
        Ok(db)
    }

    /// Of a format that can be read, with all tables.
    fn readable(self) -> Result<Self, StoreError> {
        let add = |table: &str| self.connection.execute_batch(&format!("CREATE TEMP {table}"));
        self.error(added_since(self.check_format()?).try_for_each(add))?;
        Ok(self)
    }

    /// Adds what the collection's format lacks. For the writer that holds the lock.
    pub(super) fn upgrade(&mut self) -> Result<(), StoreError> {
        let format = self.check_format()?;
        if format == FORMAT_VERSION {
            return Ok(());
        }
        self.transaction(|connection| {
            added_since(format).try_for_each(|table| connection.execute_batch(&format!("CREATE {table}")))?;
            connection.execute("UPDATE meta SET value = ? WHERE key = 'format_version'", [FORMAT_VERSION]).map(drop)
        })
    }

    /// Without locks and log, for media that can't be written.
    fn open_immutable(path: &Path) -> Result<Self, StoreError> {
        let mut uri = "file:".to_owned();
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                other => uri.push_str(&format!("%{other:02X}")),
            }
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let fail = |source| StoreError::Records { source, path: path.to_owned() };
        Self::prepared(Connection::open_with_flags(uri, flags).map_err(fail)?, path)
    }

    fn check_format(&self) -> Result<i64, StoreError> {
        let found = self.meta("format_version");
        let found = match found {
            Err(StoreError::Records { source: rusqlite::Error::QueryReturnedNoRows, path }) => {
                return Err(StoreError::NotACollection { path });
            }
            Err(StoreError::Records { source, path }) if source.to_string().contains("no such table") => {
                return Err(StoreError::NotACollection { path });
            }
            found => found?,
        };
        if found > FORMAT_VERSION {
            let dir = self.path.parent().unwrap_or(&self.path).to_owned();
            return Err(StoreError::NewerFormat { found, known: FORMAT_VERSION, dir });
        }
        if found < 1 {
            return Err(self.damaged(format!("format {found} never existed")));
        }
        Ok(found)
    }

    /// Names the file; tells damage from other failures.
    pub(super) fn error<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => self.damaged(source.to_string()),
            _ => match source {
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..) => self.damaged(source.to_string()),
                source => StoreError::Records { source, path: self.path.clone() },
            },
        })
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(&self.path, what)
    }

    /// All or nothing; durable when this returns Ok.
    pub(super) fn transaction<T>(
        &mut self,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let result = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).and_then(
            |transaction| {
                let value = body(&transaction)?;
                transaction.commit()?;
                Ok(value)
            },
        );
        self.error(result)
    }

    /// What SQLite finds wrong with its own file, and rows that refer to none.
    pub(super) fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let checked = self.all("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?;
        let dangling = self.all("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0))?;
        let dangling =
            dangling.into_iter().map(|table| format!("a row of table {table} refers to one that isn't there"));
        Ok(checked.into_iter().filter(|line| line != "ok").chain(dangling).collect())
    }

    pub(super) fn meta(&self, key: &str) -> Result<i64, StoreError> {
        self.error(self.connection.query_row("SELECT value FROM meta WHERE key = ?", [key], |row| row.get(0)))
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || self.connection.prepare_cached(sql)?.query_map(params, read)?.collect();
        self.error(run())
    }

    /// Sorted by id.
    pub(super) fn records(&self) -> Result<Vec<Record>, StoreError> {
        self.all(&format!("{RECORD} ORDER BY id"), [], record)
    }

    pub(super) fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        Ok(self.all(&format!("{RECORD} WHERE id = ?"), [id.cast_signed()], record)?.pop())
    }

    /// The one with the lowest id.
    pub(super) fn find_path(&self, path: &Path) -> Result<Option<Record>, StoreError> {
        let bytes = platform::path_to_bytes(path);
        Ok(self.all(&format!("{RECORD} WHERE path = ? ORDER BY id LIMIT 1"), [bytes], record)?.pop())
    }

    /// Ascending.
    pub(super) fn record_ids(&self) -> Result<Vec<RecordId>, StoreError> {
        self.all("SELECT id FROM records ORDER BY id", [], |row| unsigned(row, 0))
    }

    pub(super) fn ids_of_label(&self, label: &str) -> Result<Vec<RecordId>, StoreError> {
        self.all("SELECT id FROM records WHERE label = ?1 OR label_name = ?1 ORDER BY id", [label], |row| {
            unsigned(row, 0)
        })
    }

    pub(super) fn labels(&self) -> Result<Vec<LabelCount>, StoreError> {
        let sql = "SELECT label, label_name, count(*) FROM records WHERE label IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2";
        self.all(sql, [], |row| {
            Ok(LabelCount { label: Label { id: row.get(0)?, name: row.get(1)? }, records: unsigned(row, 2)? })
        })
    }

    pub(super) fn roots(&self) -> Result<Vec<Root>, StoreError> {
        self.all("SELECT id, kind, path, base FROM roots ORDER BY id", [], root)
    }

    pub(super) fn sources(&self) -> Result<Vec<SourceEntry>, StoreError> {
        self.all("SELECT key, text, dims, model_sha256 FROM sources ORDER BY position", [], |row| {
            Ok(SourceEntry { key: key(row, 0)?, text: row.get(1)?, dims: size(row, 2)?, model_sha256: row.get(3)? })
        })
    }

    pub(super) fn recipes(&self) -> Result<Vec<RecipeEntry>, StoreError> {
        self.all("SELECT key, text, canonical, sources, kind, length FROM recipes ORDER BY position", [], |row| {
            let kind = if row.get_ref(4)?.as_str()? == "code" { DescriptorKind::Code } else { DescriptorKind::Vector };
            Ok(RecipeEntry {
                key: key(row, 0)?,
                text: row.get(1)?,
                canonical: row.get(2)?,
                sources: row.get::<_, String>(3)?.split_whitespace().map(str::to_owned).collect(),
                kind: kind(size(row, 5)?),
            })
        })
    }

    /// In the order they were written.
    pub(super) fn segments(&self, owner: &str) -> Result<Vec<SegmentEntry>, StoreError> {
        self.all("SELECT number, ids, sha256 FROM segments WHERE owner = ? ORDER BY number", [owner], |row| {
            Ok(SegmentEntry { number: unsigned(row, 0)?, ids: ids(row, 1)?, sha256: row.get(2)? })
        })
    }

    pub(super) fn segment_numbers(&self, owner: &str) -> Result<Vec<u64>, StoreError> {
        self.all("SELECT number FROM segments WHERE owner = ? ORDER BY number", [owner], |row| unsigned(row, 0))
    }

    pub(super) fn index(&self, recipe: &str) -> Result<Option<IndexEntry>, StoreError> {
        let sql = "SELECT lists, centres, sha256, trained_rows, closeness, measured_rows, measured FROM indexes WHERE recipe = ?";
        let read = |row: &Row<'_>| {
            let centres: Option<i64> = row.get(1)?;
            Ok(IndexEntry {
                lists: size(row, 0)?,
                centres: centres.map(|_| Ok::<_, rusqlite::Error>((unsigned(row, 1)?, row.get(2)?))).transpose()?,
                trained_rows: size(row, 3)?,
                closeness: row.get(4)?,
                measured_rows: size(row, 5)?,
                // What can't be read is measured again, and until then the exact scan answers.
                measured: serde_json::from_str(row.get_ref(6)?.as_str()?).unwrap_or_default(),
            })
        };
        Ok(self.all(sql, [recipe], read)?.pop())
    }

    pub(super) fn quantised(&self, recipe: &str) -> Result<Vec<QuantisedEntry>, StoreError> {
        let sql = "SELECT segment, number, closeness, sha256 FROM quantised WHERE recipe = ? ORDER BY segment";
        self.all(sql, [recipe], |row| {
            let (segment, number) = (unsigned(row, 0)?, unsigned(row, 1)?);
            Ok(QuantisedEntry { segment, number, closeness: row.get(2)?, sha256: row.get(3)? })
        })
    }

    /// Names of the files of a source or recipe that are on record.
    pub(super) fn files(&self, kind: &str, key: &str) -> Result<BTreeSet<String>, StoreError> {
        let numbers = self.segment_numbers(&format!("{kind} {key}"))?;
        let names = |extensions: &'static [&str]| {
            numbers.iter().flat_map(|number| extensions.iter().map(move |extension| format!("{number:06}.{extension}")))
        };
        if kind == "source" {
            return Ok(names(&["npy"]).collect());
        }
        let mut files: BTreeSet<String> = names(&["f32", "bits"]).collect();
        files.extend(self.quantised(key)?.iter().map(|file| format!("{:06}.i8", file.number)));
        let centres = self.index(key)?.and_then(|index| index.centres);
        files.extend(centres.map(|(number, _)| format!("{number:06}.centres")));
        Ok(files)
    }

    /// How vectors are to be searched.
    pub(super) fn scan_choice(&self) -> Result<ScanChoice, StoreError> {
        let stored = self.all("SELECT value FROM meta WHERE key = 'scan'", [], |row| row.get(0))?.pop();
        Ok(stored.map_or_else(ScanChoice::default, ScanChoice::read))
    }

    /// Which pixels of large JPEGs sources see, if that was recorded.
    pub(super) fn decoding(&self) -> Result<Option<Decoding>, StoreError> {
        let stored: Option<i64> =
            self.all("SELECT value FROM meta WHERE key = 'decoding'", [], |row| row.get(0))?.pop();
        Ok(stored.map(|stored| if stored == REDUCED { Decoding::Reduced } else { Decoding::Exact }))
    }

    pub(super) fn unsearchable(&self, recipe: &str) -> Result<Vec<RecordId>, StoreError> {
        self.all("SELECT id FROM unsearchable WHERE recipe = ? ORDER BY id", [recipe], |row| unsigned(row, 0))
    }

    /// The time of day for the lock's message.
    pub(super) fn now(&self) -> Result<String, StoreError> {
        let sql = "SELECT strftime('%Y-%m-%d %H:%M:%S UTC', 'now')";
        self.error(self.connection.query_row(sql, [], |row| row.get(0)))
    }
}

/// Values of `decoding` in `meta`.
const REDUCED: i64 = 0;
const EXACT: i64 = 1;

const RECORD: &str = "SELECT id, root, path, size, mtime_ns, content, width, height, label, label_name FROM records";

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let label = row.get::<_, Option<String>>(8)?;
    Ok(Record {
        id: unsigned(row, 0)?,
        root: unsigned(row, 1)?,
        path: path(row, 2)?,
        size: unsigned(row, 3)?,
        mtime_ns: row.get(4)?,
        content: row.get(5)?,
        width: row.get(6)?,
        height: row.get(7)?,
        label: label.map(|id| Ok::<_, rusqlite::Error>(Label { id, name: row.get(9)? })).transpose()?,
    })
}

fn root(row: &Row<'_>) -> rusqlite::Result<Root> {
    let kind = match row.get_ref(1)?.as_str()? {
        "folder" => RootKind::Folder { labels_from_folders: false },
        "labelled folder" => RootKind::Folder { labels_from_folders: true },
        "list" => {
            RootKind::List { base: row.get::<_, Option<Vec<u8>>>(3)?.map(|bytes| platform::path_from_bytes(&bytes)) }
        }
        _ => RootKind::Files,
    };
    Ok(Root { id: unsigned(row, 0)?, kind, path: path(row, 2)? })
}

fn wrong(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, what.into())
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let value: i64 = row.get(column)?;
    usize::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(super) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    let path = platform::path_from_bytes(row.get_ref(column)?.as_blob()?);
    if path.is_absolute() || is_plain(&path) {
        Ok(path)
    } else {
        Err(wrong(column, "the path leads out of its folder"))
    }
}

/// Keys become names of folders.
fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let key: String = row.get(column)?;
    if is_key(&key) { Ok(key) } else { Err(wrong(column, "the key isn't made of hexadecimal digits")) }
}

pub(super) fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn ids(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<RecordId>> {
    let (words, rest) = row.get_ref(column)?.as_blob()?.as_chunks::<8>();
    let ids: Vec<RecordId> = words.iter().map(|&word| u64::from_le_bytes(word)).collect();
    if ids.is_empty() || !rest.is_empty() || !ids.is_sorted_by(|a, b| a < b) {
        return Err(wrong(column, "the ids of a segment aren't ascending"));
    }
    Ok(ids)
}

pub(super) fn put_record(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET root = excluded.root,
        path = excluded.path, size = excluded.size, mtime_ns = excluded.mtime_ns, content = excluded.content,
        width = excluded.width, height = excluded.height, label = excluded.label, label_name = excluded.label_name";
    connection.prepare_cached(sql)?.execute(params![
        record.id.cast_signed(),
        record.root.cast_signed(),
        platform::path_to_bytes(&record.path),
        record.size.cast_signed(),
        record.mtime_ns,
        record.content,
        record.width,
        record.height,
        record.label.as_ref().map(|label| &label.id),
        record.label.as_ref().and_then(|label| label.name.as_ref()),
    ])?;
    Ok(())
}

pub(super) fn remove_record(connection: &Connection, id: RecordId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM records WHERE id = ?")?.execute([id.cast_signed()]).map(drop)
}

pub(super) fn put_segment(connection: &Connection, owner: &str, segment: &SegmentEntry) -> rusqlite::Result<()> {
    let ids: Vec<u8> = segment.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let sql = "INSERT INTO segments VALUES (?, ?, ?, ?)";
    connection.execute(sql, params![owner, segment.number.cast_signed(), ids, segment.sha256])?;
    used_number(connection, segment.number)
}

/// Together with its rows in bytes.
pub(super) fn remove_segment(connection: &Connection, owner: &str, number: u64) -> rusqlite::Result<()> {
    if let Some(recipe) = owner.strip_prefix("recipe ") {
        remove_quantised(connection, recipe, number)?;
    }
    connection
        .execute("DELETE FROM segments WHERE owner = ? AND number = ?", params![owner, number.cast_signed()])
        .map(drop)
}

/// Replaces what is known of a recipe's index.
pub(super) fn put_index(connection: &Connection, recipe: &str, index: &IndexEntry) -> rusqlite::Result<()> {
    let measured = serde_json::to_string(&index.measured).map_err(|e| Error::ToSqlConversionFailure(e.into()))?;
    if let Some((number, _)) = index.centres {
        used_number(connection, number)?;
    }
    let centres = index.centres.as_ref().map(|(number, sha256)| (number.cast_signed(), sha256));
    let sql = "INSERT OR REPLACE INTO indexes VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let rows = (index.trained_rows as i64, index.measured_rows as i64);
    connection
        .execute(
            sql,
            params![
                recipe,
                index.lists as i64,
                centres.map(|centres| centres.0),
                centres.map(|centres| centres.1),
                rows.0,
                index.closeness,
                rows.1,
                measured
            ],
        )
        .map(drop)
}

pub(super) fn put_quantised(connection: &Connection, recipe: &str, file: &QuantisedEntry) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO quantised VALUES (?, ?, ?, ?, ?)";
    used_number(connection, file.number)?;
    let (segment, number) = (file.segment.cast_signed(), file.number.cast_signed());
    connection.execute(sql, params![recipe, segment, number, file.closeness, file.sha256]).map(drop)
}

pub(super) fn remove_quantised(connection: &Connection, recipe: &str, segment: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM quantised WHERE recipe = ? AND segment = ?";
    connection.execute(sql, params![recipe, segment.cast_signed()]).map(drop)
}

/// With all files.
pub(super) fn remove_index(connection: &Connection, recipe: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM quantised WHERE recipe = ?", [recipe])?;
    connection.execute("DELETE FROM indexes WHERE recipe = ?", [recipe]).map(drop)
}

/// Moves on the first number that no file ever had.
pub(super) fn used_number(connection: &Connection, number: u64) -> rusqlite::Result<()> {
    let next = (number + 1).cast_signed();
    connection.execute("UPDATE meta SET value = max(value, ?) WHERE key = 'next_segment'", [next]).map(drop)
}

/// Records how pictures are decoded for the collection.
pub(super) fn put_decoding(connection: &Connection, decoding: Decoding) -> rusqlite::Result<()> {
    put_meta(connection, "decoding", if decoding == Decoding::Reduced { REDUCED } else { EXACT })
}

pub(super) fn put_meta(connection: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", params![key, value]).map(drop)
}

/// All of an owner, and its index.
pub(super) fn remove_segments(connection: &Connection, owner: &str) -> rusqlite::Result<()> {
    if let Some(recipe) = owner.strip_prefix("recipe ") {
        remove_index(connection, recipe)?;
    }
    connection.execute("DELETE FROM segments WHERE owner = ?", [owner]).map(drop)
}

/// A recipe with all that is derived, learnt or kept for it.
pub(super) fn remove_recipe(connection: &Connection, recipe: &str) -> rusqlite::Result<()> {
    remove_segments(connection, &format!("recipe {recipe}"))?;
    for table in ["unsearchable", "learned", "trained", "calibrations"] {
        connection.execute(&format!("DELETE FROM {table} WHERE recipe = ?"), [recipe])?;
    }
    connection.execute("DELETE FROM recipes WHERE key = ?", [recipe]).map(drop)
}

pub(super) fn put_unsearchable(connection: &Connection, recipe: &str, id: RecordId) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO unsearchable VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![recipe, id.cast_signed()]).map(drop)
}

/// `id` None: a new one.
pub(super) fn put_root(
    connection: &Connection,
    id: Option<u64>,
    kind: &RootKind,
    path: &Path,
) -> rusqlite::Result<u64> {
    let (word, base) = match kind {
        RootKind::Folder { labels_from_folders: false } => ("folder", None),
        RootKind::Folder { labels_from_folders: true } => ("labelled folder", None),
        RootKind::List { base } => ("list", base.as_deref().map(platform::path_to_bytes)),
        RootKind::Files => ("files", None),
    };
    let sql = "INSERT INTO roots VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind,
        path = excluded.path, base = excluded.base RETURNING id";
    let id = id.map(u64::cast_signed);
    connection.query_row(sql, params![id, word, platform::path_to_bytes(path), base], |row| unsigned(row, 0))
}

pub(super) fn remove_root(connection: &Connection, id: u64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM records WHERE root = ?", [id.cast_signed()])?;
    connection.execute("DELETE FROM roots WHERE id = ?", [id.cast_signed()]).map(drop)
}

pub(super) fn put_source(connection: &Connection, source: &SourceEntry) -> rusqlite::Result<()> {
    let sql = "INSERT INTO sources (key, text, dims, model_sha256) VALUES (?, ?, ?, ?)";
    connection.execute(sql, params![source.key, source.text, source.dims as i64, source.model_sha256]).map(drop)
}

pub(super) fn put_recipe(connection: &Connection, recipe: &RecipeEntry) -> rusqlite::Result<()> {
    let (kind, length) = match recipe.kind {
        DescriptorKind::Vector(dims) => ("vector", dims as i64),
        DescriptorKind::Code(bits) => ("code", bits as i64),
    };
    let sql = "INSERT INTO recipes (key, text, canonical, sources, kind, length) VALUES (?, ?, ?, ?, ?, ?)";
    let sources = recipe.sources.join(" ");
    connection.execute(sql, params![recipe.key, recipe.text, recipe.canonical, sources, kind, length]).map(drop)
}

/// A contiguous block of ids, the first of which is given; `None` if ids run out.
pub(super) fn reserve_ids(connection: &Connection, count: u64) -> rusqlite::Result<Option<RecordId>> {
    let first: i64 = connection.query_row("SELECT value FROM meta WHERE key = 'next_id'", [], |row| row.get(0))?;
    let Some(next) = i64::try_from(count).ok().and_then(|count| first.checked_add(count)).filter(|_| first > 0) else {
        return Ok(None);
    };
    connection.execute("UPDATE meta SET value = ? WHERE key = 'next_id'", [next])?;
    Ok(Some(first.cast_unsigned()))
}

pub(super) fn has_record(connection: &Connection, id: RecordId) -> rusqlite::Result<bool> {
    let found =
        connection.prepare_cached("SELECT 1 FROM records WHERE id = ?")?.query_row([id.cast_signed()], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// A log that holds changes which an immutable reader wouldn't see.
fn has_log(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    fs_err::metadata(PathBuf::from(name)).is_ok_and(|metadata| metadata.len() > 0)
}
