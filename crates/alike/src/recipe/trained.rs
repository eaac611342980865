//! What was learnt from labels, in recipes: `semantic("FILE")` and `| project("FILE")`.

use super::RecipeError;
use super::bind::Bound;
use super::step::Step;
use crate::model::Model;
use crate::rank::Ranking;
use crate::train::{Method, Trained, TrainedError};
use std::sync::Arc;

/// Gives what a recipe names in quotes.
pub(crate) type Resolve<'a> = dyn Fn(&str) -> Result<Trained, TrainedError> + 'a;

/// Why a recipe can't use what was learnt from labels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainedUseError {
    /// The file can't be had.
    #[error(transparent)]
    File(#[from] TrainedError),
    /// A projection where a head is wanted, or the other way round.
    #[error("`{name}` at column {column} was learnt by {got}: use it {instead}")]
    Method {
        /// The file.
        name: String,
        /// Where the call stands.
        column: usize,
        /// How it was learnt.
        got: Method,
        /// How it is used.
        instead: String,
    },
    /// A projection behind another recipe than it was learnt on.
    #[error("`{name}` at column {column} was learnt on `{wanted}` and stands behind `{got}`: put it behind the former")]
    OtherRecipe {
        /// The file.
        name: String,
        /// Where the call stands.
        column: usize,
        /// Canonical form of what it was learnt on.
        wanted: String,
        /// Canonical form of what stands before it.
        got: String,
    },
    /// The network of a head isn't at hand, or this version makes another recipe of its text.
    #[error(
        "`{name}` at column {column} was learnt on `{wanted}`, {got}: pass the network it was learnt with, --model FILE, or train anew"
    )]
    OtherBase {
        /// The file.
        name: String,
        /// Where the call stands.
        column: usize,
        /// Canonical form of what it was learnt on.
        wanted: String,
        /// What there is instead.
        got: String,
    },
}

/// A place in a recipe that names a file.
pub(super) struct Use<'a> {
    /// As written.
    pub(super) name: &'a str,
    pub(super) column: usize,
    pub(super) trained: &'a Trained,
}

impl Use<'_> {
    /// The step that a head or a projection is, if it is what the place takes.
    pub(super) fn step(&self, is_head: bool) -> Result<Step, RecipeError> {
        let description = self.trained.description();
        let outputs = description.outputs;
        match (description.method, is_head) {
            (Method::Softmax, true) => Ok(Step::Probabilities { classes: outputs }),
            (Method::Lda | Method::Whitening, false) => Ok(Step::Project { dims: outputs }),
            (got, _) => {
                let name = super::Quoted(self.name);
                let instead = match got {
                    Method::Softmax => format!("as a source, semantic({name})"),
                    _ => format!("as a step, {} | project({name})", description.base.recipe),
                };
                Err(TrainedUseError::Method { name: self.name.into(), column: self.column, got, instead }.into())
            }
        }
    }

    /// A canonical form that shows the file's content.
    pub(super) fn canonical(&self, call: &str) -> String {
        format!("{call}(#{})", self.trained.sha8())
    }

    pub(super) fn other_recipe(&self, got: &str) -> RecipeError {
        let wanted = self.trained.description().base.canonical.clone();
        let (name, column) = (self.name.to_owned(), self.column);
        TrainedUseError::OtherRecipe { name, column, wanted, got: got.to_owned() }.into()
    }

    fn other_base(&self, got: String) -> RecipeError {
        let wanted = self.trained.description().base.canonical.clone();
        TrainedUseError::OtherBase { name: self.name.to_owned(), column: self.column, wanted, got }.into()
    }

    /// The networks in the order in which the base recipe means those it was learnt with: its text may name none.
    pub(super) fn models(&self, models: &[Arc<Model>]) -> Result<Vec<Arc<Model>>, RecipeError> {
        let base = &self.trained.description().base;
        let recipe =
            base.recipe.parse().map_err(|error| self.other_base(format!("whose text can't be read ({error})")))?;
        let mut got = None;
        for first in 0..models.len().max(1) {
            let mut models = models.to_vec();
            models.rotate_left(first);
            match super::Draft::resolving(&recipe, &models, &refuse_nested) {
                Ok(draft) if draft.key() == base.key => return Ok(models),
                Ok(draft) => got = got.or(Some(format!("which would be `{}` here", draft.canonical()))),
                Err(error) => got = got.or(Some(format!("which can't be made here ({error})"))),
            }
        }
        Err(self.other_base(got.unwrap_or_default()))
    }

    /// What goes in, if it is a vector of the length that was learnt on.
    pub(super) fn fits(&self, bound: Bound) -> Result<Bound, RecipeError> {
        let dims = self.trained.description().dims;
        if bound.ranking != Ranking::default() {
            return Err(self.other_base("which looks at neighbours".to_owned()));
        }
        if bound.dims == dims && bound.hash.is_none() {
            return Ok(bound);
        }
        let kind = if bound.hash.is_some() { "bits" } else { "numbers" };
        Err(self.other_base(format!("which gives {} {kind}, and in the file {dims} numbers", bound.dims)))
    }

    /// What each step of the base learnt, given how many numbers that is.
    pub(super) fn base_parameters(&self, counts: &[usize]) -> Result<Vec<Option<Arc<[f32]>>>, RecipeError> {
        let mut left = self.trained.base_parameters();
        if left.len() != counts.iter().sum::<usize>() {
            let got =
                format!("whose steps learn {} numbers; the file has {}", counts.iter().sum::<usize>(), left.len());
            return Err(self.other_base(got));
        }
        let mut taken = |count: usize| left.split_off(..count).map(Arc::from);
        Ok(counts.iter().map(|&count| if count > 0 { taken(count) } else { None }).collect())
    }
}

/// Files are named by people, never by files.
pub(super) fn refuse_nested(name: &str) -> Result<Trained, TrainedError> {
    Err(TrainedError::Nested { name: name.to_owned() })
}
