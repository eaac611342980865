//! A recipe bound to its sources and models, before and after its steps have learnt.

use super::bind::{self, Bound};
use super::hash::{Hasher, Learning, Method};
use super::{Descriptor, DescriptorKind, Recipe, RecipeError};
use crate::model::Model;
use crate::source::Source;
use sha2::{Digest, Sha256};
use std::ops::Deref;
use std::sync::Arc;

/// How many pictures a step learns from at most. Of more, so many are taken at equal distances.
const SAMPLE: usize = 10_000;

/// A recipe bound to its sources and models. What its steps learn from a gallery is missing: [`learn`](Self::learn) and
/// [`with_parameters`](Self::with_parameters) make a [`Plan`] of it, which can describe.
#[derive(Clone)]
pub struct Draft {
    canonical: String,
    key: String,
    sources: Vec<Arc<dyn Source>>,
    root: Node,
    /// Length of the vector before it is hashed.
    dims: usize,
    hash: Option<Method>,
}

/// A recipe that is ready: rows in, descriptor out. What its [`Draft`] says of itself it says, too.
#[derive(Debug, Clone)]
pub struct Plan {
    draft: Draft,
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

/// What to compute.
#[derive(Clone)]
pub(super) enum Node {
    /// The raw row of a source, by its place in [`Draft::sources`].
    Row(usize),
    /// Each part scaled to unit length, times the square root of its weight, one after the other.
    Sum(Vec<(f64, Node)>),
}

impl Draft {
    /// Binds the sources. `models`: the first one is meant where a recipe names none.
    pub fn new(recipe: &Recipe, models: &[Arc<Model>]) -> Result<Self, RecipeError> {
        let (Bound { node, text, dims, hash }, sources) = bind::bind(recipe, models)?;
        let mut digest = Sha256::new_with_prefix(&text);
        for source in &sources {
            digest.update("\n");
            digest.update(source.id().key());
        }
        let key = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { canonical: text, key, sources, root: node, dims, hash })
    }

    /// The recipe with everything that changes a number spelt out but what was learnt; of one gallery equal text means
    /// comparable descriptors.
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
        self.hash.map_or(DescriptorKind::Vector(self.dims), |hash| DescriptorKind::Code(hash.bits(self.dims)))
    }

    /// What [`Plan::unhashed`] gives.
    pub fn unhashed_kind(&self) -> DescriptorKind {
        DescriptorKind::Vector(self.dims)
    }

    /// Whether a step learns from the gallery.
    pub fn learns(&self) -> bool {
        matches!(self.hash, Some(Method::Learning(_)))
    }

    /// A recipe that doesn't learn is ready without a gallery; `None` for others.
    pub fn ready(&self) -> Option<Plan> {
        match self.hash {
            None => Some(self.with(None)),
            Some(hash) => hash.hasher(self.dims).ok().map(|hasher| self.with(Some(hasher))),
        }
    }

    /// Learns from a gallery: `pictures[i]` holds a picture's raw row of each of [`sources`](Self::sources). Pictures
    /// that can't be described are left out. Of more than 10,000 pictures so many are looked at, at equal distances. The
    /// same pictures in the same order teach the same; a recipe that doesn't learn needs none.
    pub fn learn(&self, pictures: &[Vec<&[f32]>]) -> Result<Plan, LearnError> {
        let hasher = match self.hash {
            None => None,
            Some(hash) => Some(hash.hasher(self.dims).or_else(|learning| self.hasher(learning, pictures))?),
        };
        Ok(self.with(hasher))
    }

    fn hasher(&self, learning: Learning, pictures: &[Vec<&[f32]>]) -> Result<Hasher, LearnError> {
        let vectors: Vec<Vec<f32>> = sample(pictures).filter_map(|rows| self.vector(rows)).collect();
        if vectors.len() < learning.needed() {
            let (recipe, got, wanted) = (self.canonical.clone(), vectors.len(), learning.needed());
            return Err(LearnError::TooFew { recipe, got, wanted });
        }
        Ok(learning.learn(&vectors))
    }

    /// With what was learnt before, as [`Plan::parameters`] gave it; `None` if that can't be of this recipe.
    pub fn with_parameters(&self, parameters: &[u8]) -> Option<Plan> {
        let Some(Method::Learning(learning)) = self.hash else { return None };
        let (numbers, rest) = parameters.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let hasher = learning.restore(self.dims, &numbers).filter(|_| rest.is_empty())?;
        Some(self.with(Some(hasher)))
    }

    fn with(&self, hasher: Option<Hasher>) -> Plan {
        Plan { draft: self.clone(), hasher }
    }

    /// What is hashed, or scaled to unit length. `None` as in [`Plan::describe`].
    fn vector(&self, rows: &[&[f32]]) -> Option<Vec<f32>> {
        let fits = rows.len() == self.sources.len() && rows.iter().zip(&self.sources).all(|(r, s)| r.len() == s.dims());
        let vector = if fits { evaluate(&self.root, rows) } else { return None };
        let norm = norm(&vector);
        (norm.is_finite() && norm > 0.0).then_some(vector)
    }
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

    /// What its steps learnt, as numbers of 4 bytes, little-endian f32: thresholds (`gallery-mean`, `gallery-median`), or
    /// the centre and behind it a row of `bits` numbers for each dimension (`itq`). `None` for a recipe that doesn't
    /// learn.
    pub fn parameters(&self) -> Option<Vec<u8>> {
        let hasher = self.hasher.as_ref().filter(|_| self.learns())?;
        Some(hasher.parameters().iter().flat_map(|number| number.to_le_bytes()).collect())
    }
}

/// At most [`SAMPLE`] of them, at equal distances.
fn sample<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let count = all.len().min(SAMPLE);
    (0..count).map(move |i| &all[i * all.len() / count])
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

/// Of a vector that isn't zero.
fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = norm(vector);
    vector.iter().map(|x| (f64::from(*x) / norm) as f32).collect()
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}
