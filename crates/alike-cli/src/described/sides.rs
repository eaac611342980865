//! Labelled pictures as the user named them: a list, a folder, a collection.

use crate::output::shown_path;
use alike::engine::Input;
use alike::gallery::{self, Candidate};
use alike::store::{Collection, Label};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// Pictures that were named together, such as a gallery or its queries.
pub(crate) struct Side {
    /// What has to be brought in line; `None` for a collection as it is.
    pub(crate) input: Option<Input>,
    pub(crate) files: Vec<Candidate>,
    /// What names in results are relative to.
    pub(crate) base: PathBuf,
    pub(crate) words: String,
}

/// How what is named is to be read.
pub(crate) struct Naming<'a> {
    /// The label of a picture is the name of its folder.
    pub(crate) labels_from_folders: bool,
    /// What the paths of lists are relative to, if not the list's folder.
    pub(crate) root: Option<&'a Path>,
    /// Pictures need labels.
    pub(crate) by_labels: bool,
}

/// A list file or a folder.
pub(crate) fn named(naming: &Naming<'_>, path: &Path) -> anyhow::Result<Side> {
    let path = absolute(path)?;
    if path.is_dir() {
        if !naming.labels_from_folders && naming.by_labels {
            bail!(
                "{} is a folder, whose pictures have no labels: add --labels-from-folders if each class has a folder of its own, or name a list file",
                shown_path(&path)
            );
        }
        let files = gallery::walk(&path, naming.labels_from_folders)?.files;
        let words = format!("folder {}", shown_path(&path));
        let input = Input::Folder { path: path.clone(), labels_from_folders: naming.labels_from_folders };
        return Ok(Side { input: Some(input), files, base: path, words });
    }
    let base = naming.root.map(absolute).transpose()?;
    let files = gallery::read_list(&path, base.as_deref())?.files;
    let words = format!("list {}", shown_path(&path));
    let relative_to = base.clone().or_else(|| path.parent().map(Path::to_path_buf)).unwrap_or_default();
    Ok(Side { input: Some(Input::List { path, base }), files, base: relative_to, words })
}

/// All pictures of a collection, without labels.
pub(crate) fn all(collection: &Collection) -> anyhow::Result<Side> {
    let snapshot = collection.snapshot()?;
    let records = snapshot.records()?.iter();
    let files = records.map(|record| Candidate { path: collection.absolute_path(&record.path), label: None });
    Ok(of_collection(collection, files.collect()))
}

fn of_collection(collection: &Collection, files: Vec<Candidate>) -> Side {
    let words = format!("collection {}", shown_path(collection.dir()));
    Side { input: None, files, base: collection.base().to_path_buf(), words }
}

/// All labelled pictures of a collection.
pub(crate) fn collection(naming: &Naming<'_>, collection: &Collection) -> anyhow::Result<Side> {
    let snapshot = collection.snapshot()?;
    let mut files = Vec::new();
    for record in snapshot.records()? {
        let path = collection.absolute_path(&record.path);
        let label = if naming.labels_from_folders { folder_label(&path) } else { record.label.clone() };
        if label.is_some() {
            files.push(Candidate { path, label });
        }
    }
    if files.is_empty() {
        bail!(
            "the pictures of {} have no labels: add --labels-from-folders if each class has a folder of its own, or index with --list",
            shown_path(collection.dir())
        );
    }
    Ok(of_collection(collection, files))
}

fn folder_label(path: &Path) -> Option<Label> {
    let folder = path.parent()?.file_name()?;
    Some(Label { id: folder.to_string_lossy().into_owned(), name: None })
}

/// Where a file really lies, links followed.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A path as text, in which bytes that are no UTF-8 still tell names apart.
pub(crate) fn shown_name(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02x}")));
    }
    name
}

pub(crate) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    fs_err::canonicalize(path).with_context(|| format!("nothing at {}", path.display()))
}
