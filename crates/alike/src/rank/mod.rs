//! What a picture's neighbours tell: descriptors drawn towards those of their neighbours, and rankings made anew from how
//! the candidates lie among each other. Recipes name these steps at their end:
//!
//! | step | what it does |
//! |---|---|
//! | `augment(K, ALPHA)` | database-side augmentation: each picture of the gallery gets the sum of its own vector and those of its `K` nearest, each times its similarity to the power of `ALPHA` (Turcot and Lowe, ICCV workshops 2009; Arandjelović and Zisserman, CVPR 2012) |
//! | `expand(K, ALPHA)` | alpha query expansion: the same of the query (Radenović, Tolias and Chum, TPAMI 2019), but neighbours count by what sets them apart from the gallery's mean |
//! | `reciprocal(K1, K2, WEIGHT)` | k-reciprocal re-ranking: candidates by how many neighbours they share with the query (Zhong, Zheng, Cao and Li, CVPR 2017) |
//! | `diffuse(K, WEIGHT)` | diffusion on the graph of the candidates' nearest neighbours (Zhou et al., NIPS 2003; Iscen et al., CVPR 2017) |
//!
//! Similarities below 0 count as 0. Memory grows with the square of the candidates, of which there are some hundreds, and
//! never with that of the gallery.

mod diffusion;
mod graph;
mod neighbours;
mod reciprocal;

pub use diffusion::Diffusion;
pub use neighbours::{Neighbours, mean, mean_sample};
pub use reciprocal::Reciprocal;

/// What the end of a recipe says of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ranking {
    /// Of the pictures of the gallery: part of what their descriptors are.
    pub augment: Option<Neighbours>,
    /// Of the query.
    pub expand: Option<Neighbours>,
    /// Of what a search with these found.
    pub rerank: Option<Rerank>,
}

/// A way to rank the first candidates of a search anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rerank {
    /// By neighbours that they share with the query.
    Reciprocal(Reciprocal),
    /// By ways that lead to them from the query.
    Diffusion(Diffusion),
}

impl Rerank {
    /// How many candidates are ranked anew. Those behind them keep their places.
    pub fn candidates(self) -> usize {
        match self {
            Self::Reciprocal(reciprocal) => reciprocal.candidates,
            Self::Diffusion(diffusion) => diffusion.candidates,
        }
    }

    /// The new score of each candidate, in 0..=1. `candidates` are unit vectors as long as `query`, nearest first.
    pub fn scores(self, query: &[f32], candidates: &[&[f32]]) -> Vec<f64> {
        if candidates.is_empty() {
            return Vec::new();
        }
        match self {
            Self::Reciprocal(reciprocal) => reciprocal.scores(query, candidates),
            Self::Diffusion(diffusion) => diffusion.scores(query, candidates),
        }
    }
}
