//! Names to sources, steps and numbers.

use super::hash::Method;
use super::plan::Node;
use super::{Call, Operand, Recipe, RecipeError, Term};
use crate::model::Model;
use crate::source::{self, Build, Source, SourceError};
use std::sync::Arc;

/// The names of the steps, for messages.
const STEPS: &str = "hash";

/// A part of the recipe, bound.
pub(super) struct Bound {
    pub(super) node: Node,
    /// Canonical form.
    pub(super) text: String,
    /// Length of the vector, also where it is hashed.
    pub(super) dims: usize,
    pub(super) hash: Option<Method>,
}

/// Binds a recipe. Gives the sources, each once, in the order of the recipe. `models`: the first one is meant where a
/// recipe names none.
pub(super) fn bind(recipe: &Recipe, models: &[Arc<Model>]) -> Result<(Bound, Vec<Arc<dyn Source>>), RecipeError> {
    let mut binder = Binder { models, sources: Vec::new() };
    let bound = binder.recipe(recipe)?;
    Ok((bound, binder.sources))
}

struct Binder<'a> {
    models: &'a [Arc<Model>],
    sources: Vec<Arc<dyn Source>>,
}

impl Binder<'_> {
    fn recipe(&mut self, recipe: &Recipe) -> Result<Bound, RecipeError> {
        let mut bound = match recipe.terms.as_slice() {
            [term] => self.operand(&term.operand)?,
            terms => self.sum(terms)?,
        };
        for step in &recipe.steps {
            let hash = hash_step(step, &bound)?;
            bound.text.push_str(&format!(" | {hash}"));
            bound.hash = Some(hash);
        }
        Ok(bound)
    }

    fn operand(&mut self, operand: &Operand) -> Result<Bound, RecipeError> {
        match operand {
            Operand::Call(call) => self.source(call),
            Operand::Group(recipe) => self.recipe(recipe),
        }
    }

    fn sum(&mut self, terms: &[Term]) -> Result<Bound, RecipeError> {
        let total: f64 = terms.iter().map(|term| term.weight.unwrap_or(1.0)).sum();
        let (mut parts, mut texts, mut dims) = (Vec::new(), Vec::new(), 0);
        for term in terms {
            let part = self.operand(&term.operand)?;
            if part.hash.is_some() {
                return Err(RecipeError::CodeInSum { column: first_column(&term.operand) });
            }
            let weight = six_digits(term.weight.unwrap_or(1.0) / total);
            let is_sum = matches!(part.node, Node::Sum(_));
            texts.push(if is_sum { format!("{weight}*({})", part.text) } else { format!("{weight}*{}", part.text) });
            dims += part.dims;
            parts.push((weight, part.node));
        }
        Ok(Bound { node: Node::Sum(parts), text: texts.join(" + "), dims, hash: None })
    }

    fn source(&mut self, call: &Call) -> Result<Bound, RecipeError> {
        let source = self.build(call)?;
        let (text, dims) = (source.id().to_string(), source.dims());
        let known = self.sources.iter().position(|other| other.id() == source.id());
        let place = known.unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        });
        Ok(Bound { node: Node::Row(place), text, dims, hash: None })
    }

    fn build(&self, call: &Call) -> Result<Arc<dyn Source>, RecipeError> {
        let column = call.column.0;
        let entry = source::REGISTRY.iter().find(|entry| entry.name == call.name).ok_or_else(|| {
            let known = source::REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
            RecipeError::Unknown { what: "source", name: call.name.clone(), column, known }
        })?;
        let refuse = |takes| Err(RecipeError::Arguments { name: call.name.clone(), column, takes });
        match entry.build {
            _ if !call.args.is_empty() => refuse("no arguments"),
            Build::Picture(_) if call.model.is_some() => refuse("no model"),
            Build::Picture(build) => Ok(build()),
            Build::Network(build) => Ok(build(self.model(call)?)?),
        }
    }

    fn model(&self, call: &Call) -> Result<&Arc<Model>, RecipeError> {
        let Some(name) = &call.model else {
            let missing = || SourceError::NeedsModel { name: call.name.clone() };
            return Ok(self.models.first().ok_or_else(missing)?);
        };
        let matches = |model: &&Arc<Model>| model.id().name == *name || model.id().to_string() == *name;
        self.models.iter().find(matches).ok_or_else(|| {
            let known = self.models.iter().map(|model| model.id().name.as_str()).collect::<Vec<_>>().join(", ");
            RecipeError::UnknownModel { name: name.clone(), column: call.column.0, known }
        })
    }
}

fn hash_step(step: &Call, bound: &Bound) -> Result<Method, RecipeError> {
    let (name, column) = (step.name.clone(), step.column.0);
    if step.name != "hash" {
        return Err(RecipeError::Unknown { what: "step", name, column, known: STEPS.into() });
    }
    if bound.hash.is_some() {
        return Err(RecipeError::StepAfterCode { name, column });
    }
    Method::new(step, bound.dims)
}

/// Six digits decide: `0.1*a + 0.2*b` and `1*a + 2*b` are the same recipe, although 0.1 + 0.2 isn't quite 0.3.
fn six_digits(weight: f64) -> f64 {
    format!("{weight:.5e}").parse().unwrap_or(weight)
}

fn first_column(operand: &Operand) -> usize {
    match operand {
        Operand::Call(call) => call.column.0,
        Operand::Group(recipe) => recipe.terms.first().map_or(1, |term| first_column(&term.operand)),
    }
}
