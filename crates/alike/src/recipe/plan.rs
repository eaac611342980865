//! A recipe bound to its sources and models, before and after its steps have learnt.

mod split;

pub(crate) use split::RowPart;
pub use split::{Share, SplitError};

use super::bind::{self, Bound, Parts};
use super::hash::{Hasher, Method};
use super::ranking::QuerySide;
use super::step::Step;
use super::trained::Resolve;
use super::{Descriptor, DescriptorKind, Recipe, RecipeError};
use crate::model::Model;
use crate::rank::Ranking;
use crate::source::Source;
use crate::train::Trained;
use sha2::{Digest, Sha256};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// How many pictures a step learns from at most. Of more, so many are taken at equal distances.
pub(crate) const SAMPLE: usize = 10_000;

/// A recipe bound to its sources and models. What its steps learn from a gallery is missing: [`learn`](Self::learn) and
/// [`with_parameters`](Self::with_parameters) make a [`Plan`] of it, which can describe.
#[derive(Clone)]
pub struct Draft {
    canonical: String,
    key: String,
    sources: Vec<Arc<dyn Source>>,
    root: Node,
    /// In the order in which they run.
    stages: Vec<Stage>,
    trained: Vec<(String, Trained)>,
    /// Length of the vector before it is hashed.
    dims: usize,
    hash: Option<Method>,
    ranking: Ranking,
}

/// A recipe that is ready: rows in, descriptor out. What its [`Draft`] says of itself it says, too.
#[derive(Debug, Clone)]
pub struct Plan {
    draft: Draft,
    /// What each step learnt; nothing for those that don't learn.
    learnt: Vec<Vec<f32>>,
    hasher: Option<Hasher>,
}

/// Why a recipe can't learn from a gallery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The gallery is too small.
    #[error(
        "`{recipe}` learns from the gallery, which takes at least {wanted} pictures, got {got}: index more pictures, or choose fewer bits or another recipe"
    )]
    TooFew {
        /// Canonical form.
        recipe: String,
        /// Pictures that give a vector.
        got: usize,
        /// How many it takes.
        wanted: usize,
    },
}

impl std::fmt::Debug for Draft {
    /// The canonical form says it all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({})", self.canonical)
    }
}

impl Deref for Plan {
    type Target = Draft;
    fn deref(&self) -> &Draft {
        &self.draft
    }
}

/// A step in its place.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) step: Step,
    /// Length of what goes in.
    pub(super) dims: usize,
    /// Parameters that came with the recipe, so that no gallery teaches the step.
    pub(super) given: Option<Arc<[f32]>>,
    /// Its canonical form: of a head that of the source that it is.
    pub(super) text: String,
}

impl Stage {
    /// How many numbers it learns from a gallery.
    pub(super) fn learns(&self) -> usize {
        if self.given.is_some() { 0 } else { self.step.parameters(self.dims) }
    }

    /// Its parameters. `learnt` is what the gallery taught.
    fn parameters<'a>(&'a self, learnt: &'a [f32]) -> &'a [f32] {
        self.given.as_deref().unwrap_or(learnt)
    }

    /// What comes out.
    fn apply(&self, learnt: &[f32], vector: &[f32]) -> Vec<f32> {
        self.step.apply(self.parameters(learnt), vector)
    }
}

/// What to compute.
#[derive(Clone)]
pub(super) enum Node {
    /// The raw row of a source, by its place in [`Draft::sources`].
    Row(usize),
    /// Each part scaled to unit length, times the square root of its weight, one after the other.
    Concatenated(Vec<(f64, Node)>),
    /// Parts of equal length, each scaled to unit length, added up.
    Added(Vec<Node>),
    /// What the step at this place in [`Draft::stages`] makes of a vector.
    Stepped(Box<Node>, usize),
}

impl Node {
    /// The places of the sources it needs, each once, in the order of first use.
    pub(super) fn rows(&self) -> Vec<usize> {
        let parts: Vec<&Node> = match self {
            Self::Row(place) => return vec![*place],
            Self::Concatenated(parts) => parts.iter().map(|(_, part)| part).collect(),
            Self::Added(parts) => parts.iter().collect(),
            Self::Stepped(input, _) => vec![input.as_ref()],
        };
        let mut rows = Vec::new();
        for place in parts.into_iter().flat_map(Self::rows) {
            if !rows.contains(&place) {
                rows.push(place);
            }
        }
        rows
    }
}

/// What [`Draft::key`] gives: of the canonical form, and of what it only hints at.
pub(super) fn key_of<'a>(
    text: &str,
    sources: impl Iterator<Item = &'a Arc<dyn Source>>,
    trained: &[(String, Trained)],
) -> String {
    let mut digest = Sha256::new_with_prefix(text);
    for source in sources {
        digest.update("\n");
        digest.update(source.id().key());
    }
    for (_, trained) in trained {
        digest.update(trained.sha256());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Draft {
    /// Binds the sources. `models`: the first one is meant where a recipe names none. Files that it names (`semantic("FILE")`)
    /// are read from disk.
    pub fn new(recipe: &Recipe, models: &[Arc<Model>]) -> Result<Self, RecipeError> {
        Self::resolving(recipe, models, &|name| Trained::open(Path::new(name)))
    }

    /// The same with files from somewhere else.
    pub(crate) fn resolving(
        recipe: &Recipe,
        models: &[Arc<Model>],
        resolve: &Resolve<'_>,
    ) -> Result<Self, RecipeError> {
        let (Bound { node, text, dims, hash, ranking, .. }, parts) = bind::bind(recipe, models, resolve)?;
        let Parts { sources, stages, trained } = parts;
        let key = key_of(&text, sources.iter(), &trained);
        let canonical = format!("{text}{}", QuerySide(ranking));
        Ok(Self { canonical, key, sources, root: node, stages, trained, dims, hash, ranking })
    }

    /// The recipe with everything that changes a number spelt out but what was learnt; of one gallery equal text means
    /// comparable descriptors.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// 32 hexadecimal digits: the name of the recipe's folder on disk. Recipes that differ only in what is done with queries
    /// and candidates have the same descriptors.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The sources it needs, each once, in the order of the recipe.
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// What it names that was learnt from labels, by name, each once.
    pub fn trained(&self) -> &[(String, Trained)] {
        &self.trained
    }

    /// What comes out.
    pub fn kind(&self) -> DescriptorKind {
        self.hash.map_or(DescriptorKind::Vector(self.dims), |hash| DescriptorKind::Code(hash.bits(self.dims)))
    }

    /// What is made of neighbours. [`Plan::describe`] knows none: it gives what `augment` starts from.
    pub fn ranking(&self) -> Ranking {
        self.ranking
    }

    /// What [`Plan::unhashed`] gives.
    pub fn unhashed_kind(&self) -> DescriptorKind {
        DescriptorKind::Vector(self.dims)
    }

    /// Whether a step learns from the gallery.
    pub fn learns(&self) -> bool {
        self.stages.iter().any(|stage| stage.learns() > 0) || matches!(self.hash, Some(Method::Learning(_)))
    }

    /// A recipe that doesn't learn is ready without a gallery; `None` for others.
    pub fn ready(&self) -> Option<Plan> {
        if self.learns() { None } else { self.learn(&[]).ok() }
    }

    /// Learns from a gallery: `pictures[i]` holds a picture's raw row of each of [`sources`](Self::sources). Pictures
    /// that can't be described are left out. Of more than 10,000 pictures so many are looked at, at equal distances. The
    /// same pictures in the same order teach the same; a recipe that doesn't learn needs none.
    pub fn learn(&self, pictures: &[Vec<&[f32]>]) -> Result<Plan, LearnError> {
        let mut pictures: Vec<&[&[f32]]> = spread(pictures, pictures.len().min(SAMPLE)).map(Vec::as_slice).collect();
        pictures.retain(|rows| self.fits(rows) && rows.iter().copied().flatten().all(|x| x.is_finite()));
        let mut learning = Lesson { draft: self, pictures: &pictures, learnt: Vec::new() };
        let vectors = learning.vectors(&self.root)?;
        let hasher = match self.hash.map(|hash| hash.hasher(self.dims)) {
            None => None,
            Some(Ok(hasher)) => Some(hasher),
            Some(Err(method)) => {
                let vectors = comparable(&vectors);
                self.enough(vectors.len(), method.needed(self.dims))?;
                Some(method.learn(&vectors))
            }
        };
        Ok(Plan { draft: self.clone(), learnt: learning.learnt, hasher })
    }

    fn enough(&self, got: usize, wanted: usize) -> Result<(), LearnError> {
        if got >= wanted { Ok(()) } else { Err(LearnError::TooFew { recipe: self.canonical.clone(), got, wanted }) }
    }

    /// With what was learnt before, as [`Plan::parameters`] gave it; `None` if that can't be of this recipe.
    pub fn with_parameters(&self, parameters: &[u8]) -> Option<Plan> {
        let (numbers, rest) = parameters.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let of_steps = self.stages.iter().map(Stage::learns);
        let of_hash = match self.hash {
            Some(Method::Learning(learning)) => learning.parameters(self.dims),
            _ => 0,
        };
        let wanted = of_steps.clone().sum::<usize>() + of_hash;
        if wanted == 0 || numbers.len() != wanted || !rest.is_empty() || !numbers.iter().all(|x| x.is_finite()) {
            return None;
        }
        let mut left = numbers.as_slice();
        let learnt = of_steps.map(|count| left.split_off(..count).unwrap_or_default().to_vec()).collect();
        let hasher = self.hash.map(|hash| hash.hasher(self.dims));
        let hasher = hasher.map(|made| made.unwrap_or_else(|learning| learning.restore(self.dims, left)));
        Some(Plan { draft: self.clone(), learnt, hasher })
    }

    fn fits(&self, rows: &[&[f32]]) -> bool {
        rows.len() == self.sources.len() && rows.iter().zip(&self.sources).all(|(r, s)| r.len() == s.dims())
    }
}

/// What a gallery teaches, step by step.
struct Lesson<'a> {
    draft: &'a Draft,
    pictures: &'a [&'a [&'a [f32]]],
    learnt: Vec<Vec<f32>>,
}

impl Lesson<'_> {
    /// What a node makes of each picture; the steps on the way learn first.
    fn vectors(&mut self, node: &Node) -> Result<Vec<Vec<f32>>, LearnError> {
        Ok(match node {
            Node::Row(i) => self.pictures.iter().map(|rows| rows[*i].to_vec()).collect(),
            Node::Concatenated(parts) => {
                let mut joined = vec![Vec::new(); self.pictures.len()];
                for (weight, part) in parts {
                    let vectors = self.vectors(part)?;
                    joined.iter_mut().zip(vectors).for_each(|(all, vector)| all.extend(scaled(&vector, *weight)));
                }
                joined
            }
            Node::Added(parts) => {
                let parts = parts.iter().map(|part| self.vectors(part)).collect::<Result<Vec<_>, _>>()?;
                let of_picture = |i: usize| added(parts.iter().map(|vectors| vectors[i].as_slice()));
                (0..self.pictures.len()).map(of_picture).collect()
            }
            Node::Stepped(input, place) => {
                let vectors = self.vectors(input)?;
                let stage = &self.draft.stages[*place];
                let learnt = if stage.learns() > 0 {
                    let vectors = comparable(&vectors);
                    self.draft.enough(vectors.len(), stage.step.needed())?;
                    stage.step.learn(&vectors)
                } else {
                    Vec::new()
                };
                let made = vectors.iter().map(|vector| stage.apply(&learnt, vector)).collect();
                self.learnt.push(learnt);
                made
            }
        })
    }
}

/// Those with a direction.
fn comparable(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
    vectors.iter().map(Vec::as_slice).filter(|vector| has_direction(vector)).collect()
}

fn has_direction(vector: &[f32]) -> bool {
    let norm = norm(vector);
    norm.is_finite() && norm > 0.0
}

impl Plan {
    /// `rows[i]` is the raw row of `sources()[i]`. `None` where the result is all zero or not finite, or where a row
    /// is missing or not of its source's length.
    pub fn describe(&self, rows: &[&[f32]]) -> Option<Descriptor> {
        let vector = self.vector(rows)?;
        Some(match &self.hasher {
            Some(hasher) => Descriptor::Code(hasher.code(&vector)),
            None => Descriptor::Vector(unit(&vector)),
        })
    }

    /// The vector that [`describe`](Self::describe) makes a code of, at unit length; of other recipes the descriptor itself.
    pub fn unhashed(&self, rows: &[&[f32]]) -> Option<Descriptor> {
        self.vector(rows).map(|vector| Descriptor::Vector(unit(&vector)))
    }

    /// What its steps learnt, as numbers of 4 bytes, little-endian f32, step by step: a mean for each dimension (`center`),
    /// the centre and behind it a row for each dimension with its part in all directions (`pca`, `whiten`, `itq`), words
    /// (`vlad`), or thresholds (`gallery-mean`, `gallery-median`, `notebook-mean`). `None` for a recipe that doesn't learn.
    pub fn parameters(&self) -> Option<Vec<u8>> {
        if !self.learns() {
            return None;
        }
        let of_hash = match &self.hasher {
            Some(hasher) if matches!(self.hash, Some(Method::Learning(_))) => hasher.parameters(),
            _ => Vec::new(),
        };
        Some(self.learnt.iter().flatten().chain(&of_hash).flat_map(|number| number.to_le_bytes()).collect())
    }

    /// What is hashed, or scaled to unit length. `None` as in [`describe`](Self::describe).
    fn vector(&self, rows: &[&[f32]]) -> Option<Vec<f32>> {
        if !self.fits(rows) {
            return None;
        }
        Some(self.evaluate(&self.root, rows)).filter(|vector| has_direction(vector))
    }

    fn evaluate(&self, node: &Node, rows: &[&[f32]]) -> Vec<f32> {
        match node {
            Node::Row(i) => rows[*i].to_vec(),
            Node::Concatenated(parts) => {
                parts.iter().flat_map(|(weight, part)| scaled(&self.evaluate(part, rows), *weight)).collect()
            }
            Node::Added(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.evaluate(part, rows)).collect();
                added(parts.iter().map(Vec::as_slice))
            }
            Node::Stepped(input, place) => self.stages[*place].apply(&self.learnt[*place], &self.evaluate(input, rows)),
        }
    }
}

/// So many at equal distances.
pub(crate) fn spread<T>(all: &[T], count: usize) -> impl Iterator<Item = &T> {
    (0..count).map(move |i| &all[i * all.len() / count])
}

/// The sum of vectors of equal length, each at unit length.
pub(crate) fn added<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum = Vec::new();
    for vector in vectors {
        let vector = unit(vector);
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    sum
}

/// At unit length; zero stays zero, and what isn't finite stays so and is refused in the end.
pub(crate) fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = norm(vector);
    if norm == 0.0 { vector.to_vec() } else { vector.iter().map(|x| (f64::from(*x) / norm) as f32).collect() }
}

/// Length `sqrt(weight)`, as [`unit`].
fn scaled(vector: &[f32], weight: f64) -> Vec<f32> {
    let norm = norm(vector);
    if norm == 0.0 {
        return vector.to_vec();
    }
    let factor = weight.sqrt() / norm;
    vector.iter().map(|x| (f64::from(*x) * factor) as f32).collect()
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}
