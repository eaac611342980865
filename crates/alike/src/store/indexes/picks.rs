//! Rows that are read here and there, without letting them fill the memory.

use crate::store::segment::map;
use crate::store::{StoreError, platform};
use memmap2::Mmap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file of rows of which few are read. It is mapped a second time for that: the system is told not to read ahead, and
/// pages that were read are given back, since they stay in the system's cache as long as there is room.
#[derive(Debug)]
pub(super) struct Picks {
    map: Mmap,
    /// Rows read since pages were given back.
    read: AtomicUsize,
}

/// Files smaller than this stay as they are.
const LARGE: usize = 256 << 20;
/// Rows after which pages are given back: Linux maps up to 64 KiB around each, 32 MiB of all.
const ROWS: usize = 512;

impl Picks {
    /// `None` for a file that is small enough to stay in memory.
    pub(super) fn open(path: &Path, bytes: usize) -> Result<Option<Self>, StoreError> {
        if bytes < LARGE {
            return Ok(None);
        }
        let map = map(&fs_err::File::open(path)?)?;
        if map.len() != bytes {
            return Ok(None);
        }
        platform::expect_random_reads(&map)?;
        Ok(Some(Self { map, read: AtomicUsize::new(0) }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// So many rows were read.
    pub(super) fn have_read(&self, rows: usize) {
        if self.read.fetch_add(rows.min(ROWS), Ordering::Relaxed) + rows.min(ROWS) >= ROWS {
            self.read.store(0, Ordering::Relaxed);
            platform::give_back(&self.map);
        }
    }
}
