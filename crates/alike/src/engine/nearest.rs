//! A search from descriptors to scored records: the query drawn to its neighbours, the scan, the candidates ranked anew.

use super::{SearchError, SearchOptions, Searcher, filter};
use crate::index::{ScoredId, deal, in_order};
use crate::rank::{self, Neighbours, Rerank};
use crate::recipe::{Descriptor, DescriptorKind};
use crate::store::{RecordId, Scan, Search, StoreError};

/// What a search may cost, and must find.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) threads: usize,
    /// Share of the true nearest.
    pub(super) recall: f64,
}

impl Searcher {
    pub(super) fn nearest(
        &self,
        queries: &[Descriptor],
        k: usize,
        options: &SearchOptions<'_>,
    ) -> Result<(Vec<Vec<ScoredId>>, Scan), SearchError> {
        let allowed = filter::allowed(&self.collection, &self.snapshot, options)?;
        let effort = Effort { threads: options.threads, recall: options.recall };
        if options.expand.is_some() && matches!(self.plan.kind(), DescriptorKind::Code(_)) {
            return Err(SearchError::CodesDontExpand { recipe: self.recipe().to_owned() });
        }
        let expand = options.expand.or(self.plan.ranking().expand);
        Ok(self.ranked(queries, k, allowed.as_deref(), expand, effort)?)
    }

    /// The `k` best of each query, which is drawn to its neighbours first if so wanted, among some records (ascending), or
    /// all.
    pub(super) fn ranked(
        &self,
        queries: &[Descriptor],
        k: usize,
        only: Option<&[RecordId]>,
        expand: Option<Neighbours>,
        effort: Effort,
    ) -> Result<(Vec<Vec<ScoredId>>, Scan), StoreError> {
        let expanded = expand.map(|neighbours| self.expanded(queries, neighbours, effort)).transpose()?;
        let queries = expanded.as_deref().unwrap_or(queries);
        let Some(rerank) = self.plan.ranking().rerank else { return self.scan(queries, k, only, effort) };
        let (found, scan) = self.scan(queries, rerank.candidates().max(k), only, effort)?;
        let both: Vec<_> = queries.iter().zip(found).collect();
        let one = |(query, found): &(&Descriptor, Vec<ScoredId>)| {
            let mut found = found.clone();
            self.rerank(rerank, query, &mut found)?;
            found.truncate(k);
            Ok(found)
        };
        let ranked = deal(&both, effort.threads, |turns| turns.map(|(i, both)| (i, one(both))).collect::<Vec<_>>());
        Ok((in_order(ranked).into_iter().collect::<Result<_, StoreError>>()?, scan))
    }

    fn scan(
        &self,
        queries: &[Descriptor],
        k: usize,
        only: Option<&[RecordId]>,
        effort: Effort,
    ) -> Result<(Vec<Vec<ScoredId>>, Scan), StoreError> {
        let search = Search {
            recipe: self.plan.key(),
            kind: self.plan.kind(),
            queries,
            k,
            only,
            extra: self.unstored(effort.threads)?,
            threads: effort.threads,
            recall: effort.recall,
        };
        let scan = self.snapshot.scan(&search);
        Ok((self.snapshot.search(&search)?, scan))
    }

    /// Each query with its neighbours in the whole gallery, whatever is filtered later.
    fn expanded(
        &self,
        queries: &[Descriptor],
        neighbours: Neighbours,
        effort: Effort,
    ) -> Result<Vec<Descriptor>, StoreError> {
        let (found, _) = self.scan(queries, neighbours.count, None, effort)?;
        let mean = self.mean(effort.threads)?;
        let expanded = queries.iter().zip(found).map(|(query, found)| {
            let vectors = self.vectors(&ids_of(&found), effort.threads)?;
            let near = found.iter().map(|hit| hit.score).zip(vectors.iter().map(Vec::as_slice));
            Ok(Descriptor::Vector(neighbours.expanded(query.vector().unwrap_or_default(), near, mean)))
        });
        expanded.collect()
    }

    /// The first candidates by new scores; those behind them keep their order, with scores that are less by as much as it
    /// takes for none to be above the last candidate.
    fn rerank(&self, rerank: Rerank, query: &Descriptor, found: &mut [ScoredId]) -> Result<(), StoreError> {
        let count = rerank.candidates().min(found.len());
        let (candidates, behind) = found.split_at_mut(count);
        let vectors = self.vectors(&ids_of(candidates), 1)?;
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let scores = rerank.scores(query.vector().unwrap_or_default(), &vectors);
        candidates.iter_mut().zip(scores).for_each(|(hit, score)| hit.score = score as f32);
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        if let (Some(last), Some(next)) = (candidates.last(), behind.first()) {
            let above = (next.score - last.score).max(0.0);
            behind.iter_mut().for_each(|hit| hit.score -= above);
        }
        Ok(())
    }

    /// The vectors by which these are found.
    fn vectors(&self, ids: &[RecordId], threads: usize) -> Result<Vec<Vec<f32>>, StoreError> {
        let unstored = self.unstored(threads)?;
        let vector = |&id: &RecordId| {
            let place = unstored.binary_search_by_key(&id, |(id, _)| *id);
            let beside = place.ok().map(|place| unstored[place].1.clone());
            match beside.or_else(|| self.snapshot.stored_descriptor(self.plan.key(), id))? {
                Descriptor::Vector(values) => Some(values),
                Descriptor::Code(_) => None,
            }
        };
        Ok(ids.iter().filter_map(vector).collect())
    }

    /// The mean of the gallery's vectors, of a large one by pictures at equal distances.
    fn mean(&self, threads: usize) -> Result<&[f32], StoreError> {
        if let Some(mean) = self.mean.get() {
            return Ok(mean);
        }
        let some: Vec<RecordId> = rank::mean_sample(self.snapshot.ids()).copied().collect();
        let vectors = self.vectors(&some, threads)?;
        let dims = vectors.first().map_or(0, Vec::len);
        Ok(self.mean.get_or_init(|| rank::mean(dims, vectors.iter().map(Vec::as_slice))))
    }
}

fn ids_of(found: &[ScoredId]) -> Vec<RecordId> {
    found.iter().map(|hit| hit.id).collect()
}
