//! Searches that wait are done together: a scan waits for memory most of the time, and one pass over the gallery answers many
//! queries nearly as soon as one.

use crate::error::ApiError;
use crate::meaning::Known;
use crate::service::{Ready, Service, View, lock};
use crate::workers::Reply;
use alike::engine::{Found, Hit, SearchError, SearchOptions};
use alike::rank::Neighbours;
use alike::recipe::Descriptor;
use alike::store::{Scan, ScanKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Searches of one pass, at most: with more, it would hardly be quicker, and they would wait longer.
const MOST: usize = 64;

/// What is wanted of a search, the query aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) k: usize,
    pub(crate) label: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) min_score: Option<f32>,
    pub(crate) expand: Option<Neighbours>,
}

/// What is searched with, and by what.
pub(crate) struct Query {
    pub(crate) ready: Arc<Ready>,
    pub(crate) descriptor: Descriptor,
    pub(crate) context: Context,
}

/// What the hits will be looked at with.
pub(crate) struct Context {
    /// The collection as it is, which may be newer than what is searched.
    pub(crate) view: Arc<View>,
    /// What the scores mean, where that is known.
    pub(crate) known: Option<Arc<Known>>,
}

/// A search that waits for its turn.
pub(crate) struct Waiting {
    pub(crate) query: Descriptor,
    pub(crate) context: Context,
    pub(crate) wanted: Wanted,
    pub(crate) reply: Reply<Result<Answer, ApiError>>,
}

impl Waiting {
    fn is_waited_for(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// What was found by a recipe.
pub(crate) struct Answer {
    pub(crate) ready: Arc<Ready>,
    /// Best first.
    pub(crate) hits: Vec<Hit>,
    pub(crate) scan: Scan,
    pub(crate) context: Context,
}

/// Those that wait, by one recipe.
#[derive(Default)]
pub(crate) struct Together {
    waiting: Vec<Waiting>,
    /// How many jobs do them, or will.
    passes: usize,
    /// The last pass looked at some lists only.
    is_by_lists: bool,
}

impl Together {
    /// How many passes are worth their while at the same time: one that looks at everything does it on all cores, for as many
    /// as have come by then.
    fn most_passes(&self, service: &Service) -> usize {
        if self.is_by_lists { service.settings.workers } else { 1 }
    }
}

impl Ready {
    /// Searches as soon as it can be done, which is at once where nobody waits.
    pub(crate) fn search(self: &Arc<Self>, service: &Arc<Service>, one: Waiting) {
        {
            let mut together = lock(&self.together);
            if together.waiting.len() >= service.settings.waiting {
                together.waiting.retain(Waiting::is_waited_for);
            }
            if together.waiting.len() >= service.settings.waiting {
                return drop(one.reply.send(Err(ApiError::busy())));
            }
            together.waiting.push(one);
            if together.passes >= together.most_passes(service) {
                return;
            }
            together.passes += 1;
        }
        if !self.is_put_off(service) {
            self.search_waiting(service);
        }
    }

    /// Whether the next pass is left to a job behind those that wait for a worker, which may bring more to search for.
    fn is_put_off(self: &Arc<Self>, service: &Arc<Service>) -> bool {
        if service.queries_to_make() == 0 {
            return false;
        }
        let (ready, of) = (Arc::clone(self), Arc::clone(service));
        service.later(move || ready.search_waiting(&of))
    }

    /// Searches that wait for a pass.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.together).waiting.len()
    }

    /// Until nobody waits, or another job goes on with it.
    fn search_waiting(self: &Arc<Self>, service: &Arc<Service>) {
        loop {
            let batch = {
                let mut together = lock(&self.together);
                let some = together.waiting.len().min(MOST);
                if some == 0 {
                    together.passes -= 1;
                    return;
                }
                together.waiting.drain(..some).collect()
            };
            // Whatever happens to these, those that come next have their turn.
            drop(catch_unwind(AssertUnwindSafe(|| self.search_batch(service, batch))));
            if self.is_put_off(service) {
                return;
            }
        }
    }

    /// Those that want the same in one pass.
    fn search_batch(self: &Arc<Self>, service: &Service, mut batch: Vec<Waiting>) {
        while !batch.is_empty() {
            let first = batch.remove(0);
            let wanted = first.wanted.clone();
            let mut same = vec![first];
            let others = batch.extract_if(.., |one| one.wanted == wanted);
            same.extend(others);
            self.search_same(service, &wanted, same);
        }
    }

    /// A fault with several is tried again with each: it may be that of one.
    fn search_same(self: &Arc<Self>, service: &Service, wanted: &Wanted, mut same: Vec<Waiting>) {
        same.retain(Waiting::is_waited_for);
        if same.is_empty() {
            return;
        }
        let queries: Vec<Descriptor> = same.iter().map(|one| one.query.clone()).collect();
        match catch_unwind(AssertUnwindSafe(|| self.pass(service, wanted, &queries))) {
            Ok(Ok(Found { hits, scan })) => {
                for (hits, Waiting { context, reply, .. }) in hits.into_iter().zip(same) {
                    drop(reply.send(Ok(Answer { ready: Arc::clone(self), hits, scan: scan.clone(), context })));
                }
            }
            Ok(Err(SearchError::Store(_))) | Err(_) if same.len() > 1 => {
                same.into_iter().for_each(|one| self.search_same(service, wanted, vec![one]))
            }
            Ok(Err(error)) => {
                same.into_iter().for_each(|one| drop(one.reply.send(Err(ApiError::of_search(service, &error)))));
            }
            // Whose reply goes away is told that there is none.
            Err(_) => {}
        }
    }

    fn pass(&self, service: &Service, wanted: &Wanted, queries: &[Descriptor]) -> Result<Found, SearchError> {
        // Passes by lists have the other cores.
        let threads = service.settings.workers / lock(&self.together).most_passes(service);
        let found = self.searcher.search(queries, &options(service, wanted, threads))?;
        service.metrics.passes.inc();
        // Among few pictures all are looked at, whatever is done without a filter.
        if wanted.label.is_none() && wanted.tags.is_empty() {
            lock(&self.together).is_by_lists = matches!(found.scan.kind, ScanKind::Lists { .. });
        }
        Ok(found)
    }
}

fn options<'a>(service: &Service, wanted: &'a Wanted, threads: usize) -> SearchOptions<'a> {
    SearchOptions {
        k: wanted.k,
        label: wanted.label.as_deref(),
        tags: &wanted.tags,
        path_prefix: None,
        min_score: wanted.min_score,
        expand: wanted.expand,
        threads,
        recall: service.settings.recall,
    }
}
