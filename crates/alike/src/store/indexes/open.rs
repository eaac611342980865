//! An index, open for searching.

use super::picks::Picks;
use super::{IndexEntry, Places, QuantisedEntry};
use crate::index::{Centres, Lists};
use crate::store::records::Database;
use crate::store::segment::{Segment, map};
use crate::store::{DescriptorKind, RecipeEntry, StoreError};
use memmap2::Mmap;
use std::collections::BTreeMap;
use std::path::Path;

/// An index, open for searching.
#[derive(Debug)]
pub(in crate::store) struct OpenIndex {
    pub(in crate::store) entry: IndexEntry,
    pub(in crate::store) centres: Option<Centres>,
    /// By the number of the segment.
    files: BTreeMap<u64, File>,
    dims: usize,
}

/// A segment's rows in bytes, and the rows themselves where they shall not fill the memory.
#[derive(Debug)]
struct File {
    bytes: Mmap,
    picks: Option<Picks>,
}

impl OpenIndex {
    /// `None` where the recipe has no index, or its centres are gone.
    pub(in crate::store) fn open(
        db: &Database,
        dir: &Path,
        recipe: &RecipeEntry,
        segments: &[Segment],
    ) -> Result<Option<Self>, StoreError> {
        let DescriptorKind::Vector(dims) = recipe.kind else { return Ok(None) };
        let Some(entry) = db.index(&recipe.key)? else { return Ok(None) };
        let places = Places::of(dir, recipe, dims);
        let Some(centres) = read_centres(&places, &entry) else { return Ok(None) };
        Ok(Some(Self::new(entry, &centres, &places, &db.quantised(&recipe.key)?, segments)))
    }

    /// Files that are gone or don't fit are left out: their segments are scanned exactly.
    pub(super) fn new(
        entry: IndexEntry,
        centres: &[f32],
        places: &Places,
        files: &[QuantisedEntry],
        segments: &[Segment],
    ) -> Self {
        let dims = places.dims();
        let open = |file: &QuantisedEntry| {
            let bytes = read_rows(places, &entry, file, segments)?;
            let segment = segments.iter().find(|segment| segment.number == file.segment)?;
            let picks = Picks::open(&places.rows.file(segment.number), segment.bytes().len()).ok()?;
            Some((file.segment, File { bytes, picks }))
        };
        let files = files.iter().filter_map(open).collect();
        let centres = entry.centres.is_some().then(|| Centres::new(centres, dims));
        Self { entry, centres, files, dims }
    }

    /// A segment's rows in bytes.
    pub(in crate::store) fn lists(&self, segment: &Segment) -> Option<Lists<'_>> {
        Lists::checked(&self.files.get(&segment.number)?.bytes, segment.ids.len(), self.dims)
    }

    /// A segment's rows, where few of them are read.
    pub(in crate::store) fn rows<'a>(&'a self, segment: &'a Segment) -> &'a [f32] {
        let picks = self.files.get(&segment.number).and_then(|file| file.picks.as_ref());
        bytemuck::cast_slice(picks.map_or(segment.bytes(), Picks::bytes))
    }

    /// About so many rows were scored again.
    pub(in crate::store) fn have_read(&self, rows: usize) {
        self.files.values().filter_map(|file| file.picks.as_ref()).for_each(|picks| picks.have_read(rows));
    }

    /// Of its files.
    pub(in crate::store) fn bytes(&self) -> u64 {
        let centres = self.centres.as_ref().map_or(0, |centres| centres.len() * self.dims * size_of::<f32>());
        self.files.values().map(|file| file.bytes.len() as u64).sum::<u64>() + centres as u64
    }
}

/// A segment's rows in bytes; `None` where the file is gone, isn't of this index, or isn't what was written.
pub(super) fn read_rows(
    places: &Places,
    entry: &IndexEntry,
    file: &QuantisedEntry,
    segments: &[Segment],
) -> Option<Mmap> {
    let segment = segments.iter().find(|segment| segment.number == file.segment)?;
    let map = map(&fs_err::File::open(places.bytes.file(file.number)).ok()?).ok()?;
    let lists = Lists::read(&map, segment.ids.len(), places.dims())?.len();
    (lists == entry.lists).then_some(map)
}

/// None at all for one list; `None` where the file is gone or isn't what was written.
pub(super) fn read_centres(places: &Places, entry: &IndexEntry) -> Option<Vec<f32>> {
    let Some((number, _)) = entry.centres else { return (entry.lists == 1).then(Vec::new) };
    let bytes = fs_err::read(places.centres.file(number)).ok()?;
    let fits = bytes.len() == entry.lists.checked_mul(places.dims())?.checked_mul(4)?;
    let centres: Vec<f32> = fits.then(|| bytemuck::pod_collect_to_vec(&bytes))?;
    centres.iter().all(|x| x.is_finite()).then_some(centres)
}
