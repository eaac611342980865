//! A picture in, ranked hits out.

use super::extract::Extractor;
use super::{DescribeError, Engine, PlanError, augment, learn};
use crate::index::ScoredId;
use crate::model::Model;
use crate::picture::Views;
use crate::rank::Neighbours;
use crate::recipe::{Descriptor, DescriptorKind, Draft, LearnError, Plan, Recipe};
use crate::source::models_of;
use crate::store::{Collection, RecipeEntry, Record, RecordId, Scan, Snapshot, StoreError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is wanted of a search.
#[derive(Debug, Clone)]
pub struct SearchOptions<'a> {
    /// How many hits at most.
    pub k: usize,
    /// Only pictures with this label, by id or by name.
    pub label: Option<&'a str>,
    /// Only pictures with all of these tags.
    pub tags: &'a [String],
    /// Only pictures in this folder or below it, or this one file; absolute.
    pub path_prefix: Option<&'a Path>,
    /// Only hits with at least this score.
    pub min_score: Option<f32>,
    /// Draws each query to its neighbours first, in place of what the recipe says of it: alpha query expansion, see
    /// [`Neighbours`]. For recipes that give vectors.
    pub expand: Option<Neighbours>,
    /// How many threads scan.
    pub threads: usize,
    /// Share of the true nearest that must be found, on average, above 0; 1 for all, by the exact scan.
    pub recall: f64,
}

impl SearchOptions<'_> {
    /// The `k` best of all pictures, by one thread and the exact scan.
    pub fn best(k: usize) -> Self {
        Self { k, label: None, tags: &[], path_prefix: None, min_score: None, expand: None, threads: 1, recall: 1.0 }
    }
}

/// One result.
#[derive(Debug, Clone)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// Cosine, or 1 - distance / bits for codes; the higher, the more alike.
    pub score: f32,
    /// Where the picture lies: absolute.
    pub path: PathBuf,
    /// What is known of it.
    pub record: Record,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// For each descriptor the best hits, best first, equal scores by ascending id.
    pub hits: Vec<Vec<Hit>>,
    /// How they were found, and how much of the truth that finds.
    pub scan: Scan,
}

/// Why a search can't be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The collection can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The collection's recipe can't be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A recipe that doesn't parse or bind.
    #[error(transparent)]
    Recipe(#[from] crate::recipe::RecipeError),
    /// The gallery is too small for what the recipe learns.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// A network can't be had.
    #[error(transparent)]
    Networks(#[from] super::NetworksError),
    /// A network can't be loaded.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// Nothing was indexed yet.
    #[error("the collection {dir} holds no pictures yet: run `alike index` first", dir = dir.display())]
    Empty {
        /// Its folder.
        dir: PathBuf,
    },
    /// The pictures were never described that way.
    #[error(
        "the collection has no `{wanted}` of its pictures, it has {have}: search with one of these, or add it with `alike index --recipe '{recipe}'`"
    )]
    NoRows {
        /// Source that is missing, canonical.
        wanted: String,
        /// What the collection has.
        have: String,
        /// The recipe asked for.
        recipe: String,
    },
    /// The given network isn't the collection's.
    #[error(
        "the collection was made with {have}, the network given is {given}: leave --model away, or index with it first"
    )]
    OtherModel {
        /// Networks of the collection.
        have: String,
        /// The network given.
        given: String,
    },
    /// Codes have no mean.
    #[error(
        "`{recipe}` gives codes, and only vectors can be drawn to their neighbours: search by another recipe, or without"
    )]
    CodesDontExpand {
        /// The recipe.
        recipe: String,
    },
    /// No picture lies there.
    #[error("no picture of the collection lies in or below {path}: check the path, or index it first", path = path.display())]
    NothingBelow {
        /// As asked for.
        path: PathBuf,
    },
    /// No picture has the label.
    #[error("no picture of the collection has the label `{label}`{hint}")]
    UnknownLabel {
        /// As asked for.
        label: String,
        /// Which labels there are.
        hint: String,
    },
    /// No picture has the tag.
    #[error("no picture of the collection has the tag `{tag}`{hint}")]
    UnknownTag {
        /// As asked for.
        tag: String,
        /// Which tags there are.
        hint: String,
    },
}

/// A snapshot of a collection with a recipe bound to it.
pub struct Searcher {
    pub(super) collection: Collection,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) plan: Arc<Plan>,
    text: String,
    /// Descriptors that are not on disk: a recipe the collection doesn't keep, or files deleted from under it. Made by the
    /// first search.
    unstored: OnceLock<Vec<(RecordId, Descriptor)>>,
    /// Held by the search that makes them, so that no other does.
    making: Mutex<()>,
    /// Of the gallery's vectors; worked out by the first search that needs it.
    pub(super) mean: OnceLock<Vec<f32>>,
}

impl Searcher {
    pub(super) fn open(engine: &Engine, snapshot: Arc<Snapshot>, recipe: Option<&str>) -> Result<Self, SearchError> {
        refuse_other_model(engine, &snapshot)?;
        let (draft, text) = match recipe {
            None => {
                let empty = || SearchError::Empty { dir: engine.collection().dir().to_path_buf() };
                let entry = snapshot.recipes().first().ok_or_else(empty)?;
                (engine.draft_entry(&snapshot, entry)?, entry.text.clone())
            }
            Some(text) => (engine.bind(&snapshot, &text.parse::<Recipe>()?)?, text.to_owned()),
        };
        Self::ready(engine, snapshot, &draft, &text)
    }

    pub(super) fn open_kept(
        engine: &Engine,
        snapshot: Arc<Snapshot>,
        entry: &RecipeEntry,
    ) -> Result<Self, SearchError> {
        refuse_other_model(engine, &snapshot)?;
        let draft = engine.draft_entry(&snapshot, entry)?;
        Self::ready(engine, snapshot, &draft, &entry.text)
    }

    fn ready(engine: &Engine, snapshot: Arc<Snapshot>, draft: &Draft, text: &str) -> Result<Self, SearchError> {
        require_rows(&snapshot, draft, text)?;
        let plan = Arc::new(learn::ready(&snapshot, draft)?);
        Ok(Self::new(engine.collection(), snapshot, plan, text))
    }

    /// The snapshot has [rows of the plan's sources](require_rows).
    pub(super) fn new(collection: &Collection, snapshot: Arc<Snapshot>, plan: Arc<Plan>, text: &str) -> Self {
        let (collection, text) = (collection.clone(), text.to_owned());
        Self {
            collection,
            snapshot,
            plan,
            text,
            unstored: OnceLock::new(),
            making: Mutex::default(),
            mean: OnceLock::new(),
        }
    }

    /// The recipe as the user wrote it.
    pub fn recipe(&self) -> &str {
        &self.text
    }

    /// The recipe with everything spelt out.
    pub fn canonical(&self) -> &str {
        self.plan.canonical()
    }

    /// The recipe with what it learnt.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The collection it belongs to.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The snapshot being searched.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Describes pictures by the recipe; networks are loaded here, once.
    pub fn describer(&self, engine: &Engine) -> Result<Describer, SearchError> {
        let extractor =
            Extractor::start(self.plan.sources(), self.snapshot.decoding(), || engine.networks().runtime())?;
        Ok(Describer { plan: Arc::clone(&self.plan), extractor })
    }

    /// The best hits for each descriptor.
    pub fn search(&self, queries: &[Descriptor], options: &SearchOptions<'_>) -> Result<Found, SearchError> {
        let (found, scan) = self.nearest(queries, options.k, options)?;
        let hits = found.into_iter().map(|scored| self.hits(&scored, options.min_score)).collect::<Result<_, _>>()?;
        Ok(Found { hits, scan })
    }

    /// For recipes that give codes: the nearest `candidates` by code, ranked by the cosine of the vectors that the codes
    /// were made of. `queries` are a code and its vector each, see [`Describer::describe_unhashed`].
    pub fn search_rescored(
        &self,
        queries: &[(Descriptor, Descriptor)],
        candidates: usize,
        options: &SearchOptions<'_>,
    ) -> Result<Found, SearchError> {
        let codes: Vec<Descriptor> = queries.iter().map(|(code, _)| code.clone()).collect();
        let (found, scan) = self.nearest(&codes, candidates.max(options.k), options)?;
        let ranked = found.into_iter().zip(queries).map(|(found, (_, vector))| {
            let ranked = self.rescored(&found, vector, options.k)?;
            self.hits(&ranked, options.min_score)
        });
        Ok(Found { hits: ranked.collect::<Result<_, _>>()?, scan })
    }

    fn rescored(&self, found: &[ScoredId], query: &Descriptor, k: usize) -> Result<Vec<ScoredId>, StoreError> {
        let ids: Vec<RecordId> = found.iter().map(|hit| hit.id).collect();
        let vectors = self.made(&ids, |rows| self.plan.unhashed(rows))?;
        let kind = self.plan.unhashed_kind();
        let score =
            |(id, vector): (RecordId, Option<Descriptor>)| Some(ScoredId { id, score: kind.score(query, &vector?)? });
        let mut ranked: Vec<ScoredId> = ids.iter().copied().zip(vectors).filter_map(score).collect();
        ranked.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        ranked.truncate(k);
        Ok(ranked)
    }

    pub(super) fn hits(&self, scored: &[ScoredId], min_score: Option<f32>) -> Result<Vec<Hit>, SearchError> {
        let good = |hit: &&ScoredId| min_score.is_none_or(|least| hit.score >= least);
        let scored: Vec<_> = scored.iter().filter(good).collect();
        let ids: Vec<RecordId> = scored.iter().map(|hit| hit.id).collect();
        let records = self.snapshot.records_of(&ids)?;
        let hits = scored.iter().zip(records).enumerate().map(|(index, (hit, record))| Hit {
            rank: index + 1,
            score: hit.score,
            path: self.collection.absolute_path(&record.path),
            record,
        });
        Ok(hits.collect())
    }

    /// The record of a file, if it is in the gallery. `path` is absolute; symbolic links are resolved.
    pub fn record_of_file(&self, path: &Path) -> Result<Option<Record>, StoreError> {
        let find = |path: &Path| self.snapshot.find_path(&self.collection.stored_path(path));
        match find(path)? {
            Some(record) => Ok(Some(record)),
            None => match fs_err::canonicalize(path) {
                Ok(canonical) => find(&canonical),
                Err(_) => Ok(None),
            },
        }
    }

    /// The sources' networks, in the order of the recipe.
    pub fn models(&self) -> Vec<Arc<Model>> {
        models_of(self.plan.sources())
    }

    /// Bytes that the rows of the recipe's sources take on disk.
    pub fn source_bytes(&self) -> u64 {
        let is_ours = |key: &str| self.plan.sources().iter().any(|source| source.id().key() == key);
        self.snapshot.sizes().sources.iter().filter(|size| is_ours(&size.key)).map(|size| size.bytes).sum()
    }

    /// What the descriptors are.
    pub fn kind(&self) -> DescriptorKind {
        self.plan.kind()
    }

    /// The descriptors of these records, made from the rows of the sources, before any augmentation. `None` where rows are
    /// missing, or give nothing but zeros.
    pub fn descriptors(&self, ids: &[RecordId]) -> Result<Vec<Option<Descriptor>>, StoreError> {
        self.made(ids, |rows| self.plan.describe(rows))
    }

    /// The raw row of each source of the recipe of a record; `None` where one is missing.
    pub(super) fn rows(&self, id: RecordId) -> Result<Option<Vec<&[f32]>>, StoreError> {
        Ok(learn::rows(&self.snapshot, &self.plan, &[id])?.pop())
    }

    /// What `make` makes of the rows of the sources of these records.
    fn made(
        &self,
        ids: &[RecordId],
        make: impl Fn(&[&[f32]]) -> Option<Descriptor>,
    ) -> Result<Vec<Option<Descriptor>>, StoreError> {
        let sources = self.plan.sources().iter().map(|s| self.snapshot.source_rows(s.id().key()));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let descriptor = |&id: &RecordId| {
            let rows = sources.iter().map(|rows| rows.row(id)).collect::<Option<Vec<&[f32]>>>()?;
            make(&rows)
        };
        Ok(ids.iter().map(descriptor).collect())
    }

    /// All descriptors of the recipe as one matrix, in the order of ids.
    pub fn matrix(&self) -> Result<Matrix, SearchError> {
        let dims = match self.plan.kind() {
            DescriptorKind::Vector(size) | DescriptorKind::Code(size) => size,
        };
        let mut matrix = Matrix { ids: Vec::new(), dims, values: Vec::new() };
        for (id, descriptor) in self.searched(self.snapshot.ids(), 1)? {
            matrix.ids.push(id);
            matrix.push(&descriptor);
        }
        Ok(matrix)
    }

    /// What these records are searched by, those left out that have nothing; in the order of ids.
    fn searched(&self, ids: &[RecordId], threads: usize) -> Result<Vec<(RecordId, Descriptor)>, StoreError> {
        match self.plan.ranking().augment {
            Some(neighbours) if !ids.is_empty() => {
                let all = augment::augmented(&self.snapshot, &self.plan, neighbours, threads)?;
                Ok(all.into_iter().filter(|(id, _)| ids.binary_search(id).is_ok()).collect())
            }
            _ => {
                let made = ids.iter().copied().zip(self.descriptors(ids)?);
                Ok(made.filter_map(|(id, descriptor)| Some((id, descriptor?))).collect())
            }
        }
    }

    /// Descriptors that are not on disk, in the order of ids.
    pub(super) fn unstored(&self, threads: usize) -> Result<&[(RecordId, Descriptor)], StoreError> {
        if let Some(made) = self.unstored.get() {
            return Ok(made);
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.unstored.get() {
            return Ok(made);
        }
        let is_kept = self.snapshot.recipes().iter().any(|entry| entry.key == self.plan.key());
        let missing = if is_kept { self.snapshot.missing(self.plan.key())? } else { self.snapshot.ids().to_vec() };
        let made = self.searched(&missing, threads)?;
        Ok(self.unstored.get_or_init(|| made))
    }
}

/// Descriptors row by row, for other programs.
pub struct Matrix {
    /// The record of each row.
    pub ids: Vec<RecordId>,
    /// Length of a row: dimensions, or bits.
    pub dims: usize,
    /// Unit vectors, or bits as 0 and 1; `ids.len() * dims` numbers.
    pub values: Vec<f32>,
}

impl Matrix {
    fn push(&mut self, descriptor: &Descriptor) {
        match descriptor {
            Descriptor::Vector(values) => self.values.extend_from_slice(values),
            Descriptor::Code(words) => {
                let bit = |i: usize| f32::from(u8::from(words[i / 64] >> (i % 64) & 1 == 1));
                self.values.extend((0..self.dims).map(bit));
            }
        }
    }

    /// As a `.npy` file.
    pub fn to_npy(&self) -> Vec<u8> {
        crate::store::npy_file(self.ids.len(), self.dims, &self.values)
    }
}

/// Makes query descriptors; holds the networks of one thread.
pub struct Describer {
    plan: Arc<Plan>,
    extractor: Extractor,
}

impl Describer {
    /// Its networks for another searcher by the same sources, as there is one after each change of a collection; `None`
    /// where that has others.
    pub fn rebound(self, searcher: &Searcher) -> Option<Self> {
        let serves = self.extractor.serves(searcher.plan.sources(), searcher.snapshot.decoding());
        serves.then(|| Self { plan: Arc::clone(&searcher.plan), ..self })
    }

    /// The descriptor of a picture.
    pub fn describe(&mut self, picture: &Views<'_>) -> Result<Descriptor, DescribeError> {
        self.make(picture, Plan::describe)
    }

    /// The code of a picture, and the unit vector that it is made of: for [`Searcher::search_rescored`].
    pub fn describe_unhashed(&mut self, picture: &Views<'_>) -> Result<(Descriptor, Descriptor), DescribeError> {
        self.make(picture, |plan, rows| plan.describe(rows).zip(plan.unhashed(rows)))
    }

    fn make<T>(
        &mut self,
        picture: &Views<'_>,
        make: impl Fn(&Plan, &[&[f32]]) -> Option<T>,
    ) -> Result<T, DescribeError> {
        let all: Vec<usize> = (0..self.plan.sources().len()).collect();
        let rows = self.extractor.describe(picture, &all)?;
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        make(&self.plan, &rows).ok_or_else(|| DescribeError::Nothing { recipe: self.plan.canonical().to_owned() })
    }
}

/// Fails unless the snapshot has rows of all sources of a recipe.
pub(super) fn require_rows(snapshot: &Snapshot, draft: &Draft, text: &str) -> Result<(), SearchError> {
    let has = |key: &str| snapshot.sources().iter().any(|have| have.key == key);
    let Some(source) = draft.sources().iter().find(|source| !has(source.id().key())) else { return Ok(()) };
    let have = snapshot.sources().iter().map(|source| source.text.as_str()).collect::<Vec<_>>().join(", ");
    let have = if have.is_empty() { "none".to_owned() } else { have };
    Err(SearchError::NoRows { wanted: source.id().to_string(), have, recipe: text.to_owned() })
}

fn refuse_other_model(engine: &Engine, snapshot: &Snapshot) -> Result<(), SearchError> {
    let Some(given) = engine.networks().given() else { return Ok(()) };
    let network_sources = || snapshot.sources().iter().filter(|source| source.model_sha256.is_some());
    if network_sources().any(|source| source.model_sha256.as_deref() == Some(&given.id().sha256)) {
        return Ok(());
    }
    let have: BTreeSet<&str> = network_sources().map(|source| source.text.as_str()).collect();
    let have = if have.is_empty() { "no network".to_owned() } else { Vec::from_iter(have).join(", ") };
    Err(SearchError::OtherModel { have, given: given.id().to_string() })
}
