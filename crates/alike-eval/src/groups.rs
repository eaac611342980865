//! Which queries show the same, so that no fold of a cross-validation learns from what another is measured on.

use crate::truth::{Item, Truth};
use std::collections::HashMap;
use std::path::Path;

/// For each query the number of its group, from 0 in the order of the queries. Queries share a group that have relevant
/// pictures in common, or that are relevant to another's query, and whoever shares one with these: an original and its
/// copies, a class.
pub fn groups(truth: &Truth, queries: &[Item], gallery: &[Item]) -> Vec<u32> {
    let position: HashMap<&Path, usize> = (0..).zip(gallery).map(|(at, item)| (item.path.as_path(), at)).collect();
    let mut sets = DisjointSets { parents: (0..gallery.len() + queries.len()).collect() };
    for set in &truth.sets {
        set.windows(2).for_each(|pair| sets.join(pair[0] as usize, pair[1] as usize));
    }
    for (q, query) in queries.iter().enumerate() {
        let first = truth.sets[truth.set_of_query[q]].first().map(|&first| first as usize);
        let own = position.get(query.path.as_path()).copied();
        first.into_iter().chain(own).for_each(|other| sets.join(gallery.len() + q, other));
    }
    let mut numbers = HashMap::new();
    let number = |q| {
        let next = numbers.len() as u32;
        *numbers.entry(sets.root(gallery.len() + q)).or_insert(next)
    };
    (0..queries.len()).map(number).collect()
}

/// Union-find, with paths halved (Tarjan and van Leeuwen 1984).
struct DisjointSets {
    parents: Vec<usize>,
}

impl DisjointSets {
    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}
