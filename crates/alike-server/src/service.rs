//! What requests share: the collection as it is now, its searchers with their networks, and the workers.

use crate::error::ApiError;
use crate::meaning::Known;
use crate::metrics::Metrics;
use crate::together::{Answer, Query, Together, Waiting, Wanted};
use crate::workers::{NotDone, Workers};
use alike::engine::{Describer, Engine, Searcher};
use alike::picture::DecodeOptions;
use alike::store::{RecipeEntry, RecordId, Snapshot, StoreError, Watch};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How a server behaves.
pub struct Settings {
    /// Who may do what.
    pub access: Access,
    /// Limits of uploaded pictures; the budget is shared by all that are decoded at the same time.
    pub decode: DecodeOptions,
    /// Most bytes of a request's body.
    pub max_body: usize,
    /// How long a body may take to come in, and how long a request may wait for its turn.
    pub patience: Duration,
    /// Threads that describe and search.
    pub workers: usize,
    /// Requests that may wait for them.
    pub waiting: usize,
    /// Share of the true nearest that a search finds on average, above 0; 1 looks at every picture.
    pub recall: f64,
    /// A page of `alike eval --report`, which is offered at `/report`.
    pub report: Option<PathBuf>,
    /// Told what went wrong inside, for who runs the server.
    pub on_fault: Box<dyn Fn(&str) + Send + Sync>,
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What changes the collection is wanted with this token; `None` refuses all changes.
    pub token: Option<String>,
    /// Whether all else needs it, too.
    pub guard_reads: bool,
    /// Names under which the server may be asked for, beside `localhost` and addresses in numbers.
    pub hosts: Vec<String>,
}

/// Uploads whose bodies may lie in memory at the same time.
const BODIES: usize = 16;

/// KiB of files that may lie in memory at the same time, on their way to clients, which may be slow.
const SENDING: u32 = 256 << 10;

pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    workers: Workers,
    bodies: Arc<Semaphore>,
    sending: Arc<Semaphore>,
    queries_to_make: AtomicUsize,
    /// Held by the one who changes the collection, so that none of us finds it locked by another of us.
    changing: Arc<tokio::sync::Mutex<()>>,
    now: Mutex<Now>,
}

struct Now {
    watch: Watch,
    view: Arc<View>,
    /// Somebody has written since.
    is_stale: bool,
}

/// The collection as it was at one time.
pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    /// By key of the recipe.
    ready: Mutex<HashMap<String, Arc<Ready>>>,
    /// The same.
    earlier: Mutex<HashMap<String, Earlier>>,
}

/// What is kept of a recipe when somebody has written to the collection.
struct Earlier {
    /// Their networks needn't be loaded anew because somebody added a picture.
    describers: Vec<Describer>,
    /// Where each descriptor depends on all others, and some are missing: a run of another program makes them at its end.
    /// Holds on to the collection as it was.
    augmented: Option<Arc<Ready>>,
}

/// A recipe that is ready to search, with describers that nobody uses at the moment.
pub(crate) struct Ready {
    pub(crate) searcher: Searcher,
    pub(crate) together: Mutex<Together>,
    /// What its scores mean; read by the first search.
    pub(crate) known: OnceLock<Option<Arc<Known>>>,
    describers: Mutex<Vec<Describer>>,
}

/// One of the searches whose query waits for a worker.
struct ToMake(Arc<Service>);

impl ToMake {
    fn another(service: &Arc<Service>) -> Self {
        service.queries_to_make.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(service))
    }
}

impl Drop for ToMake {
    fn drop(&mut self) {
        self.0.queries_to_make.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service {
    pub(crate) fn new(engine: Engine, settings: Settings) -> Result<Self, StoreError> {
        let watch = engine.collection().watch()?;
        let view = View::open(&engine)?;
        let workers = Workers::start(settings.workers, settings.waiting);
        let [bodies, sending] = [BODIES, SENDING as usize].map(|size| Arc::new(Semaphore::new(size)));
        let (metrics, queries_to_make, changing) = (Metrics::new(), AtomicUsize::new(0), Arc::default());
        let now = Mutex::new(Now { watch, view, is_stale: false });
        Ok(Self { engine, settings, metrics, workers, bodies, sending, queries_to_make, changing, now })
    }

    /// Does something on a worker.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let service = Arc::clone(self);
        let done = self.workers.run(move || job(&service)).await;
        done.unwrap_or_else(|why| Err(self.not_done(why)))
    }

    /// Makes a query on a worker, and searches with it.
    pub(crate) async fn search(
        self: &Arc<Self>,
        wanted: Wanted,
        query: impl FnOnce(&Self) -> Result<Query, ApiError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let (service, to_make) = (Arc::clone(self), ToMake::another(self));
        let done = self.workers.replied(move |reply| {
            drop(to_make);
            match query(&service) {
                Ok(Query { ready, descriptor, context }) => {
                    ready.search(&service, Waiting { query: descriptor, context, wanted, reply });
                }
                Err(error) => drop(reply.send(Err(error))),
            }
        });
        done.await.unwrap_or_else(|why| Err(self.not_done(why)))
    }

    /// Does something on a worker that nobody waits for; false where there is no room in the queue.
    pub(crate) fn later(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.workers.later(job).is_ok()
    }

    fn not_done(&self, why: NotDone) -> ApiError {
        match why {
            NotDone::Busy => ApiError::busy(),
            NotDone::Failed => ApiError::fault(self, "a request ended without an answer"),
        }
    }

    /// Does something that changes the collection on a worker, when no other such thing is being done.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = tokio::time::timeout(self.settings.patience, Arc::clone(&self.changing).lock_owned()).await;
        let turn = turn.map_err(|_| ApiError::busy())?;
        // Held by the job: it may go on when its client has left.
        self.work(move |service| {
            let _turn = turn;
            job(service)
        })
        .await
    }

    /// Waits until there is room for another body; the room is held by whoever has the body.
    pub(crate) async fn room_for_body(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let room = tokio::time::timeout(self.settings.patience, Arc::clone(&self.bodies).acquire_owned()).await;
        room.ok().and_then(Result::ok).ok_or_else(ApiError::busy)
    }

    /// Waits until there is room for a file of so many bytes on its way to a client. One that is larger than half of it
    /// takes half.
    pub(crate) async fn room_for_file(&self, bytes: u64) -> Result<OwnedSemaphorePermit, ApiError> {
        let size = bytes.div_ceil(1 << 10).min(u64::from(SENDING / 2)) as u32;
        let room = Arc::clone(&self.sending).acquire_many_owned(size);
        let room = tokio::time::timeout(self.settings.patience, room).await;
        room.ok().and_then(Result::ok).ok_or_else(ApiError::busy)
    }

    /// As it was when somebody looked last.
    pub(crate) fn pictures(&self) -> usize {
        lock(&self.now).view.snapshot.ids().len()
    }

    /// Jobs that wait for a worker, and searches that wait for a pass.
    pub(crate) fn waiting(&self) -> usize {
        let view = Arc::clone(&lock(&self.now).view);
        let of_passes: usize = lock(&view.ready).values().map(|ready| ready.waiting()).sum();
        self.workers.waiting() + of_passes
    }

    /// Searches whose query waits for a worker to make it.
    pub(crate) fn queries_to_make(&self) -> usize {
        self.queries_to_make.load(Ordering::Relaxed)
    }

    /// The collection as it is now. Reads from disk where somebody wrote to it: for workers.
    pub(crate) fn view(&self) -> Result<Arc<View>, ApiError> {
        let mut now = lock(&self.now);
        now.is_stale |= now.watch.changed().map_err(|error| ApiError::of_store(self, &error))?;
        if now.is_stale {
            now.view = now.view.next(&self.engine).map_err(|error| ApiError::of_store(self, &error))?;
            now.is_stale = false;
        }
        Ok(Arc::clone(&now.view))
    }
}

impl View {
    fn open(engine: &Engine) -> Result<Arc<Self>, StoreError> {
        let snapshot = Arc::new(engine.collection().snapshot()?);
        Ok(Arc::new(Self { snapshot, ready: Mutex::default(), earlier: Mutex::default() }))
    }

    /// The one after this, with what is kept of this.
    fn next(&self, engine: &Engine) -> Result<Arc<Self>, StoreError> {
        let snapshot = Arc::new(engine.collection().snapshot()?);
        let mut incomplete = HashSet::new();
        for entry in snapshot.recipes() {
            if self.augmented(&entry.key).is_some() && !snapshot.missing(&entry.key)?.is_empty() {
                incomplete.insert(&entry.key);
            }
        }
        // Nothing fails from here on: what is taken is not lost.
        let kept = |entry: &RecipeEntry| {
            let augmented = self.augmented(&entry.key).filter(|_| incomplete.contains(&entry.key));
            let mut describers = self.take_describers(&entry.key);
            if let Some(ready) = lock(&self.ready).get(&entry.key) {
                describers.append(&mut lock(&ready.describers));
            }
            (entry.key.clone(), Earlier { describers, augmented })
        };
        let earlier = Mutex::new(snapshot.recipes().iter().map(kept).collect());
        Ok(Arc::new(Self { snapshot, ready: Mutex::default(), earlier }))
    }

    /// Whether there is such an image.
    pub(crate) fn has(&self, id: RecordId) -> bool {
        self.snapshot.ids().binary_search(&id).is_ok()
    }

    /// By key of the recipe; `None` for one whose descriptors don't depend on all others.
    fn augmented(&self, key: &str) -> Option<Arc<Ready>> {
        match lock(&self.ready).get(key) {
            Some(ready) => Some(Arc::clone(ready)).filter(|ready| ready.searcher.plan().ranking().augment.is_some()),
            None => lock(&self.earlier).get(key)?.augmented.clone(),
        }
    }

    /// Those that were kept.
    fn take_describers(&self, key: &str) -> Vec<Describer> {
        let kept = lock(&self.earlier).get_mut(key).map(|kept| std::mem::take(&mut kept.describers));
        kept.unwrap_or_default()
    }

    /// The recipe that a client names by its text or canonical form; the first for `None`. Only those that the collection
    /// keeps: a recipe may name files, and what it learns takes long.
    pub(crate) fn ready(&self, service: &Service, recipe: Option<&str>) -> Result<Arc<Ready>, ApiError> {
        let entry = self.entry(recipe)?;
        if let Some(ready) = lock(&self.ready).get(&entry.key) {
            return Ok(Arc::clone(ready));
        }
        let ready = match self.augmented(&entry.key) {
            Some(augmented) => augmented,
            None => {
                let searcher = service.engine.searcher_kept(Arc::clone(&self.snapshot), entry);
                Arc::new(Ready::new(searcher.map_err(|error| ApiError::of_search(service, &error))?))
            }
        };
        // Somebody may have been quicker.
        let ready = Arc::clone(lock(&self.ready).entry(entry.key.clone()).or_insert(ready));
        let describers = self.take_describers(&entry.key).into_iter();
        let rebound: Vec<Describer> = describers.filter_map(|describer| describer.rebound(&ready.searcher)).collect();
        lock(&ready.describers).extend(rebound);
        Ok(ready)
    }

    fn entry(&self, recipe: Option<&str>) -> Result<&RecipeEntry, ApiError> {
        let recipes = self.snapshot.recipes();
        let is_named = |entry: &&RecipeEntry| recipe.is_none_or(|name| name == entry.text || name == entry.canonical);
        recipes.iter().find(is_named).ok_or_else(|| match recipe {
            None => ApiError::not_found("empty_collection", "the collection holds no pictures yet"),
            Some(name) => {
                let have: Vec<&str> = recipes.iter().map(|entry| entry.text.as_str()).collect();
                let message = format!("the collection keeps no recipe `{name}`, it has: {}", have.join(", "));
                ApiError::bad("unknown_recipe", message)
            }
        })
    }
}

impl Ready {
    fn new(searcher: Searcher) -> Self {
        let (together, known, describers) = (Mutex::default(), OnceLock::new(), Mutex::default());
        Self { searcher, together, known, describers }
    }

    /// Lends a describer: one that nobody uses, or a new one.
    pub(crate) fn with_describer<T>(
        &self,
        service: &Service,
        describe: impl FnOnce(&mut Describer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let idle = lock(&self.describers).pop();
        let mut describer = match idle {
            Some(describer) => describer,
            None => {
                let started = self.searcher.describer(&service.engine);
                started.map_err(|error| ApiError::of_search(service, &error))?
            }
        };
        let result = describe(&mut describer);
        lock(&self.describers).push(describer);
        result
    }
}

/// What these locks guard is whole at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
