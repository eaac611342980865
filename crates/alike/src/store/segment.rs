//! Segment files: rows of one source or recipe, written once, mapped for reading.

use super::{DescriptorKind, RecordId, StoreError, npy, platform};
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a segment's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A source's: an npy file of this many columns.
    Npy(usize),
    /// A recipe's vectors: bare float32.
    F32(usize),
    /// A recipe's codes: bare 64-bit words, this many bits a row.
    Bits(usize),
    /// A recipe's vectors of so many dimensions in bytes, sorted into lists: [`crate::index::Lists`].
    Bytes(usize),
    /// The centres of a recipe's lists: bare float32.
    Centres(usize),
}

impl From<DescriptorKind> for Layout {
    fn from(kind: DescriptorKind) -> Self {
        match kind {
            DescriptorKind::Vector(dims) => Self::F32(dims),
            DescriptorKind::Code(bits) => Self::Bits(bits),
        }
    }
}

impl Layout {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Npy(_) => "npy",
            Self::F32(_) => "f32",
            Self::Bits(_) => "bits",
            Self::Bytes(_) => "i8",
            Self::Centres(_) => "centres",
        }
    }

    /// Bytes of a row; at most `isize::MAX`, since sizes in the database aren't trusted.
    pub(super) fn row_bytes(self) -> Option<usize> {
        match self {
            Self::Npy(dims) | Self::F32(dims) | Self::Centres(dims) => dims.checked_mul(4),
            Self::Bytes(dims) => dims.checked_next_multiple_of(64),
            Self::Bits(bits) => bits.div_ceil(64).checked_mul(8),
        }
    }

    pub(super) fn header(self, rows: usize) -> Vec<u8> {
        if let Self::Npy(dims) = self { npy::header(rows, dims) } else { Vec::new() }
    }
}

/// The folder, name and shape of the segments of one source or recipe.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) layout: Layout,
}

impl Place {
    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:06}.{}", self.layout.extension()))
    }
}

/// What the database says of a segment.
#[derive(Debug, Clone)]
pub(super) struct SegmentEntry {
    pub(super) number: u64,
    /// Ascending, one a row.
    pub(super) ids: Vec<RecordId>,
    pub(super) sha256: [u8; 32],
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) ids: Vec<RecordId>,
    map: Mmap,
    data_at: usize,
    row_bytes: usize,
}

impl Segment {
    /// Maps the file after comparing its size and header with what is recorded.
    pub(super) fn open(place: &Place, entry: SegmentEntry) -> Result<Self, StoreError> {
        let path = place.file(entry.number);
        let header = place.layout.header(entry.ids.len());
        let row_bytes = place.layout.row_bytes().filter(|&bytes| bytes > 0);
        let wanted = row_bytes.and_then(|bytes| bytes.checked_mul(entry.ids.len())?.checked_add(header.len()));
        let (Some(row_bytes), Some(wanted)) = (row_bytes, wanted) else {
            return Err(StoreError::damaged(&path, "rows of an impossible length are recorded"));
        };
        let file = fs_err::File::open(&path)?;
        let length = file.metadata()?.len();
        if length != wanted as u64 {
            let rows = entry.ids.len();
            let what = format!("the file has {length} bytes, the {rows} rows recorded take {wanted}");
            return Err(StoreError::damaged(&path, what));
        }
        let map = map(&file)?;
        if !map.starts_with(&header) {
            return Err(StoreError::damaged(&path, "the header doesn't fit the rows recorded"));
        }
        Ok(Self { number: entry.number, ids: entry.ids, data_at: header.len(), map, row_bytes })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map[self.data_at..]
    }

    pub(super) fn row_bytes(&self, row: usize) -> &[u8] {
        &self.bytes()[row * self.row_bytes..(row + 1) * self.row_bytes]
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Of the file as it is now.
    pub(super) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.map[..]).into()
    }

    pub(super) fn row_of(&self, id: RecordId) -> Option<&[u8]> {
        self.ids.binary_search(&id).ok().map(|row| self.row_bytes(row))
    }
}

#[allow(unsafe_code, reason = "mapping a file is unsafe by nature")]
pub(super) fn map(file: &fs_err::File) -> Result<Mmap, StoreError> {
    // SAFETY: segments are written under another name, renamed when complete and never changed after that, only
    // deleted, which leaves maps alone. Any bytes are valid f32 and u64.
    Ok(unsafe { Mmap::map(file.file()) }?)
}

/// A segment file on its way: under a temporary name until [`finish`](SegmentFile::finish).
pub(super) struct SegmentFile {
    out: BufWriter<fs_err::File>,
    hash: Sha256,
    temporary: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl SegmentFile {
    pub(super) fn create(place: &Place, number: u64) -> Result<Self, StoreError> {
        if !place.dir.is_dir() {
            fs_err::create_dir_all(&place.dir)?;
            let parent = place.dir.parent().unwrap_or(&place.dir);
            platform::sync_dir(parent)?;
            platform::sync_dir(parent.parent().unwrap_or(parent))?;
        }
        let path = place.file(number);
        let temporary = path.with_added_extension("tmp");
        let out = BufWriter::with_capacity(1 << 18, fs_err::File::create(&temporary)?);
        Ok(Self { out, hash: Sha256::new(), temporary, path, finished: false })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hash.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    /// Durable under its name on return; gives the file's SHA-256.
    pub(super) fn finish(mut self) -> Result<[u8; 32], StoreError> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs_err::rename(&self.temporary, &self.path)?;
        self.finished = true;
        platform::sync_dir(parent(&self.path))?;
        Ok(std::mem::take(&mut self.hash).finalize().into())
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        if !self.finished {
            // What stays is removed by the next writer.
            drop(fs_err::remove_file(&self.temporary));
        }
    }
}

/// A whole segment file, `count` rows of it, durable on return; gives its SHA-256.
pub(super) fn write_file<'a>(
    place: &Place,
    number: u64,
    count: usize,
    rows: impl Iterator<Item = &'a [u8]>,
) -> Result<[u8; 32], StoreError> {
    let mut file = SegmentFile::create(place, number)?;
    file.write(&place.layout.header(count))?;
    for row in rows {
        file.write(row)?;
    }
    file.finish()
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
