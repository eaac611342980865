//! k-reciprocal re-ranking (Zhong, Zheng, Cao and Li, CVPR 2017): pictures belong together where each is among the nearest
//! of the other, and the more so the more such neighbours they share.

use super::graph::Square;

/// Its parameters, under the names of the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reciprocal {
    /// How many of the nearest are looked at.
    pub candidates: usize,
    /// Neighbours within which two must find each other.
    pub k1: usize,
    /// Neighbours whose sets are averaged, the picture itself among them.
    pub k2: usize,
    /// What the former similarity counts beside that of the sets, in 0..=1.
    pub weight: f64,
}

impl Reciprocal {
    /// The paper's parameters, which harm on neither set of `docs/evaluation.md`.
    pub const DEFAULT: Self = Self { candidates: 200, k1: 20, k2: 6, weight: 0.3 };

    pub(super) fn scores(self, query: &[f32], candidates: &[&[f32]]) -> Vec<f64> {
        let nodes: Vec<&[f32]> = std::iter::once(query).chain(candidates.iter().copied()).collect();
        let similarities = Square::similarities(&nodes);
        let nearest = similarities.nearest((self.k1 + 1).max(self.k2));
        let sets: Vec<Vec<usize>> = (0..nodes.len()).map(|node| self.set(&nearest, node)).collect();
        let weights: Vec<Vec<f64>> = sets.iter().enumerate().map(|(i, set)| weights(&similarities, i, set)).collect();
        let averaged = |node: usize| average(&weights, &nearest[node][..self.k2.clamp(1, nearest[node].len())]);
        let of_query = averaged(0);
        let score = |(candidate, similarity): (usize, &f64)| {
            let shared: f64 = of_query.iter().zip(averaged(candidate)).map(|(a, b)| a.min(b)).sum();
            // Both sum up to 1, so that what is in either is 2 less what is in both.
            let jaccard = shared / (2.0 - shared);
            (1.0 - self.weight) * jaccard + self.weight * similarity
        };
        (1..).zip(&similarities.row(0)[1..]).map(score).collect()
    }

    /// Nodes that find each other within `k1`, and those that these find within half as many, if most of them are known.
    fn set(self, nearest: &[Vec<usize>], node: usize) -> Vec<usize> {
        let own = mutual(nearest, node, self.k1);
        let mut all = own.clone();
        for &other in &own {
            let theirs = mutual(nearest, other, self.k1.div_ceil(2));
            let known = theirs.iter().filter(|node| own.contains(node)).count();
            if 3 * known > 2 * theirs.len() {
                all.extend(theirs);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Nodes among the `k` nearest of one that have it among theirs; the node itself is one.
fn mutual(nearest: &[Vec<usize>], node: usize, k: usize) -> Vec<usize> {
    let first = |node: usize| nearest[node].iter().take(k + 1).copied();
    first(node).filter(|&other| first(other).any(|back| back == node)).collect()
}

/// Of each node its share in the set, by a Gaussian of the distance; all sum up to 1.
fn weights(similarities: &Square, node: usize, set: &[usize]) -> Vec<f64> {
    let row = similarities.row(node);
    let mut weights = vec![0.0; row.len()];
    // The squared distance of unit vectors is 2 - 2 s.
    set.iter().for_each(|&other| weights[other] = (2.0 * row[other] - 2.0).exp());
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

fn average(weights: &[Vec<f64>], nodes: &[usize]) -> Vec<f64> {
    let mut sum = vec![0.0; weights.len()];
    for &node in nodes {
        sum.iter_mut().zip(&weights[node]).for_each(|(sum, weight)| *sum += weight);
    }
    sum.iter_mut().for_each(|sum| *sum /= nodes.len() as f64);
    sum
}
