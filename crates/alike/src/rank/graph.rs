//! How the query and its candidates lie among each other.

use crate::index::dots;

/// A number for each pair of nodes, row by row. Node 0 is the query where there is one.
pub(super) struct Square {
    pub(super) nodes: usize,
    values: Vec<f64>,
}

impl Square {
    /// Similarities, negative ones as 0; of a vector with itself 1. All have unit length.
    pub(super) fn similarities(vectors: &[&[f32]]) -> Self {
        let nodes = vectors.len();
        let mut square = Self { nodes, values: vec![1.0; nodes * nodes] };
        for (i, vector) in vectors.iter().enumerate() {
            for (j, similarity) in (i + 1..).zip(dots(vector, &vectors[i + 1..])) {
                let similarity = similarity.clamp(0.0, 1.0);
                (square.values[i * nodes + j], square.values[j * nodes + i]) = (similarity, similarity);
            }
        }
        square
    }

    pub(super) fn row(&self, node: usize) -> &[f64] {
        &self.values[node * self.nodes..][..self.nodes]
    }

    /// The `count` nodes most similar to each, itself among them, most similar first; equal ones in their order, but each
    /// is the first of its own.
    pub(super) fn nearest(&self, count: usize) -> Vec<Vec<usize>> {
        let nearest = |node: usize| {
            let row = self.row(node);
            let mut order: Vec<usize> = (0..self.nodes).collect();
            let key = |other: usize| (other != node, -row[other], other);
            let compare = |a: &usize, b: &usize| {
                let (a, b) = (key(*a), key(*b));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2))
            };
            if count < order.len() {
                order.select_nth_unstable_by(count, compare);
                order.truncate(count);
            }
            order.sort_unstable_by(compare);
            order
        };
        (0..self.nodes).map(nearest).collect()
    }
}
