//! What candidates find, each query searched among the pictures of its fold.

use super::candidate::Candidate;
use super::matrix::Matrix;
use super::split::Fold;
use super::{Pictures, Progress, TuneError, Watch};
use crate::measures::{Judged, Scheme};
use crate::neighbours;
use crate::rank::{self, Depth, Ranked, Rows, Ties};
use alike::rank::Ranking;
use alike::recipe::{DescriptorKind, Draft};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A candidate and what it finds.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) candidate: Candidate,
    pub(super) text: String,
    /// Of a descriptor.
    pub(super) bytes: usize,
    /// The metric for each query, fold by fold.
    pub(super) values: Vec<f64>,
    pub(super) mean: f64,
}

/// Measures by one metric.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) pictures: &'a Pictures<'a>,
    pub(super) folds: &'a [Fold],
    pub(super) scheme: &'a Scheme,
    /// Its place among the scheme's.
    pub(super) metric: usize,
    pub(super) threads: usize,
    pub(super) watch: &'a Watch<'a>,
}

/// A candidate, bound.
struct Entry<'a> {
    /// Its position among all.
    place: usize,
    candidate: &'a Candidate,
    ranking: Ranking,
    bytes: usize,
}

impl Bench<'_> {
    /// What each finds, in the order of the candidates; without those that weren't measured in all folds when the watch said
    /// stop.
    pub(super) fn measure(&self, stage: &'static str, candidates: &[Candidate]) -> Result<Vec<Measured>, TuneError> {
        let done = AtomicUsize::new(0);
        let tick = || {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.watch.progress)(Progress { stage, done, of: candidates.len() * self.folds.len() });
        };
        let mut measured: Vec<Option<Measured>> = vec![None; candidates.len()];
        for group in self.groups(candidates)? {
            for (entry, values) in group.iter().zip(self.group(&group, &tick)?) {
                measured[entry.place] = values.map(|values| Measured::new(entry, values));
            }
        }
        Ok(measured.into_iter().flatten().collect())
    }

    /// Those together that differ in what is made of the same vectors: by where they are cut, then by the gallery.
    fn groups<'a>(&self, candidates: &'a [Candidate]) -> Result<Vec<Vec<Entry<'a>>>, TuneError> {
        let mut groups: Vec<(String, Vec<Entry<'a>>)> = Vec::new();
        for (place, candidate) in candidates.iter().enumerate() {
            let draft = self.pictures.draft(candidate)?;
            let entry = Entry { place, candidate, ranking: draft.ranking(), bytes: bytes(draft.kind()) };
            let key = candidate.learnt(1).to_string();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push(entry),
                None => groups.push((key, vec![entry])),
            }
        }
        let order = |entry: &Entry<'_>| {
            (entry.candidate.cut(), entry.ranking.augment.map(|augment| (augment.count, augment.alpha.to_bits())))
        };
        groups.iter_mut().for_each(|(_, group)| group.sort_by_key(order));
        Ok(groups.into_iter().map(|(_, group)| group).collect())
    }

    /// The values of each of a group, fold by fold; `None` for those that some fold didn't come to.
    fn group(&self, group: &[Entry<'_>], tick: &(impl Fn() + Sync)) -> Result<Vec<Option<Vec<f64>>>, TuneError> {
        let widest = group.iter().filter_map(|entry| entry.candidate.cut()).max().unwrap_or(0);
        let draft = self.pictures.draft(&group[0].candidate.learnt(widest))?;
        let folds: Vec<usize> = (0..self.folds.len()).collect();
        // Folds run side by side; threads that are left share the work of each.
        let threads = (self.threads / folds.len()).max(1);
        let of_fold = |fold: usize| self.in_fold(&self.folds[fold], &draft, group, threads, tick);
        let found = rank::deal(&folds, 1, self.threads, || (), |(), fold, done| done(fold[0], of_fold(fold[0])));
        let found = found.into_iter().collect::<Result<Vec<Vec<Vec<f64>>>, _>>()?;
        let joined = |i: usize| found.iter().map(|fold| fold.get(i)).collect::<Option<Vec<_>>>();
        Ok((0..group.len()).map(|i| joined(i).map(|parts| parts.into_iter().flatten().copied().collect())).collect())
    }

    /// In the order of the group, as far as it came.
    fn in_fold(
        &self,
        fold: &Fold,
        draft: &Draft,
        group: &[Entry<'_>],
        threads: usize,
        tick: &(impl Fn() + Sync),
    ) -> Result<Vec<Vec<f64>>, TuneError> {
        let mut found = Vec::new();
        if (self.watch.stop)() {
            return Ok(found);
        }
        let [pictures, asked] = [&fold.gallery, &fold.queries].map(|places| self.pictures.rows(draft, places));
        let plan = draft.learn(&pictures)?;
        let whole = [Matrix::described(&plan, &pictures), Matrix::described(&plan, &asked)];
        for same_vectors in group.chunk_by(|a, b| a.candidate.cut() == b.candidate.cut()) {
            let [gallery, queries] = whole.each_ref().map(|side| match same_vectors[0].candidate.cut() {
                Some(kept) => Cow::Owned(side.cut(kept)),
                None => Cow::Borrowed(side),
            });
            for same_gallery in same_vectors.chunk_by(|a, b| a.ranking.augment == b.ranking.augment) {
                let gallery = match same_gallery[0].ranking.augment {
                    Some(augment) => Cow::Owned(gallery.augmented(augment, threads)),
                    None => Cow::Borrowed(&*gallery),
                };
                for entry in same_gallery {
                    if (self.watch.stop)() {
                        return Ok(found);
                    }
                    found.push(self.values(entry.ranking, fold, (&gallery, &queries), threads));
                    tick();
                }
            }
        }
        Ok(found)
    }

    /// The metric for each query.
    fn values(
        &self,
        ranking: Ranking,
        fold: &Fold,
        (gallery, queries): (&Matrix, &Matrix),
        threads: usize,
    ) -> Vec<f64> {
        let depth = (Depth::Full { top: 1 }, Ties::Group);
        let each = |_, ranked: Ranked| {
            let metrics = self.scheme.measure(&Judged::new(ranked.groups, ranked.relevant));
            metrics.map_or(0.0, |metrics| metrics[self.metric])
        };
        let (Matrix::Vectors { dims, values }, Matrix::Vectors { values: asked, .. }) = (gallery, queries) else {
            return rank::rank(gallery.rows(), queries.rows(), &fold.truth, depth, threads, each);
        };
        let side = neighbours::query_side(ranking, *dims, values, asked.clone(), &fold.truth, threads);
        let queries = Rows::Vectors { dims: *dims, values: &side.queries };
        let sides = (gallery.rows(), queries);
        rank::rank_behind(side.reranked.as_deref(), sides, &fold.truth, depth, threads, each)
    }
}

impl Measured {
    fn new(entry: &Entry<'_>, values: Vec<f64>) -> Self {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let candidate = entry.candidate.clone();
        Self { text: candidate.to_string(), candidate, bytes: entry.bytes, values, mean }
    }
}

/// Of a descriptor.
pub(super) fn bytes(kind: DescriptorKind) -> usize {
    match kind {
        DescriptorKind::Vector(dims) => dims * size_of::<f32>(),
        DescriptorKind::Code(bits) => bits.div_ceil(64) * size_of::<u64>(),
    }
}
