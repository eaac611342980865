//! The front door: open a collection, bring it in line with the pictures, search it.

mod augment;
mod calibrate;
mod edit;
mod explain;
mod extract;
mod filter;
mod fuse;
mod learn;
mod nearest;
mod networks;
mod overview;
mod search;
mod several;
mod sync;
mod verify;

pub use calibrate::Kept;
pub use explain::{ExplainError, Explainer, Heat, HeatMap, NoMap};
pub use fuse::{Fused, Fusion, Place, candidates, fuse};
pub use networks::{Networks, NetworksError};
pub use overview::{Overview, Point, overview};
pub use search::{Describer, Found, Hit, Matrix, SearchError, SearchOptions, Searcher};
pub use several::{FusedFound, FusedHit, JointDescriber, Searchers};
pub use sync::{Event, Input, Recipes, Skip, StageTimes, SyncError, SyncReport, SyncRequest};

use crate::picture::PictureError;
use crate::recipe::{Draft, Plan, Recipe, RecipeError, TrainedUseError};
use crate::source::Source;
use crate::store::{Collection, RecipeEntry, RecordId, Snapshot};
use crate::train::{Trained, TrainedError};
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A collection with the networks that describe pictures for it.
pub struct Engine {
    collection: Collection,
    networks: Arc<Networks>,
}

impl Engine {
    /// An engine over an existing or just created collection. Several engines may share their networks.
    pub fn new(collection: Collection, networks: impl Into<Arc<Networks>>) -> Self {
        Self { collection, networks: networks.into() }
    }

    /// The collection on disk.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The networks and the runtime at hand.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Brings the collection in line with its roots, or with what `request` names: new pictures are described, changed
    /// ones described anew, moved ones recognised, vanished ones forgotten.
    pub fn sync(
        &self,
        request: &SyncRequest<'_>,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<SyncReport, SyncError> {
        sync::run(self, request, on_event)
    }

    /// Opens a snapshot of the collection for searching with one of its recipes (the default one for `None`), or with
    /// any recipe whose sources it has rows of.
    pub fn searcher(&self, recipe: Option<&str>) -> Result<Searcher, SearchError> {
        Searcher::open(self, Arc::new(self.collection.snapshot()?), recipe)
    }

    /// The same for a recipe that the collection keeps, by the files it was made with: none is opened that its text names.
    pub fn searcher_kept(&self, snapshot: Arc<Snapshot>, entry: &RecipeEntry) -> Result<Searcher, SearchError> {
        Searcher::open_kept(self, snapshot, entry)
    }

    /// The same for several recipes over one snapshot; the default one where none is named.
    pub fn searchers(&self, recipes: &[String]) -> Result<Searchers, SearchError> {
        Searchers::open(self, recipes)
    }

    /// A recipe bound to the networks at hand: where it names none it means the one that was given, else the first that
    /// the collection has rows of.
    pub fn draft(&self, recipe: &Recipe) -> Result<Arc<Draft>, SearchError> {
        Ok(Arc::new(self.bind(&self.collection.snapshot()?, recipe)?))
    }

    /// A recipe that the collection keeps, bound to the networks and the files it was made with.
    pub fn draft_kept(&self, entry: &RecipeEntry) -> Result<Arc<Draft>, SearchError> {
        Ok(Arc::new(self.draft_entry(&self.collection.snapshot()?, entry)?))
    }

    /// Opens a snapshot of the collection for a recipe that is bound already; `text` is what its author wrote. The
    /// collection must have rows of all its sources. What the recipe learns it learns from these pictures alone, whatever
    /// else the collection has or keeps: an evaluation's queries may be among it.
    pub fn searcher_from(&self, draft: &Draft, text: &str, gallery: &[RecordId]) -> Result<Searcher, SearchError> {
        let snapshot = self.collection.snapshot()?;
        search::require_rows(&snapshot, draft, text)?;
        let plan = Arc::new(learn::learnt_from(&snapshot, draft, gallery)?);
        Ok(Searcher::new(&self.collection, Arc::new(snapshot), plan, text))
    }

    /// The same with what the recipe learnt elsewhere, for pictures that must not teach it.
    pub fn searcher_by(&self, plan: Arc<Plan>, text: &str) -> Result<Searcher, SearchError> {
        let snapshot = self.collection.snapshot()?;
        search::require_rows(&snapshot, &plan, text)?;
        Ok(Searcher::new(&self.collection, Arc::new(snapshot), plan, text))
    }

    /// Binds a recipe that somebody names now: a file that it names is the one on disk, else the collection's copy. Networks
    /// that such a file wants are looked for by their hash where those at hand won't do.
    fn bind(&self, snapshot: &Snapshot, recipe: &Recipe) -> Result<Draft, RecipeError> {
        let mut models = self.models(snapshot);
        let wanted = RefCell::new(Vec::new());
        let resolve = |name: &str| {
            let trained = named_trained(snapshot, name)?;
            wanted.borrow_mut().extend(trained.description().base.networks.iter().cloned());
            Ok(trained)
        };
        match Draft::resolving(recipe, &models, &resolve) {
            Err(RecipeError::Trained(TrainedUseError::OtherBase { .. })) => {
                models.extend(wanted.take().iter().filter_map(|hash| self.networks.by_hash(hash).ok()));
                Draft::resolving(recipe, &models, &resolve)
            }
            bound => bound,
        }
    }

    /// The networks that a recipe may mean: the given one first, then those the collection has rows of, as far as they
    /// are at hand.
    fn models(&self, snapshot: &Snapshot) -> Vec<Arc<crate::model::Model>> {
        let mut models: Vec<_> = self.networks.given().cloned().into_iter().collect();
        let hashes = snapshot.sources().iter().filter_map(|source| source.model_sha256.as_deref());
        for model in hashes.filter_map(|hash| self.networks.by_hash(hash).ok()) {
            if models.iter().all(|known| known.id() != model.id()) {
                models.push(model);
            }
        }
        models
    }

    /// Binds a recipe of the collection to the networks it was made with.
    fn draft_entry(&self, snapshot: &Snapshot, entry: &RecipeEntry) -> Result<Draft, PlanError> {
        let mut models = Vec::new();
        for key in &entry.sources {
            let source = snapshot.sources().iter().find(|source| source.key == *key);
            if let Some(sha256) = source.and_then(|source| source.model_sha256.as_deref()) {
                let model = self
                    .networks
                    .by_hash(sha256)
                    .map_err(|source| PlanError::Network { recipe: entry.canonical.clone(), source })?;
                models.push(model);
            }
        }
        // Never from a path: whoever made the collection doesn't choose which files are read here.
        let draft = Draft::resolving(&entry.text.parse()?, &models, &|name| kept_trained(snapshot, entry, name))?;
        if draft.key() != entry.key {
            return Err(PlanError::Changed { recipe: entry.canonical.clone(), now: draft.canonical().to_owned() });
        }
        Ok(draft)
    }
}

/// The file on disk, else the collection's copy of that name.
fn named_trained(snapshot: &Snapshot, name: &str) -> Result<Trained, TrainedError> {
    match Trained::open(Path::new(name)) {
        Err(TrainedError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            let kept = snapshot.recipes().iter().find_map(|entry| kept_trained(snapshot, entry, name).ok());
            kept.ok_or(TrainedError::Io(error))
        }
        opened => opened,
    }
}

/// The copy of a file that a recipe of the collection names.
fn kept_trained(snapshot: &Snapshot, entry: &RecipeEntry, name: &str) -> Result<Trained, TrainedError> {
    let kept = snapshot.trained(&entry.key).map_err(io::Error::other)?;
    let found = kept.into_iter().find(|kept| kept.name == name);
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("the collection has no copy of `{name}`"));
    Trained::read(name, found.ok_or_else(missing)?.content)
}

/// Why a recipe of a collection can't be used now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The recipe doesn't parse or bind.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The network isn't at hand.
    #[error("the collection keeps `{recipe}`, and its network is not at hand: {source}")]
    Network {
        /// Canonical form.
        recipe: String,
        /// What was looked for.
        source: NetworksError,
    },
    /// The same text means something else in this version, or with this manifest.
    #[error(
        "the collection keeps `{recipe}`, which this version and these networks would make as `{now}`: index anew into another collection (-c), or use the alike and the network it was made with"
    )]
    Changed {
        /// Canonical form in the collection.
        recipe: String,
        /// Canonical form now.
        now: String,
    },
}

/// Why one picture has no descriptor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// It can't be decoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A source failed.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// A network failed.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// All numbers are zero or not finite, so there is nothing to compare.
    #[error("the recipe `{recipe}` gives nothing but zeros for this picture: try another recipe")]
    Nothing {
        /// Canonical form.
        recipe: String,
    },
}

/// Each source of several recipes once, in the order of first use.
fn union_of_sources<'a>(drafts: impl Iterator<Item = &'a Draft>) -> Vec<Arc<dyn Source>> {
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for source in drafts.flat_map(Draft::sources) {
        if sources.iter().all(|known| known.id() != source.id()) {
            sources.push(Arc::clone(source));
        }
    }
    sources
}
