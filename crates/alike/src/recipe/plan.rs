//! A recipe bound to its sources and models.

use super::{Call, Descriptor, DescriptorKind, Operand, Recipe, RecipeError, Term, Value, hash};
use crate::model::Model;
use crate::source::{self, Build, Source, SourceError};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A recipe bound to its sources and models: rows in, descriptor out.
pub struct Plan {
    canonical: String,
    key: String,
    sources: Vec<Arc<dyn Source>>,
    root: Node,
    kind: DescriptorKind,
}

impl std::fmt::Debug for Plan {
    /// The canonical form says it all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({})", self.canonical)
    }
}

/// What to compute.
enum Node {
    /// The raw row of a source, by its place in [`Plan::sources`].
    Row(usize),
    /// Each part scaled to unit length, times the square root of its weight, one after the other.
    Sum(Vec<(f64, Node)>),
}

/// A part of the recipe, bound.
struct Bound {
    node: Node,
    text: String,
    dims: usize,
    hashed: bool,
}

/// The names of the steps, for messages.
const STEPS: &str = "hash";

impl Plan {
    /// Binds the sources. `models`: the first one is meant where a recipe names none.
    pub fn new(recipe: &Recipe, models: &[Arc<Model>]) -> Result<Self, RecipeError> {
        let mut binder = Binder { models, sources: Vec::new() };
        let bound = binder.recipe(recipe)?;
        let mut digest = Sha256::new_with_prefix(&bound.text);
        for source in &binder.sources {
            digest.update("\n");
            digest.update(source.id().key());
        }
        let key = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let kind = if bound.hashed { DescriptorKind::Code(bound.dims) } else { DescriptorKind::Vector(bound.dims) };
        Ok(Self { canonical: bound.text, key, sources: binder.sources, root: bound.node, kind })
    }

    /// The recipe with everything that changes a number spelt out; equal text means comparable descriptors.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// 32 hexadecimal digits: the name of the recipe's folder on disk.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The sources it needs, each once, in the order of the recipe.
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// What comes out.
    pub fn kind(&self) -> DescriptorKind {
        self.kind
    }

    /// `rows[i]` is the raw row of `sources()[i]`. `None` where the result is all zero or not finite, or where a row
    /// is missing or not of its source's length.
    pub fn describe(&self, rows: &[&[f32]]) -> Option<Descriptor> {
        let fits = rows.len() == self.sources.len() && rows.iter().zip(&self.sources).all(|(r, s)| r.len() == s.dims());
        let vector = if fits { evaluate(&self.root, rows) } else { return None };
        let unit = unit(&vector)?;
        Some(match self.kind {
            DescriptorKind::Code(_) => Descriptor::Code(hash::mean_hash(&vector)),
            DescriptorKind::Vector(_) => Descriptor::Vector(unit),
        })
    }
}

fn evaluate(node: &Node, rows: &[&[f32]]) -> Vec<f32> {
    match node {
        Node::Row(i) => rows[*i].to_vec(),
        Node::Sum(parts) => parts.iter().flat_map(|(weight, part)| scaled(evaluate(part, rows), *weight)).collect(),
    }
}

/// Length `sqrt(weight)`; zero stays zero, and what isn't finite stays so and is refused in the end.
fn scaled(vector: Vec<f32>, weight: f64) -> Vec<f32> {
    let norm = norm(&vector);
    if norm == 0.0 {
        return vector;
    }
    let factor = weight.sqrt() / norm;
    vector.iter().map(|x| (f64::from(*x) * factor) as f32).collect()
}

fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let norm = norm(vector);
    (norm.is_finite() && norm > 0.0).then(|| vector.iter().map(|x| (f64::from(*x) / norm) as f32).collect())
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
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
            check_step(step, bound.hashed)?;
            bound.text.push_str(" | hash(mean)");
            bound.hashed = true;
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
            if part.hashed {
                return Err(RecipeError::CodeInSum { column: first_column(&term.operand) });
            }
            let weight = six_digits(term.weight.unwrap_or(1.0) / total);
            let is_sum = matches!(part.node, Node::Sum(_));
            texts.push(if is_sum { format!("{weight}*({})", part.text) } else { format!("{weight}*{}", part.text) });
            dims += part.dims;
            parts.push((weight, part.node));
        }
        Ok(Bound { node: Node::Sum(parts), text: texts.join(" + "), dims, hashed: false })
    }

    fn source(&mut self, call: &Call) -> Result<Bound, RecipeError> {
        let source = self.build(call)?;
        let (text, dims) = (source.id().to_string(), source.dims());
        let known = self.sources.iter().position(|other| other.id() == source.id());
        let place = known.unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        });
        Ok(Bound { node: Node::Row(place), text, dims, hashed: false })
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

fn check_step(step: &Call, hashed: bool) -> Result<(), RecipeError> {
    let (name, column) = (step.name.clone(), step.column.0);
    if step.name != "hash" {
        return Err(RecipeError::Unknown { what: "step", name, column, known: STEPS.into() });
    }
    if hashed {
        return Err(RecipeError::StepAfterCode { name, column });
    }
    match step.args.as_slice() {
        [arg] if step.model.is_none() && arg.key.is_none() && arg.value == Value::Word("mean".into()) => Ok(()),
        _ => Err(RecipeError::Arguments { name, column, takes: "one argument, the method: hash(mean)" }),
    }
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
