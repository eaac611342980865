//! The collection on disk: records, raw source rows, derived descriptors; one writer, any number of readers.

mod below;
mod calibrations;
mod collection;
mod compact;
mod error;
mod filter;
mod indexes;
mod learned;
mod lock;
mod merge;
mod npy;
mod platform;
mod records;
mod segment;
mod snapshot;
mod tags;
mod trained;
mod verify;
mod watch;
mod writer;

pub use collection::Collection;
pub use error::StoreError;
pub(crate) use filter::Ascending;
pub use indexes::{Scan, ScanChoice, ScanKind};
pub(crate) use npy::npy_file;
pub use snapshot::{LabelCount, Search, Sizes, Snapshot, SourceRows, StoredSize};
pub use tags::{Tag, TagCount, TagError};
pub use trained::TrainedEntry;
pub use verify::{Damage, DamagePlace, Verification};
pub use watch::Watch;
pub use writer::{Batch, Describe, SourceRowsToAdd, Writer};

use crate::recipe::DescriptorKind;
use std::path::PathBuf;

/// Identifies a record for ever: never reused, never changed.
pub type RecordId = u64;

/// SHA-256 of a file's bytes.
pub type ContentHash = [u8; 32];

/// What is known of an indexed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Identity; ascending in the order of list and path.
    pub id: RecordId,
    /// The root that brought it.
    pub root: u64,
    /// Relative to the collection's parent if below it, else absolute. Any bytes the system allows.
    pub path: PathBuf,
    /// File size in bytes when it was read.
    pub size: u64,
    /// Modification time when it was read, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Hash of the file's bytes.
    pub content: ContentHash,
    /// Width of the upright picture in pixels.
    pub width: u32,
    /// Height of the upright picture in pixels.
    pub height: u32,
    /// Class, where the list or folder gives one.
    pub label: Option<Label>,
}

/// The class of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// As the list writes it (usually a number), or the folder's name.
    pub id: String,
    /// What `dataset_info.json` calls it, if it does.
    pub name: Option<String>,
}

impl std::fmt::Display for Label {
    /// The name where there is one, else the id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or(&self.id))
    }
}

/// Where pictures come from, recorded so that `index` alone can bring everything in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Key in the collection.
    pub id: u64,
    /// Folder, list file, or single files.
    pub kind: RootKind,
    /// The folder or the list file, stored as record paths are; empty for single files.
    pub path: PathBuf,
}

/// What a root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootKind {
    /// A folder, searched recursively.
    Folder {
        /// Each picture's label is the name of the folder it lies in.
        labels_from_folders: bool,
    },
    /// A list file.
    List {
        /// What its relative paths are relative to, if not the list's own folder.
        base: Option<PathBuf>,
    },
    /// Files named one by one (arguments, stdin).
    Files,
}

/// A recipe that the collection keeps descriptors of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeEntry {
    /// Folder name: [`crate::recipe::Draft::key`].
    pub key: String,
    /// As the user wrote it.
    pub text: String,
    /// Everything spelt out.
    pub canonical: String,
    /// Keys of its sources, in order.
    pub sources: Vec<String>,
    /// What its descriptors are.
    pub kind: DescriptorKind,
}

/// A source that the collection keeps rows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    /// Folder name: [`crate::source::SourceId::key`].
    pub key: String,
    /// `color/1`, `deep@NAME#sha8`.
    pub text: String,
    /// Length of a row.
    pub dims: usize,
    /// SHA-256 of the model's file, for network sources.
    pub model_sha256: Option<String>,
}
