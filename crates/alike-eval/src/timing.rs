//! How long a search takes, and how that grows with the gallery.

use crate::evaluation::Timing;
use crate::rank::Rows;
use alike::index::{Block, Kernels, nearest_codes, nearest_vectors};
use alike::store::RecordId;
use std::time::{Duration, Instant};

/// Hits asked for.
const HITS: usize = 10;
/// Queries timed at most, at each size of the gallery.
const QUERIES: usize = 200;
/// What one size may take: slow searches are timed less often.
const PATIENCE: Duration = Duration::from_secs(2);
/// Parts of the gallery that are searched, in eighths.
const EIGHTHS: [usize; 4] = [1, 2, 4, 8];

/// Times the exact scan on one thread, descriptor to hits, query by query; at an eighth, a quarter, half and all of the
/// gallery. `None` without pictures or queries.
pub fn time(gallery: Rows<'_>, queries: Rows<'_>) -> Option<Timing> {
    let pictures = gallery.len();
    if pictures == 0 || queries.is_empty() {
        return None;
    }
    // A collection has its ids at hand, too: making them is no part of a search.
    let ids: Vec<RecordId> = (0..pictures as RecordId).collect();
    let mut growth = Vec::new();
    let mut whole = Vec::new();
    for part in EIGHTHS.map(|eighths| pictures * eighths / 8).into_iter().filter(|&part| part > 0) {
        whole = latencies(gallery, queries, &ids[..part]);
        growth.push((part, quantile(&whole, 0.5)));
    }
    let (exponent, factor_ms) = fit(&growth);
    Some(Timing {
        median_ms: quantile(&whole, 0.5),
        p95_ms: quantile(&whole, 0.95),
        p99_ms: quantile(&whole, 0.99),
        growth,
        exponent,
        factor_ms,
    })
}

/// Milliseconds of each search in the first rows, as many as there are ids, ascending. The first search warms the caches and isn't counted.
fn latencies(gallery: Rows<'_>, queries: Rows<'_>, ids: &[RecordId]) -> Vec<f64> {
    search(gallery, queries, ids, 0);
    let started = Instant::now();
    let mut times = Vec::new();
    for query in (0..queries.len()).cycle().take(QUERIES) {
        let one = Instant::now();
        search(gallery, queries, ids, query);
        times.push(one.elapsed().as_secs_f64() * 1e3);
        if started.elapsed() > PATIENCE {
            break;
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    times
}

fn search(gallery: Rows<'_>, queries: Rows<'_>, ids: &[RecordId], query: usize) {
    let found = match (gallery, queries) {
        (Rows::Vectors { dims, values }, Rows::Vectors { values: queries, .. }) => {
            let rows = Block::whole(ids, &values[..ids.len() * dims]);
            nearest_vectors(&Kernels::detect(), dims, &[&queries[query * dims..][..dims]], &[rows], (HITS, 1))
        }
        (Rows::Codes { bits, words }, Rows::Codes { words: queries, .. }) => {
            let width = bits.div_ceil(64);
            let rows = Block::whole(ids, &words[..ids.len() * width]);
            nearest_codes(&Kernels::detect(), bits, &[&queries[query * width..][..width]], &[rows], (HITS, 1))
        }
        _ => Vec::new(),
    };
    std::hint::black_box(found);
}

/// The value below which this share lies, by nearest rank.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
    sorted[place - 1]
}

/// Least squares of `log T = log c + p log n`: exponent and factor. One size gives exponent 0.
fn fit(growth: &[(usize, f64)]) -> (f64, f64) {
    let points: Vec<(f64, f64)> = growth.iter().map(|&(n, ms)| ((n as f64).ln(), ms.max(1e-9).ln())).collect();
    let count = points.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let exponent = if variance > 0.0 { covariance / variance } else { 0.0 };
    (exponent, (y - exponent * x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_finds_a_power_law() {
        let (exponent, factor) = fit(&[(100, 0.5), (200, 1.0), (400, 2.0)]);
        assert!((exponent - 1.0).abs() < 1e-9 && (factor - 0.005).abs() < 1e-9);
        assert_eq!(fit(&[(100, 0.5)]).0, 0.0);
    }

    #[test]
    fn all_sizes_of_a_small_gallery_are_timed() {
        let values = vec![0.5; 4 * 16];
        let rows = Rows::Vectors { dims: 4, values: &values };
        let timing = time(rows, rows).unwrap();
        assert_eq!(timing.growth.iter().map(|point| point.0).collect::<Vec<_>>(), [2, 4, 8, 16]);
        assert!(timing.median_ms > 0.0 && timing.p99_ms >= timing.median_ms);
        assert!(time(Rows::Vectors { dims: 4, values: &[] }, rows).is_none());
    }
}
