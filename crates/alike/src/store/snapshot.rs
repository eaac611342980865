use super::indexes::{OpenIndex, Scan, ScanKind, Wish, plan};
use super::learned::Learner;
use super::records::Database;
use super::segment::{Layout, Place, Segment};
use super::{
    Collection, DescriptorKind, Label, RecipeEntry, Record, RecordId, Root, ScanChoice, SourceEntry, StoreError, filter,
};
use crate::calibration::Calibration;
use crate::index::{
    Block, Kernels, Part, ScoredId, nearest_codes, nearest_in_lists, nearest_quantised, nearest_vectors,
};
use crate::picture::Decoding;
use crate::recipe::Descriptor;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// How often a reader starts again when a writer's merge took files from under it.
const TRIES: usize = 20;

/// A consistent view of a collection. Later writers don't change it. Records are read when asked for.
#[derive(Debug)]
pub struct Snapshot {
    database: Mutex<Database>,
    records: OnceLock<Vec<Record>>,
    live: Vec<RecordId>,
    roots: Vec<Root>,
    sources: Vec<(SourceEntry, Vec<Segment>)>,
    recipes: Vec<Derived>,
    recipe_entries: Vec<RecipeEntry>,
    source_entries: Vec<SourceEntry>,
    choice: ScanChoice,
    decoding: Decoding,
}

#[derive(Debug)]
struct Derived {
    entry: RecipeEntry,
    segments: Vec<Segment>,
    index: Option<OpenIndex>,
    /// For each segment, which of its rows have a record; made by the first search.
    alive: OnceLock<Vec<Option<Vec<bool>>>>,
    /// Ascending: records whose descriptor doesn't exist.
    unsearchable: Vec<RecordId>,
}

/// A label and how many records bear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelCount {
    /// The label.
    pub label: Label,
    /// Number of records.
    pub records: u64,
}

/// What a source or a recipe takes on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSize {
    /// Of the source or recipe.
    pub key: String,
    /// Number of files.
    pub segments: usize,
    /// Rows of records that exist.
    pub live_rows: usize,
    /// Rows of records that were removed.
    pub dead_rows: usize,
    /// Bytes of the files.
    pub bytes: u64,
}

/// What a collection holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Number of records.
    pub records: usize,
    /// In the order of [`Snapshot::sources`].
    pub sources: Vec<StoredSize>,
    /// In the order of [`Snapshot::recipes`].
    pub recipes: Vec<StoredSize>,
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Key of the recipe. One that the collection doesn't keep is searched in `extra` alone.
    pub recipe: &'a str,
    /// What the recipe's descriptors are.
    pub kind: DescriptorKind,
    /// Descriptors of the recipe's kind.
    pub queries: &'a [Descriptor],
    /// Number of results for each query.
    pub k: usize,
    /// Only these records, ascending; `None` for all.
    pub only: Option<&'a [RecordId]>,
    /// Descriptors that the collection lacks (see [`Snapshot::missing`]), ascending by id.
    pub extra: &'a [(RecordId, Descriptor)],
    /// Number of threads; the result doesn't depend on it.
    pub threads: usize,
    /// Share of the true nearest that must be found, on average, above 0; 1 for all, by the exact scan.
    pub recall: f64,
}

/// The raw rows of one source.
#[derive(Debug, Clone, Copy)]
pub struct SourceRows<'a> {
    segments: &'a [Segment],
    live: &'a [RecordId],
}

impl<'a> SourceRows<'a> {
    /// The row of a record, as many numbers as the source has dimensions.
    pub fn row(&self, id: RecordId) -> Option<&'a [f32]> {
        self.live.binary_search(&id).ok()?;
        // Data start at a multiple of 64 bytes in a map that starts at a page.
        self.segments.iter().find_map(|segment| segment.row_of(id)).map(bytemuck::cast_slice)
    }

    /// The records that have a row, ascending.
    pub fn ids(&self) -> Vec<RecordId> {
        live_ids(self.segments, self.live)
    }
}

impl Snapshot {
    pub(super) fn open(dir: &Path, database: &Path) -> Result<Self, StoreError> {
        let mut tries = 1;
        loop {
            match Self::try_open(dir, database) {
                // A merge deletes files after their list; the next list names the new ones.
                Err(error) if error.is_not_found() && tries < TRIES => tries += 1,
                Err(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(StoreError::damaged(dir, format!("a file of the collection is missing: {error}")));
                }
                result => return result,
            }
        }
    }

    fn try_open(dir: &Path, database: &Path) -> Result<Self, StoreError> {
        let (db, _) = Database::open_to_read(database)?;
        db.error(db.connection.execute_batch("BEGIN"))?;
        let live = db.record_ids()?;
        let (source_entries, recipe_entries) = (db.sources()?, db.recipes()?);
        let sources = source_entries
            .iter()
            .map(|entry| Ok((entry.clone(), open_source(&db, dir, entry)?)))
            .collect::<Result<_, StoreError>>()?;
        let recipes = recipe_entries.iter().map(|entry| open_recipe(&db, dir, entry)).collect::<Result<_, _>>()?;
        let (roots, choice, decoding) = (db.roots()?, db.scan_choice()?, db.decoding()?);
        // Rows that are older than the choice were made of all pixels.
        let unsaid = || if source_entries.is_empty() { Decoding::default() } else { Decoding::Exact };
        let decoding = decoding.unwrap_or_else(unsaid);
        Ok(Self {
            database: Mutex::new(db),
            records: OnceLock::new(),
            live,
            roots,
            sources,
            recipes,
            recipe_entries,
            source_entries,
            choice,
            decoding,
        })
    }

    pub(super) fn database(&self) -> MutexGuard<'_, Database> {
        // Queries leave nothing half done behind.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which pixels of large JPEGs the sources saw.
    pub fn decoding(&self) -> Decoding {
        self.decoding
    }

    /// All records, ascending by id; read from disk at the first call.
    pub fn records(&self) -> Result<&[Record], StoreError> {
        if let Some(records) = self.records.get() {
            return Ok(records);
        }
        let records = self.database().records()?;
        Ok(self.records.get_or_init(|| records))
    }

    /// The ids of all records, ascending.
    pub fn ids(&self) -> &[RecordId] {
        &self.live
    }

    /// One record.
    pub fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        self.database().record(id)
    }

    /// These records, in this order; those that don't exist are left out.
    pub fn records_of(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        let database = self.database();
        ids.iter().filter_map(|&id| database.record(id).transpose()).collect()
    }

    /// The record stored under this path (see [`Collection::stored_path`](super::Collection::stored_path)); with
    /// several, the lowest id.
    pub fn find_path(&self, stored: &Path) -> Result<Option<Record>, StoreError> {
        self.database().find_path(stored)
    }

    /// The labels there are, sorted.
    pub fn labels(&self) -> Result<Vec<LabelCount>, StoreError> {
        self.database().labels()
    }

    /// The records whose label has this id or name, ascending.
    pub fn ids_of_label(&self, label: &str) -> Result<Vec<RecordId>, StoreError> {
        self.database().ids_of_label(label)
    }

    /// Where the pictures come from.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The recipes; the first is the default.
    pub fn recipes(&self) -> &[RecipeEntry] {
        &self.recipe_entries
    }

    /// What a recipe's step learnt from the gallery, as [`Plan::parameters`](crate::recipe::Plan::parameters) gave it;
    /// `None` before that, and for recipes that don't learn. Fails if it is damaged.
    pub fn learned(&self, recipe: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database().learned(&self.derived(recipe)?.entry, Learner::Steps)
    }

    /// By which gallery the recipe's descriptors were augmented, as [`Writer::augment`](super::Writer::augment) noted it.
    pub(crate) fn augmented_by(&self, recipe: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database().learned(&self.derived(recipe)?.entry, Learner::Augment)
    }

    /// For a reader who can't make anything of what is recorded.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        self.database().damaged(what)
    }

    /// From how large a gallery a recipe's step learnt, in pictures.
    pub fn learned_from(&self, recipe: &str) -> Result<Option<u64>, StoreError> {
        self.database().learned_from(recipe)
    }

    /// What scores of a recipe mean, if it was calibrated. Fails if that can't be read.
    pub fn calibration(&self, recipe: &str) -> Result<Option<Calibration>, StoreError> {
        self.database().calibration(&self.derived(recipe)?.entry)
    }

    /// The sources.
    pub fn sources(&self) -> &[SourceEntry] {
        &self.source_entries
    }

    /// The raw rows of a source.
    pub fn source_rows(&self, source: &str) -> Result<SourceRows<'_>, StoreError> {
        let found = self.sources.iter().find(|(entry, _)| entry.key == source);
        let (_, segments) = found.ok_or_else(|| unknown("source", source))?;
        Ok(SourceRows { segments, live: &self.live })
    }

    fn derived(&self, recipe: &str) -> Result<&Derived, StoreError> {
        self.recipes.iter().find(|derived| derived.entry.key == recipe).ok_or_else(|| unknown("recipe", recipe))
    }

    /// Records that have rows of all the recipe's sources but no descriptor yet, ascending. Those whose descriptor
    /// doesn't exist are not among them.
    pub fn missing(&self, recipe: &str) -> Result<Vec<RecordId>, StoreError> {
        let derived = self.derived(recipe)?;
        let known = live_ids(&derived.segments, &self.live);
        let sources = derived.entry.sources.iter().map(|key| Ok(self.source_rows(key)?.ids()));
        let sources = sources.collect::<Result<Vec<_>, StoreError>>()?;
        let absent = |ids: &[RecordId], id: &RecordId| ids.binary_search(id).is_err();
        let wanted = self.live.iter().copied().filter(|id| absent(&known, id) && absent(&derived.unsearchable, id));
        Ok(wanted.filter(|id| sources.iter().all(|ids| !absent(ids, id))).collect())
    }

    /// The descriptors of a recipe as they are on disk, by segment and id; those of removed records left out.
    pub fn stored_descriptors(
        &self,
        recipe: &str,
    ) -> Result<impl Iterator<Item = (u64, RecordId, Descriptor)> + '_, StoreError> {
        let derived = self.derived(recipe)?;
        let rows = derived.segments.iter().flat_map(move |segment| {
            let rows = segment.ids.iter().enumerate().filter(|(_, id)| self.live.binary_search(id).is_ok());
            rows.map(move |(row, &id)| (segment.number, id, read(segment.row_bytes(row), derived.entry.kind)))
        });
        Ok(rows)
    }

    /// The descriptor of a record as it is on disk; `None` where it isn't.
    pub(crate) fn stored_descriptor(&self, recipe: &str, id: RecordId) -> Option<Descriptor> {
        let derived = self.recipes.iter().find(|derived| derived.entry.key == recipe)?;
        let segments = derived.segments.iter();
        let (segment, row) = segments.filter_map(|s| Some((s, s.ids.binary_search(&id).ok()?))).next()?;
        Some(read(segment.row_bytes(row), derived.entry.kind))
    }

    /// The file of a recipe's segment.
    pub(crate) fn recipe_file(&self, collection: &Collection, recipe: &str, segment: u64) -> PathBuf {
        let entry = self.recipe_entries.iter().find(|entry| entry.key == recipe);
        entry.map_or_else(PathBuf::new, |entry| recipe_place(collection.dir(), entry).file(segment))
    }

    /// Rows, files and bytes.
    pub fn sizes(&self) -> Sizes {
        let sources = self.sources.iter().map(|(entry, segments)| self.stored_size(&entry.key, segments));
        let recipe = |derived: &Derived| {
            let size = self.stored_size(&derived.entry.key, &derived.segments);
            StoredSize { bytes: size.bytes + derived.index.as_ref().map_or(0, OpenIndex::bytes), ..size }
        };
        let recipes = self.recipes.iter().map(recipe);
        Sizes { records: self.live.len(), sources: sources.collect(), recipes: recipes.collect() }
    }

    fn stored_size(&self, key: &str, segments: &[Segment]) -> StoredSize {
        let rows = segments.iter().map(|segment| segment.ids.len()).sum::<usize>();
        let live_rows = live_ids(segments, &self.live).len();
        let bytes = segments.iter().map(Segment::file_bytes).sum();
        StoredSize { key: key.to_owned(), segments: segments.len(), live_rows, dead_rows: rows - live_rows, bytes }
    }

    /// How a search will be done: the quickest way that finds what is wanted.
    pub fn scan(&self, search: &Search<'_>) -> Scan {
        let DescriptorKind::Vector(dims) = search.kind else {
            return Scan::exact("codes are always looked at one by one");
        };
        let Some(derived) = self.recipes.iter().find(|derived| derived.entry.key == search.recipe) else {
            return Scan::exact("the collection doesn't keep the recipe's descriptors");
        };
        let Some(index) = &derived.index else {
            return Scan::exact(self.choice.why_exact(self.live.len(), dims));
        };
        let wanted = search.only.map(<[RecordId]>::len);
        plan(index, Wish { recall: search.recall, k: search.k, rows: self.live.len(), wanted })
    }

    /// The `k` records nearest to each query, best first, ties by the lower id, as [`scan`](Self::scan) says. Scores are
    /// those of the exact scan in any case.
    pub fn search(&self, search: &Search<'_>) -> Result<Vec<Vec<ScoredId>>, StoreError> {
        let kept = self.recipes.iter().find(|derived| derived.entry.key == search.recipe);
        let segments = kept.map_or(&[][..], |derived| &derived.segments);
        let kind = kept.map_or(search.kind, |derived| derived.entry.kind);
        let extra = search.extra.iter().map(|(_, descriptor)| descriptor);
        for descriptor in search.queries.iter().chain(extra) {
            check_kind(descriptor, kind)?;
        }
        let (kernels, how_many) = (Kernels::detect(), (search.k, search.threads));
        let extra_ids: Vec<RecordId> = search.extra.iter().map(|&(id, _)| id).collect();
        match kind {
            DescriptorKind::Vector(dims) => {
                let extra = concat(search.extra, vector);
                let blocks = self.blocks(kept, (&extra_ids, &extra), search.only);
                let queries: Vec<&[f32]> = search.queries.iter().map(vector).collect();
                let index = kept.and_then(|derived| derived.index.as_ref());
                let scan = self.scan(search).kind;
                let Some(index) = index.filter(|_| scan != ScanKind::Exact) else {
                    return Ok(nearest_vectors(&kernels, dims, &queries, &blocks, how_many));
                };
                let (parts, blocks) = in_lists(index, segments, blocks);
                let found = match (scan, &index.centres) {
                    (ScanKind::Lists { probes, .. }, Some(centres)) => {
                        let lists = (centres, probes);
                        nearest_in_lists(&kernels, dims, &queries, (&parts, &blocks), lists, how_many)
                    }
                    _ => nearest_quantised(&kernels, dims, &queries, (&parts, &blocks), how_many),
                };
                index.have_read(found.rescored);
                Ok(found.hits)
            }
            DescriptorKind::Code(bits) => {
                let extra = concat(search.extra, code);
                let blocks = self.blocks(kept, (&extra_ids, &extra), search.only);
                let queries: Vec<&[u64]> = search.queries.iter().map(code).collect();
                Ok(nearest_codes(&kernels, bits, &queries, &blocks, how_many))
            }
        }
    }

    /// The rows of a recipe's segments, and those beside them.
    fn blocks<'a, W: bytemuck::Pod>(
        &self,
        kept: Option<&'a Derived>,
        (extra_ids, extra): (&'a [RecordId], &'a [W]),
        only: Option<&[RecordId]>,
    ) -> Vec<Block<'a, W>> {
        let segment = |(derived, i): (&'a Derived, usize)| {
            let segment = &derived.segments[i];
            let wanted = match only {
                None => derived.alive(&self.live)[i].as_deref().map(Cow::Borrowed),
                only => filter::wanted(&segment.ids, &self.live, only).map(Cow::Owned),
            };
            Block { ids: &segment.ids, rows: bytemuck::cast_slice(segment.bytes()), wanted }
        };
        let stored = kept.into_iter().flat_map(|derived| (0..derived.segments.len()).map(move |i| (derived, i)));
        let mut blocks: Vec<Block<'a, W>> = stored.map(segment).collect();
        let wanted = filter::wanted(extra_ids, &self.live, only).map(Cow::Owned);
        blocks.push(Block { ids: extra_ids, rows: extra, wanted });
        blocks
    }
}

impl Derived {
    fn alive(&self, live: &[RecordId]) -> &[Option<Vec<bool>>] {
        self.alive
            .get_or_init(|| self.segments.iter().map(|segment| filter::wanted(&segment.ids, live, None)).collect())
    }
}

/// Blocks of segments that have their rows in lists, and those that don't. The blocks of the segments come first.
fn in_lists<'a>(
    index: &'a OpenIndex,
    segments: &'a [Segment],
    blocks: Vec<Block<'a, f32>>,
) -> (Vec<Part<'a>>, Vec<Block<'a, f32>>) {
    let (mut parts, mut rest) = (Vec::new(), Vec::new());
    for (i, block) in blocks.into_iter().enumerate() {
        match segments.get(i).and_then(|segment| Some((index.lists(segment)?, index.rows(segment)))) {
            Some((lists, rows)) => parts.push(Part { block: Block { rows, ..block }, lists }),
            None => rest.push(block),
        }
    }
    (parts, rest)
}

fn concat<W: Copy>(extra: &[(RecordId, Descriptor)], words: fn(&Descriptor) -> &[W]) -> Vec<W> {
    extra.iter().flat_map(|(_, row)| words(row)).copied().collect()
}

fn vector(descriptor: &Descriptor) -> &[f32] {
    if let Descriptor::Vector(values) = descriptor { values } else { &[] }
}

fn code(descriptor: &Descriptor) -> &[u64] {
    if let Descriptor::Code(words) = descriptor { words } else { &[] }
}

fn read(bytes: &[u8], kind: DescriptorKind) -> Descriptor {
    match kind {
        DescriptorKind::Vector(_) => Descriptor::Vector(bytemuck::pod_collect_to_vec(bytes)),
        DescriptorKind::Code(_) => Descriptor::Code(bytemuck::pod_collect_to_vec(bytes)),
    }
}

/// Refuses a descriptor that isn't of the recipe's kind and length.
pub(super) fn check_kind(descriptor: &Descriptor, kind: DescriptorKind) -> Result<(), StoreError> {
    let got = match (descriptor, kind) {
        (Descriptor::Vector(values), _) if values.iter().any(|x| !x.is_finite()) => {
            "vector with numbers that aren't finite".to_owned()
        }
        (Descriptor::Vector(values), DescriptorKind::Vector(dims)) if values.len() == dims => return Ok(()),
        (Descriptor::Code(words), DescriptorKind::Code(bits)) if words.len() == bits.div_ceil(64) => return Ok(()),
        (Descriptor::Vector(values), _) => format!("vector of {} dimensions", values.len()),
        (Descriptor::Code(words), _) => format!("code of {} words", words.len()),
    };
    let wanted = match kind {
        DescriptorKind::Vector(dims) => format!("{dims}-dimensional vector"),
        DescriptorKind::Code(bits) => format!("{bits}-bit code"),
    };
    Err(StoreError::WrongDescriptor { got, wanted })
}

fn unknown(kind: &'static str, key: &str) -> StoreError {
    StoreError::UnknownKey { kind, key: key.to_owned() }
}

/// Ids that have both a row and a record, ascending.
fn live_ids(segments: &[Segment], live: &[RecordId]) -> Vec<RecordId> {
    let all = segments.iter().flat_map(|segment| segment.ids.iter().copied());
    let mut ids: Vec<RecordId> = all.filter(|id| live.binary_search(id).is_ok()).collect();
    ids.sort_unstable();
    ids
}

pub(super) fn source_place(dir: &Path, entry: &SourceEntry) -> Place {
    Place { dir: dir.join("sources").join(&entry.key), layout: Layout::Npy(entry.dims) }
}

pub(super) fn recipe_place(dir: &Path, entry: &RecipeEntry) -> Place {
    Place { dir: dir.join("recipes").join(&entry.key), layout: entry.kind.into() }
}

pub(super) fn open_source(db: &Database, dir: &Path, entry: &SourceEntry) -> Result<Vec<Segment>, StoreError> {
    let place = source_place(dir, entry);
    let segments = db.segments(&format!("source {}", entry.key))?;
    segments.into_iter().map(|segment| Segment::open(&place, segment)).collect()
}

/// Files that are gone or damaged are left out: their rows are missing and can be derived again.
pub(super) fn open_recipe_segments(db: &Database, dir: &Path, entry: &RecipeEntry) -> Result<Vec<Segment>, StoreError> {
    let place = recipe_place(dir, entry);
    let segments = db.segments(&format!("recipe {}", entry.key))?;
    Ok(segments.into_iter().filter_map(|segment| Segment::open(&place, segment).ok()).collect())
}

fn open_recipe(db: &Database, dir: &Path, entry: &RecipeEntry) -> Result<Derived, StoreError> {
    let segments = open_recipe_segments(db, dir, entry)?;
    let index = OpenIndex::open(db, dir, entry, &segments)?;
    Ok(Derived {
        entry: entry.clone(),
        segments,
        index,
        alive: OnceLock::new(),
        unsearchable: db.unsearchable(&entry.key)?,
    })
}
