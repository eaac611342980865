//! What recipes say of neighbours, done with the descriptors of a whole evaluation: see [`alike::rank`].

use crate::rank::{self, Depth, Found, Rows, Ties};
use crate::truth::Truth;
use alike::rank::{Neighbours, Ranking, Rerank};

/// What ranks the gallery.
#[derive(Debug, Clone, PartialEq)]
pub struct QuerySide {
    /// A row for each query, drawn to its neighbours if the recipe says so.
    pub queries: Vec<f32>,
    /// For each query the candidates that were ranked anew, best first; `None` where the recipe doesn't.
    pub reranked: Option<Vec<Vec<Found>>>,
}

/// What a recipe does with queries and candidates. `gallery` and `queries` are unit vectors of `dims` numbers, one after the
/// other, those of the gallery augmented already. Pictures that the truth ignores for a query are no neighbours of it.
pub fn query_side(
    ranking: Ranking,
    dims: usize,
    gallery: &[f32],
    queries: Vec<f32>,
    truth: &Truth,
    threads: usize,
) -> QuerySide {
    let side = Side { dims, gallery, truth, threads };
    let queries = match ranking.expand {
        Some(neighbours) => side.expanded(neighbours, &queries),
        None => queries,
    };
    let reranked = ranking.rerank.map(|rerank| side.reranked(rerank, &queries));
    QuerySide { queries, reranked }
}

struct Side<'a> {
    dims: usize,
    gallery: &'a [f32],
    truth: &'a Truth,
    threads: usize,
}

impl Side<'_> {
    fn picture(&self, place: usize) -> &[f32] {
        &self.gallery[place * self.dims..][..self.dims]
    }

    /// What `each` makes of each query and its nearest.
    fn nearest<T: Send>(&self, queries: &[f32], count: usize, each: impl Fn(&[f32], Vec<Found>) -> T + Sync) -> Vec<T> {
        let rows = |values| Rows::Vectors { dims: self.dims, values };
        let depth = (Depth::Top(count), Ties::Index);
        rank::rank(rows(self.gallery), rows(queries), self.truth, depth, self.threads, |query, ranked| {
            each(&queries[query * self.dims..][..self.dims], ranked.top)
        })
    }

    fn expanded(&self, neighbours: Neighbours, queries: &[f32]) -> Vec<f32> {
        let pictures: Vec<&[f32]> = self.gallery.chunks_exact(self.dims.max(1)).collect();
        let mean = alike::rank::mean(self.dims, alike::rank::mean_sample(&pictures).copied());
        let expand = |query: &[f32], found: Vec<Found>| {
            let near = found.iter().map(|found| (found.score as f32, self.picture(found.picture as usize)));
            neighbours.expanded(query, near, &mean)
        };
        self.nearest(queries, neighbours.count, expand).concat()
    }

    fn reranked(&self, rerank: Rerank, queries: &[f32]) -> Vec<Vec<Found>> {
        self.nearest(queries, rerank.candidates(), |query, found| {
            let pictures: Vec<&[f32]> = found.iter().map(|found| self.picture(found.picture as usize)).collect();
            let scores = rerank.scores(query, &pictures);
            let mut anew: Vec<Found> =
                found.iter().zip(scores).map(|(found, score)| Found { score, ..*found }).collect();
            anew.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.picture.cmp(&b.picture)));
            anew
        })
    }
}
