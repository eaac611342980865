//! The recipes of a run: those the collection keeps, and the ones to add.

use super::{Recipes, SyncError};
use crate::engine::{Engine, PlanError};
use crate::recipe::Plan;
use crate::source::Source;
use crate::store::{RecipeEntry, Snapshot, SourceEntry, StoreError, Writer};
use std::sync::Arc;

/// A recipe as the user wrote it, bound.
pub(super) struct Planned {
    pub(super) text: String,
    pub(super) plan: Plan,
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
        let plan = Plan::new(recipe, &engine.models(snapshot))?;
        if plans.iter().all(|known| known.plan.key() != plan.key()) {
            plans.push(Planned { text: recipe.to_string(), plan });
        }
    }
    Ok(plans)
}

/// The recipes that the collection keeps.
pub(super) fn plan_kept(engine: &Engine, snapshot: &Snapshot) -> Result<Vec<Planned>, PlanError> {
    let plan =
        |entry: &RecipeEntry| Ok(Planned { text: entry.text.clone(), plan: engine.plan_entry(snapshot, entry)? });
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
    let plans = plans.iter().map(|planned| &planned.plan).chain(described.iter().map(Arc::as_ref));
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for source in plans.flat_map(Plan::sources) {
        if sources.iter().all(|known| known.id() != source.id()) {
            sources.push(Arc::clone(source));
        }
    }
    sources
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
    for Planned { text, plan } in plans {
        writer.add_recipe(&RecipeEntry {
            key: plan.key().to_owned(),
            text: text.clone(),
            canonical: plan.canonical().to_owned(),
            sources: plan.sources().iter().map(|source| source.id().key().to_owned()).collect(),
            kind: plan.kind(),
        })?;
    }
    Ok(())
}

/// Descriptors for all records that have rows but none yet.
pub(super) fn derive(writer: &mut Writer, plans: &[Planned]) -> Result<(), StoreError> {
    for Planned { plan, .. } in plans {
        writer.derive(plan.key(), &mut |rows| plan.describe(rows))?;
    }
    Ok(())
}
