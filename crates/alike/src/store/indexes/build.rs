//! Bringing the index of a recipe in line with its vectors.

use super::open::{OpenIndex, read_centres, read_rows};
use super::{IndexEntry, Places, QuantisedEntry, ScanChoice};
use crate::index::training::{Clustering, Recall, measure};
use crate::index::{Block, Kernels, Part, lists};
use crate::store::filter::wanted;
use crate::store::records;
use crate::store::segment::{Segment, SegmentFile};
use crate::store::snapshot::open_recipe_segments;
use crate::store::{DescriptorKind, RecipeEntry, RecordId, StoreError, Writer};
use std::borrow::Cow;

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

    /// Learns from the rows of removed records, too, as they are sorted into lists as well: what was learnt without them
    /// would look as if it had drifted.
    fn train(&self, lists: usize) -> Clustering {
        let rows: Vec<&[f32]> = self.segments.iter().flat_map(|segment| self.rows(segment)).collect();
        Clustering::train(&self.kernels, self.dims, &rows, lists, self.threads)
    }

    /// What lists of the index find of the truth.
    fn measure(&self, open: &OpenIndex) -> Vec<Recall> {
        let with_lists = self.segments.iter().zip(&self.live).filter_map(|(segment, live)| {
            let rows = bytemuck::cast_slice(segment.bytes());
            let block = Block { ids: &segment.ids, rows, wanted: live.as_deref().map(Cow::Borrowed) };
            Some(Part { block, lists: open.lists(segment)? })
        });
        let parts: Vec<Part<'_>> = with_lists.collect();
        let of_lists = |centres| measure(&self.kernels, self.dims, &parts, centres, self.threads);
        open.centres.as_ref().map_or_else(Vec::new, of_lists)
    }
}

/// An index on its way.
struct Index {
    entry: IndexEntry,
    clustering: Clustering,
    files: Vec<QuantisedEntry>,
}

impl Index {
    /// Whether the vectors lie where the centres weren't learnt to expect them.
    fn has_drifted(&self, segments: &[Segment]) -> bool {
        let rows_of = |file: &QuantisedEntry| {
            let segment = segments.iter().find(|segment| segment.number == file.segment);
            segment.map_or(0.0, |segment| segment.ids.len() as f64)
        };
        let rows: f64 = self.files.iter().map(rows_of).sum();
        let far: f64 = self.files.iter().map(|file| (1.0 - file.closeness) * rows_of(file)).sum();
        self.entry.lists > 1 && far > DRIFT * (1.0 - self.entry.closeness) * rows + 1e-6
    }

    /// One list holds everything: there is nothing to measure.
    fn measure(&mut self, places: &Places, vectors: &Vectors<'_>) {
        if self.entry.lists == 1 {
            return;
        }
        let (count, before) = (vectors.count(), self.entry.measured_rows);
        let changed = count as f64 / before.max(1) as f64;
        if self.entry.measured.is_empty() || !(1.0 / CHANGED..=CHANGED).contains(&changed) {
            let open =
                OpenIndex::new(self.entry.clone(), &self.clustering.centres, places, &self.files, vectors.segments);
            self.entry.measured = vectors.measure(&open);
            self.entry.measured_rows = count;
        }
    }
}

impl Writer {
    /// How vectors are to be searched, from the next [`finish`](Self::finish) on and in later runs.
    pub fn choose_scan(&mut self, choice: ScanChoice) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::put_meta(connection, "scan", choice.stored()))
    }

    /// Brings the indexes of all recipes in line.
    pub(in crate::store) fn index_all(&mut self) -> Result<(), StoreError> {
        let choice = self.database.scan_choice()?;
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
        let lists = choice.lists(vectors.count(), vectors.dims);
        let known = self.database.index(&recipe.key)?;
        let before = self.database.quantised(&recipe.key)?;
        if lists == 0 {
            return if known.is_some() || !before.is_empty() { self.drop_index(recipe) } else { Ok(()) };
        }
        let places = Places::of(&self.dir, recipe, vectors.dims);
        let kept = match known.clone().filter(|entry| may_stay(entry, lists, vectors.count())) {
            Some(entry) => self.keep(&places, entry, before.clone(), vectors)?,
            None => None,
        };
        let mut index = match kept {
            Some(index) => index,
            None => self.train(&places, lists, vectors)?,
        };
        index.measure(&places, vectors);
        if known.as_ref() == Some(&index.entry) && before == index.files {
            return Ok(());
        }
        self.database.transaction(|connection| {
            records::remove_index(connection, &recipe.key)?;
            records::put_index(connection, &recipe.key, &index.entry)?;
            index.files.iter().try_for_each(|file| records::put_quantised(connection, &recipe.key, file))
        })?;
        self.remove_orphans()
    }

    fn drop_index(&mut self, recipe: &RecipeEntry) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::remove_index(connection, &recipe.key))?;
        self.remove_orphans()
    }

    /// The index with its centres, and new segments sorted by them. `None` where the centres are gone, or no good any more.
    fn keep(
        &mut self,
        places: &Places,
        entry: IndexEntry,
        mut files: Vec<QuantisedEntry>,
        vectors: &Vectors<'_>,
    ) -> Result<Option<Index>, StoreError> {
        let Some(centres) = read_centres(places, &entry) else { return Ok(None) };
        files.retain(|file| read_rows(places, &entry, file, vectors.segments).is_some());
        let clustering = Clustering { centres, closeness: entry.closeness };
        let mut index = Index { entry, clustering, files };
        self.quantise_all(places, &mut index, vectors)?;
        Ok(Some(index).filter(|index| !index.has_drifted(vectors.segments)))
    }

    /// A new index of so many lists, not measured yet.
    fn train(&mut self, places: &Places, lists: usize, vectors: &Vectors<'_>) -> Result<Index, StoreError> {
        let (mut centres, mut clustering) = (None, Clustering { centres: Vec::new(), closeness: 1.0 });
        if lists > 1 {
            clustering = vectors.train(lists);
            let number = self.take_number();
            let mut file = SegmentFile::create(&places.centres, number)?;
            file.write(bytemuck::cast_slice(&clustering.centres))?;
            centres = Some((number, file.finish()?));
        }
        let (trained_rows, closeness) = (vectors.count(), clustering.closeness);
        let entry = IndexEntry { lists, centres, trained_rows, closeness, measured_rows: 0, measured: Vec::new() };
        let mut index = Index { entry, clustering, files: Vec::new() };
        self.quantise_all(places, &mut index, vectors)?;
        Ok(index)
    }

    /// Writes what the index lacks. Files are in the order of their segments, as the database gives them.
    fn quantise_all(&mut self, places: &Places, index: &mut Index, vectors: &Vectors<'_>) -> Result<(), StoreError> {
        for segment in vectors.segments {
            if !index.files.iter().any(|file| file.segment == segment.number) {
                let file = self.quantise(places, index, vectors, segment)?;
                index.files.push(file);
            }
        }
        index.files.sort_unstable_by_key(|file| file.segment);
        Ok(())
    }

    /// Writes a segment's rows in bytes.
    fn quantise(
        &mut self,
        places: &Places,
        index: &Index,
        vectors: &Vectors<'_>,
        segment: &Segment,
    ) -> Result<QuantisedEntry, StoreError> {
        let rows = vectors.rows(segment);
        let lists = index.entry.lists;
        let assign = || index.clustering.assign(&vectors.kernels, vectors.dims, &rows, vectors.threads);
        let assigned = (lists > 1).then(assign);
        let number = self.take_number();
        let mut file = SegmentFile::create(&places.bytes, number)?;
        let list_of = assigned.as_ref().map(|assigned| &assigned.0[..]);
        lists::write(rows.len(), vectors.dims, |row| rows[row], (lists, list_of), |bytes| file.write(bytes))?;
        let closeness = assigned.map_or(1.0, |assigned| assigned.1);
        Ok(QuantisedEntry { segment: segment.number, number, closeness, sha256: file.finish()? })
    }
}

/// Whether centres that were learnt for one number of vectors may serve another one.
fn may_stay(entry: &IndexEntry, lists: usize, count: usize) -> bool {
    if lists == 1 || entry.lists == 1 {
        return lists == entry.lists;
    }
    count <= entry.trained_rows.saturating_mul(GROWTH) && count.saturating_mul(GROWTH) >= entry.trained_rows
}
