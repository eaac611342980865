//! Diffusion (Zhou et al., Ranking on data manifolds, NIPS 2003; Iscen et al., CVPR 2017): what the query's nearest have
//! spreads along the graph of the candidates' neighbours, so that a picture is found by way of others.

use super::graph::Square;
use crate::index::dots;

/// Its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diffusion {
    /// How many of the nearest make the graph.
    pub candidates: usize,
    /// Edges join pictures that are among so many nearest of each other.
    pub neighbours: usize,
    /// What the former similarity counts beside what arrives, in 0..=1.
    pub weight: f64,
}

/// Edges weigh the similarity to this power.
const GAMMA: i32 = 3;
/// Candidates from which it spreads.
const SEEDS: usize = 10;
/// The share that is passed on at each step; the rest returns to the seeds. The papers' 0.99 lets so much pass that pictures
/// that are near to everything gather it, and a ranking falls where a network knows little of what it sees.
const DAMPING: f64 = 0.9;
/// Steps of the solver at most, and the residual, by that of the beginning, with which it is content. More changes no
/// ranking worth the name.
const STEPS: usize = 100;
const RESIDUAL: f64 = 1e-9;

impl Diffusion {
    /// What nobody tuned; as [`Neighbours::DEFAULT`](super::Neighbours::DEFAULT) it harms on neither set.
    pub const DEFAULT: Self = Self { candidates: 300, neighbours: 20, weight: 0.3 };

    pub(super) fn scores(self, query: &[f32], candidates: &[&[f32]]) -> Vec<f64> {
        let similarities: Vec<f64> = dots(query, candidates).iter().map(|x| x.clamp(0.0, 1.0)).collect();
        let graph = Graph::new(&Square::similarities(candidates), self.neighbours);
        let mut seeds = vec![0.0; candidates.len()];
        seeds.iter_mut().zip(&similarities).take(SEEDS).for_each(|(seed, similarity)| *seed = similarity.powi(GAMMA));
        let arrived = graph.diffuse(&seeds);
        let most = arrived.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let score = |(arrived, similarity): (f64, f64)| {
            (1.0 - self.weight) * (arrived / most).clamp(0.0, 1.0) + self.weight * similarity
        };
        arrived.into_iter().zip(similarities).map(score).collect()
    }
}

/// Edges of each node, with their weights over the square root of the sums of both ends.
struct Graph(Vec<Vec<(usize, f64)>>);

impl Graph {
    fn new(similarities: &Square, neighbours: usize) -> Self {
        let nearest = similarities.nearest(neighbours + 1);
        let edges = |node: usize| {
            let mutual = nearest[node].iter().filter(|&&other| other != node && nearest[other].contains(&node));
            mutual.map(|&other| (other, similarities.row(node)[other].powi(GAMMA))).collect()
        };
        let mut graph: Vec<Vec<(usize, f64)>> = (0..similarities.nodes).map(edges).collect();
        let sums: Vec<f64> = graph.iter().map(|edges| edges.iter().map(|(_, weight)| weight).sum()).collect();
        for (edges, sum) in graph.iter_mut().zip(&sums) {
            edges.iter_mut().for_each(|(other, weight)| *weight /= (sum * sums[*other]).sqrt().max(f64::MIN_POSITIVE));
        }
        Self(graph)
    }

    /// Solves `(I - damping * W) x = seeds` by conjugate gradients: the matrix is symmetric and positive definite.
    fn diffuse(&self, seeds: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; seeds.len()];
        let mut residual = seeds.to_vec();
        let mut direction = residual.clone();
        let mut error = product(&residual, &residual);
        let enough = error * RESIDUAL * RESIDUAL;
        for _ in 0..STEPS {
            if error <= enough {
                break;
            }
            let moved = self.apply(&direction);
            let step = error / product(&direction, &moved);
            x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
            residual.iter_mut().zip(&moved).for_each(|(r, m)| *r -= step * m);
            let left = product(&residual, &residual);
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + left / error * *d);
            error = left;
        }
        x
    }

    fn apply(&self, vector: &[f64]) -> Vec<f64> {
        let passed =
            |edges: &Vec<(usize, f64)>| edges.iter().map(|&(other, weight)| weight * vector[other]).sum::<f64>();
        self.0.iter().zip(vector).map(|(edges, own)| own - DAMPING * passed(edges)).collect()
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
