use super::RecordId;
use std::path::{Path, PathBuf};

/// What can go wrong with a collection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Reading or writing a file failed; the text names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// SQLite failed, for example because the disk is full.
    #[error("the records of the collection can't be used: {source}: {}", path.display())]
    Records {
        /// What SQLite says.
        source: rusqlite::Error,
        /// The database.
        path: PathBuf,
    },
    /// There is nothing at this place.
    #[error("no collection here, make one with `alike index`: {}", dir.display())]
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// The database is someone else's, or its creation was cut short.
    #[error("not a collection, since its database lacks the collection's tables: {}", path.display())]
    NotACollection {
        /// The database.
        path: PathBuf,
    },
    /// `create` found one.
    #[error("there is a collection already: {}", dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// Written by a newer program.
    #[error("the collection has format {found}, this program knows formats up to {known}: update alike: {}", dir.display())]
    NewerFormat {
        /// In the collection.
        found: i64,
        /// The newest that can be read.
        known: i64,
        /// The folder.
        dir: PathBuf,
    },
    /// A file isn't what was written.
    #[error("the collection is damaged, mend it with `alike verify --repair`: {what}: {}", path.display())]
    Damaged {
        /// What was got and what was wanted.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// Another writer is at work.
    #[error("the collection is being written by {holder}, wait until it is done: {}", dir.display())]
    Locked {
        /// Process, command and time.
        holder: String,
        /// The folder.
        dir: PathBuf,
    },
    /// Found upward, but not ours.
    #[error("the collection belongs to another user, name it with -c if you trust it: {}", dir.display())]
    OtherOwner {
        /// The folder.
        dir: PathBuf,
    },
    /// The collection has no such source or recipe.
    #[error("the collection has no {kind} `{key}`")]
    UnknownKey {
        /// `source` or `recipe`.
        kind: &'static str,
        /// What was asked for.
        key: String,
    },
    /// A descriptor of another kind or length than the recipe's.
    #[error("got a {got}, but the recipe's descriptors are {wanted}s")]
    WrongDescriptor {
        /// What was given.
        got: String,
        /// What the recipe has.
        wanted: String,
    },
    /// A picture has a row in this source already.
    #[error("record {id} has a row in source `{source_key}` already: give a changed picture a new id")]
    RowExists {
        /// The record.
        id: RecordId,
        /// The source.
        source_key: String,
    },
    /// The caller's data don't fit together.
    #[error("can't write this to the collection: {what}")]
    Invalid {
        /// What was got and what was wanted.
        what: String,
    },
}

impl StoreError {
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), path: path.to_owned() }
    }

    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
    }
}
