//! Scores in `f64`, each summed in the order of the dimensions: the same on every machine.

use super::ScoredId;
use crate::store::RecordId;

/// So many rows are summed side by side, because the additions of one wait for each other.
const ROWS: usize = 6;

/// Dot products: those of two `f32` are exact in `f64`, sums run in the order of the dimensions.
fn dots_of<const R: usize>(query: &[f32], rows: [&[f32]; R]) -> [f64; R] {
    let rows = rows.map(|row| &row[..query.len()]);
    let mut sums = [0.0; R];
    for (d, &q) in query.iter().enumerate() {
        for r in 0..R {
            sums[r] += f64::from(q) * f64::from(rows[r][d]);
        }
    }
    sums
}

/// The dot product with each of the rows, which are as long as the query.
pub(crate) fn dots(query: &[f32], rows: &[&[f32]]) -> Vec<f64> {
    let mut products = Vec::with_capacity(rows.len());
    for group in rows.chunks(ROWS) {
        // The last row again where there is none: one more beside others costs nothing.
        let sums: [f64; ROWS] = dots_of(query, std::array::from_fn(|i| group[i.min(group.len() - 1)]));
        products.extend_from_slice(&sums[..group.len()]);
    }
    products
}

/// Scores and records, best first, equal ones by id.
pub(super) type Ranked = Vec<(f64, RecordId)>;

/// The `k` best of some rows. Scores that are no numbers are left out.
pub(super) fn best(query: &[f32], rows: &[(RecordId, &[f32])], k: usize) -> Ranked {
    let vectors: Vec<&[f32]> = rows.iter().map(|(_, row)| *row).collect();
    let mut scored: Ranked = dots(query, &vectors).into_iter().zip(rows).map(|(sum, (id, _))| (sum, *id)).collect();
    scored.retain(|(score, _)| !score.is_nan());
    rank(scored, k)
}

/// The `k` best.
pub(super) fn rank(mut scored: Ranked, k: usize) -> Ranked {
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.truncate(k);
    scored
}

/// Scores rounded to what is shown.
pub(super) fn rounded(ranked: Ranked) -> Vec<ScoredId> {
    ranked.into_iter().map(|(score, id)| ScoredId { id, score: score as f32 }).collect()
}

/// Length, for bounds: in `f64`, but in no particular order.
pub(super) fn norm(vector: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for numbers in vector.chunks(LANES) {
        sums.iter_mut().zip(numbers).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    }
    sums.iter().sum::<f64>().sqrt()
}
