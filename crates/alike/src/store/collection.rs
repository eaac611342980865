use super::{Snapshot, StoreError, Writer, platform, records};
use std::path::{Component, Path, PathBuf};

const DATABASE: &str = "collection.sqlite";

/// A collection: the folder `.alike`. Holds nothing open; [`snapshot`](Self::snapshot) reads, [`write`](Self::write) writes.
#[derive(Debug, Clone)]
pub struct Collection {
    dir: PathBuf,
    base: PathBuf,
    notes: Vec<String>,
}

impl Collection {
    /// Makes an empty collection in the folder `dir`, which is made if need be.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        fs_err::create_dir_all(dir)?;
        let (dir, base) = places(dir)?;
        records::create(&dir.join(DATABASE))?;
        platform::sync_dir(&dir)?;
        platform::sync_dir(&base)?;
        Self::open(&dir)
    }

    /// Opens the collection in the folder `dir` (usually called `.alike`).
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        if !dir.join(DATABASE).is_file() {
            return Err(StoreError::Missing { dir: dir.to_owned() });
        }
        let (dir, base) = places(dir)?;
        let notes = records::check(&dir.join(DATABASE))?;
        Ok(Self { dir, base, notes })
    }

    /// The collection `.alike` in `from` or the nearest folder above it; refused if another user owns it.
    pub fn find_upward(from: &Path) -> Result<Option<Self>, StoreError> {
        let from = fs_err::canonicalize(from)?;
        let Some(dir) = from.ancestors().map(|at| at.join(".alike")).find(|dir| dir.join(DATABASE).is_file()) else {
            return Ok(None);
        };
        if !platform::owned_by_us(&dir)? || !platform::owned_by_us(&dir.join(DATABASE))? {
            return Err(StoreError::OtherOwner { dir });
        }
        Self::open(&dir).map(Some)
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What relative record paths are relative to: the folder's parent, free of symbolic links.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// What a user should hear about how the collection is kept, such as a slower journal.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How records write an absolute path: relative if below [`base`](Self::base), else as it is.
    pub fn stored_path(&self, absolute: &Path) -> PathBuf {
        match absolute.strip_prefix(&self.base) {
            Ok(below) if is_plain(below) => below.to_owned(),
            _ => absolute.to_owned(),
        }
    }

    /// Where a record's picture lies. A relative path never leads out of [`base`](Self::base).
    pub fn absolute_path(&self, stored: &Path) -> PathBuf {
        if stored.is_absolute() {
            return stored.to_owned();
        }
        let mut path = self.base.clone();
        path.extend(stored.components().filter(|part| matches!(part, Component::Normal(_))));
        path
    }

    /// A consistent view, which later writers don't change.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Snapshot::open(&self.dir, &self.database())
    }

    /// Takes the writer's lock. `who` is shown to others who try, such as the command line.
    pub fn write(&self, who: &str) -> Result<Writer, StoreError> {
        Writer::open(&self.dir, &self.database(), who)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }
}

/// No `..` and no prefix; the empty path stands for the base itself.
pub(super) fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// The folder by its own name in its real parent, so that a link called `.alike` doesn't move the base.
fn places(dir: &Path) -> Result<(PathBuf, PathBuf), StoreError> {
    let absolute = std::path::absolute(dir)?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(StoreError::Missing { dir: dir.to_owned() });
    };
    let base = fs_err::canonicalize(parent)?;
    Ok((base.join(name), base))
}
