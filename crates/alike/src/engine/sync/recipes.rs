//! The recipes of a run: those the collection keeps, and the ones to add.

use super::{Recipes, SyncError};
use crate::engine::{Engine, PlanError, augment, learn, union_of_sources};
use crate::recipe::{Draft, LearnError, Plan};
use crate::source::Source;
use crate::store::{Collection, RecipeEntry, Snapshot, SourceEntry, StoreError, TrainedEntry, Writer};
use std::sync::Arc;

/// A recipe as the user wrote it, bound.
pub(super) struct Planned {
    pub(super) text: String,
    pub(super) draft: Draft,
}

/// The recipes whose descriptors are kept.
pub(super) fn plan_all(engine: &Engine, snapshot: &Snapshot, recipes: &Recipes) -> Result<Vec<Planned>, SyncError> {
    if matches!(recipes, Recipes::Describe(_)) {
        return Ok(Vec::new());
    }
    let mut plans = plan_kept(engine, snapshot)?;
    let added = match recipes {
        Recipes::Keep { fallback } if plans.is_empty() => std::slice::from_ref(fallback),
        Recipes::Keep { .. } => {
            refuse_other_model(engine, snapshot)?;
            &[]
        }
        Recipes::Add(recipes) => recipes,
        Recipes::Describe(_) => &[],
    };
    for recipe in added {
        let draft = engine.bind(snapshot, recipe)?;
        if plans.iter().all(|known| known.draft.key() != draft.key()) {
            plans.push(Planned { text: recipe.to_string(), draft });
        }
    }
    Ok(plans)
}

/// The recipes that the collection keeps.
pub(super) fn plan_kept(engine: &Engine, snapshot: &Snapshot) -> Result<Vec<Planned>, PlanError> {
    let plan =
        |entry: &RecipeEntry| Ok(Planned { text: entry.text.clone(), draft: engine.draft_entry(snapshot, entry)? });
    snapshot.recipes().iter().map(plan).collect()
}

/// `--model` without `--recipe` on a collection of another network is a mistake, not a wish.
fn refuse_other_model(engine: &Engine, snapshot: &Snapshot) -> Result<(), SyncError> {
    let Some(given) = engine.networks().given() else { return Ok(()) };
    let has_it = snapshot.sources().iter().any(|source| source.model_sha256.as_deref() == Some(&given.id().sha256));
    if has_it {
        return Ok(());
    }
    let have: Vec<&str> = snapshot.sources().iter().map(|source| source.text.as_str()).collect();
    Err(SyncError::OtherModel { have: have.join(", "), given: given.id().to_string(), name: given.id().name.clone() })
}

/// Each source of a run once, in the order of first use.
pub(super) fn sources_of(plans: &[Planned], recipes: &Recipes) -> Vec<Arc<dyn Source>> {
    let described = if let Recipes::Describe(described) = recipes { &described[..] } else { &[] };
    let drafts = plans.iter().map(|planned| &planned.draft).chain(described.iter().map(Arc::as_ref));
    union_of_sources(drafts)
}

pub(super) fn register(writer: &mut Writer, sources: &[Arc<dyn Source>], plans: &[Planned]) -> Result<(), StoreError> {
    for source in sources {
        writer.add_source(&SourceEntry {
            key: source.id().key().to_owned(),
            text: source.id().to_string(),
            dims: source.dims(),
            model_sha256: source.model().map(|model| model.id().sha256.clone()),
        })?;
    }
    for Planned { text, draft } in plans {
        writer.add_recipe(&RecipeEntry {
            key: draft.key().to_owned(),
            text: text.clone(),
            canonical: draft.canonical().to_owned(),
            sources: draft.sources().iter().map(|source| source.id().key().to_owned()).collect(),
            kind: draft.kind(),
        })?;
        for (name, trained) in draft.trained() {
            let (recipe, content) = (draft.key().to_owned(), trained.bytes().to_vec());
            writer.keep_trained(&TrainedEntry { recipe, name: name.clone(), content })?;
        }
    }
    Ok(())
}

/// Descriptors for all records that have rows but none yet. Gives a warning for each recipe that can't learn yet.
pub(super) fn derive(
    collection: &Collection,
    writer: &mut Writer,
    plans: &[Planned],
    threads: usize,
) -> Result<Vec<String>, StoreError> {
    let mut warnings = Vec::new();
    for Planned { draft, .. } in plans {
        match ready(collection, writer, draft)? {
            Ok(plan) => match plan.ranking().augment {
                Some(neighbours) => augment::derive(collection, writer, &plan, neighbours, threads)?,
                None => drop(writer.derive(plan.key(), &mut |_, rows| plan.describe(rows))?),
            },
            Err(error) => warnings.push(format!("there are no descriptors yet: {error}")),
        }
    }
    Ok(warnings)
}

/// A gallery that has grown by more than this factor is learnt from again.
const OUTGROWN: u64 = 4;

/// What a recipe learnt stays what it is while pictures come and go. It learns where nothing was learnt yet, and anew where
/// the gallery has outgrown that. The inner error: the gallery is too small.
fn ready(collection: &Collection, writer: &mut Writer, draft: &Draft) -> Result<Result<Plan, LearnError>, StoreError> {
    if let Some(plan) = draft.ready() {
        return Ok(Ok(plan));
    }
    let snapshot = collection.snapshot()?;
    let pictures = learn::rows(&snapshot, draft, snapshot.ids())?;
    let rows = pictures.len() as u64;
    let is_outgrown = snapshot.learned_from(draft.key())?.is_none_or(|then| rows > then.saturating_mul(OUTGROWN));
    if !is_outgrown && let Some(plan) = learn::stored(&snapshot, draft)? {
        return Ok(Ok(plan));
    }
    let learnt = draft.learn(&pictures);
    // A reader that stays open would hold up a database without a write-ahead log.
    drop(snapshot);
    if let Some(parameters) = learnt.as_ref().ok().and_then(Plan::parameters) {
        writer.learn(draft.key(), rows, &parameters)?;
    }
    Ok(learnt)
}
