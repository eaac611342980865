//! Searches that wait are done together: a scan waits for memory most of the time, and one pass over the gallery answers many
//! queries nearly as soon as one.

use crate::error::ApiError;
use crate::service::{Ready, Service, lock};
use crate::workers::Reply;
use alike::calibration::Calibration;
use alike::engine::{Found, Hit, SearchOptions};
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
    /// What the scores will mean, where that is known.
    pub(crate) calibration: Option<Arc<Calibration>>,
}

/// A search that waits for its turn.
pub(crate) struct Waiting {
    pub(crate) query: Descriptor,
    pub(crate) calibration: Option<Arc<Calibration>>,
    pub(crate) wanted: Wanted,
    pub(crate) reply: Reply<Result<Answer, ApiError>>,
}

/// What was found by a recipe.
pub(crate) struct Answer {
    pub(crate) ready: Arc<Ready>,
    /// Best first.
    pub(crate) hits: Vec<Hit>,
    pub(crate) scan: Scan,
    pub(crate) calibration: Option<Arc<Calibration>>,
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
        let (ready, of) = (Arc::clone(self), Arc::clone(service));
        service.waiting() > 0 && service.later(move || ready.search_waiting(&of))
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
            self.search_batch(service, batch);
            if self.is_put_off(service) {
                return;
            }
        }
    }

    /// Those that want the same in one pass.
    fn search_batch(self: &Arc<Self>, service: &Service, mut batch: Vec<Waiting>) {
        batch.retain(|one| !one.reply.is_closed());
        while let Some(first) = batch.first() {
            let wanted = first.wanted.clone();
            let (same, others) = batch.into_iter().partition(|one| one.wanted == wanted);
            // A panic is that of those who are answered by this pass; the next ones have theirs.
            drop(catch_unwind(AssertUnwindSafe(|| self.search_same(service, &wanted, same))));
            batch = others;
        }
    }

    fn search_same(self: &Arc<Self>, service: &Service, wanted: &Wanted, same: Vec<Waiting>) {
        let split = |one: Waiting| (one.query, (one.reply, one.calibration));
        let (queries, others): (Vec<Descriptor>, Vec<_>) = same.into_iter().map(split).unzip();
        // Passes by lists have the other cores.
        let threads = service.settings.workers / lock(&self.together).most_passes(service);
        match self.searcher.search(&queries, &options(service, wanted, threads)) {
            Ok(Found { hits, scan }) => {
                lock(&self.together).is_by_lists = matches!(scan.kind, ScanKind::Lists { .. });
                for (hits, (reply, calibration)) in hits.into_iter().zip(others) {
                    let answer = Answer { ready: Arc::clone(self), hits, scan: scan.clone(), calibration };
                    drop(reply.send(Ok(answer)));
                }
            }
            Err(error) => {
                others.into_iter().for_each(|(reply, _)| drop(reply.send(Err(ApiError::of_search(service, &error)))));
            }
        }
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
