//! An index, open for searching.

use super::{IndexEntry, Places, QuantisedEntry};
use crate::index::{Centres, Lists};
use crate::store::records::Database;
use crate::store::segment::{Place, Segment, map};
use crate::store::{DescriptorKind, RecipeEntry, StoreError};
use memmap2::Mmap;
use std::collections::BTreeMap;
use std::path::Path;

/// An index, open for searching.
#[derive(Debug)]
pub(in crate::store) struct Fast {
    pub(in crate::store) entry: IndexEntry,
    pub(in crate::store) centres: Option<Centres>,
    /// By the number of the segment.
    files: BTreeMap<u64, Mmap>,
    dims: usize,
}

impl Fast {
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
        let centres = match entry.centres {
            None => Vec::new(),
            Some((number, _)) => match read_centres(&places.centres, number, entry.lists, dims) {
                Some(centres) => centres,
                None => return Ok(None),
            },
        };
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
            let segment = segments.iter().find(|segment| segment.number == file.segment)?;
            let map = open_file(&places.bytes, file.number)?;
            let fits = Lists::read(&map, segment.ids.len(), dims).is_some_and(|lists| lists.len() == entry.lists);
            fits.then_some((file.segment, map))
        };
        let files = files.iter().filter_map(open).collect();
        let centres = entry.centres.is_some().then(|| Centres::new(centres, dims));
        Self { entry, centres, files, dims }
    }

    /// A segment's rows in bytes.
    pub(in crate::store) fn lists(&self, segment: &Segment) -> Option<Lists<'_>> {
        Lists::checked(self.files.get(&segment.number)?, segment.ids.len(), self.dims)
    }

    pub(in crate::store) fn bytes(&self) -> u64 {
        self.files.values().map(|map| map.len() as u64).sum()
    }
}

fn open_file(place: &Place, number: u64) -> Option<Mmap> {
    map(&fs_err::File::open(place.file(number)).ok()?).ok()
}

/// `None` where the file is gone or isn't what was written.
pub(super) fn read_centres(place: &Place, number: u64, lists: usize, dims: usize) -> Option<Vec<f32>> {
    let bytes = fs_err::read(place.file(number)).ok()?;
    let fits = bytes.len() == lists.checked_mul(dims)?.checked_mul(4)?;
    let centres: Vec<f32> = fits.then(|| bytemuck::pod_collect_to_vec(&bytes))?;
    centres.iter().all(|x| x.is_finite()).then_some(centres)
}
