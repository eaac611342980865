//! Words that users give to pictures: what may be one, and every query of the table `tags`.

use super::records::{Database, unsigned};
use super::{RecordId, Snapshot, StoreError, Writer};
use rusqlite::{Connection, params};
use std::fmt;
use std::str::FromStr;

/// How many characters a tag may have.
const MOST_CHARS: usize = 100;

/// A word, or some, that users give to pictures. Lists show it on a line, and nothing tells it from another but its
/// characters: so it isn't empty, has no control characters, and neither begins nor ends with blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

/// Why some text is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// Nothing, or only blanks.
    #[error("an empty tag: wanted a word, such as `holiday`")]
    Empty,
    /// A blank at an end.
    #[error("the tag `{tag}` begins or ends with a blank: leave it away")]
    Blank {
        /// As given.
        tag: String,
    },
    /// A line break, an escape, or the like.
    #[error("the tag {tag:?} has a control character: wanted letters, digits, signs and blanks")]
    Control {
        /// As given.
        tag: String,
    },
    /// A text rather than a word.
    #[error("a tag of {chars} characters: wanted at most {MOST_CHARS}")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
}

impl Tag {
    /// The tag itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let (tag, chars) = (text.to_owned(), text.chars().count());
        if text.trim().is_empty() {
            Err(TagError::Empty)
        } else if chars > MOST_CHARS {
            Err(TagError::TooLong { chars })
        } else if text.chars().any(char::is_control) {
            Err(TagError::Control { tag })
        } else if text.trim() != text {
            Err(TagError::Blank { tag })
        } else {
            Ok(Self(tag))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag and how many records bear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Number of records.
    pub records: u64,
}

impl Snapshot {
    /// The tags there are, sorted.
    pub fn tags(&self) -> Result<Vec<TagCount>, StoreError> {
        self.database().tags()
    }

    /// The records that bear this tag, ascending.
    pub fn ids_of_tag(&self, tag: &str) -> Result<Vec<RecordId>, StoreError> {
        self.database().ids_of_tag(tag)
    }
}

impl Writer {
    /// Gives a tag to records, all of which must exist; those that have it keep it.
    pub fn tag(&mut self, tag: &Tag, ids: &[RecordId]) -> Result<(), StoreError> {
        self.database.transaction(|connection| ids.iter().try_for_each(|&id| put(connection, id, tag)))
    }

    /// Takes a tag from records; those that don't have it stay as they are.
    pub fn untag(&mut self, tag: &Tag, ids: &[RecordId]) -> Result<(), StoreError> {
        self.database.transaction(|connection| ids.iter().try_for_each(|&id| remove(connection, id, tag)))
    }
}

impl Database {
    fn tags(&self) -> Result<Vec<TagCount>, StoreError> {
        self.all("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY tag", [], |row| {
            Ok(TagCount { tag: row.get(0)?, records: unsigned(row, 1)? })
        })
    }

    fn ids_of_tag(&self, tag: &str) -> Result<Vec<RecordId>, StoreError> {
        self.all("SELECT id FROM tags WHERE tag = ? ORDER BY id", [tag], |row| unsigned(row, 0))
    }
}

fn put(connection: &Connection, id: RecordId, tag: &Tag) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tags VALUES (?, ?) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![id.cast_signed(), tag.as_str()]).map(drop)
}

fn remove(connection: &Connection, id: RecordId, tag: &Tag) -> rusqlite::Result<()> {
    let sql = "DELETE FROM tags WHERE id = ? AND tag = ?";
    connection.prepare_cached(sql)?.execute(params![id.cast_signed(), tag.as_str()]).map(drop)
}

/// Passes the tags of one record on to another.
pub(super) fn pass_on(connection: &Connection, from: RecordId, to: RecordId) -> rusqlite::Result<()> {
    let sql = "UPDATE OR IGNORE tags SET id = ? WHERE id = ?";
    connection.prepare_cached(sql)?.execute([to.cast_signed(), from.cast_signed()]).map(drop)
}
