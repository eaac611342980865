//! How a collection of vectors is prepared for fast search, and what that costs in recall: measured, never guessed.

use super::{Block, Centres, Effort, Kernels, Part, RESULTS, ScoredId, kmeans, nearest_quantised, nearest_vectors};

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

/// What an [`Effort`] finds of the true ten nearest, on average over the queries of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recall {
    /// Lists looked at; 0 where there are no lists.
    pub probes: usize,
    /// Rows scored again, for ten results.
    pub depth: usize,
    /// Mean share of the true ten nearest that was found.
    pub recall: f64,
    /// Lower end of its interval of 95 %.
    pub at_least: f64,
}

/// Rows of the collection that serve as queries, which don't count among their own neighbours.
const QUERIES: usize = 1000;
const PROBES: [usize; 17] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512];
const DEPTHS: [usize; 6] = [16, 24, 32, 64, 128, 256];
/// What rescoring may lose of the ten nearest, on average.
const RESCORED: f64 = 0.9995;
/// What more lists might still find isn't worth measuring.
const NOTHING: f64 = 1e-4;

/// Measures how much of the truth is found, by the collection's own rows as queries: first how many rows must be scored
/// again, then how many lists must be looked at.
pub fn measure(
    kernels: &Kernels,
    dims: usize,
    parts: &[Part<'_>],
    centres: Option<&Centres>,
    threads: usize,
) -> Vec<Recall> {
    let blocks: Vec<Block<'_, f32>> = parts.iter().map(|part| part.block.clone()).collect();
    let (own, queries) = queries(dims, &blocks);
    let without_own = |found: Vec<Vec<ScoredId>>| -> Vec<Vec<f32>> {
        let others = |(found, own): (Vec<ScoredId>, &u64)| {
            found.iter().filter(|hit| hit.id != *own).map(|hit| hit.score).take(RESULTS).collect()
        };
        found.into_iter().zip(&own).map(others).collect()
    };
    let truth = without_own(nearest_vectors(kernels, dims, &queries, &blocks, (RESULTS + 1, threads)));
    let attempt = |effort: Effort| {
        let found = nearest_quantised(kernels, dims, &queries, (parts, &[]), (centres, effort), (RESULTS + 1, threads));
        recall(effort, &without_own(found), &truth)
    };
    let most = centres.map_or(0, Centres::len);
    // Depth is chosen where lists can't be to blame for what is missing.
    let depths = DEPTHS.map(|depth| Effort { probes: most, depth });
    let Some(best) = first_that(depths.into_iter().map(attempt), |recall| recall.recall >= RESCORED) else {
        return Vec::new();
    };
    if most == 0 {
        return vec![best];
    }
    let efforts = PROBES.into_iter().filter(|&probes| probes < most).map(|probes| Effort { probes, depth: best.depth });
    let mut measured: Vec<Recall> = Vec::new();
    for effort in efforts {
        measured.push(attempt(effort));
        if measured.last().is_some_and(|last| last.recall >= best.recall - NOTHING) {
            break;
        }
    }
    measured.push(best);
    measured
}

/// The first that is good enough, else the last one.
fn first_that(all: impl Iterator<Item = Recall>, enough: impl Fn(&Recall) -> bool) -> Option<Recall> {
    let mut last = None;
    for one in all {
        last = Some(one);
        if enough(&one) {
            break;
        }
    }
    last
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

/// By scores: what is as near as the last of the truth is as good.
fn recall(effort: Effort, found: &[Vec<f32>], truth: &[Vec<f32>]) -> Recall {
    let share = |(found, truth): (&Vec<f32>, &Vec<f32>)| {
        let Some(&last) = truth.last() else { return 1.0 };
        found.iter().filter(|&&score| score >= last).count() as f64 / truth.len() as f64
    };
    let shares: Vec<f64> = found.iter().zip(truth).map(share).collect();
    let count = shares.len().max(1) as f64;
    let mean = shares.iter().sum::<f64>() / count;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let at_least = mean - 1.96 * (variance / count).sqrt();
    Recall { probes: effort.probes, depth: effort.depth, recall: mean, at_least }
}

/// The least effort whose recall was measured to be at least `wanted`, by the lower end of its interval; the most where
/// none was.
pub fn effort_for(measured: &[Recall], wanted: f64) -> Option<Effort> {
    let enough = measured.iter().find(|recall| recall.at_least >= wanted).or(measured.last())?;
    Some(Effort { probes: enough.probes, depth: enough.depth })
}
