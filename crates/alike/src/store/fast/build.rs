//! Bringing the index of a recipe in line with its vectors.

use super::open::{Fast, read_centres};
use super::{IndexEntry, Places, QuantisedEntry, ScanChoice};
use crate::index::training::{Clustering, measure};
use crate::index::{Block, Kernels, Part, lists};
use crate::store::filter::wanted;
use crate::store::records;
use crate::store::segment::{Segment, SegmentFile};
use crate::store::snapshot::open_recipe_segments;
use crate::store::{DescriptorKind, RecipeEntry, RecordId, StoreError, Writer};

/// Centres are learnt anew when there are so many times as many vectors, or as few.
const GROWTH: usize = 4;
/// Centres are learnt anew when vectors lie this much further from theirs than those they were learnt from.
const DRIFT: f64 = 1.25;
/// Recall is measured anew when the number of vectors has changed by this factor.
const CHANGED: f64 = 1.25;

/// The vectors of a recipe.
struct Vectors<'a> {
    dims: usize,
    segments: &'a [Segment],
    /// For each segment, which of its rows have a record; `None` for all.
    live: Vec<Option<Vec<bool>>>,
    kernels: Kernels,
    threads: usize,
}

impl<'a> Vectors<'a> {
    fn new(dims: usize, segments: &'a [Segment], live: &[RecordId], threads: usize) -> Self {
        let live = segments.iter().map(|segment| wanted(&segment.ids, live, None)).collect();
        Self { dims, segments, live, kernels: Kernels::detect(), threads }
    }

    fn count(&self) -> usize {
        let live = |(segment, live): (&Segment, &Option<Vec<bool>>)| match live {
            Some(live) => live.iter().filter(|&&live| live).count(),
            None => segment.ids.len(),
        };
        self.segments.iter().zip(&self.live).map(live).sum()
    }

    fn rows(&self, segment: &'a Segment) -> Vec<&'a [f32]> {
        bytemuck::cast_slice(segment.bytes()).chunks_exact(self.dims).collect()
    }

    fn train(&self, lists: usize) -> Clustering {
        let rows = self.segments.iter().zip(&self.live).flat_map(|(segment, live)| {
            let is_live = move |row: usize| live.as_ref().is_none_or(|live| live[row]);
            self.rows(segment).into_iter().enumerate().filter(move |&(i, _)| is_live(i)).map(|(_, row)| row)
        });
        Clustering::train(&self.kernels, self.dims, &rows.collect::<Vec<_>>(), lists, self.threads)
    }

    /// What the index finds of the truth.
    fn measure(&self, fast: &Fast) -> Vec<crate::index::training::Recall> {
        let with_lists = self.segments.iter().zip(&self.live).filter_map(|(segment, live)| {
            let rows = bytemuck::cast_slice(segment.bytes());
            let block = Block { ids: &segment.ids, rows, wanted: live.clone() };
            Some(Part { block, lists: fast.lists(segment)? })
        });
        let parts: Vec<Part<'_>> = with_lists.collect();
        measure(&self.kernels, self.dims, &parts, fast.centres.as_ref(), self.threads)
    }
}

impl Writer {
    /// How vectors are to be searched, from the next [`finish`](Self::finish) on and in later runs.
    pub fn choose_scan(&mut self, choice: ScanChoice) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::put_meta(connection, "scan", choice.stored()))
    }

    /// Brings the indexes of all recipes in line.
    pub(in crate::store) fn index_all(&mut self) -> Result<(), StoreError> {
        let choice = self.database.setting("scan")?.map_or(ScanChoice::Auto, ScanChoice::read);
        let live = self.database.record_ids()?;
        for recipe in self.database.recipes()? {
            if let DescriptorKind::Vector(dims) = recipe.kind {
                let segments = open_recipe_segments(&self.database, &self.dir, &recipe)?;
                let vectors = Vectors::new(dims, &segments, &live, self.threads);
                self.index(&recipe, choice, &vectors)?;
            }
        }
        Ok(())
    }

    fn index(&mut self, recipe: &RecipeEntry, choice: ScanChoice, vectors: &Vectors<'_>) -> Result<(), StoreError> {
        let count = vectors.count();
        let lists = choice.lists(count, vectors.dims);
        let known = self.database.index(&recipe.key)?;
        if lists == 0 {
            return if known.is_some() { self.drop_index(recipe) } else { Ok(()) };
        }
        let places = Places::of(&self.dir, recipe, vectors.dims);
        let mut files = self.database.quantised(&recipe.key)?;
        files.retain(|file| places.bytes.file(file.number).is_file());
        let kept = known.filter(|index| is_good(index, lists, count, (&files, vectors.segments)));
        let kept = kept.and_then(|index| {
            let centres = match index.centres {
                None => Vec::new(),
                Some((number, _)) => read_centres(&places.centres, number, index.lists, vectors.dims)?,
            };
            Some((index, centres))
        });
        let (mut index, centres, is_new) = match kept {
            Some((index, centres)) => (index, centres, false),
            None => {
                files.clear();
                let (index, centres) = self.train(&places, lists, count, vectors)?;
                (index, centres, true)
            }
        };
        let clustering = Clustering { centres, closeness: index.closeness };
        let mut added = false;
        for segment in vectors.segments {
            if !files.iter().any(|file| file.segment == segment.number) {
                files.push(self.quantise(&places, &clustering, index.lists, vectors, segment)?);
                added = true;
            }
        }
        let changed = count as f64 / index.measured_rows.max(1) as f64;
        if is_new || !(1.0 / CHANGED..=CHANGED).contains(&changed) {
            let fast = Fast::new(index.clone(), &clustering.centres, &places, &files, vectors.segments);
            index.measured = vectors.measure(&fast);
            index.measured_rows = count;
        } else if !added {
            return Ok(());
        }
        let before = self.database.quantised(&recipe.key)?;
        self.database.transaction(|connection| {
            records::remove_index(connection, &recipe.key)?;
            records::put_index(connection, &recipe.key, &index)?;
            files.iter().try_for_each(|file| records::put_quantised(connection, &recipe.key, file))
        })?;
        for old in before.iter().filter(|old| !files.contains(old)) {
            // Where a reader's map forbids it (Windows), the next writer tries again.
            drop(fs_err::remove_file(places.bytes.file(old.number)));
        }
        self.remove_orphans()
    }

    fn drop_index(&mut self, recipe: &RecipeEntry) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::remove_index(connection, &recipe.key))?;
        self.remove_orphans()
    }

    /// Centres for so many lists, on disk and in memory.
    fn train(
        &mut self,
        places: &Places,
        lists: usize,
        count: usize,
        vectors: &Vectors<'_>,
    ) -> Result<(IndexEntry, Vec<f32>), StoreError> {
        let mut index = IndexEntry {
            lists,
            centres: None,
            trained_rows: count,
            closeness: 1.0,
            measured_rows: 0,
            measured: Vec::new(),
        };
        if lists == 1 {
            return Ok((index, Vec::new()));
        }
        let clustering = vectors.train(lists);
        let number = self.take_number();
        let mut file = SegmentFile::create(&places.centres, number)?;
        file.write(bytemuck::cast_slice(&clustering.centres))?;
        index.centres = Some((number, file.finish()?));
        index.closeness = clustering.closeness;
        Ok((index, clustering.centres))
    }

    /// Writes a segment's rows in bytes.
    fn quantise(
        &mut self,
        places: &Places,
        clustering: &Clustering,
        lists: usize,
        vectors: &Vectors<'_>,
        segment: &Segment,
    ) -> Result<QuantisedEntry, StoreError> {
        let rows = vectors.rows(segment);
        let assigned = (lists > 1).then(|| clustering.assign(&vectors.kernels, vectors.dims, &rows, vectors.threads));
        let number = self.take_number();
        let mut file = SegmentFile::create(&places.bytes, number)?;
        let list_of = assigned.as_ref().map(|assigned| &assigned.0[..]);
        lists::write(rows.len(), vectors.dims, |row| rows[row], (lists, list_of), |bytes| file.write(bytes))?;
        let closeness = assigned.map_or(1.0, |assigned| assigned.1);
        Ok(QuantisedEntry { segment: segment.number, number, closeness, sha256: file.finish()? })
    }
}

/// Whether centres may stay as they are.
fn is_good(index: &IndexEntry, lists: usize, count: usize, (files, segments): (&[QuantisedEntry], &[Segment])) -> bool {
    if lists == 1 || index.lists == 1 {
        return lists == index.lists;
    }
    let few = count <= index.trained_rows.saturating_mul(GROWTH) && count.saturating_mul(GROWTH) >= index.trained_rows;
    let rows_of = |file: &QuantisedEntry| {
        segments.iter().find(|segment| segment.number == file.segment).map_or(0, |segment| segment.ids.len())
    };
    let rows: usize = files.iter().map(rows_of).sum();
    let far: f64 = files.iter().map(|file| (1.0 - file.closeness) * rows_of(file) as f64).sum();
    few && far <= DRIFT * (1.0 - index.closeness) * rows as f64 + 1e-6
}
