//! Many local descriptors to one vector: the step `vlad` (Jégou, Douze, Schmid and Pérez, Aggregating local descriptors into
//! a compact image representation, CVPR 2010).
//!
//! A vocabulary is a list of words, the centres of k-means; parts and words have the same length. Parts that are all zero
//! show nothing and are passed over.

use super::plan::{spread, unit};

/// Parts for each word that learning looks at, at most.
const SAMPLE: usize = 128;
/// Rounds of k-means, at most. More of them hardly change what is found.
const ROUNDS: usize = 16;
/// Products that are added up side by side, in an order that is the same on every machine.
const LANES: usize = 8;

/// The sum of the differences of parts from their nearest words, word by word at unit length (intra-normalisation:
/// Arandjelović and Zisserman, All about VLAD, CVPR 2013).
pub(super) fn aggregate(words: &[f32], part: usize, vector: &[f32]) -> Vec<f32> {
    let halves = halves(words, part);
    let mut sums = vec![0.0; words.len()];
    for x in parts(vector, part) {
        let place = nearest(words, &halves, x).0 * part;
        let differences = x.iter().zip(&words[place..]).map(|(x, word)| x - word);
        sums[place..].iter_mut().zip(differences).for_each(|(sum, difference)| *sum += difference);
    }
    sums.chunks_exact(part).flat_map(unit).collect()
}

/// `count` words of the parts of vectors, of which there are at least `count` that aren't all zero: Lloyd's k-means from
/// parts at equal distances.
pub(super) fn vocabulary(vectors: &[&[f32]], count: usize, part: usize) -> Vec<f32> {
    let all: Vec<&[f32]> = vectors.iter().flat_map(|vector| parts(vector, part)).collect();
    let sample: Vec<&[f32]> = spread(&all, all.len().min(count * SAMPLE)).copied().collect();
    let mut words: Vec<f32> = spread(&sample, count).copied().flatten().copied().collect();
    for _ in 0..ROUNDS {
        let halves = halves(&words, part);
        let assigned: Vec<(usize, f32)> = sample.iter().map(|x| nearest(&words, &halves, x)).collect();
        let moved = averages(&sample, &assigned, words.len());
        if moved == words {
            break;
        }
        words = moved;
    }
    words
}

/// Those that aren't all zero.
fn parts(vector: &[f32], part: usize) -> impl Iterator<Item = &[f32]> {
    vector.chunks_exact(part).filter(|part| part.iter().any(|x| *x != 0.0))
}

/// Half the squared length of each word.
fn halves(words: &[f32], part: usize) -> Vec<f32> {
    words.chunks_exact(part).map(|word| dot(word, word) / 2.0).collect()
}

/// The nearest word, among equals the first one, and half the squared distance from it less half the squared length of `x`.
fn nearest(words: &[f32], halves: &[f32], x: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (i, (word, half)) in words.chunks_exact(x.len()).zip(halves).enumerate() {
        let distance = half - dot(word, x);
        if distance < best.1 {
            best = (i, distance);
        }
    }
    best
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|i| sums[i] += a[i] * b[i]);
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The mean of the parts of each word. A word without parts moves to the part that is worst off, each to another one.
fn averages(sample: &[&[f32]], assigned: &[(usize, f32)], numbers: usize) -> Vec<f32> {
    let part = sample[0].len();
    let (mut sums, mut counts) = (vec![0.0_f64; numbers], vec![0_u32; numbers / part]);
    for (x, &(word, _)) in sample.iter().zip(assigned) {
        counts[word] += 1;
        sums[word * part..].iter_mut().zip(*x).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let mut words: Vec<f32> =
        sums.iter().enumerate().map(|(i, sum)| (sum / f64::from(counts[i / part])) as f32).collect();
    if counts.contains(&0) {
        let empty = (0..counts.len()).filter(|&word| counts[word] == 0);
        for (word, x) in empty.zip(worst_off(sample, assigned)) {
            words[word * part..][..part].copy_from_slice(x);
        }
    }
    words
}

/// Those furthest from their words first.
fn worst_off<'a>(sample: &[&'a [f32]], assigned: &[(usize, f32)]) -> impl Iterator<Item = &'a [f32]> {
    let distance = |i: usize| assigned[i].1 + dot(sample[i], sample[i]) / 2.0;
    let mut order: Vec<usize> = (0..sample.len()).collect();
    order.sort_by(|&a, &b| distance(b).total_cmp(&distance(a)));
    order.into_iter().map(|i| sample[i])
}
