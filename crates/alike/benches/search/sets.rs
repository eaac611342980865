//! What is searched.

use crate::synthetic::{Shape, vectors};

/// A gallery and queries.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) dims: usize,
    /// Lists of an index of inverted lists.
    pub(crate) lists: usize,
    /// Queries that slow programs are timed by, one by one.
    pub(crate) few: usize,
    /// Rows that are scored again after a search by codes.
    pub(crate) rescored: usize,
    pub(crate) base: Vec<f32>,
    pub(crate) queries: Vec<f32>,
}

const QUERIES: usize = 1000;

impl Set {
    pub(crate) fn named(name: &str) -> Self {
        let (rows, dims, lists, few, rescored) = match name {
            "A" => (200_000, 128, 1024, 300, 2000),
            "B" => (100_000, 1280, 512, 60, 300),
            "C" => (1_000_000, 128, 2048, 60, 2000),
            "D" => (1_000_000, 512, 2048, 20, 1000),
            other => panic!("no set {other}: wanted A, B, C or D"),
        };
        let (mut base, _) = vectors(rows + QUERIES, Shape { dims, classes: 500, spread: 0.5 });
        let queries = base.split_off(rows * dims);
        base.shrink_to_fit();
        Self { name: format!("{name}: {rows} x {dims}"), dims, lists, few, rescored, base, queries }
    }

    pub(crate) fn rows(&self) -> usize {
        self.base.len() / self.dims
    }

    pub(crate) fn query(&self, query: usize) -> &[f32] {
        &self.queries[query * self.dims..][..self.dims]
    }

    pub(crate) fn queries(&self) -> Vec<&[f32]> {
        self.queries.chunks_exact(self.dims).collect()
    }
}
