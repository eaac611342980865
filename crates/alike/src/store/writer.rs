use super::calibrations::{put_calibration, remove_calibration};
use super::learned::{Learner, put_learned, remove_learned};
use super::lock::WriterLock;
use super::merge::Merge;
use super::records::{self, Database, is_key};
use super::segment::{Place, SegmentEntry, SegmentFile, write_file};
use super::snapshot::{check_kind, open_recipe_segments, recipe_place, source_place};
use super::{Damage, DamagePlace, RecipeEntry, Record, RecordId, RootKind, Snapshot, SourceEntry, StoreError, tags};
use crate::calibration::Calibration;
use crate::picture::Decoding;
use crate::recipe::Descriptor;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The one process that changes a collection. Everything is durable when its method returns; the lock ends with it.
#[derive(Debug)]
pub struct Writer {
    pub(super) database: Database,
    path: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) next_segment: u64,
    pub(super) threads: usize,
    /// Per source, the ids that have a row, read when first needed.
    taken: BTreeMap<String, BTreeSet<RecordId>>,
    /// What is being merged on another thread. Before the lock, which is to end after it.
    pub(super) merge: Option<Merge>,
    /// Batches with rows since that began.
    pub(super) waiting: usize,
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

/// Makes a record's descriptor of its rows, which are in the order of the recipe's sources.
pub type Describe<'a> = dyn FnMut(RecordId, &[&[f32]]) -> Option<Descriptor> + 'a;

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
            threads: 1,
            taken,
            merge: None,
            waiting: 0,
            _lock: lock,
        };
        writer.remove_orphans()?;
        Ok(writer)
    }

    /// How many threads bring indexes in line; one where nothing is said. What comes out doesn't depend on it.
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Records which pixels of large JPEGs sources see. For a collection without rows: those that are there stay as they are.
    pub fn choose_decoding(&mut self, decoding: Decoding) -> Result<(), StoreError> {
        self.database.transaction(|connection| records::put_decoding(connection, decoding))
    }

    /// The number of the next file.
    pub(super) fn take_number(&mut self) -> u64 {
        self.next_segment += 1;
        self.next_segment - 1
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
        // Before the batch, which an error of a merge must leave out.
        self.merge_meanwhile()?;
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
        self.waiting += usize::from(!written.is_empty());
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

    /// Computes the descriptors that a recipe lacks. `describe` gets a record with its rows in the order of the recipe's
    /// sources; where it gives `None` the record is noted as not searchable and not tried again. Gives the number of
    /// records that were looked at.
    pub fn derive(&mut self, recipe: &str, describe: &mut Describe<'_>) -> Result<usize, StoreError> {
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
            match describe(id, &rows) {
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

    /// Keeps what a recipe's step learnt from a gallery of so many pictures with rows, in
    /// the place of what it learnt before. Descriptors that were derived with other parameters are struck in
    /// the same transaction; [`derive`](Self::derive) makes them anew.
    pub fn learn(&mut self, recipe: &str, rows: u64, parameters: &[u8]) -> Result<(), StoreError> {
        self.start_anew((recipe, Learner::Steps), rows, parameters)
    }

    /// The same for the gallery that augments a recipe's descriptors: any sign of which pictures are in it.
    pub(crate) fn augment(&mut self, recipe: &str, rows: u64, gallery: &[u8]) -> Result<(), StoreError> {
        self.start_anew((recipe, Learner::Augment), rows, gallery)
    }

    fn start_anew(
        &mut self,
        (recipe, learner): (&str, Learner),
        rows: u64,
        parameters: &[u8],
    ) -> Result<(), StoreError> {
        // Orphans are removed below, and the file that a merge is writing would pass for one.
        self.settle()?;
        self.database.transaction(|connection| {
            put_learned(connection, (recipe, learner), rows, parameters)?;
            records::remove_segments(connection, &format!("recipe {recipe}"))
        })?;
        self.remove_orphans()
    }

    /// Keeps what the scores of a recipe mean, in the place of what was kept before.
    pub fn calibrate(&mut self, recipe: &str, calibration: &Calibration) -> Result<(), StoreError> {
        self.database.transaction(|connection| put_calibration(connection, recipe, calibration))
    }

    /// Strikes derived segments whose files are gone or damaged from the list.
    pub(super) fn forget_lost(&mut self, recipe: &str) -> Result<(), StoreError> {
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
    /// their files: what they held is made again by the next run that describes or derives. With damaged parameters go all
    /// descriptors that were derived with them, since others are learnt; with the damaged copy of a file goes the recipe that
    /// names it.
    pub fn strike(&mut self, damages: &[Damage]) -> Result<(), StoreError> {
        // What is being merged may have been read from what is damaged.
        self.merge = None;
        let strike = |connection: &Connection, damage: &Damage| match &damage.place {
            DamagePlace::Source { key, segment } => {
                records::remove_segment(connection, &format!("source {key}"), *segment)
            }
            DamagePlace::Recipe { key, segment } => {
                records::remove_segment(connection, &format!("recipe {key}"), *segment)
            }
            DamagePlace::Learned { key } => {
                remove_learned(connection, key)?;
                remove_calibration(connection, key)?;
                records::remove_segments(connection, &format!("recipe {key}"))
            }
            DamagePlace::Trained { key } => records::remove_recipe(connection, key),
            DamagePlace::Index { key } => records::remove_index(connection, key),
            DamagePlace::Calibration { key } => remove_calibration(connection, key),
            DamagePlace::Records | DamagePlace::Stray => Ok(()),
        };
        self.database.transaction(|connection| damages.iter().try_for_each(|damage| strike(connection, damage)))?;
        self.taken.clear();
        self.remove_orphans()
    }

    /// Removes what a crashed writer left: temporary files, and segments that no transaction made visible.
    pub(super) fn remove_orphans(&self) -> Result<(), StoreError> {
        for (folder, kind) in [("sources", "source"), ("recipes", "recipe")] {
            for key in names(&self.dir.join(folder))?.iter().filter(|name| is_key(name)) {
                let known = self.database.files(kind, key)?;
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

/// Names that a writer gives, but that aren't among those of known files.
pub(super) fn is_orphan(name: &str, known: &BTreeSet<String>) -> bool {
    let Some((number, extension)) = name.split_once('.') else { return false };
    let digits = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    let ours = EXTENSIONS.contains(&extension.strip_suffix(".tmp").unwrap_or(extension));
    digits && ours && !known.contains(name)
}

/// Of all files that a writer makes.
const EXTENSIONS: [&str; 5] = ["npy", "f32", "bits", "i8", "centres"];

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

fn descriptor_bytes(descriptor: &Descriptor) -> &[u8] {
    match descriptor {
        Descriptor::Vector(values) => bytemuck::cast_slice(values),
        Descriptor::Code(words) => bytemuck::cast_slice(words),
    }
}
