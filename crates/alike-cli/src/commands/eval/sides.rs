//! The two sides of an evaluation as the user named them: files with their labels.

use super::EvalArgs;
use super::material::Warnings;
use crate::output::{Printer, escaped, shown_path};
use alike::engine::Input;
use alike::gallery::{self, Candidate};
use alike::store::{Collection, Label};
use alike_eval::truth::{self, Lists};
use anyhow::{Context, bail};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Gallery or queries.
pub(super) struct Side {
    /// What has to be brought in line; `None` for a collection as it is.
    pub(super) input: Option<Input>,
    pub(super) files: Vec<Candidate>,
    /// What names in results are relative to.
    pub(super) base: PathBuf,
    pub(super) words: String,
}

/// A ground-truth file; its bad lines are said.
pub(super) fn read_lists(path: &Path, printer: &Printer, warnings: &mut Warnings) -> anyhow::Result<Lists> {
    let lists = truth::read_lists(&canonical(&std::path::absolute(path)?))?;
    for skipped in &lists.skipped {
        printer.warning(escaped(&skipped.to_string()));
        warnings.said.push(format!("left out: {skipped}"));
    }
    Ok(lists)
}

/// The gallery as named; `None` where the collection is the gallery.
pub(super) fn gallery(args: &EvalArgs, lists: Option<&Lists>) -> anyhow::Result<Option<Side>> {
    match (&args.gallery, &args.ground_truth, lists) {
        (Some(path), _, _) => Ok(Some(named(args, path)?)),
        (None, Some(path), Some(lists)) => Ok(Some(listed(args, path, lists)?)),
        _ => Ok(None),
    }
}

/// All that a ground-truth file names, and its distractors.
fn listed(args: &EvalArgs, path: &Path, lists: &Lists) -> anyhow::Result<Side> {
    let path = absolute(path)?;
    let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut files = lists.pictures();
    let mut words = format!("all pictures that {} names", shown_path(&path));
    let beside = base.join("distractors.txt");
    let distractors = match &args.distractors {
        Some(named) => Some(std::path::absolute(named)?),
        None => beside.is_file().then_some(beside),
    };
    if let Some(distractors) = distractors {
        let more = truth::read_distractors(&canonical(&distractors))?;
        words = format!("{words}, and {} of {}", more.len(), shown_path(&distractors));
        files.extend(more);
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    let candidates = files.iter().map(|path| Candidate { path: path.clone(), label: None }).collect();
    Ok(Side { input: Some(Input::Files(files)), files: candidates, base, words })
}

/// A list file or a folder.
pub(super) fn named(args: &EvalArgs, path: &Path) -> anyhow::Result<Side> {
    let path = absolute(path)?;
    if path.is_dir() {
        if !args.labels_from_folders && args.ground_truth.is_none() {
            bail!(
                "{} is a folder, whose pictures have no labels: add --labels-from-folders if each class has a folder of its own, or name a list file",
                shown_path(&path)
            );
        }
        let files = gallery::walk(&path, args.labels_from_folders)?.files;
        let words = format!("folder {}", shown_path(&path));
        let input = Input::Folder { path: path.clone(), labels_from_folders: args.labels_from_folders };
        return Ok(Side { input: Some(input), files, base: path, words });
    }
    let base = args.root.as_deref().map(absolute).transpose()?;
    let files = gallery::read_list(&path, base.as_deref())?.files;
    let words = format!("list {}", shown_path(&path));
    let relative_to = base.clone().or_else(|| path.parent().map(Path::to_path_buf)).unwrap_or_default();
    Ok(Side { input: Some(Input::List { path, base }), files, base: relative_to, words })
}

/// All labelled pictures of a collection.
pub(super) fn collection(args: &EvalArgs, collection: &Collection) -> anyhow::Result<Side> {
    let snapshot = collection.snapshot()?;
    let mut files = Vec::new();
    for record in snapshot.records()? {
        let path = collection.absolute_path(&record.path);
        let label = if args.labels_from_folders { folder_label(&path) } else { record.label.clone() };
        if label.is_some() {
            files.push(Candidate { path, label });
        }
    }
    if files.is_empty() {
        bail!(
            "the pictures of {} have no labels: add --labels-from-folders if each class has a folder of its own, index with --list, or name --ground-truth",
            shown_path(collection.dir())
        );
    }
    let base = collection.base().to_path_buf();
    Ok(Side { input: None, files, base, words: format!("collection {}", shown_path(collection.dir())) })
}

fn folder_label(path: &Path) -> Option<Label> {
    let folder = path.parent()?.file_name()?;
    Some(Label { id: folder.to_string_lossy().into_owned(), name: None })
}

/// Where a file really lies, links followed.
pub(super) fn canonical(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A path as text, in which bytes that are no UTF-8 still tell names apart.
pub(super) fn shown_name(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02x}")));
    }
    name
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    fs_err::canonicalize(path).with_context(|| format!("nothing at {}", path.display()))
}
