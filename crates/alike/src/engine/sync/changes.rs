//! What has to be done: files now against records then.

use super::scope::Scope;
use super::{Skip, SyncError, SyncReport};
use crate::checksum;
use crate::gallery::{Candidate, Skipped};
use crate::source::Source;
use crate::store::{Collection, ContentHash, Label, Record, RecordId, Snapshot};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The work of a run.
#[derive(Default)]
pub(super) struct Changes {
    /// Files found.
    pub(super) files: usize,
    /// Files to read.
    pub(super) tasks: Vec<Task>,
    /// Records with another path or label; nothing to read.
    pub(super) updated: Vec<Record>,
    /// Records whose files are gone.
    pub(super) removed: Vec<RecordId>,
    /// Roots to drop.
    pub(super) forgotten_roots: Vec<u64>,
}

/// A file to read.
pub(super) struct Task {
    pub(super) path: PathBuf,
    pub(super) stored: PathBuf,
    pub(super) label: Option<Label>,
    /// Position of its scope.
    pub(super) scope: usize,
    pub(super) stamp: Stamp,
    /// The user named it as a picture.
    pub(super) named: bool,
    pub(super) why: Why,
}

/// Why a file has to be read.
pub(super) enum Why {
    /// Not known yet.
    New,
    /// Size or time differ from the record; the content decides.
    Touched(Record),
    /// Known, but sources at these positions have no row of it.
    Incomplete(Record, Vec<usize>),
}

/// What tells without reading that a file is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mtime_ns = since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        Self { size: metadata.len(), mtime_ns }
    }
}

pub(super) fn compare(
    collection: &Collection,
    snapshot: &Snapshot,
    scopes: &[Scope],
    sources: &[Arc<dyn Source>],
    report: &mut SyncReport,
) -> Result<Changes, SyncError> {
    let mut comparison = Comparison::new(collection, snapshot, sources, report)?;
    for (position, scope) in scopes.iter().enumerate() {
        for skipped in &scope.listing.skipped {
            comparison.skip(skipped.clone(), true);
        }
        comparison.report.warnings.extend(scope.listing.warnings.iter().cloned());
        for candidate in &scope.listing.files {
            comparison.candidate(position, scope, candidate);
        }
        if let (true, super::scope::ScopeRoot::Known(key)) = (scope.forget_root, &scope.root) {
            comparison.changes.forgotten_roots.push(*key);
        }
    }
    comparison.forget_vanished(scopes);
    comparison.recognise_moved()?;
    Ok(comparison.changes)
}

struct Comparison<'a> {
    collection: &'a Collection,
    by_path: HashMap<&'a Path, &'a Record>,
    by_id: BTreeMap<RecordId, &'a Record>,
    /// For each source, which records have a row.
    described: Vec<HashSet<RecordId>>,
    seen: HashSet<PathBuf>,
    present: BTreeSet<RecordId>,
    changes: Changes,
    report: &'a mut SyncReport,
}

impl<'a> Comparison<'a> {
    fn new(
        collection: &'a Collection,
        snapshot: &'a Snapshot,
        sources: &[Arc<dyn Source>],
        report: &'a mut SyncReport,
    ) -> Result<Self, SyncError> {
        let records = snapshot.records()?;
        let mut described = Vec::new();
        for source in sources {
            described.push(match snapshot.sources().iter().any(|known| known.key == source.id().key()) {
                true => snapshot.source_rows(source.id().key())?.ids().into_iter().collect(),
                false => HashSet::new(),
            });
        }
        Ok(Self {
            collection,
            by_path: records.iter().map(|record| (record.path.as_path(), record)).collect(),
            by_id: records.iter().map(|record| (record.id, record)).collect(),
            described,
            seen: HashSet::new(),
            present: BTreeSet::new(),
            changes: Changes::default(),
            report,
        })
    }

    fn skip(&mut self, what: Skipped, is_picture: bool) {
        self.report.skipped.push(Skip { what, is_picture });
    }

    fn candidate(&mut self, position: usize, scope: &Scope, candidate: &Candidate) {
        let stored = self.collection.stored_path(&candidate.path);
        if !self.seen.insert(stored.clone()) {
            return;
        }
        self.changes.files += 1;
        let known = self.by_path.get(stored.as_path()).copied();
        let stamp = match fs_err::metadata(&candidate.path) {
            Ok(metadata) if metadata.is_file() => Stamp::of(&metadata),
            Ok(_) => return self.skip(no_file(&candidate.path, "not a file, but a folder or a device"), true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.skip(no_file(&candidate.path, "no such file: check the list and --root"), true);
            }
            Err(error) => {
                self.present.extend(known.map(|record| record.id));
                return self.skip(no_file(&candidate.path, &format!("can't be read: {error}")), true);
            }
        };
        let why = match known {
            None => Why::New,
            Some(record) => {
                self.present.insert(record.id);
                match self.why_read(record, stamp) {
                    Some(why) => why,
                    None => return self.keep(record, candidate),
                }
            }
        };
        self.changes.tasks.push(Task {
            path: candidate.path.clone(),
            stored,
            label: candidate.label.clone(),
            scope: position,
            stamp,
            named: scope.named,
            why,
        });
    }

    fn why_read(&self, record: &Record, stamp: Stamp) -> Option<Why> {
        if (Stamp { size: record.size, mtime_ns: record.mtime_ns }) != stamp {
            return Some(Why::Touched(record.clone()));
        }
        let missing: Vec<usize> =
            (0..self.described.len()).filter(|&s| !self.described[s].contains(&record.id)).collect();
        (!missing.is_empty()).then(|| Why::Incomplete(record.clone(), missing))
    }

    /// A label that is given replaces the record's; none leaves it, since another root may have given it.
    fn keep(&mut self, record: &Record, candidate: &Candidate) {
        self.report.kept += 1;
        if candidate.label.is_some() && candidate.label != record.label {
            self.changes.updated.push(Record { label: candidate.label.clone(), ..record.clone() });
        }
    }

    fn forget_vanished(&mut self, scopes: &[Scope]) {
        for scope in scopes {
            for id in scope.owned.iter().filter(|id| !self.present.contains(id)) {
                let path = self.collection.absolute_path(&self.by_id[id].path);
                if !scope.hides(&path) {
                    self.changes.removed.push(*id);
                }
            }
        }
        self.changes.removed.sort_unstable();
        self.changes.removed.dedup();
    }

    /// A new file with the bytes of a vanished one is that one under another name. Only files of a vanished size are
    /// hashed, in order, so that the outcome doesn't depend on the workers.
    fn recognise_moved(&mut self) -> Result<(), SyncError> {
        let mut vanished: BTreeMap<ContentHash, Vec<RecordId>> = BTreeMap::new();
        let mut sizes = HashSet::new();
        for id in self.changes.removed.iter().rev() {
            vanished.entry(self.by_id[id].content).or_default().push(*id);
            sizes.insert(self.by_id[id].size);
        }
        let mut remaining = Vec::new();
        for task in std::mem::take(&mut self.changes.tasks) {
            let maybe = matches!(task.why, Why::New) && sizes.contains(&task.stamp.size);
            let content = if maybe { hash_file(&task.path) } else { None };
            let found = content.and_then(|content| vanished.get_mut(&content)).and_then(Vec::pop);
            match found {
                Some(id) => self.moved(id, task, &mut remaining),
                None => remaining.push(task),
            }
        }
        self.changes.tasks = remaining;
        Ok(())
    }

    fn moved(&mut self, id: RecordId, task: Task, remaining: &mut Vec<Task>) {
        let was = self.by_id[&id];
        let label = task.label.clone().or_else(|| was.label.clone());
        let Stamp { size, mtime_ns } = task.stamp;
        let record = Record { path: task.stored.clone(), size, mtime_ns, label, ..was.clone() };
        self.changes.removed.retain(|removed| *removed != id);
        self.report.moved += 1;
        let missing: Vec<usize> = (0..self.described.len()).filter(|&s| !self.described[s].contains(&id)).collect();
        if !missing.is_empty() {
            remaining.push(Task { why: Why::Incomplete(record.clone(), missing), ..task });
        }
        self.changes.updated.push(record);
    }
}

fn no_file(path: &Path, reason: &str) -> Skipped {
    Skipped { path: path.to_path_buf(), line: None, reason: reason.to_owned() }
}

/// `None` where it can't be read: the worker that reads it next will say why.
fn hash_file(path: &Path) -> Option<ContentHash> {
    checksum::hash(&mut fs_err::File::open(path).ok()?).ok()
}
