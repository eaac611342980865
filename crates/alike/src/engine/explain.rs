//! Why a picture is a hit: what each term of the recipe adds to the score, and where the two pictures agree.

use super::extract::Extractor;
use super::{DescribeError, Engine, Searcher};
use crate::model::runtime::Array;
use crate::model::{Model, Pooling, Seen};
use crate::picture::Views;
use crate::recipe::{RowPart, Share, SplitError};
use crate::source::Source;
use crate::store::{RecordId, StoreError};
use std::sync::Arc;

/// How far the mean of a map may be from the row that it should be, as a share of its length: runtimes differ by some 1e-5.
const MISFIT: f64 = 1e-3;

/// Takes the scores of one query's hits apart; holds the networks of one thread.
pub struct Explainer<'a> {
    searcher: &'a Searcher,
    /// The query's row of each source.
    rows: Vec<Vec<f32>>,
    extractor: Extractor,
    map: Result<QueryMap, NoMap>,
}

/// Where two pictures agree by one term of the recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// The term's place among the shares.
    pub term: usize,
    /// Places of the query that agree with the hit as a whole.
    pub query: HeatMap,
    /// Places of the hit that agree with the query as a whole.
    pub hit: HeatMap,
}

/// What each place of a picture adds to the score.
///
/// A vector that is the mean of a map over its places makes its part of the score the sum of theirs (Stylianou, Souvenir and
/// Pless, Visualizing deep similarity networks, WACV 2019). Where the recipe takes the gallery's mean off, each place loses
/// the same mean, so that what all pictures share counts nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Places in a row.
    pub width: usize,
    /// Row by row from the upper left, in units of the score. They add up to what the term adds to it; behind steps that mix
    /// terms, to what this picture's term adds with all of the other picture, and [`Share::part`] is the mean of both.
    pub values: Vec<f64>,
    /// The part of the picture that the places cover.
    pub seen: Seen,
}

/// A network's map of the query.
struct QueryMap {
    /// Place of the source in the recipe.
    source: usize,
    model: Arc<Model>,
    layer: String,
    map: Array,
    seen: Seen,
}

/// Why the score of a hit can't be taken apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The collection can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recipe's scores don't fall apart.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The network failed.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// The hit isn't in the collection.
    #[error("the collection has no rows of a picture with id {id}: search again")]
    NoRows {
        /// Its record.
        id: RecordId,
    },
    /// The picture isn't the one whose rows the collection has.
    #[error("the file isn't what was indexed: run `alike index` again")]
    Changed,
}

/// Why a recipe has no heat maps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoMap {
    /// No source of the recipe is a network's.
    #[error("`{recipe}` has no network that says where: add `deep` or `layer(\"NODE\", avg)` for one that does")]
    NoNetwork {
        /// In canonical form.
        recipe: String,
    },
    /// What the recipe takes of its network isn't the mean of a map by what the graph says.
    #[error(
        "`{origin}` is no mean over the places of a map: wanted `deep` of a network that ends in an average pool (not in a class token), or `layer(\"NODE\", avg)`, each in one scale"
    )]
    NotAMean {
        /// The source, in canonical form.
        origin: String,
    },
    /// The numbers say that it isn't the mean.
    #[error("`{origin}` should be the mean of \"{layer}\" over height and width, but isn't: that is {got:?}")]
    AnotherPool {
        /// The source, in canonical form.
        origin: String,
        /// The tensor before the pool.
        layer: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// A step that isn't linear stands behind the source.
    #[error("a step behind `{origin}` isn't linear, so that no part of the score belongs to one place")]
    NotLinear {
        /// The source, in canonical form.
        origin: String,
    },
}

impl Searcher {
    /// Describes the query once more, for an [`Explainer`]; networks are loaded here.
    pub fn explainer(&self, engine: &Engine, query: &Views<'_>) -> Result<Explainer<'_>, DescribeError> {
        let sources = self.plan().sources();
        let place = sources.iter().position(|source| source.averaged_map().is_some());
        let wanted = place.and_then(|place| Some((sources[place].model()?, sources[place].averaged_map()?)));
        let layer = wanted.map(|(model, layer)| (model.id(), layer));
        let mut extractor =
            Extractor::start_with_layer(sources, self.snapshot().decoding(), layer, || engine.networks().runtime())?;
        let rows = extractor.describe(query, &Vec::from_iter(0..sources.len()))?;
        let map = match place.zip(wanted) {
            None => Err(no_map(self.canonical(), sources)),
            Some((source, (model, layer))) => {
                let query = extractor.look(query, source)?;
                let map = extractor.layer(query, model.id(), layer)?;
                let seen = model.seen(query.width(), query.height());
                let map = QueryMap { source, model: Arc::clone(model), layer: layer.to_owned(), map, seen };
                self.checked(map, &slices(&rows))
            }
        };
        Ok(Explainer { searcher: self, rows, extractor, map })
    }

    /// The map, if its places have parts of scores.
    fn checked(&self, map: QueryMap, rows: &[&[f32]]) -> Result<QueryMap, NoMap> {
        let origin = self.plan().sources()[map.source].id().to_string();
        if !is_mean(&map.map, rows[map.source]) {
            return Err(NoMap::AnotherPool { origin, layer: map.layer, got: map.map.shape });
        }
        match self.plan().row_parts(rows, rows) {
            // Why a score has no parts at all the shares say.
            Ok(parts) if part_of(&parts, map.source).is_none() => Err(NoMap::NotLinear { origin }),
            _ => Ok(map),
        }
    }
}

impl Explainer<'_> {
    /// Why there are no heat maps, where there are none.
    pub fn no_map(&self) -> Option<&NoMap> {
        self.map.as_ref().err()
    }

    /// What each term adds to the score of a hit. The query's rows are new, the hit's are the collection's.
    pub fn shares(&self, hit: RecordId) -> Result<Vec<Share>, ExplainError> {
        Ok(self.searcher.plan().split(&slices(&self.rows), &self.hit_rows(hit)?)?)
    }

    /// Where the query and a hit agree, by the recipe's first source that is the mean of a map; `None` where
    /// [`no_map`](Self::no_map) says why. `picture` is the hit's.
    pub fn heat(&mut self, hit: RecordId, picture: &Views<'_>) -> Result<Option<Heat>, ExplainError> {
        let Ok(QueryMap { source, model, layer, map, seen }) = &self.map else { return Ok(None) };
        let picture = self.extractor.look(picture, *source).map_err(DescribeError::from)?;
        let of_hit = self.extractor.layer(picture, model.id(), layer).map_err(DescribeError::from)?;
        let (query_rows, hit_rows) = (slices(&self.rows), self.hit_rows(hit)?);
        if !is_mean(&of_hit, hit_rows[*source]) {
            return Err(ExplainError::Changed);
        }
        let plan = self.searcher.plan();
        let of_query_rows = plan.row_parts(&query_rows, &hit_rows)?;
        let of_hit_rows = plan.row_parts(&hit_rows, &query_rows)?;
        let parts = part_of(&of_query_rows, *source).zip(part_of(&of_hit_rows, *source));
        Ok(parts.map(|((term, query_part), (_, hit_part))| Heat {
            term,
            query: heat_map(map, query_part, *seen),
            hit: heat_map(&of_hit, hit_part, model.seen(picture.width(), picture.height())),
        }))
    }

    fn hit_rows(&self, id: RecordId) -> Result<Vec<&[f32]>, ExplainError> {
        let rows = self.searcher.rows(id)?;
        rows.ok_or(ExplainError::NoRows { id })
    }
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn no_map(recipe: &str, sources: &[Arc<dyn Source>]) -> NoMap {
    match sources.iter().find(|source| source.model().is_some()) {
        Some(source) => NoMap::NotAMean { origin: source.id().to_string() },
        None => NoMap::NoNetwork { recipe: recipe.to_owned() },
    }
}

/// The part of a source's row, and the place of its term.
fn part_of(parts: &[Option<RowPart>], source: usize) -> Option<(usize, &RowPart)> {
    parts.iter().enumerate().find_map(|(term, part)| Some((term, part.as_ref().filter(|part| part.source == source)?)))
}

/// Whether a row is the mean over the places of a map `[1, C, h, w]`.
fn is_mean(map: &Array, row: &[f32]) -> bool {
    let Some(mean) = Pooling::Average.apply(map).filter(|mean| map.shape.len() == 4 && mean.len() == row.len()) else {
        return false;
    };
    let square = |x: f32| f64::from(x).powi(2);
    let misfit: f64 = mean.iter().zip(row).map(|(a, b)| square(a - b)).sum();
    misfit <= MISFIT.powi(2) * row.iter().map(|x| square(*x)).sum::<f64>()
}

/// A map `[1, C, h, w]` by what each place's numbers add to the score.
fn heat_map(map: &Array, part: &RowPart, seen: Seen) -> HeatMap {
    let places = map.shape[2] * map.shape[3];
    let mut values = vec![-part.constant; places];
    for (direction, channel) in part.direction.iter().zip(map.values.chunks_exact(places)) {
        values.iter_mut().zip(channel).for_each(|(value, x)| *value += direction * f64::from(*x));
    }
    values.iter_mut().for_each(|value| *value /= places as f64);
    HeatMap { width: map.shape[3], values, seen }
}
