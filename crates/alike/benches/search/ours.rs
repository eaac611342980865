//! The searches of the library that are timed.

use crate::sets::Set;
use crate::timing::Time;
use alike::index::training::{Clustering, effort_for, measure};
use alike::index::{Block, Centres, Kernels, Lists, Part, ScoredId};
use alike::index::{nearest_among, nearest_codes, nearest_in_lists, nearest_quantised, nearest_vectors};
use memmap2::Mmap;

pub(crate) const K: usize = 10;
const WANTED: f64 = 0.99;

/// What is timed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Search {
    ExactOne,
    ExactBatch,
    BytesOne,
    BytesBatch,
    Lists,
    Codes,
    CodesRescored,
}

/// A set, with everything that a search of it needs.
pub(crate) struct Ours<'a> {
    kernels: Kernels,
    set: &'a Set,
    ids: Vec<u64>,
    bytes: Mmap,
    in_lists: Mmap,
    centres: Centres,
    /// How many lists are looked at.
    pub(crate) probes: usize,
    codes: Vec<u64>,
    query_codes: Vec<u64>,
    /// Training and sorting into lists.
    pub(crate) build: Time,
    pub(crate) measuring: Time,
}

impl<'a> Ours<'a> {
    pub(crate) fn build(set: &'a Set, threads: usize) -> Self {
        let kernels = Kernels::detect();
        let rows: Vec<&[f32]> = (0..set.rows()).map(|row| set.row(row)).collect();
        let (build, (clustering, in_lists)) = Time::with(|| {
            let clustering = Clustering::train(&kernels, set.dims, &rows, set.lists, threads);
            let (list_of, _) = clustering.assign(&kernels, set.dims, &rows, threads);
            (clustering, set.quantise(Some(&list_of)))
        });
        let mean = mean(set);
        let mut ours = Self {
            kernels,
            set,
            ids: (0..set.rows() as u64).collect(),
            bytes: set.quantise(None),
            in_lists,
            centres: Centres::new(&clustering.centres, set.dims),
            probes: 0,
            codes: codes(set.base(), &mean),
            query_codes: codes(&set.queries, &mean),
            build,
            measuring: Time::NEVER,
        };
        let part = [ours.part(&ours.in_lists)];
        let (measuring, measured) = Time::with(|| measure(&kernels, set.dims, &part, &ours.centres, threads));
        ours.measuring = measuring;
        ours.probes = effort_for(&measured, K, WANTED).expect("something was measured").probes;
        ours
    }

    fn block(&self) -> Block<'_, f32> {
        Block::whole(&self.ids, self.set.base())
    }

    fn part<'b>(&'b self, file: &'b Mmap) -> Part<'b> {
        let lists = Lists::read(file, self.set.rows(), self.set.dims).expect("what was written");
        Part { block: self.block(), lists }
    }

    /// The first queries, or all.
    pub(crate) fn run(&self, search: Search, threads: usize) -> Vec<Vec<ScoredId>> {
        let (set, how_many) = (self.set, (K, threads));
        let all = set.queries();
        let few = all[..set.few].chunks(1);
        let exact = |queries: &[&[f32]]| nearest_vectors(&self.kernels, set.dims, queries, &[self.block()], how_many);
        let quantised = |queries: &[&[f32]]| {
            nearest_quantised(&self.kernels, set.dims, queries, (&[self.part(&self.bytes)], &[]), how_many).hits
        };
        match search {
            Search::ExactOne => few.flat_map(exact).collect(),
            Search::ExactBatch => exact(&all),
            Search::BytesOne => few.flat_map(quantised).collect(),
            Search::BytesBatch => quantised(&all),
            Search::Lists => {
                let (part, lists) = ([self.part(&self.in_lists)], (&self.centres, self.probes));
                nearest_in_lists(&self.kernels, set.dims, &all, (&part, &[]), lists, how_many).hits
            }
            Search::Codes => self.nearest_codes(K, threads),
            Search::CodesRescored => {
                let found = self.nearest_codes(set.rescored, threads);
                let candidates: Vec<Vec<u32>> =
                    found.iter().map(|found| found.iter().map(|hit| hit.id as u32).collect()).collect();
                nearest_among(&self.kernels, set.dims, &all, &self.block(), &candidates, how_many)
            }
        }
    }

    fn nearest_codes(&self, k: usize, threads: usize) -> Vec<Vec<ScoredId>> {
        let queries: Vec<&[u64]> = self.query_codes.chunks_exact(self.set.dims.div_ceil(64)).collect();
        let block = [Block::whole(&self.ids, &self.codes)];
        nearest_codes(&self.kernels, self.set.dims, &queries, &block, (k, threads))
    }
}

/// Of each dimension, over every tenth row.
fn mean(set: &Set) -> Vec<f32> {
    let mut sums = vec![0.0f64; set.dims];
    for row in (0..set.rows()).step_by(10) {
        sums.iter_mut().zip(set.row(row)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let count = set.rows().div_ceil(10) as f64;
    sums.iter().map(|sum| (sum / count) as f32).collect()
}

/// A bit for each number: whether it is above the mean of its dimension.
fn codes(rows: &[f32], mean: &[f32]) -> Vec<u64> {
    let word = |(numbers, mean): (&[f32], &[f32])| {
        let bits = numbers.iter().zip(mean).map(|(x, mean)| u64::from(x > mean));
        bits.rev().fold(0, |word, bit| word << 1 | bit)
    };
    rows.chunks_exact(mean.len()).flat_map(|row| row.chunks(64).zip(mean.chunks(64)).map(word)).collect()
}
