//! List files as image data sets have them (`relative path TAB label`), with `dataset_info.json` beside them, and plain
//! lists of paths.

use super::{Candidate, GalleryError, Listing, Skipped};
use crate::store::Label;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What ends a path in a plain list of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A line feed, with or without a carriage return before it.
    Newline,
    /// A zero byte, for names with line feeds in them (`find -print0`).
    Nul,
}

/// Reads a list file. Each line is `path TAB label`; without a TAB the last blank-separated field is the label.
/// Paths are relative to `base`, or to the list's own folder; absolute ones and `\` as separator are accepted, because
/// lists made on Windows exist. Label names come from `label_dict` in `dataset_info.json` beside the list.
pub fn read_list(list: &Path, base: Option<&Path>) -> Result<Listing, GalleryError> {
    if !list.is_file() {
        let path = list.to_path_buf();
        return Err(GalleryError::Missing { what: "the list", wanted: "a list file", path });
    }
    let bytes = fs_err::read(list)?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let names = label_names(&folder.join("dataset_info.json"))?;
    let mut reader =
        ListReader { list, base: base.unwrap_or(folder), names, listing: Listing::default(), seen: HashMap::new() };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for (index, line) in text.split(|&b| b == b'\n').enumerate() {
        reader.line(index + 1, line.trim_ascii());
    }
    if reader.listing.files.is_empty() {
        let got = match reader.listing.skipped.first() {
            Some(first) => format!("line {}: {}", first.line.unwrap_or(1), first.reason),
            None => "an empty file".to_owned(),
        };
        return Err(GalleryError::EmptyList { path: list.to_path_buf(), got });
    }
    Ok(reader.listing)
}

struct ListReader<'a> {
    list: &'a Path,
    base: &'a Path,
    names: Option<BTreeMap<String, String>>,
    listing: Listing,
    seen: HashMap<PathBuf, (usize, String)>,
}

impl ListReader<'_> {
    fn line(&mut self, number: usize, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let Some((path, label)) = self.split(line) else {
            let reason = format!("no label: got `{}`, wanted `path TAB label`", String::from_utf8_lossy(line));
            self.listing.skipped.push(Skipped { path: self.list.to_path_buf(), line: Some(number), reason });
            return;
        };
        let label = String::from_utf8_lossy(label).into_owned();
        let path = resolve(self.base, path);
        if let Some((first, earlier)) = self.seen.get(&path) {
            if *earlier != label {
                self.listing.warnings.push(format!(
                    "{}:{number}: label {label} contradicts label {earlier} of line {first} for the same picture; the first one is kept",
                    self.list.display()
                ));
            }
            return;
        }
        self.warn_if_nameless(number, &label);
        self.seen.insert(path.clone(), (number, label.clone()));
        let name = self.names.as_ref().and_then(|names| names.get(&label).cloned());
        self.listing.files.push(Candidate { path, label: Some(Label { id: label, name }) });
    }

    /// Path and label. A line that as a whole names a file has no label, even if the name has blanks.
    fn split<'l>(&self, line: &'l [u8]) -> Option<(&'l [u8], &'l [u8])> {
        let (path, label) = if let Some(tab) = line.iter().rposition(|&b| b == b'\t') {
            (&line[..tab], &line[tab + 1..])
        } else if resolve(self.base, line).is_file() {
            return None;
        } else {
            let blank = line.iter().rposition(|&b| b == b' ')?;
            (&line[..blank], &line[blank + 1..])
        };
        let (path, label) = (path.trim_ascii(), label.trim_ascii());
        (!path.is_empty() && !label.is_empty()).then_some((path, label))
    }

    fn warn_if_nameless(&mut self, number: usize, label: &str) {
        let Some(names) = &self.names else { return };
        let known_before = self.seen.values().any(|(_, earlier)| earlier == label);
        if !names.contains_key(label) && !known_before {
            let keys: Vec<&str> = names.keys().take(12).map(String::as_str).collect();
            self.listing.warnings.push(format!(
                "{}:{number}: label {label} is no key of label_dict in dataset_info.json (its keys: {}); pictures with it are indexed without a label name",
                self.list.display(),
                keys.join(", ")
            ));
        }
    }
}

/// What a path in a list means: relative to `base`; absolute ones are kept, and `\` separates where no such file exists.
pub fn resolve(base: &Path, written: &[u8]) -> PathBuf {
    let as_written = base.join(path_from_bytes(written));
    if written.contains(&b'\\') && !as_written.exists() {
        let slashes: Vec<u8> = written.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
        return base.join(path_from_bytes(&slashes));
    }
    as_written
}

/// `label_dict` of a `dataset_info.json`; `None` where there is no such file or it names no labels.
fn label_names(path: &Path) -> Result<Option<BTreeMap<String, String>>, GalleryError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bad = |got: String| GalleryError::DatasetInfo { path: path.to_path_buf(), got };
    let info: serde_json::Value =
        serde_json::from_slice(&fs_err::read(path)?).map_err(|e| bad(format!("no JSON ({e})")))?;
    let Some(dict) = info.get("label_dict") else { return Ok(None) };
    let dict = dict.as_object().ok_or_else(|| bad("a label_dict that is no object".to_owned()))?;
    let name = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Some(dict.iter().map(|(key, value)| (key.clone(), name(value))).collect()))
}

/// Reads paths from `bytes`, one to a line or zero-terminated; relative ones are relative to `base`.
pub fn read_paths(bytes: &[u8], separator: Separator, base: &Path) -> Vec<PathBuf> {
    let end = match separator {
        Separator::Newline => b'\n',
        Separator::Nul => 0,
    };
    let cut = |path| match separator {
        Separator::Newline => <[u8]>::strip_suffix(path, b"\r").unwrap_or(path),
        Separator::Nul => path,
    };
    let paths = bytes.split(|&b| b == end).map(cut).filter(|path| !path.is_empty());
    paths.map(|path| base.join(path_from_bytes(path))).collect()
}

#[cfg(unix)]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(list: &str, info: Option<&str>) -> (tempfile::TempDir, Result<Listing, GalleryError>) {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("images")).unwrap();
        fs_err::write(dir.path().join("images/my photo.jpg"), "").unwrap();
        fs_err::write(dir.path().join("list.txt"), list).unwrap();
        if let Some(info) = info {
            fs_err::write(dir.path().join("dataset_info.json"), info).unwrap();
        }
        let listing = read_list(&dir.path().join("list.txt"), None);
        (dir, listing)
    }

    #[test]
    fn lines_are_split_at_the_tab_else_at_the_last_blank() {
        let (dir, listing) = dataset("\u{feff}images/a b.jpg\t3\r\n\nimages/c d.jpg 11\nimages\\e.jpg 4\n", None);
        let files = listing.unwrap().files;
        let found: Vec<_> = files
            .iter()
            .map(|f| {
                (f.path.strip_prefix(dir.path()).unwrap().to_str().unwrap(), f.label.as_ref().unwrap().id.as_str())
            })
            .collect();
        assert_eq!(found, [("images/a b.jpg", "3"), ("images/c d.jpg", "11"), ("images/e.jpg", "4")]);
    }

    #[test]
    fn a_line_without_a_label_is_skipped_by_number() {
        let (_dir, listing) = dataset("images/a.jpg\t3\nimages/b.jpg\nimages/my photo.jpg\nimages/c.jpg\t\n", None);
        let listing = listing.unwrap();
        assert_eq!(listing.files.len(), 1);
        let lines: Vec<_> = listing.skipped.iter().map(|s| s.line.unwrap()).collect();
        assert_eq!(lines, [2, 3, 4]);
        assert_eq!(listing.skipped[0].reason, "no label: got `images/b.jpg`, wanted `path TAB label`");
    }

    #[test]
    fn label_names_come_from_dataset_info_and_unknown_labels_are_said_once() {
        let (_dir, listing) =
            dataset("a.jpg\t0\nb.jpg\t7\nc.jpg\t7\n", Some(r#"{"label_dict": {"0": "虎", "1": "dog"}}"#));
        let listing = listing.unwrap();
        assert_eq!(listing.files[0].label, Some(Label { id: "0".into(), name: Some("虎".into()) }));
        assert_eq!(listing.files[1].label, Some(Label { id: "7".into(), name: None }));
        assert_eq!(listing.warnings.len(), 1);
        assert!(listing.warnings[0].contains("list.txt:2: label 7 is no key of label_dict"));
    }

    #[test]
    fn a_path_listed_twice_is_kept_once_and_contradictions_are_said() {
        let (_dir, listing) = dataset("a.jpg\t0\na.jpg\t0\na.jpg\t1\n", None);
        let listing = listing.unwrap();
        assert_eq!(listing.files.len(), 1);
        assert_eq!(listing.warnings.len(), 1);
    }

    #[test]
    fn an_unusable_list_or_dataset_info_is_an_error() {
        assert!(matches!(dataset("", None).1, Err(GalleryError::EmptyList { .. })));
        assert!(matches!(dataset("a.jpg\t0\n", Some("{")).1, Err(GalleryError::DatasetInfo { .. })));
        assert!(matches!(dataset("a.jpg\t0\n", Some(r#"{"label_dict": 3}"#)).1, Err(GalleryError::DatasetInfo { .. })));
    }

    #[test]
    fn paths_from_a_pipe_may_hold_newlines() {
        let base = Path::new("/base");
        assert_eq!(
            read_paths(b"a b.jpg\r\n\n/c.jpg", Separator::Newline, base),
            ["/base/a b.jpg", "/c.jpg"].map(PathBuf::from)
        );
        assert_eq!(read_paths(b"a\nb.jpg\0", Separator::Nul, base), [PathBuf::from("/base/a\nb.jpg")]);
    }
}
