use super::lock::WriterLock;
use super::records::{self, Database, is_key};
use super::segment::{Place, Segment, SegmentEntry, SegmentFile};
use super::snapshot::{check_kind, open_recipe_segments, open_source, recipe_place, source_place};
use super::{Damage, DamagePlace, RecipeEntry, Record, RecordId, RootKind, Snapshot, SourceEntry, StoreError, tags};
use crate::recipe::Descriptor;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Segments below this are merged with their neighbours whoever wrote them.
const SMALL_ROWS: usize = 1024;

/// The one process that changes a collection. Everything is durable when its method returns; the lock ends with it.
#[derive(Debug)]
pub struct Writer {
    pub(super) database: Database,
    path: PathBuf,
    dir: PathBuf,
    next_segment: u64,
    /// Segments from here on were written by this writer.
    first_segment: u64,
    /// Per source, the ids that have a row, read when first needed.
    taken: BTreeMap<String, BTreeSet<RecordId>>,
    _lock: WriterLock,
}

/// What becomes visible at once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// New records, and known ones with a new path, label or time.
    pub upserts: Vec<Record>,
    /// Records that go; ids that don't exist are ignored.
    pub removed: Vec<RecordId>,
    /// Records that go, each with the one of `upserts` that takes its place and its tags.
    pub replaced: Vec<(RecordId, RecordId)>,
    /// Rows of new records.
    pub rows: Vec<SourceRowsToAdd>,
}

impl Batch {
    fn goes(&self, id: RecordId) -> bool {
        self.removed.contains(&id) || self.replaced.iter().any(|&(old, _)| old == id)
    }
}

/// Rows of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRowsToAdd {
    /// Key of the source.
    pub source_key: String,
    /// In any order, each once.
    pub ids: Vec<RecordId>,
    /// One row for each id, `ids.len() * dims` finite numbers.
    pub rows: Vec<f32>,
}

impl Writer {
    pub(super) fn open(dir: &Path, path: &Path, who: &str) -> Result<Self, StoreError> {
        let mut database = Database::open_to_write(path)?;
        let lock = WriterLock::take(dir, who, &database.now()?)?;
        database.upgrade()?;
        let next = database.meta("next_segment")?;
        let next = u64::try_from(next).map_err(|_| database.damaged("the next segment has a negative number"))?;
        let taken = BTreeMap::new();
        let writer = Self {
            database,
            path: path.to_owned(),
            dir: dir.to_owned(),
            next_segment: next,
            first_segment: next,
            taken,
            _lock: lock,
        };
        writer.remove_orphans()?;
        Ok(writer)
    }

    /// The first of `count` consecutive ids that are nobody's and never were.
    pub fn reserve_ids(&mut self, count: u64) -> Result<RecordId, StoreError> {
        let first = self.database.transaction(|connection| records::reserve_ids(connection, count))?;
        first.ok_or_else(|| StoreError::invalid(format!("there are no {count} ids left")))
    }

    /// Adds a root and gives its id.
    pub fn add_root(&mut self, kind: &RootKind, stored: &Path) -> Result<u64, StoreError> {
        self.database.transaction(|connection| records::put_root(connection, None, kind, stored))
    }

    /// Changes a root.
    pub fn update_root(&mut self, id: u64, kind: &RootKind, stored: &Path) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::put_root(connection, Some(id), kind, stored).map(drop))
    }

    /// Removes a root and its records.
    pub fn remove_root(&mut self, id: u64) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::remove_root(connection, id))
    }

    /// Makes a source known; nothing happens if it is.
    pub fn add_source(&mut self, source: &SourceEntry) -> Result<(), StoreError> {
        if !is_key(&source.key) || source.dims == 0 || i64::try_from(source.dims).is_err() {
            return Err(StoreError::invalid(format!("source key `{}` with {} dimensions", source.key, source.dims)));
        }
        match self.database.sources()?.iter().find(|known| known.key == source.key) {
            Some(known) if known.dims == source.dims => Ok(()),
            Some(known) => Err(StoreError::invalid(format!(
                "source `{}` with {} dimensions, but it is known with {}",
                source.key, source.dims, known.dims
            ))),
            None => self.database.transaction(|connection| records::put_source(connection, source)),
        }
    }

    /// Makes a recipe known; nothing happens if it is. Its sources must be known. The first one is the default.
    pub fn add_recipe(&mut self, recipe: &RecipeEntry) -> Result<(), StoreError> {
        if !is_key(&recipe.key) {
            return Err(StoreError::invalid(format!("recipe key `{}`, wanted hexadecimal digits", recipe.key)));
        }
        recipe.sources.iter().try_for_each(|key| self.source(key).map(drop))?;
        match self.database.recipes()?.iter().find(|known| known.key == recipe.key) {
            Some(known) if known.kind == recipe.kind && known.sources == recipe.sources => Ok(()),
            Some(_) => {
                Err(StoreError::invalid(format!("recipe `{}` differs from the one known by its key", recipe.text)))
            }
            None => self.database.transaction(|connection| records::put_recipe(connection, recipe)),
        }
    }

    /// Makes a batch visible, all of it or, if this fails, nothing.
    pub fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.check(&batch)?;
        let mut written = Vec::new();
        for rows in batch.rows.iter().filter(|rows| !rows.ids.is_empty()) {
            let source = self.source(&rows.source_key)?;
            written.push((format!("source {}", source.key), self.write_rows(&source_place(&self.dir, &source), rows)?));
            self.next_segment += 1;
        }
        self.database.transaction(|connection| {
            batch.removed.iter().try_for_each(|&id| records::remove_record(connection, id))?;
            batch.upserts.iter().try_for_each(|record| records::put_record(connection, record))?;
            for &(old, new) in &batch.replaced {
                tags::pass_on(connection, old, new)?;
                records::remove_record(connection, old)?;
            }
            written.iter().try_for_each(|(owner, segment)| records::put_segment(connection, owner, segment))
        })?;
        for rows in &batch.rows {
            self.taken.entry(rows.source_key.clone()).or_default().extend(&rows.ids);
        }
        Ok(())
    }

    fn check(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let next_id = self.database.meta("next_id")?;
        let upserted: BTreeSet<RecordId> = batch.upserts.iter().map(|record| record.id).collect();
        if let Some(id) = upserted.iter().find(|id| **id == 0 || **id >= next_id.cast_unsigned()) {
            return Err(StoreError::invalid(format!("record {id}, whose id was never reserved")));
        }
        if let Some(record) = batch.upserts.iter().find(|record| !is_storable(&record.path)) {
            return Err(StoreError::invalid(format!("a relative path with `..`: {}", record.path.display())));
        }
        if let Some((old, new)) = batch.replaced.iter().find(|(old, new)| old == new || !upserted.contains(new)) {
            return Err(StoreError::invalid(format!("record {new} in the place of {old}, but it isn't in the batch")));
        }
        let mut added = BTreeSet::new();
        for rows in &batch.rows {
            self.check_rows(rows, batch, &upserted)?;
            if let Some(id) = rows.ids.iter().find(|id| !added.insert((&rows.source_key, **id))) {
                return Err(StoreError::RowExists { id: *id, source_key: rows.source_key.clone() });
            }
        }
        Ok(())
    }

    fn check_rows(
        &mut self,
        rows: &SourceRowsToAdd,
        batch: &Batch,
        upserted: &BTreeSet<RecordId>,
    ) -> Result<(), StoreError> {
        let source = self.source(&rows.source_key)?;
        if rows.ids.len().checked_mul(source.dims) != Some(rows.rows.len()) {
            let (got, ids, dims) = (rows.rows.len(), rows.ids.len(), source.dims);
            return Err(StoreError::invalid(format!("{got} numbers for {ids} rows of {dims}")));
        }
        if !rows.rows.iter().all(|value| value.is_finite()) {
            return Err(StoreError::invalid(format!(
                "a row of source `{}` with numbers that aren't finite",
                source.text
            )));
        }
        for &id in &rows.ids {
            if self.taken(&source)?.contains(&id) {
                return Err(StoreError::RowExists { id, source_key: source.key });
            }
            if !upserted.contains(&id) && (batch.goes(id) || !self.has_record(id)?) {
                return Err(StoreError::invalid(format!("a row of record {id}, which doesn't exist")));
            }
        }
        Ok(())
    }

    fn has_record(&self, id: RecordId) -> Result<bool, StoreError> {
        self.database.error(records::has_record(&self.database.connection, id))
    }

    fn source(&self, key: &str) -> Result<SourceEntry, StoreError> {
        let found = self.database.sources()?.into_iter().find(|source| source.key == key);
        found.ok_or_else(|| StoreError::UnknownKey { kind: "source", key: key.to_owned() })
    }

    fn taken(&mut self, source: &SourceEntry) -> Result<&BTreeSet<RecordId>, StoreError> {
        if !self.taken.contains_key(&source.key) {
            let segments = self.database.segments(&format!("source {}", source.key))?;
            self.taken.insert(source.key.clone(), segments.into_iter().flat_map(|segment| segment.ids).collect());
        }
        Ok(&self.taken[&source.key])
    }

    fn write_rows(&self, place: &Place, rows: &SourceRowsToAdd) -> Result<SegmentEntry, StoreError> {
        let dims = rows.rows.len() / rows.ids.len();
        let mut order: Vec<(RecordId, usize)> = rows.ids.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let rows = order.iter().map(|&(_, row)| bytemuck::cast_slice(&rows.rows[row * dims..(row + 1) * dims]));
        let sha256 = write_file(place, self.next_segment, order.len(), rows)?;
        Ok(SegmentEntry { number: self.next_segment, ids: order.iter().map(|&(id, _)| id).collect(), sha256 })
    }

    /// Computes the descriptors that a recipe lacks. `describe` gets a record's rows in the order of the recipe's
    /// sources; where it gives `None` the record is noted as not searchable and not tried again. Gives the number of
    /// records that were looked at.
    pub fn derive(
        &mut self,
        recipe: &str,
        describe: &mut dyn FnMut(&[&[f32]]) -> Option<Descriptor>,
    ) -> Result<usize, StoreError> {
        self.forget_lost(recipe)?;
        let snapshot = Snapshot::open(&self.dir, &self.path)?;
        let missing = snapshot.missing(recipe)?;
        let entry = snapshot.recipes().iter().find(|entry| entry.key == recipe);
        let Some(entry) = entry.filter(|_| !missing.is_empty()).cloned() else { return Ok(0) };
        let sources = entry.sources.iter().map(|key| snapshot.source_rows(key)).collect::<Result<Vec<_>, _>>()?;
        let mut file = SegmentFile::create(&recipe_place(&self.dir, &entry), self.next_segment)?;
        let (mut ids, mut unsearchable) = (Vec::new(), Vec::new());
        for &id in &missing {
            let rows: Vec<&[f32]> = sources.iter().filter_map(|rows| rows.row(id)).collect();
            match describe(&rows) {
                Some(descriptor) => {
                    check_kind(&descriptor, entry.kind)?;
                    file.write(descriptor_bytes(&descriptor))?;
                    ids.push(id);
                }
                None => unsearchable.push(id),
            }
        }
        // A reader that stays open would hold up a database without a write-ahead log.
        drop(snapshot);
        let segment = if ids.is_empty() {
            None
        } else {
            Some(SegmentEntry { number: self.next_segment, ids, sha256: file.finish()? })
        };
        self.next_segment += 1;
        self.database.transaction(|connection| {
            unsearchable.iter().try_for_each(|&id| records::put_unsearchable(connection, recipe, id))?;
            segment
                .iter()
                .try_for_each(|segment| records::put_segment(connection, &format!("recipe {recipe}"), segment))
        })?;
        Ok(missing.len())
    }

    /// Strikes derived segments whose files are gone or damaged from the list.
    fn forget_lost(&mut self, recipe: &str) -> Result<(), StoreError> {
        let entry = self.database.recipes()?.into_iter().find(|entry| entry.key == recipe);
        let entry = entry.ok_or_else(|| StoreError::UnknownKey { kind: "recipe", key: recipe.to_owned() })?;
        let owner = format!("recipe {recipe}");
        let there: Vec<u64> =
            open_recipe_segments(&self.database, &self.dir, &entry)?.iter().map(|segment| segment.number).collect();
        let mut lost = self.database.segment_numbers(&owner)?;
        lost.retain(|number| !there.contains(number));
        if lost.is_empty() {
            return Ok(());
        }
        self.database.transaction(|connection| {
            lost.iter().try_for_each(|&number| records::remove_segment(connection, &owner, number))
        })
    }

    /// Strikes segments that [`Collection::verify`](super::Collection::verify) found damaged from the list, and removes
    /// their files: what they held is made again by the next run that describes or derives.
    pub fn strike(&mut self, damages: &[Damage]) -> Result<(), StoreError> {
        let owner = |damage: &Damage| match &damage.place {
            DamagePlace::Source { key, segment } => Some((format!("source {key}"), *segment)),
            DamagePlace::Recipe { key, segment } => Some((format!("recipe {key}"), *segment)),
            DamagePlace::Records | DamagePlace::Stray => None,
        };
        self.database.transaction(|connection| {
            let struck = damages.iter().filter_map(owner);
            struck.into_iter().try_for_each(|(owner, number)| records::remove_segment(connection, &owner, number))
        })?;
        self.taken.clear();
        self.remove_orphans()
    }

    /// Merges what this writer wrote, and small segments, into one each; drops the rows of removed records where they
    /// are more than a quarter.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let live = self.database.record_ids()?;
        for source in self.database.sources()? {
            let segments = open_source(&self.database, &self.dir, &source)?;
            self.merge(&format!("source {}", source.key), &source_place(&self.dir, &source), &segments, &live)?;
        }
        for recipe in self.database.recipes()? {
            self.forget_lost(&recipe.key)?;
            let segments = open_recipe_segments(&self.database, &self.dir, &recipe)?;
            self.merge(&format!("recipe {}", recipe.key), &recipe_place(&self.dir, &recipe), &segments, &live)?;
        }
        Ok(())
    }

    fn merge(&mut self, owner: &str, place: &Place, segments: &[Segment], live: &[RecordId]) -> Result<(), StoreError> {
        let is_live = |id: &RecordId| live.binary_search(id).is_ok();
        let total: usize = segments.iter().map(|segment| segment.ids.len()).sum();
        let dead = total - segments.iter().flat_map(|segment| &segment.ids).filter(|id| is_live(id)).count();
        let all = dead * 4 > total;
        let chosen = if all { segments } else { &segments[self.merge_from(segments)..] };
        if chosen.is_empty() || (chosen.len() == 1 && !all) {
            return Ok(());
        }
        let mut rows: Vec<(RecordId, &[u8])> = chosen
            .iter()
            .flat_map(|segment| segment.ids.iter().enumerate().map(|(row, &id)| (id, segment.row_bytes(row))))
            .filter(|(id, _)| is_live(id))
            .collect();
        rows.sort_unstable_by_key(|&(id, _)| id);
        let merged = self.write_merged(place, &rows)?;
        self.database.transaction(|connection| {
            chosen.iter().try_for_each(|old| records::remove_segment(connection, owner, old.number))?;
            merged.iter().try_for_each(|segment| records::put_segment(connection, owner, segment))
        })?;
        for old in chosen {
            // Where a reader's map forbids it (Windows), the next writer tries again.
            drop(fs_err::remove_file(place.file(old.number)));
        }
        Ok(())
    }

    fn write_merged(&mut self, place: &Place, rows: &[(RecordId, &[u8])]) -> Result<Option<SegmentEntry>, StoreError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let number = self.next_segment;
        let sha256 = write_file(place, number, rows.len(), rows.iter().map(|&(_, row)| row))?;
        self.next_segment += 1;
        Ok(Some(SegmentEntry { number, ids: rows.iter().map(|&(id, _)| id).collect(), sha256 }))
    }

    /// From the newest backwards: this writer's, small ones, and those that are no larger than all newer ones together,
    /// so that the number of segments grows with the logarithm of their rows.
    fn merge_from(&self, segments: &[Segment]) -> usize {
        let (mut from, mut newer) = (segments.len(), 0);
        for (i, segment) in segments.iter().enumerate().rev() {
            let rows = segment.ids.len();
            if segment.number < self.first_segment && rows >= SMALL_ROWS && rows > newer {
                break;
            }
            (from, newer) = (i, newer + rows);
        }
        from
    }

    /// Removes what a crashed writer left: temporary files, and segments that no transaction made visible.
    fn remove_orphans(&self) -> Result<(), StoreError> {
        for (folder, kind) in [("sources", "source"), ("recipes", "recipe")] {
            for key in names(&self.dir.join(folder))?.iter().filter(|name| is_key(name)) {
                let known = self.database.segment_numbers(&format!("{kind} {key}"))?;
                let place = self.dir.join(folder).join(key);
                // Links aren't followed: only what lies in the collection is its own.
                if !fs_err::symlink_metadata(&place)?.is_dir() {
                    continue;
                }
                for name in names(&place)?.iter().filter(|name| is_orphan(name, &known)) {
                    fs_err::remove_file(place.join(name))?;
                }
            }
        }
        Ok(())
    }
}

fn is_storable(path: &Path) -> bool {
    path.is_absolute() || super::collection::is_plain(path)
}

/// Only names that a writer gives.
pub(super) fn is_orphan(name: &str, known: &[u64]) -> bool {
    let Some((number, extension)) = name.split_once('.') else { return false };
    let ours = matches!(extension, "npy" | "f32" | "bits");
    let temporary = matches!(extension, "npy.tmp" | "f32.tmp" | "bits.tmp");
    let digits = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    digits && (temporary || ours && number.parse().is_ok_and(|number| !known.contains(&number)))
}

pub(super) fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

fn write_file<'a>(
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

fn descriptor_bytes(descriptor: &Descriptor) -> &[u8] {
    match descriptor {
        Descriptor::Vector(values) => bytemuck::cast_slice(values),
        Descriptor::Code(words) => bytemuck::cast_slice(words),
    }
}
