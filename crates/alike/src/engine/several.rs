//! One query under several recipes: each ranks the gallery, or all together do.

use super::extract::Extractor;
use super::fuse::{self, Fusion, Place};
use super::{DescribeError, Engine, Hit, SearchError, SearchOptions, Searcher, union_of_sources};
use crate::index::ScoredId;
use crate::picture::{Decoding, Views};
use crate::recipe::{Descriptor, Plan};
use crate::source::Source;
use crate::store::Scan;
use std::slice;
use std::sync::Arc;

/// Several recipes over one snapshot of a collection, at least one.
pub struct Searchers {
    each: Vec<Searcher>,
}

/// A hit of a fused search.
#[derive(Debug, Clone)]
pub struct FusedHit {
    /// With the fused score.
    pub hit: Hit,
    /// Where each recipe has it; `None` if that isn't among the hits it contributes.
    pub places: Vec<Option<Place>>,
}

/// What a fused search found.
#[derive(Debug, Clone)]
pub struct FusedFound {
    /// Best first, exactly equal scores by ascending id.
    pub hits: Vec<FusedHit>,
    /// How each recipe's hits were found.
    pub scans: Vec<Scan>,
}

impl Searchers {
    pub(super) fn open(engine: &Engine, recipes: &[String]) -> Result<Self, SearchError> {
        let snapshot = Arc::new(engine.collection().snapshot()?);
        let open = |recipe| Searcher::open(engine, Arc::clone(&snapshot), recipe);
        let each = if recipes.is_empty() {
            vec![open(None)?]
        } else {
            recipes.iter().map(|recipe| open(Some(recipe))).collect::<Result<_, _>>()?
        };
        Ok(Self { each })
    }

    /// The searcher of each recipe, in the order asked for.
    pub fn each(&self) -> &[Searcher] {
        &self.each
    }

    /// Describes pictures by all the recipes; networks are loaded here, once.
    pub fn describer(&self, engine: &Engine) -> Result<JointDescriber<'_>, SearchError> {
        let plans = || self.each.iter().map(|searcher| searcher.plan().as_ref());
        let sources = union_of_sources(plans().map(|plan| &**plan));
        let decoding = self.each.first().map_or(Decoding::default(), |searcher| searcher.snapshot().decoding());
        let extractor = Extractor::start(&sources, decoding, || engine.networks().runtime())?;
        let place = |source: &Arc<dyn Source>| sources.iter().position(|known| known.id() == source.id());
        let plans = plans().map(|plan| (plan, plan.sources().iter().filter_map(place).collect())).collect();
        Ok(JointDescriber { plans, sources: sources.len(), extractor })
    }

    /// The best hits of all recipes together, by late fusion. `query` has a descriptor for each recipe. Filters apply to
    /// what each recipe contributes, see [`candidates`](super::candidates); the least score applies to the fused one.
    pub fn search_fused(
        &self,
        query: &[Descriptor],
        fusion: Fusion,
        options: &SearchOptions<'_>,
    ) -> Result<FusedFound, SearchError> {
        let (mut rankings, mut scans) = (Vec::new(), Vec::new());
        for (searcher, descriptor) in self.each.iter().zip(query) {
            let (found, scan) = searcher.nearest(slice::from_ref(descriptor), fuse::candidates(options.k), options)?;
            rankings.extend(found);
            scans.push(scan);
        }
        let mut fused = fuse::fuse(fusion, &rankings);
        fused.truncate(options.k);
        let scored: Vec<ScoredId> =
            fused.iter().map(|fused| ScoredId { id: fused.id, score: fused.score as f32 }).collect();
        // Scores fall, so that those too low are the last.
        let hits = self.each[0].hits(&scored, options.min_score)?.into_iter().zip(fused);
        let hits = hits.map(|(hit, fused)| FusedHit { hit, places: fused.places }).collect();
        Ok(FusedFound { hits, scans })
    }
}

/// Makes query descriptors under several recipes; holds the networks of one thread, each once.
pub struct JointDescriber<'a> {
    /// Each with the places of its sources among all sources.
    plans: Vec<(&'a Plan, Vec<usize>)>,
    /// How many these are.
    sources: usize,
    extractor: Extractor,
}

impl JointDescriber<'_> {
    /// The descriptors of a picture, one for each recipe. What recipes have in common is computed once: each network runs
    /// once in each size that sources want the picture in, or once for each window.
    pub fn describe(&mut self, picture: &Views<'_>) -> Result<Vec<Descriptor>, DescribeError> {
        let all: Vec<usize> = (0..self.sources).collect();
        let rows = self.extractor.describe(picture, &all)?;
        let describe = |(plan, places): &(&Plan, Vec<usize>)| {
            let mine: Vec<&[f32]> = places.iter().map(|&place| rows[place].as_slice()).collect();
            plan.describe(&mine).ok_or_else(|| DescribeError::Nothing { recipe: plan.canonical().to_owned() })
        };
        self.plans.iter().map(describe).collect()
    }
}
