//! Bringing a collection in line with the pictures: what is new is described, what moved is recognised, what is gone is
//! forgotten, and nothing is decoded twice.

mod changes;
mod commit;
mod read;
mod recipes;
mod scope;
mod work;

use super::{Engine, PlanError};
use crate::gallery::{GalleryError, Skipped};
use crate::model::ModelError;
use crate::picture::{DecodeOptions, Decoding};
use crate::recipe::{Draft, Recipe, RecipeError};
use crate::store::{ScanChoice, Snapshot, StoreError, Writer};
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What to index.
#[derive(Debug, Clone)]
pub enum Input {
    /// A folder, recursively; absolute.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// Each picture's label is the name of the folder it lies in.
        labels_from_folders: bool,
    },
    /// A list file; absolute.
    List {
        /// Where it is.
        path: PathBuf,
        /// What its relative paths are relative to, if not its own folder.
        base: Option<PathBuf>,
    },
    /// Single files; absolute.
    Files(Vec<PathBuf>),
}

/// Which recipes to keep descriptors of.
#[derive(Debug, Clone)]
pub enum Recipes {
    /// Those the collection has; `fallback` where it has none yet.
    Keep {
        /// The recipe of a new collection.
        fallback: Recipe,
    },
    /// Those the collection has, and these.
    Add(Vec<Recipe>),
    /// The rows of the sources that these need, for somebody who makes descriptors without keeping them. The recipes of
    /// the collection are neither added to nor brought in line.
    Describe(Vec<Arc<Draft>>),
}

/// A run of [`Engine::sync`].
pub struct SyncRequest<'a> {
    /// What to bring in line; nothing means all roots of the collection.
    pub inputs: Vec<Input>,
    /// What to describe the pictures by.
    pub recipes: Recipes,
    /// Limits, leniency, memory budget.
    pub decode: DecodeOptions,
    /// Which pixels of large JPEGs sources see; `None` leaves it as it is, and takes the default for a new collection.
    pub decoding: Option<Decoding>,
    /// Number of workers, at least 1.
    pub jobs: usize,
    /// Forget roots that are missing or empty, instead of refusing.
    pub forget: bool,
    /// How vectors are to be searched from now on; `None` leaves it as it is.
    pub scan: Option<ScanChoice>,
    /// Who writes, for those who find the collection locked.
    pub who: &'a str,
    /// Set by another thread (Ctrl-C): stop after what is under way, keep what is done.
    pub cancel: &'a AtomicBool,
}

/// What happens during a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// All files are found; `pictures` of them have to be read.
    Scanned {
        /// Files found.
        files: usize,
        /// Files to read.
        pictures: usize,
    },
    /// One more file is done.
    Advanced,
    /// A file was left out.
    Skipped(&'a Skip),
    /// Something deserves a word.
    Warning(&'a str),
    /// All files are done; segments are merged and descriptors brought in line.
    Finishing,
}

/// A file or line that was left out.
#[derive(Debug, Clone)]
pub struct Skip {
    /// Where and why.
    pub what: Skipped,
    /// Whether it was meant to be a picture, by its name, its content, or because the user named it. Notes and other
    /// files between the pictures are not.
    pub is_picture: bool,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct SyncReport {
    /// Described for the first time.
    pub added: usize,
    /// As they were.
    pub kept: usize,
    /// Content changed, described anew.
    pub changed: usize,
    /// Found under another path, not decoded again.
    pub moved: usize,
    /// Known already, but described by another source.
    pub completed: usize,
    /// Forgotten, because the file is gone or no longer readable as a picture.
    pub removed: usize,
    /// Left out.
    pub skipped: Vec<Skip>,
    /// Indexed, but with a word to say.
    pub warnings: Vec<String>,
    /// Stopped before the end by [`SyncRequest::cancel`].
    pub interrupted: bool,
    /// Where the time went.
    pub times: StageTimes,
}

/// Time spent in each stage; those of the workers are summed over the workers.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageTimes {
    /// Finding the files.
    pub scan: Duration,
    /// Reading files, ahead of the workers, and hashing them.
    pub read: Duration,
    /// Decoding.
    pub decode: Duration,
    /// Resizing and normalising for networks.
    pub prepare: Duration,
    /// Forward passes of networks.
    pub network: Duration,
    /// All else that sources compute, from pixels or from what networks gave.
    pub describe: Duration,
    /// Writing to the collection.
    pub store: Duration,
    /// The whole run.
    pub total: Duration,
}

impl AddAssign for StageTimes {
    fn add_assign(&mut self, more: Self) {
        let Self { scan, read, decode, prepare, network, describe, store, total } = self;
        *scan += more.scan;
        *read += more.read;
        *decode += more.decode;
        *prepare += more.prepare;
        *network += more.network;
        *describe += more.describe;
        *store += more.store;
        *total += more.total;
    }
}

/// Why a run ended before its work was done. What was committed before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The collection can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A folder or list can't be read.
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    /// A recipe of the collection can't be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A new recipe doesn't bind.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A network can't be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Nothing was named, and the collection has no roots.
    #[error("nothing to index: the collection has no folders or lists yet; name one: `alike index PATH`")]
    NoRoots,
    /// A folder without files.
    #[error("no files in {path}: wanted a folder with pictures", path = path.display())]
    NothingThere {
        /// The folder.
        path: PathBuf,
    },
    /// A root that had pictures is gone or empty: more likely an unmounted disk than a wish.
    #[error("{path} has {now}, but {pictures} pictures were indexed from it: mount or restore it, or run again with --forget to drop them from the collection", path = path.display())]
    RootVanished {
        /// The root.
        path: PathBuf,
        /// What is there now.
        now: &'static str,
        /// How many records it has.
        pictures: usize,
    },
    /// Rows of another decoding would not compare.
    #[error("the collection's pictures were decoded {have}, wanted {wanted}: index into another collection with -c", have = decoded(*.have), wanted = decoded(*.wanted))]
    OtherDecoding {
        /// Of the collection.
        have: Decoding,
        /// Asked for.
        wanted: Decoding,
    },
    /// Another network than the collection's.
    #[error(
        "the collection was made with {have}, got the network {given}: to describe its pictures by both, add --recipe 'deep@{name}'; or index into another collection with -c"
    )]
    OtherModel {
        /// Networks of the collection.
        have: String,
        /// The network given.
        given: String,
        /// Its name.
        name: String,
    },
}

/// Derives what descriptors are missing, without a look at the pictures.
pub(super) fn rederive(engine: &Engine, who: &str) -> Result<(), SyncError> {
    let mut writer = engine.collection().write(who)?;
    let snapshot = engine.collection().snapshot()?;
    let plans = recipes::plan_kept(engine, &snapshot)?;
    drop(snapshot);
    // What can't learn yet is named by the verification that follows.
    recipes::derive(engine.collection(), &mut writer, &plans, 1)?;
    Ok(writer.finish()?)
}

pub(super) fn run(
    engine: &Engine,
    request: &SyncRequest<'_>,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<SyncReport, SyncError> {
    let started = Instant::now();
    let mut report = SyncReport::default();
    let mut writer = engine.collection().write(request.who)?.with_threads(request.jobs);
    if let Some(scan) = request.scan {
        writer.choose_scan(scan)?;
    }
    let snapshot = engine.collection().snapshot()?;
    let decoding = settle_decoding(&mut writer, &snapshot, request.decoding)?;
    let plans = recipes::plan_all(engine, &snapshot, &request.recipes)?;
    let sources = recipes::sources_of(&plans, &request.recipes);
    let scopes = scope::resolve(engine.collection(), &snapshot, request)?;
    let changes = changes::compare(engine.collection(), &snapshot, &scopes, &sources, &mut report)?;
    report.times.scan = started.elapsed();
    for skip in &report.skipped {
        on_event(Event::Skipped(skip));
    }
    for warning in &report.warnings {
        on_event(Event::Warning(warning));
    }
    on_event(Event::Scanned { files: changes.files, pictures: changes.tasks.len() });

    recipes::register(&mut writer, &sources, &plans)?;
    let roots = scope::record_roots(&mut writer, &scopes)?;
    let run = work::Run { engine, request, decoding, sources: &sources, roots: &roots };
    run.execute(changes, &mut writer, &mut report, on_event)?;
    if !report.interrupted {
        on_event(Event::Finishing);
        let storing = Instant::now();
        for warning in recipes::derive(engine.collection(), &mut writer, &plans, request.jobs)? {
            on_event(Event::Warning(&warning));
            report.warnings.push(warning);
        }
        writer.finish()?;
        report.times.store += storing.elapsed();
    }
    report.times.total = started.elapsed();
    Ok(report)
}

/// How pictures are decoded for this collection: chosen once, before the first is described.
fn settle_decoding(writer: &mut Writer, snapshot: &Snapshot, wanted: Option<Decoding>) -> Result<Decoding, SyncError> {
    let have = snapshot.decoding();
    if snapshot.sources().is_empty() {
        let chosen = wanted.unwrap_or(have);
        writer.choose_decoding(chosen)?;
        return Ok(chosen);
    }
    match wanted {
        Some(wanted) if wanted != have => Err(SyncError::OtherDecoding { have, wanted }),
        _ => Ok(have),
    }
}

fn decoded(decoding: Decoding) -> &'static str {
    match decoding {
        Decoding::Reduced => "to fewer pixels where they are large JPEGs",
        Decoding::Exact => "with all their pixels",
    }
}
