//! Rankings of vectors.

use super::best::Best;
use super::deal::{FULL_BLOCK, TOP_BLOCK, block, deal};
use super::groups::Groups;
use super::product::{Number, Product, rounding};
use super::standing::{Scratch, Standing};
use super::subject::{Cursor, Subject};
use super::{Found, Matrix, Ranked, Ties};
use crate::truth::Truth;
use pulp::Arch;

/// About how many bytes each thread has for where relevant pictures stand.
const STANDINGS: usize = 128 << 20;

/// The best `k` alone: approximate scores say which may be among them, exact ones rank those.
pub(super) fn top<T: Send>(
    gallery: Matrix<'_, f32>,
    queries: Matrix<'_, f32>,
    truth: &Truth,
    (k, ties): (usize, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    let order: Vec<usize> = (0..truth.queries()).collect();
    let longest = (0..gallery.len()).map(|row| norm(gallery.row(row))).fold(0.0, f64::max);
    let worker = || Product::<f32>::new(gallery.width);
    deal(&order, block(order.len(), threads, TOP_BLOCK), threads, worker, |product, block, done| {
        let subjects = subjects(block, truth, gallery);
        let begin = |subject: &Subject<'_>| {
            let slack = 2.0 * rounding(gallery.width, norm(queries.row(subject.query)) * longest);
            Best::new(k, Some(slack))
        };
        let mut best: Vec<Best<f32>> = subjects.iter().map(begin).collect();
        stream(product, gallery, queries, &subjects, |arch, i, first, scores| best[i].offer(arch, first, scores));
        for (subject, best) in subjects.iter().zip(best) {
            let candidates: Vec<u32> = best.finish().into_iter().map(|(_, picture)| picture).collect();
            let scores = exact(gallery, queries.row(subject.query), &candidates);
            let found = candidates.into_iter().zip(scores).map(|(picture, score)| Found { picture, score });
            let mut top: Vec<Found> = found.collect();
            top.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.picture.cmp(&b.picture)));
            let end = k.min(top.len());
            let tied = top[end..].iter().take_while(|found| end > 0 && found.score == top[end - 1].score).count();
            let mut groups = Groups::default();
            groups.extend(&top[..end + tied], ties, |picture| subject.is_relevant(picture));
            top.truncate(if ties == Ties::Group { end + tied } else { end });
            done(subject.query, each(subject.query, subject.ranked(top, groups)));
        }
    })
}

/// The best by name, and where the relevant ones stand among all: in exact scores from the start, because most of the
/// relevant ones have others so near that approximate ones couldn't tell them apart.
pub(super) fn full<T: Send>(
    gallery: Matrix<'_, f32>,
    queries: Matrix<'_, f32>,
    truth: &Truth,
    (top, ties): (usize, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    // Queries of one set are neighbours, so that a block multiplies with the set's pictures once.
    let mut order: Vec<usize> = (0..truth.queries()).collect();
    order.sort_by_key(|&query| truth.set_of_query[query]);
    let worker = || (Product::<f64>::new(gallery.width), Scratch::default());
    let largest = truth.sets.iter().map(Vec::len).max().unwrap_or(0);
    let most = (STANDINGS / Standing::bytes(largest).max(1)).clamp(8, FULL_BLOCK);
    let size = block(order.len(), threads, most);
    // Exact scores need no slack, but without any those that tie with the last one are dropped.
    let slack = (ties == Ties::Group).then_some(0.0);
    deal(&order, size, threads, worker, |(product, scratch), block, done| {
        let subjects = subjects(block, truth, gallery);
        let mut standings: Vec<(Best<f64>, Cursor<'_>, Standing)> = subjects
            .chunk_by(|a, b| truth.set_of_query[a.query] == truth.set_of_query[b.query])
            .flat_map(|same| relevant(product, gallery, queries, same).into_iter().zip(same))
            .map(|(scores, subject)| (Best::new(top, slack), Cursor(subject.set), Standing::new(&scores, ties)))
            .collect();
        stream(product, gallery, queries, &subjects, |arch, i, first, scores| {
            let (best, set, standing) = &mut standings[i];
            best.offer(arch, first, scores);
            set.remove(first, scores);
            let query = queries.row(subjects[i].query);
            standing.count(arch, scores, scratch, |pictures| exact(gallery, query, pictures));
        });
        for (subject, (best, _, standing)) in subjects.iter().zip(standings) {
            let top = best.finish().into_iter().map(|(score, picture)| Found { picture, score }).collect();
            let query = queries.row(subject.query);
            let groups = standing.finish(subject.gallery(), scratch, |pictures| exact(gallery, query, pictures));
            done(subject.query, each(subject.query, subject.ranked(top, groups)));
        }
    })
}

fn subjects<'t>(block: &[usize], truth: &'t Truth, gallery: Matrix<'_, f32>) -> Vec<Subject<'t>> {
    block.iter().map(|&query| Subject::new(truth, query, gallery.len())).collect()
}

/// Hands the scores of all pictures, part by part, to `take`: `(position among the subjects, first picture, scores)`.
/// Ignored pictures have a score that no picture has.
fn stream<N: Number>(
    product: &mut Product<N>,
    gallery: Matrix<'_, f32>,
    queries: Matrix<'_, f32>,
    subjects: &[Subject<'_>],
    mut take: impl FnMut(Arch, usize, usize, &mut [N]),
) {
    if gallery.len() == 0 {
        return;
    }
    let arch = product.arch();
    let block = product.block(subjects.iter().map(|subject| queries.row(subject.query)));
    let mut ignored: Vec<Cursor<'_>> = subjects.iter().map(|subject| Cursor(subject.ignored)).collect();
    product.run(
        &block,
        gallery.len(),
        |row| gallery.row(row),
        |i, first, scores| {
            ignored[i].remove(first, scores);
            take(arch, i, first, scores);
        },
    );
}

/// For each subject its relevant pictures and their exact scores. All subjects have the same set.
fn relevant(
    product: &mut Product<f64>,
    gallery: Matrix<'_, f32>,
    queries: Matrix<'_, f32>,
    subjects: &[Subject<'_>],
) -> Vec<Vec<(f64, u32)>> {
    let set = subjects.first().map_or(&[][..], |subject| subject.set);
    let mut found: Vec<Vec<(f64, u32)>> = subjects.iter().map(|_| Vec::with_capacity(set.len())).collect();
    if set.is_empty() {
        return found;
    }
    let block = product.block(subjects.iter().map(|subject| queries.row(subject.query)));
    product.run(
        &block,
        set.len(),
        |i| gallery.row(set[i] as usize),
        |i, first, scores| {
            found[i].extend(scores.iter().copied().zip(set[first..].iter().copied()));
        },
    );
    for (subject, found) in subjects.iter().zip(&mut found) {
        if !subject.ignored.is_empty() {
            found.retain(|&(_, picture)| !subject.is_ignored(picture));
        }
    }
    found
}

/// The exact scores of some pictures: the sum in f64 in the order of the dimensions.
fn exact(gallery: Matrix<'_, f32>, query: &[f32], pictures: &[u32]) -> Vec<f64> {
    /// So many sums run side by side: each has to wait for its last addition.
    const SIDE: usize = 8;
    let mut scores = Vec::with_capacity(pictures.len());
    for some in pictures.chunks(SIDE) {
        let rows: [&[f32]; SIDE] = std::array::from_fn(|i| gallery.row(some[i.min(some.len() - 1)] as usize));
        let mut sums = [0.0; SIDE];
        for (i, &number) in query.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum += f64::from(number) * f64::from(row[i]);
            }
        }
        scores.extend_from_slice(&sums[..some.len()]);
    }
    scores
}

fn norm(row: &[f32]) -> f64 {
    row.iter().map(|&number| f64::from(number).powi(2)).sum::<f64>().sqrt()
}
