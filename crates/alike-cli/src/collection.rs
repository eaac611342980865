//! Which collection a command means: `-c`, `ALIKE_COLLECTION`, or the one found upward from here, as git does.

use crate::environment;
use alike::store::Collection;
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// The folder inside an indexed folder that holds its collection.
const FOLDER: &str = ".alike";

#[derive(Args)]
pub(crate) struct CollectionArgs {
    /// Folder of the collection [default: found upward]
    #[arg(short, long, value_name = "DIR")]
    collection: Option<PathBuf>,
}

impl CollectionArgs {
    /// The collection there is.
    pub(crate) fn open(&self) -> anyhow::Result<Collection> {
        self.open_near(None)
    }

    /// The collection there is; the one that a query's own folder belongs to, if there is none here.
    pub(crate) fn open_near(&self, query: Option<&Path>) -> anyhow::Result<Collection> {
        match self.named() {
            Some(folder) => Ok(Collection::open(&inner(&folder)?)?),
            None => {
                let here = std::env::current_dir().context("the current folder is gone")?;
                let mut found = Collection::find_upward(&here)?;
                if let (None, Some(folder)) = (&found, query.and_then(Path::parent)) {
                    found = Collection::find_upward(folder)?;
                }
                found.with_context(|| {
                    format!(
                        "no collection in {} or above it: name one with -c DIR, or make one with `alike index PATH`",
                        here.display()
                    )
                })
            }
        }
    }

    /// Where the collection named with `-c` lies, or will lie; the environment isn't asked.
    pub(crate) fn flag_dir(&self) -> anyhow::Result<Option<PathBuf>> {
        self.collection.as_deref().map(inner).transpose()
    }

    fn named(&self) -> Option<PathBuf> {
        self.collection.clone().or_else(|| environment::set("ALIKE_COLLECTION").map(PathBuf::from))
    }

    /// The collection there is, or a new one: where `-c` says, else inside the one folder that is indexed. Also says
    /// whether it is new.
    pub(crate) fn open_or_create(&self, folder: Option<&Path>) -> anyhow::Result<(Collection, bool)> {
        if let Some(named) = self.named() {
            let dir = inner(&named)?;
            return if exists(&dir) { Ok((Collection::open(&dir)?, false)) } else { create(&dir) };
        }
        let start = match folder {
            Some(folder) => folder.to_path_buf(),
            None => std::env::current_dir().context("the current folder is gone")?,
        };
        match (Collection::find_upward(&start)?, folder) {
            (Some(found), _) => Ok((found, false)),
            (None, Some(folder)) => create(&folder.join(FOLDER)),
            (None, None) => {
                bail!("no collection in {} or above it: say where to keep the descriptors with -c DIR", start.display())
            }
        }
    }
}

/// Whether a collection lies in exactly this folder.
pub(crate) fn exists(dir: &Path) -> bool {
    dir.join("collection.sqlite").exists()
}

fn create(dir: &Path) -> anyhow::Result<(Collection, bool)> {
    Ok((Collection::create(dir)?, true))
}

/// `-c` may name the collection, or the folder that holds it.
fn inner(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    let holds = exists(&folder) || folder.file_name().is_some_and(|name| name == FOLDER);
    Ok(if holds { folder } else { folder.join(FOLDER) })
}
