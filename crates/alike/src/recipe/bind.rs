//! Names to sources, steps and numbers.

use super::arguments::Arguments;
use super::hash::Method;
use super::plan::{Node, Stage, key_of};
use super::ranking::{self, Augmented};
use super::step::Step;
use super::trained::{Resolve, Use, refuse_nested};
use super::{Arg, Call, Operand, Recipe, RecipeError, Term, Value};
use crate::model::Model;
use crate::rank::Ranking;
use crate::source::{self, Build, Source, SourceError};
use crate::train::Trained;
use std::sync::Arc;

/// A part of the recipe, bound.
pub(super) struct Bound {
    pub(super) node: Node,
    /// Canonical form, but for what is done with queries and candidates.
    pub(super) text: String,
    /// Length of the vector, also where it is hashed.
    pub(super) dims: usize,
    pub(super) hash: Option<Method>,
    pub(super) ranking: Ranking,
    /// Length of a local descriptor, where the vector is a source's row of them.
    part: Option<usize>,
}

impl Bound {
    /// A vector by which pictures are searched as they are.
    fn of(node: Node, text: String, dims: usize) -> Self {
        Self { node, text, dims, hash: None, ranking: Ranking::default(), part: None }
    }
}

/// What a recipe needs and does.
pub(super) struct Parts {
    /// Each once, in the order of the recipe.
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// In the order in which they run.
    pub(super) stages: Vec<Stage>,
    /// What it names that was learnt from labels, by name, each once.
    pub(super) trained: Vec<(String, Trained)>,
}

/// Binds a recipe. `models`: the first one is meant where a recipe names none.
pub(super) fn bind(
    recipe: &Recipe,
    models: &[Arc<Model>],
    resolve: &Resolve<'_>,
) -> Result<(Bound, Parts), RecipeError> {
    let parts = Parts { sources: Vec::new(), stages: Vec::new(), trained: Vec::new() };
    let mut binder = Binder { models: models.to_vec(), resolve, parts };
    let bound = binder.recipe(recipe)?;
    Ok((bound, binder.parts))
}

struct Binder<'a> {
    models: Vec<Arc<Model>>,
    resolve: &'a Resolve<'a>,
    parts: Parts,
}

impl Binder<'_> {
    fn recipe(&mut self, recipe: &Recipe) -> Result<Bound, RecipeError> {
        let mut bound = match recipe.terms.as_slice() {
            [term] => self.operand(&term.operand)?,
            terms => self.concatenation(terms)?,
        };
        for step in &recipe.steps {
            bound = self.step(step, bound)?;
        }
        Ok(bound)
    }

    fn operand(&mut self, operand: &Operand) -> Result<Bound, RecipeError> {
        match operand {
            Operand::Call(call) if call.name == SUM => self.sum(call),
            Operand::Call(call) if call.name == HEAD && !call.args.is_empty() => self.head(call),
            Operand::Call(call) => self.source(call),
            Operand::Group(recipe) => self.recipe(recipe),
        }
    }

    fn step(&mut self, step: &Call, bound: Bound) -> Result<Bound, RecipeError> {
        let dims = bound.dims;
        if bound.hash.is_some() {
            return Err(RecipeError::StepAfterCode { name: step.name.clone(), column: step.column.0 });
        }
        if ranking::is_one(step) {
            let ranking = ranking::with(bound.ranking, step)?;
            let is_new = ranking.augment != bound.ranking.augment;
            let augment = ranking.augment.filter(|_| is_new).map(|augment| format!(" | {}", Augmented(augment)));
            return Ok(Bound { text: bound.text + &augment.unwrap_or_default(), ranking, ..bound });
        }
        if bound.ranking != Ranking::default() {
            return Err(RecipeError::NotAtTheEnd { column: step.column.0 });
        }
        if step.name == "hash" {
            let hash = Method::new(step)?;
            return Ok(Bound { text: format!("{} | {hash}", bound.text), hash: Some(hash), ..bound });
        }
        if step.name == PROJECT {
            return self.project(step, bound);
        }
        let step = Step::new(step, dims, bound.part)?;
        let text = format!("{} | {step}", bound.text);
        Ok(self.staged(bound, Stage { step, dims, given: None, text: step.to_string() }, text))
    }

    /// With a stage behind; `text` is the canonical form of all.
    fn staged(&mut self, bound: Bound, stage: Stage, text: String) -> Bound {
        let dims = stage.step.dims(stage.dims);
        let node = Node::Stepped(Box::new(bound.node), self.parts.stages.len());
        self.parts.stages.push(stage);
        Bound::of(node, text, dims)
    }

    /// `semantic("FILE")`: the recipe that the head was learnt on, its steps with what they had learnt then, and the head.
    fn head(&mut self, call: &Call) -> Result<Bound, RecipeError> {
        let (name, trained) =
            self.trained(call, "a head's file in quotes and no model, as in semantic(\"animals.head\")")?;
        let file = Use { name, column: call.column.0, trained: &trained };
        let step = file.step(true)?;
        let first = self.parts.stages.len();
        let bound = self.base(&file)?;
        let counts: Vec<usize> = self.parts.stages[first..].iter().map(Stage::learns).collect();
        for (stage, given) in self.parts.stages[first..].iter_mut().zip(file.base_parameters(&counts)?) {
            stage.given = given;
        }
        let text = file.canonical(HEAD);
        let given = Some(trained.parameters().into());
        let stage = Stage { step, dims: bound.dims, given, text: text.clone() };
        Ok(self.staged(bound, stage, text))
    }

    /// The recipe that a head was learnt on, by the networks it was learnt with.
    fn base(&mut self, file: &Use<'_>) -> Result<Bound, RecipeError> {
        let models = file.models(&self.models)?;
        let models = std::mem::replace(&mut self.models, models);
        let resolve = std::mem::replace(&mut self.resolve, &refuse_nested);
        let bound = self.recipe(&file.trained.description().base.recipe.parse()?);
        (self.models, self.resolve) = (models, resolve);
        bound.and_then(|bound| file.fits(bound))
    }

    /// `| project("FILE")`.
    fn project(&mut self, call: &Call, bound: Bound) -> Result<Bound, RecipeError> {
        let (name, trained) = self.trained(call, "a projection's file in quotes, as in project(\"animals.lda\")")?;
        let file = Use { name, column: call.column.0, trained: &trained };
        let step = file.step(false)?;
        let sources = bound.node.rows().into_iter().map(|place| &self.parts.sources[place]);
        if key_of(&bound.text, sources, &[]) != trained.description().base.key {
            return Err(file.other_recipe(&bound.text));
        }
        let bound = file.fits(bound)?;
        let own = file.canonical(PROJECT);
        let text = format!("{} | {own}", bound.text);
        let stage = Stage { step, dims: bound.dims, given: Some(trained.parameters().into()), text: own };
        Ok(self.staged(bound, stage, text))
    }

    /// The one argument, a name in quotes, and what has that name.
    fn trained<'c>(&mut self, call: &'c Call, takes: &'static str) -> Result<(&'c str, Trained), RecipeError> {
        let mut args = Arguments::new(&call.args);
        let name = args.quoted().filter(|_| args.is_empty() && call.model.is_none());
        let refused = || RecipeError::Arguments { name: call.name.clone(), column: call.column.0, takes };
        let name = name.ok_or_else(refused)?;
        if let Some((_, known)) = self.parts.trained.iter().find(|(known, _)| known == name) {
            return Ok((name, known.clone()));
        }
        let trained = (self.resolve)(name).map_err(super::TrainedUseError::File)?;
        self.parts.trained.push((name.to_owned(), trained.clone()));
        Ok((name, trained))
    }

    fn concatenation(&mut self, terms: &[Term]) -> Result<Bound, RecipeError> {
        let total: f64 = terms.iter().map(|term| term.weight.unwrap_or(1.0)).sum();
        let (mut parts, mut texts, mut dims) = (Vec::new(), Vec::new(), 0);
        for term in terms {
            let part = self.operand(&term.operand)?;
            refuse_in_sum(&part, first_column(&term.operand))?;
            let weight = six_digits(term.weight.unwrap_or(1.0) / total);
            let stands_alone = matches!(part.node, Node::Row(_) | Node::Added(_));
            texts.push(if stands_alone {
                format!("{weight}*{}", part.text)
            } else {
                format!("{weight}*({})", part.text)
            });
            dims += part.dims;
            parts.push((weight, part.node));
        }
        Ok(Bound::of(Node::Concatenated(parts), texts.join(" + "), dims))
    }

    /// `sum(A, B, ..)`.
    fn sum(&mut self, call: &Call) -> Result<Bound, RecipeError> {
        let column = call.column.0;
        let refuse = |takes| Err(RecipeError::Arguments { name: call.name.clone(), column, takes });
        let (mut parts, mut texts, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for arg in &call.args {
            let part = match arg {
                Arg { key: None, value: Value::Word(name) } => {
                    self.source(&Call { column: call.column, ..Call::named(name) })?
                }
                Arg { key: None, value: Value::Recipe(recipe) } if has_no_lone_weight(recipe) => self.recipe(recipe)?,
                _ => return refuse("recipes without a weight of their own, as in sum(layer(\"a\"), layer(\"b\"))"),
            };
            refuse_in_sum(&part, column)?;
            parts.push(part.node);
            texts.push(part.text);
            lengths.push(part.dims);
        }
        if call.model.is_some() {
            return refuse("no model");
        }
        match *lengths.as_slice() {
            [first, _, ..] if lengths.iter().all(|&length| length == first) => {
                let text = format!("{SUM}({})", texts.join(", "));
                Ok(Bound::of(Node::Added(parts), text, first))
            }
            [_, _, ..] => Err(RecipeError::Lengths { lengths, column }),
            _ => refuse("two recipes at least, as in sum(layer(\"a\"), layer(\"b\"))"),
        }
    }

    fn source(&mut self, call: &Call) -> Result<Bound, RecipeError> {
        let source = self.build(call)?;
        let (text, dims, part) = (source.id().to_string(), source.dims(), source.part_dims());
        let hash = source.is_code().then_some(Method::Given);
        let known = self.parts.sources.iter().position(|other| other.id() == source.id());
        let place = known.unwrap_or_else(|| {
            self.parts.sources.push(source);
            self.parts.sources.len() - 1
        });
        Ok(Bound { hash, part, ..Bound::of(Node::Row(place), text, dims) })
    }

    fn build(&self, call: &Call) -> Result<Arc<dyn Source>, RecipeError> {
        let column = call.column.0;
        let entry = source::REGISTRY.iter().find(|entry| entry.name == call.name).ok_or_else(|| {
            let known = source::REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
            RecipeError::Unknown { what: "source", name: call.name.clone(), column, known }
        })?;
        let refuse = |takes| RecipeError::Arguments { name: call.name.clone(), column, takes };
        let mut args = Arguments::new(&call.args);
        let built = match entry.build {
            Build::Picture(_) if call.model.is_some() => return Err(refuse("no model")),
            Build::Picture(build) => build(&mut args),
            Build::Network(build) => build(self.model(call)?, &mut args).transpose()?,
        };
        built.filter(|_| args.is_empty()).ok_or_else(|| refuse(entry.takes))
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

/// Vectors can be summed, as long as nothing is said of their neighbours.
fn refuse_in_sum(part: &Bound, column: usize) -> Result<(), RecipeError> {
    if part.hash.is_some() {
        return Err(RecipeError::CodeInSum { column });
    }
    if part.ranking == Ranking::default() { Ok(()) } else { Err(RecipeError::NotAtTheEnd { column }) }
}

/// The name of the element-wise sum.
const SUM: &str = "sum";
/// The source that a head is.
const HEAD: &str = "semantic";
/// The step that a projection is.
const PROJECT: &str = "project";

/// A weight that has nothing to weigh against would say nothing.
fn has_no_lone_weight(recipe: &Recipe) -> bool {
    !matches!(recipe.terms.as_slice(), [Term { weight: Some(_), .. }])
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
