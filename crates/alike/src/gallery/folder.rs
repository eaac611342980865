//! Folders, searched recursively.

use super::{Candidate, GalleryError, Listing, Skipped};
use crate::store::Label;
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// All regular files below `folder`, sorted by path: hidden ones left out (a collection is hidden, too), symbolic links
/// followed, loops reported. With `labels_from_folders` a picture's label is the name of the folder it lies in.
pub fn walk(folder: &Path, labels_from_folders: bool) -> Result<Listing, GalleryError> {
    if !folder.is_dir() {
        let path = folder.to_path_buf();
        return Err(GalleryError::Missing { what: "the folder", wanted: "a folder", path });
    }
    let mut listing = Listing::default();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let label = if labels_from_folders { folder_label(entry.path()) } else { None };
                listing.files.push(Candidate { path: entry.into_path(), label });
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => listing.skipped.push(Skipped {
                path: entry.into_path(),
                line: None,
                reason: "neither a file nor a folder".to_owned(),
            }),
            Err(error) => listing.skipped.push(walk_problem(&error, folder)),
        }
    }
    Ok(listing)
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn folder_label(file: &Path) -> Option<Label> {
    let name = file.parent()?.file_name()?.to_string_lossy().into_owned();
    Some(Label { id: name, name: None })
}

fn walk_problem(error: &walkdir::Error, folder: &Path) -> Skipped {
    let path = error.path().unwrap_or(folder).to_path_buf();
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("symbolic link back to {}, not followed", ancestor.display()),
        (None, Some(io)) if io.kind() == std::io::ErrorKind::NotFound => "symbolic link to nothing".to_owned(),
        (None, Some(io)) => format!("can't be read: {io}"),
        (None, None) => "can't be read".to_owned(),
    };
    Skipped { path, line: None, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_are_left_out_and_labels_are_folder_names() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["b/two.jpg", "a/one.jpg", ".alike/x.jpg", "a/.hidden.jpg"] {
            let path = dir.path().join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let listing = walk(dir.path(), true).unwrap();
        let found: Vec<_> =
            listing.files.iter().map(|f| (f.path.strip_prefix(dir.path()).unwrap(), &f.label)).collect();
        let label = |id: &str| Some(Label { id: id.to_owned(), name: None });
        assert_eq!(found, [(Path::new("a/one.jpg"), &label("a")), (Path::new("b/two.jpg"), &label("b"))]);
    }

    #[cfg(unix)]
    #[test]
    fn symlink_loops_and_dangling_links_are_named_and_survived() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("one.jpg"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling.jpg")).unwrap();
        let listing = walk(dir.path(), false).unwrap();
        assert_eq!(listing.files.len(), 1);
        let reasons: Vec<_> = listing.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons.len(), 2);
        assert_eq!(reasons[0], "symbolic link to nothing");
        assert!(reasons[1].starts_with("symbolic link back to "));
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let error = walk(Path::new("/nowhere/at/all"), false).unwrap_err();
        assert!(matches!(error, GalleryError::Missing { .. }));
    }
}
