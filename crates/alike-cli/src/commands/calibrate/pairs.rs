//! Pairs of a query and a picture, of which ground truth says whether they are relevant.

use super::CalibrateArgs;
use crate::decoding;
use crate::described::sides::{self, Naming};
use crate::described::{self, Row, Warnings, listed};
use crate::output::{Printer, escaped};
use alike::calibration::Pair;
use alike::engine::Searcher;
use alike::store::RecordId;
use alike_eval::groups::groups;
use alike_eval::truth::{self, Item, Split, Truth};

/// Pairs that are looked at, about, and queries that are in any case.
const MOST_PAIRS: usize = 8_000_000;
const LEAST_QUERIES: usize = 50;

/// Queries whose scores are held at a time.
const BATCH: usize = 64;

/// All pairs of the queries with the gallery.
pub(super) struct Labelled {
    pub(super) pairs: Vec<Pair>,
    pub(super) queries: usize,
}

/// The pictures that take part, and what is relevant to what.
struct Judged {
    gallery: Vec<Item>,
    /// Ascending, as the gallery.
    ids: Vec<RecordId>,
    queries: Vec<Item>,
    query_ids: Vec<RecordId>,
    truth: Truth,
}

impl Labelled {
    pub(super) fn gather(args: &CalibrateArgs, searcher: &Searcher, printer: &Printer) -> anyhow::Result<Self> {
        let judged = Judged::of(args, searcher, printer)?;
        let groups = groups(&judged.truth, &judged.queries, &judged.gallery);
        let all = judged.queries.len();
        let queries = all.min((MOST_PAIRS / judged.gallery.len()).max(LEAST_QUERIES));
        if queries < all {
            printer.note(format_args!("{queries} of {all} queries are looked at, evenly spread"));
        }
        let chosen: Vec<usize> = (0..queries).map(|i| i * all / queries).collect();
        let mut pairs = Vec::new();
        for batch in chosen.chunks(BATCH) {
            let ids: Vec<RecordId> = batch.iter().map(|&query| judged.query_ids[query]).collect();
            let scores = searcher.scores(&ids, Some(&judged.ids), judged.ids.len(), decoding::jobs(args.jobs))?;
            for &query in batch {
                let found = scores.iter().find(|(id, _)| *id == judged.query_ids[query]);
                let hits = found.into_iter().flat_map(|(_, hits)| hits);
                let pair = |(relevant, score)| Pair { score, relevant, group: groups[query] };
                pairs.extend(hits.filter_map(|hit| Some((judged.is_relevant(query, hit.id)?, hit.score))).map(pair));
            }
        }
        Ok(Self { pairs, queries })
    }

    /// How many photos, or classes, the queries show.
    pub(super) fn groups(&self) -> usize {
        let mut groups: Vec<u32> = self.pairs.iter().map(|pair| pair.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    }
}

impl Judged {
    fn of(args: &CalibrateArgs, searcher: &Searcher, printer: &Printer) -> anyhow::Result<Self> {
        let collection = searcher.collection();
        let naming = Naming { labels_from_folders: args.labels_from_folders, root: None, by_labels: true };
        let side = match args.ground_truth {
            Some(_) => sides::all(collection)?,
            None => sides::collection(&naming, collection)?,
        };
        let mut warnings = Warnings::default();
        let rows = described::rows(collection, &side, &mut warnings)?;
        let rows: Vec<&Row> = rows.iter().collect();
        let (queries, relevant) = match &args.ground_truth {
            Some(path) => {
                let found = listed::listed_queries(&listed::read_lists(path, printer)?, &rows);
                warnings.news.extend(found.warnings());
                (found.queries, Some(found.listed))
            }
            None => (rows.clone(), None),
        };
        warnings.news.iter().for_each(|news| printer.warning(escaped(news)));
        let items = |rows: &[&Row]| rows.iter().map(|row| row.item.clone()).collect::<Vec<Item>>();
        let ids = |rows: &[&Row]| rows.iter().map(|row| row.id).collect::<Vec<RecordId>>();
        let (gallery, query_items) = (items(&rows), items(&queries));
        let split = Split { gallery: &gallery, queries: &query_items, exclude_identical: true };
        let judgement = match relevant {
            Some(relevant) => truth::by_lists(split, &relevant),
            None => truth::by_labels(split),
        };
        Ok(Self { ids: ids(&rows), query_ids: ids(&queries), gallery, queries: query_items, truth: judgement.truth })
    }

    /// `None` for what doesn't count: junk, and files with the same bytes, even where a list names them.
    fn is_relevant(&self, query: usize, picture: RecordId) -> Option<bool> {
        let position = self.ids.binary_search(&picture).ok()?;
        let counts = self.truth.ignored[query].binary_search(&(position as u32)).is_err()
            && self.gallery[position].content != self.queries[query].content;
        let set = &self.truth.sets[self.truth.set_of_query[query]];
        counts.then(|| set.binary_search(&(position as u32)).is_ok())
    }
}
