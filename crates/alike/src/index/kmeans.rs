//! Spherical k-means: centres of unit vectors by cosine (Dhillon and Modha, Concept decompositions for large sparse text
//! data using clustering, 2001).

use super::kernels::{ByteTile, TileHit};
use super::lists::{Panels, Quantised, stride};
use super::pieces::{deal, in_order};
use super::{Centres, Kernels};

/// Rounds of assigning and averaging. More of them hardly change what a search finds.
const ROUNDS: usize = 8;
/// Centres that a panel of rows is compared with before its bounds are raised.
const CENTRES: usize = 48;
/// Rows that a thread takes at a time.
const ROWS: usize = 1024;

/// The nearest centre of each row by scores in bytes, and the cosine with it.
pub(super) struct Assigned {
    pub(super) centre: Vec<u32>,
    pub(super) score: Vec<f32>,
}

/// Rows that lie somewhere: how many, and where each is.
pub(super) type Rows<'a> = (usize, &'a (dyn Fn(usize) -> &'a [f32] + Sync));

/// `count` unit vectors of `dims` numbers around which the rows lie. The result doesn't depend on the number of threads.
pub(super) fn train(kernels: &Kernels, dims: usize, rows: Rows<'_>, count: usize, threads: usize) -> Vec<f32> {
    // Evenly picked rows are as good a beginning as random ones.
    let mut centres: Vec<f32> = Vec::with_capacity(count * dims);
    let step = step(rows.0);
    (0..count).for_each(|i| centres.extend_from_slice(rows.1((i * step) % rows.0)));
    let sample = Sample::new(kernels, dims, rows, threads);
    for _ in 0..ROUNDS {
        let assigned = sample.assign(&centres, threads);
        centres = average(dims, rows, &assigned, &centres);
    }
    centres
}

/// A step that visits `n` rows evenly, each once: near the golden section of `n`, and without a divisor in common with it,
/// so that rows in a periodic order aren't picked from one place of the period.
pub(super) fn step(n: usize) -> usize {
    let divides = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a > 1
    };
    let mut step = (n as f64 * 0.618) as usize + 1;
    while divides(step, n) {
        step += 1;
    }
    step
}

/// Finds the nearest centre of each row; among equals the first one. In bytes, because a row near two centres finds its
/// neighbours by either.
pub(super) fn assign(kernels: &Kernels, dims: usize, rows: Rows<'_>, centres: &[f32], threads: usize) -> Assigned {
    let in_bytes = Centres::new(centres, dims);
    let starts: Vec<usize> = (0..rows.0).step_by(ROWS).collect();
    let parts = deal(&starts, threads, |turns| {
        let nearest = |(i, &start): (usize, &usize)| {
            let rows: Vec<&[f32]> = (start..rows.0.min(start + ROWS)).map(rows.1).collect();
            (i, Panel::new(kernels, dims, rows).nearest(kernels, &in_bytes, centres))
        };
        turns.map(nearest).collect::<Vec<_>>()
    });
    let (centre, score) = in_order(parts).into_iter().flatten().unzip();
    Assigned { centre, score }
}

/// Rows in bytes, kept over the rounds.
struct Sample<'a> {
    kernels: Kernels,
    dims: usize,
    panels: Vec<Panel<'a>>,
}

impl<'a> Sample<'a> {
    fn new(kernels: &Kernels, dims: usize, rows: Rows<'a>, threads: usize) -> Self {
        let starts: Vec<usize> = (0..rows.0).step_by(ROWS).collect();
        let panels = deal(&starts, threads, |turns| {
            let panel = |(i, &start): (usize, &usize)| {
                (i, Panel::new(kernels, dims, (start..rows.0.min(start + ROWS)).map(rows.1).collect()))
            };
            turns.map(panel).collect::<Vec<_>>()
        });
        Self { kernels: *kernels, dims, panels: in_order(panels) }
    }

    fn assign(&self, centres: &[f32], threads: usize) -> Assigned {
        let in_bytes = Centres::new(centres, self.dims);
        let parts = deal(&self.panels, threads, |turns| {
            turns.map(|(i, panel)| (i, panel.nearest(&self.kernels, &in_bytes, centres))).collect::<Vec<_>>()
        });
        let (centre, score) = in_order(parts).into_iter().flatten().unzip();
        Assigned { centre, score }
    }
}

/// Rows, and the same in bytes.
struct Panel<'a> {
    rows: Vec<&'a [f32]>,
    bytes: Panels,
    length: usize,
}

impl<'a> Panel<'a> {
    fn new(kernels: &Kernels, dims: usize, rows: Vec<&'a [f32]>) -> Self {
        let quantised: Vec<Quantised> = rows.iter().map(|row| Quantised::new(row)).collect();
        let length = stride(dims);
        let panels = Panels::new(&quantised.iter().collect::<Vec<_>>(), length, kernels.side());
        Self { rows, bytes: panels, length }
    }

    /// The nearest centre of each row, and the cosine with it.
    fn nearest(&self, kernels: &Kernels, in_bytes: &Centres, centres: &[f32]) -> Vec<(u32, f32)> {
        let side = kernels.side();
        let mut nearest = vec![(0, f32::MIN); self.rows.len()];
        let (mut least, mut hits): (Vec<f32>, Vec<TileHit>) = (vec![0.0; side], Vec::new());
        let (length, (bytes, scales)) = (self.length, in_bytes.rows());
        for ((queries, excess), nearest) in self.bytes.each().zip(nearest.chunks_mut(side)) {
            least.fill(f32::INFINITY);
            least[..nearest.len()].fill(f32::MIN);
            for (i, (rows, scales)) in bytes.chunks(CENTRES * length).zip(scales.chunks(CENTRES)).enumerate() {
                hits.clear();
                kernels.tile_i8(&ByteTile { queries, excess, rows, scales, length, least: &least }, &mut hits);
                for hit in &hits {
                    if let Some(nearest) = nearest.get_mut(hit.query as usize).filter(|nearest| hit.score > nearest.1) {
                        *nearest = ((i * CENTRES) as u32 + hit.row, hit.score);
                        least[hit.query as usize] = hit.score;
                    }
                }
            }
        }
        for (row, (centre, score)) in self.rows.iter().zip(&mut nearest) {
            let mut cosine = [0.0];
            kernels.dots(row, &centres[*centre as usize * row.len()..][..row.len()], &mut cosine);
            [*score] = cosine;
        }
        nearest
    }
}

/// The direction of the mean of each centre's rows. A centre without rows moves to the row that is worst off, each to
/// another one.
fn average(dims: usize, rows: Rows<'_>, assigned: &Assigned, centres: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0f64; centres.len()];
    let mut filled = vec![false; centres.len() / dims];
    // Damaged rows, whose scores are no numbers, would make a centre of their kind.
    let sound = assigned.centre.iter().enumerate().filter(|&(row, _)| assigned.score[row].is_finite());
    for (row, &centre) in sound {
        filled[centre as usize] = true;
        let sum = &mut sums[centre as usize * dims..][..dims];
        sum.iter_mut().zip(rows.1(row)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let mut lonely: Vec<usize> = Vec::new();
    if filled.contains(&false) {
        lonely = (0..rows.0).collect();
        lonely.sort_unstable_by(|&a, &b| assigned.score[b].total_cmp(&assigned.score[a]).then(b.cmp(&a)));
    }
    let mut moved = Vec::with_capacity(centres.len());
    for (sum, filled) in sums.chunks_exact(dims).zip(filled) {
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let elsewhere = if filled { None } else { lonely.pop() };
        match elsewhere {
            Some(row) => moved.extend_from_slice(rows.1(row)),
            None => moved.extend(sum.iter().map(|x| (x / norm.max(f64::MIN_POSITIVE)) as f32)),
        }
    }
    moved
}
