//! Sets of labelled vectors.

use crate::synthetic::{self, Shape};
use alike_eval::rank::Rows;
use alike_eval::truth::Truth;

/// A gallery, queries, and which class is which.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) dims: usize,
    pub(crate) gallery: Vec<f32>,
    pub(crate) queries: Vec<f32>,
    pub(crate) truth: Truth,
}

impl Set {
    pub(crate) fn rows(&self) -> (Rows<'_>, Rows<'_>) {
        let rows = |values| Rows::Vectors { dims: self.dims, values };
        (rows(&self.gallery), rows(&self.queries))
    }
}

/// Unit vectors of so many classes.
pub(crate) fn vectors(name: &'static str, (gallery, queries): (usize, usize), dims: usize, classes: usize) -> Set {
    let (mut values, labels) = synthetic::vectors(gallery + queries, Shape { dims, classes, spread: 0.7 });
    let mut sets = vec![Vec::new(); classes];
    for (picture, &class) in labels[..gallery].iter().enumerate() {
        sets[class].push(picture as u32);
    }
    let queries_from = values.split_off(gallery * dims);
    let truth = Truth { sets, set_of_query: labels[gallery..].to_vec(), ignored: vec![Vec::new(); queries] };
    Set { name, dims, gallery: values, queries: queries_from, truth }
}

/// A bit for each number: whether it is above 0.
pub(crate) fn signs(values: &[f32], dims: usize) -> Vec<u64> {
    let word = |numbers: &[f32]| numbers.iter().rev().fold(0, |word, &x| word << 1 | u64::from(x > 0.0));
    values.chunks_exact(dims).flat_map(|row| row.chunks(64).map(word)).collect()
}
