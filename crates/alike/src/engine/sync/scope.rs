//! What a run is about: each input with its root, the files there now, and the records that came from it.

use super::{Input, SyncError, SyncRequest};
use crate::gallery::{self, Candidate, GalleryError, Listing, Skipped};
use crate::store::{Collection, Record, RecordId, Root, RootKind, Snapshot, StoreError, Writer};
use std::path::{Path, PathBuf};

/// A root, or the part of it that the user named.
pub(super) struct Scope {
    /// Known already, or to be recorded.
    pub(super) root: ScopeRoot,
    /// What is there now.
    pub(super) listing: Listing,
    /// Records that belong to it; those whose file isn't there any more are forgotten.
    pub(super) owned: Vec<RecordId>,
    /// The user named each of these files as a picture.
    pub(super) named: bool,
    /// The root is gone, and the user said to forget it.
    pub(super) forget_root: bool,
}

pub(super) enum ScopeRoot {
    Known(u64),
    Changed { key: u64, kind: RootKind, path: PathBuf },
    New { kind: RootKind, path: PathBuf },
}

pub(super) fn resolve(
    collection: &Collection,
    snapshot: &Snapshot,
    request: &SyncRequest<'_>,
) -> Result<Vec<Scope>, SyncError> {
    let resolver = Resolver { collection, snapshot, forget: request.forget };
    if !request.inputs.is_empty() {
        return request.inputs.iter().map(|input| resolver.input(input)).collect();
    }
    if snapshot.roots().is_empty() {
        return Err(SyncError::NoRoots);
    }
    snapshot.roots().iter().map(|root| resolver.root(root)).collect()
}

/// Gives new roots their keys and drops forgotten ones. Returns the key of each scope's root.
pub(super) fn record_roots(writer: &mut Writer, scopes: &[Scope]) -> Result<Vec<u64>, StoreError> {
    let mut keys = Vec::new();
    for scope in scopes {
        keys.push(match &scope.root {
            ScopeRoot::Known(key) => *key,
            ScopeRoot::Changed { key, kind, path } => {
                writer.update_root(*key, kind, path)?;
                *key
            }
            ScopeRoot::New { kind, path } => writer.add_root(kind, path)?,
        });
    }
    Ok(keys)
}

struct Resolver<'a> {
    collection: &'a Collection,
    snapshot: &'a Snapshot,
    forget: bool,
}

impl Resolver<'_> {
    fn root(&self, root: &Root) -> Result<Scope, SyncError> {
        let path = self.collection.absolute_path(&root.path);
        match &root.kind {
            RootKind::Folder { labels_from_folders } => {
                self.folder(ScopeRoot::Known(root.id), &path, *labels_from_folders)
            }
            RootKind::List { base } => self.list(ScopeRoot::Known(root.id), &path, base.as_deref()),
            RootKind::Files => self.known_files(root.id),
        }
    }

    fn input(&self, input: &Input) -> Result<Scope, SyncError> {
        match input {
            Input::Folder { path, labels_from_folders } => {
                let known = self.folder_root_above(path);
                let labels = *labels_from_folders || known.is_some_and(|(_, labels)| labels);
                let kind = RootKind::Folder { labels_from_folders: labels };
                let root = match known {
                    Some((key, recorded)) if recorded != labels && self.root_path(key) == *path => {
                        ScopeRoot::Changed { key, kind, path: self.collection.stored_path(path) }
                    }
                    Some((key, _)) => ScopeRoot::Known(key),
                    None => ScopeRoot::New { kind, path: self.collection.stored_path(path) },
                };
                self.folder(root, path, labels)
            }
            Input::List { path, base } => {
                let stored = self.collection.stored_path(path);
                let kind = RootKind::List { base: base.clone() };
                let known = self.snapshot.roots().iter().find(|root| root.kind == kind && root.path == stored);
                let root = known.map_or(ScopeRoot::New { kind, path: stored }, |root| ScopeRoot::Known(root.id));
                self.list(root, path, base.as_deref())
            }
            Input::Files(paths) => self.files(paths),
        }
    }

    /// The recorded folder that `path` is, or lies in.
    fn folder_root_above(&self, path: &Path) -> Option<(u64, bool)> {
        let above = |root: &&Root| path.starts_with(self.collection.absolute_path(&root.path));
        let folders = self.snapshot.roots().iter().filter(|root| matches!(root.kind, RootKind::Folder { .. }));
        folders.filter(above).find_map(|root| match root.kind {
            RootKind::Folder { labels_from_folders } => Some((root.id, labels_from_folders)),
            _ => None,
        })
    }

    fn root_path(&self, key: u64) -> PathBuf {
        let root = self.snapshot.roots().iter().find(|root| root.id == key);
        root.map(|root| self.collection.absolute_path(&root.path)).unwrap_or_default()
    }

    fn folder(&self, root: ScopeRoot, path: &Path, labels: bool) -> Result<Scope, SyncError> {
        let lists: Vec<u64> = self.roots_where(|kind| matches!(kind, RootKind::List { .. }));
        let below = |record: &Record| {
            let file = self.collection.absolute_path(&record.path);
            file.starts_with(path) && !self.is_own(&file) && !lists.contains(&record.root)
        };
        let owned = self.owned(below)?;
        let mut listing = self.listed(gallery::walk(path, labels), path, owned.len())?;
        listing.files.retain(|file| !self.is_own(&file.path));
        if owned.is_empty() && listing.files.is_empty() && listing.skipped.is_empty() {
            return Err(SyncError::NothingThere { path: path.to_path_buf() });
        }
        self.scope(root, listing, owned, path)
    }

    fn list(&self, root: ScopeRoot, path: &Path, base: Option<&Path>) -> Result<Scope, SyncError> {
        let owned = match root {
            ScopeRoot::Known(key) => self.owned(|record| record.root == key)?,
            ScopeRoot::New { .. } | ScopeRoot::Changed { .. } => Vec::new(),
        };
        let listing = self.listed(gallery::read_list(path, base), path, owned.len())?;
        let mut scope = self.scope(root, listing, owned, path)?;
        scope.named = true;
        Ok(scope)
    }

    /// Files by name. Records of those that are gone, and of all below where a folder was, are forgotten.
    fn files(&self, paths: &[PathBuf]) -> Result<Scope, SyncError> {
        let known = self.roots_where(|kind| *kind == RootKind::Files);
        let new = ScopeRoot::New { kind: RootKind::Files, path: PathBuf::new() };
        let root = known.first().map_or(new, |&key| ScopeRoot::Known(key));
        let gone: Vec<&PathBuf> = paths.iter().filter(|path| !path.exists()).collect();
        let below = |record: &Record| {
            let path = self.collection.absolute_path(&record.path);
            gone.iter().any(|gone| path.starts_with(gone))
        };
        let owned = if gone.is_empty() { Vec::new() } else { self.owned(below)? };
        let files = paths.iter().map(|path| Candidate { path: path.clone(), label: None }).collect();
        Ok(Scope { root, listing: Listing { files, ..Listing::default() }, owned, named: true, forget_root: false })
    }

    /// Files that were named one by one: still there, or gone one by one.
    fn known_files(&self, key: u64) -> Result<Scope, SyncError> {
        let mut files = Vec::new();
        for record in self.snapshot.records()?.iter().filter(|record| record.root == key) {
            let path = self.collection.absolute_path(&record.path);
            if path.exists() {
                files.push(Candidate { path, label: None });
            }
        }
        let owned = self.owned(|record| record.root == key)?;
        let listing = Listing { files, ..Listing::default() };
        self.scope(ScopeRoot::Known(key), listing, owned, Path::new("the files named one by one"))
    }

    /// A folder or list that had pictures and is missing now is refused, or forgotten if that is the wish.
    fn listed(&self, listing: Result<Listing, GalleryError>, path: &Path, owned: usize) -> Result<Listing, SyncError> {
        match listing {
            Err(GalleryError::Missing { .. }) if owned > 0 && self.forget => Ok(Listing::default()),
            Err(GalleryError::Missing { .. }) if owned > 0 => {
                Err(SyncError::RootVanished { path: path.to_path_buf(), now: "vanished", pictures: owned })
            }
            Err(GalleryError::Missing { .. }) if self.forget => Ok(Listing::default()),
            other => Ok(other?),
        }
    }

    fn scope(&self, root: ScopeRoot, listing: Listing, owned: Vec<RecordId>, path: &Path) -> Result<Scope, SyncError> {
        let nothing_left = !owned.is_empty() && !listing.files.iter().any(|candidate| candidate.path.exists());
        if nothing_left && !self.forget {
            return Err(SyncError::RootVanished { path: path.to_path_buf(), now: "no files", pictures: owned.len() });
        }
        let forget_root = listing.files.is_empty() && self.forget;
        Ok(Scope { root, listing, owned, named: false, forget_root })
    }

    fn roots_where(&self, wanted: impl Fn(&RootKind) -> bool) -> Vec<u64> {
        self.snapshot.roots().iter().filter(|root| wanted(&root.kind)).map(|root| root.id).collect()
    }

    /// Whether a file lies in the collection itself, as pictures do that were added over HTTP: those are named one by one.
    fn is_own(&self, file: &Path) -> bool {
        file.starts_with(self.collection.dir())
    }

    fn owned(&self, wanted: impl Fn(&Record) -> bool) -> Result<Vec<RecordId>, StoreError> {
        Ok(self.snapshot.records()?.iter().filter(|record| wanted(record)).map(|record| record.id).collect())
    }
}

impl Scope {
    /// Whether a path could not be looked at, so that its absence says nothing.
    pub(super) fn hides(&self, path: &Path) -> bool {
        self.listing.skipped.iter().any(|Skipped { path: hidden, line, .. }| line.is_none() && path.starts_with(hidden))
    }
}
