//! Where rows are kept of pictures that nobody indexed.

use super::sides::{Naming, Side};
use crate::collection::{self, CollectionArgs};
use crate::environment;
use crate::output::{Printer, shown_path};
use alike::picture::Decoding;
use alike::store::Collection;
use anyhow::bail;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Of what is named, and of what is asked about it.
pub(super) struct Place {
    pub(super) gallery: Collection,
    /// The collection is made for rows alone, so that what is named may be described in it. Others are only read.
    pub(super) is_ours: bool,
    is_new: bool,
    /// The folder for the rows of the queries.
    pub(super) queries: PathBuf,
}

impl Place {
    /// Rows of a gallery that was named: where `-c` says, else in the user's cache, in the same place for the same gallery.
    /// Without one the collection is the gallery, named or found upward.
    pub(super) fn of(
        args: &CollectionArgs,
        naming: &Naming<'_>,
        side: Option<&Side>,
        decoding: Option<Decoding>,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        let Some(side) = side else { return Self::beside(args.open()?, decoding) };
        let dir = match args.flag_dir()? {
            Some(dir) => dir,
            None => {
                let exactly = decoding.map(|decoding| format!("\n{decoding:?}")).unwrap_or_default();
                let (words, base) = (&side.words, side.base.display());
                cache_dir(&format!("{words}\n{base}\n{}{exactly}", naming.labels_from_folders))?
            }
        };
        let is_new = !collection::exists(&dir);
        if !is_new && !Collection::open(&dir)?.snapshot()?.recipes().is_empty() {
            return Self::beside(Collection::open(&dir)?, decoding);
        }
        if is_new && args.flag_dir()?.is_none() {
            let dir = shown_path(&dir);
            printer.note(format_args!("descriptors are kept in {dir} for later runs (-c DIR keeps them elsewhere)"));
        }
        Ok(Self { queries: dir.join("queries"), gallery: open_or_create(&dir)?, is_ours: true, is_new })
    }

    /// A collection that searches are made in: nothing is added to it.
    fn beside(gallery: Collection, wanted: Option<Decoding>) -> anyhow::Result<Self> {
        let (dir, decoding) = (gallery.dir().display(), gallery.snapshot()?.decoding());
        if wanted.is_some_and(|wanted| wanted != decoding) {
            bail!("{dir} was indexed without --exact-decode: leave it away, or index into another collection with -c");
        }
        let queries = cache_dir(&format!("queries of {dir}, {decoding:?}"))?;
        Ok(Self { gallery, is_ours: false, is_new: false, queries })
    }

    /// A run that fails before anything is described leaves no empty collection behind.
    pub(super) fn discard_if_new_and<T>(&self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_err() && self.is_new {
            fs_err::remove_dir_all(self.gallery.dir())?;
        }
        result
    }
}

fn cache_dir(identity: &str) -> anyhow::Result<PathBuf> {
    let key: String = Sha256::digest(identity).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(environment::cache_dir()?.join("evaluations").join(key))
}

pub(crate) fn open_or_create(dir: &Path) -> anyhow::Result<Collection> {
    Ok(if collection::exists(dir) { Collection::open(dir)? } else { Collection::create(dir)? })
}
