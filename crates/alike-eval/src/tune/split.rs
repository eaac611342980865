//! Who chooses and who confirms: labelled pictures dealt into parts.

use super::TuneError;
use crate::bootstrap::Random;
use crate::evaluate::counted;
use crate::truth::{self, Item, Truth};
use std::collections::{BTreeMap, HashMap};

/// The first part confirms. Each of the others is asked about in turn, and searched among those that remain.
const PARTS: usize = 5;

/// Pictures that take part, and queries on each side, at most: what a search takes is bounded.
const MOST_PICTURES: usize = 10_000;
const MOST_QUERIES: usize = 1_000;

/// Pictures that it takes, so that ten queries confirm.
const LEAST_PICTURES: usize = 50;

/// Queries and the pictures that they are searched among, by their positions; no picture is on both sides.
pub(super) struct Fold {
    pub(super) gallery: Vec<usize>,
    pub(super) queries: Vec<usize>,
    pub(super) truth: Truth,
}

/// The folds of the part that chooses, and the one that confirms.
pub(super) struct Split {
    pub(super) choosing: Vec<Fold>,
    pub(super) confirming: Fold,
    /// How many pictures take part.
    pub(super) pictures: usize,
}

impl Split {
    /// Each class is spread evenly over the parts. Byte-identical pictures stay together. The seed says who goes where.
    pub(super) fn new(items: &[Item], seed: u64) -> Result<Self, TuneError> {
        let parts = deal(&classes(items, seed)?);
        let (confirming, choosing) = parts.split_at(1);
        let fold = |query: usize| {
            let others = (0..choosing.len()).filter(|&part| part != query);
            let gallery = others.flat_map(|part| choosing[part].iter().copied()).collect();
            Fold::new(items, gallery, spread(&choosing[query], MOST_QUERIES / choosing.len()))
        };
        Ok(Self {
            choosing: (0..choosing.len()).map(fold).collect(),
            confirming: Fold::new(items, choosing.concat(), spread(&confirming[0], MOST_QUERIES)),
            pictures: parts.iter().map(Vec::len).sum(),
        })
    }
}

impl Fold {
    /// Queries to which nothing is relevant are left out.
    fn new(items: &[Item], mut gallery: Vec<usize>, queries: Vec<usize>) -> Self {
        gallery.sort_unstable();
        let of = |places: &[usize]| places.iter().map(|&place| items[place].clone()).collect::<Vec<Item>>();
        let pictures = of(&gallery);
        let truth = |queries: &[usize]| {
            let split = truth::Split { gallery: &pictures, queries: &of(queries), exclude_identical: false };
            truth::by_labels(split).truth
        };
        let queries: Vec<usize> = counted(&truth(&queries)).map(|query| queries[query]).collect();
        Self { truth: truth(&queries), gallery, queries }
    }
}

/// For each class its byte-identical groups in a random order.
fn classes(items: &[Item], seed: u64) -> Result<Vec<Vec<Vec<usize>>>, TuneError> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known = HashMap::new();
    for (place, item) in items.iter().enumerate().filter(|(_, item)| item.label.is_some()) {
        let group = *known.entry(&item.content).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(place);
    }
    let mut classes: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
    for group in groups {
        let label = items[group[0]].label.as_ref().map_or("", |label| &label.id);
        classes.entry(label).or_default().push(group);
    }
    let large = classes.values().filter(|groups| groups.len() >= PARTS);
    let (count, pictures) = (large.clone().count(), large.flatten().map(Vec::len).sum());
    if classes.is_empty() {
        return Err(TuneError::NoLabels { pictures: items.len() });
    }
    if count < 2 || pictures < LEAST_PICTURES {
        return Err(TuneError::TooFew { classes: count, pictures, each: PARTS, least: LEAST_PICTURES });
    }
    let mut random = Random::new(seed, 0);
    let mut classes: Vec<_> = classes.into_values().collect();
    classes.iter_mut().for_each(|groups| shuffle(groups, &mut random));
    Ok(classes)
}

/// Class by class in turn to each part.
fn deal(classes: &[Vec<Vec<usize>>]) -> Vec<Vec<usize>> {
    let groups: Vec<&Vec<usize>> = classes.iter().flatten().collect();
    let mut parts = vec![Vec::new(); PARTS];
    for (turn, group) in spread(&groups, MOST_PICTURES).into_iter().enumerate() {
        parts[turn % PARTS].extend(group);
    }
    parts
}

/// Fisher and Yates.
fn shuffle<T>(all: &mut [T], random: &mut Random) {
    for last in (1..all.len()).rev() {
        all.swap(last, random.below(last + 1));
    }
}

/// All, or so many at equal distances.
fn spread<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let count = all.len().min(most);
    (0..count).map(|i| all[i * all.len() / count]).collect()
}
