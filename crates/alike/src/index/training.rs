//! How a collection of vectors is prepared for fast search, and what that costs in recall: measured, never guessed.

use super::{Block, Centres, Kernels, Part, ScoredId, kmeans, nearest_in_lists, nearest_quantised};

/// Centres that rows are sorted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// Unit vectors, one after the other.
    pub centres: Vec<f32>,
    /// The mean cosine of a row of the sample with its centre. Rows that lie much further from theirs weren't foreseen.
    pub closeness: f64,
}

/// Rows for each centre that training looks at.
const SAMPLE: usize = 64;

impl Clustering {
    /// `lists` centres of the rows, learnt from an even sample of them.
    pub fn train(kernels: &Kernels, dims: usize, rows: &[&[f32]], lists: usize, threads: usize) -> Self {
        let count = rows.len().min(lists * SAMPLE);
        let step = kmeans::step(rows.len());
        let sample = |i: usize| rows[i * step % rows.len()];
        let centres = kmeans::train(kernels, dims, (count, &sample), lists, threads);
        let closeness = mean(&kmeans::assign(kernels, dims, (count, &sample), &centres, threads).score);
        Self { centres, closeness }
    }

    /// The list of each row, and the mean cosine with its centre.
    pub fn assign(&self, kernels: &Kernels, dims: usize, rows: &[&[f32]], threads: usize) -> (Vec<u32>, f64) {
        let row = |i: usize| rows[i];
        let assigned = kmeans::assign(kernels, dims, (rows.len(), &row), &self.centres, threads);
        let closeness = mean(&assigned.score);
        (assigned.centre, closeness)
    }
}

/// Of those that are numbers: a damaged file may hold rows that give none.
fn mean(scores: &[f32]) -> f64 {
    let finite = scores.iter().filter(|score| score.is_finite());
    finite.clone().map(|&score| f64::from(score)).sum::<f64>() / finite.count().max(1) as f64
}

/// What a number of lists finds of the true nearest, on average over the queries of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recall {
    /// How many of the nearest: 10 or 100.
    pub results: usize,
    /// Lists looked at.
    pub probes: usize,
    /// Mean share of the true nearest that was found.
    pub recall: f64,
    /// Lower end of its interval of 95 %.
    pub at_least: f64,
}

/// Rows of the collection that serve as queries, which don't count among their own neighbours.
const QUERIES: usize = 1000;
/// Numbers of results that recall is measured for: as many as one looks at, and as many as one scrolls through.
const RESULTS: [usize; 2] = [10, 100];
const PROBES: [usize; 17] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512];
/// What more lists might still find isn't worth measuring.
const NOTHING: f64 = 1e-4;

/// Measures how much of the truth is found in how many lists, by the collection's own rows as queries.
pub fn measure(kernels: &Kernels, dims: usize, parts: &[Part<'_>], centres: &Centres, threads: usize) -> Vec<Recall> {
    let blocks: Vec<Block<'_, f32>> = parts.iter().map(|part| part.block.clone()).collect();
    let (own, queries) = queries(dims, &blocks);
    let most = RESULTS[RESULTS.len() - 1] + 1;
    let found = nearest_quantised(kernels, dims, &queries, (parts, &[]), (most, threads)).hits;
    let measure = Measure { kernels, dims, parts, centres, threads, truth: without_own(found, &own), own, queries };
    RESULTS.into_iter().flat_map(|results| measure.of(results)).collect()
}

/// Scores of what was found but the query itself.
fn without_own(found: Vec<Vec<ScoredId>>, own: &[u64]) -> Vec<Vec<f32>> {
    let others =
        |(found, own): (Vec<ScoredId>, &u64)| found.iter().filter(|hit| hit.id != *own).map(|hit| hit.score).collect();
    found.into_iter().zip(own).map(others).collect()
}

struct Measure<'a> {
    kernels: &'a Kernels,
    dims: usize,
    parts: &'a [Part<'a>],
    centres: &'a Centres,
    threads: usize,
    own: Vec<u64>,
    queries: Vec<&'a [f32]>,
    truth: Vec<Vec<f32>>,
}

impl Measure<'_> {
    /// For so many results, by rising effort; the last one looks at all.
    fn of(&self, results: usize) -> Vec<Recall> {
        let most = self.centres.len();
        let mut measured: Vec<Recall> = Vec::new();
        for probes in PROBES.into_iter().filter(|&probes| probes < most) {
            measured.push(self.attempt(results, probes));
            if measured.last().is_some_and(|last| last.recall >= 1.0 - NOTHING) {
                break;
            }
        }
        measured.push(Recall { results, probes: most, recall: 1.0, at_least: 1.0 });
        measured
    }

    fn attempt(&self, results: usize, probes: usize) -> Recall {
        let (lists, how_many) = ((self.centres, probes), (results + 1, self.threads));
        let found = nearest_in_lists(self.kernels, self.dims, &self.queries, (self.parts, &[]), lists, how_many).hits;
        let shares: Vec<f64> = without_own(found, &self.own)
            .iter()
            .zip(&self.truth)
            .map(|(found, truth)| share(results, found, truth))
            .collect();
        let count = shares.len().max(1) as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        let at_least = mean - 1.96 * (variance / count).sqrt();
        Recall { results, probes, recall: mean, at_least }
    }
}

/// Of the true nearest, by scores: what is as near as the last of them is as good.
fn share(results: usize, found: &[f32], truth: &[f32]) -> f64 {
    let truth = &truth[..truth.len().min(results)];
    let Some(&last) = truth.last() else { return 1.0 };
    found.iter().take(results).filter(|&&score| score >= last).count() as f64 / truth.len() as f64
}

/// Evenly picked rows.
fn queries<'a>(dims: usize, blocks: &[Block<'a, f32>]) -> (Vec<u64>, Vec<&'a [f32]>) {
    let is_wanted = |block: &Block<'_, f32>, row: usize| block.wanted.as_ref().is_none_or(|wanted| wanted[row]);
    let rows = blocks.iter().flat_map(|block| (0..block.ids.len()).map(move |row| (block, row)));
    let rows: Vec<_> = rows.filter(|&(block, row)| is_wanted(block, row)).collect();
    let count = rows.len().min(QUERIES);
    let step = kmeans::step(rows.len());
    let pick = |i: usize| rows[i * step % rows.len()];
    let picked = (0..count).map(pick).map(|(block, row)| (block.ids[row], &block.rows[row * dims..][..dims]));
    picked.unzip()
}

/// The least effort that was measured to find at least `wanted` of the `k` nearest, by the lower end of its interval; the
/// most where none was. `None` where nothing was measured for so many.
pub fn effort_for(measured: &[Recall], k: usize, wanted: f64) -> Option<Recall> {
    let results = measured.iter().map(|recall| recall.results).filter(|&results| results >= k).min()?;
    let mut of_them = measured.iter().filter(|recall| recall.results == results);
    let most = of_them.clone().next_back();
    of_them.find(|recall| recall.at_least >= wanted).or(most).copied()
}
