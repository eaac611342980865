//! What the user named, turned into files: here is a folder or a list, give me the pictures and their labels.

mod folder;
mod list;

pub use folder::walk;
pub use list::{Separator, read_list, read_paths, resolve};

use crate::store::Label;
use std::fmt;
use std::path::PathBuf;

/// A file that may be a picture, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Absolute path.
    pub path: PathBuf,
    /// Its class, where the list or the folder gives one.
    pub label: Option<Label>,
}

/// The files of a folder or list, in order, and what was wrong with the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each path once.
    pub files: Vec<Candidate>,
    /// What can't be indexed: unreadable folders, symlink loops, bad lines.
    pub skipped: Vec<Skipped>,
    /// What was indexed nevertheless but deserves a word: labels without a name, lines that contradict each other.
    pub warnings: Vec<String>,
}

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file, folder or list it is about.
    pub path: PathBuf,
    /// The line of the list, from 1, where it is about a line.
    pub line: Option<usize>,
    /// What was got and what was wanted.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a folder or list can't be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GalleryError {
    /// Reading failed; the message names the file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The path doesn't exist.
    #[error("{what} is missing: wanted {wanted} at {path}; check the path, or drop what was indexed from it with --forget", path = path.display())]
    Missing {
        /// Which root this is.
        what: &'static str,
        /// What should be there.
        wanted: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// `dataset_info.json` is there but says nothing usable.
    #[error("wanted {{\"label_dict\": {{\"0\": \"name\", ...}}}}, got {got} in {path}; fix the file or move it away", path = path.display())]
    DatasetInfo {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        got: String,
    },
    /// A list without a single usable line.
    #[error("no line of the list has the form `path TAB label`: got {got} in {path}", path = path.display())]
    EmptyList {
        /// The list file.
        path: PathBuf,
        /// What it holds instead.
        got: String,
    },
}
