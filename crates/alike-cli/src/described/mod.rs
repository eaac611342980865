//! Labelled pictures with rows of the sources that recipes need: of a collection, or described for the purpose and kept for the
//! next time.

pub(crate) mod listed;
pub(crate) mod place;
pub(crate) mod sides;

use crate::collection::CollectionArgs;
use crate::commands::index;
use crate::decoding::DecodingArgs;
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, shown_path};
use alike::engine::{Engine, Networks, Recipes, SyncRequest};
use alike::gallery::Candidate;
use alike::picture::Decoding;
use alike::recipe::Draft;
use alike::store::{Collection, Record, RecordId};
use alike_eval::truth::Item;
use anyhow::bail;
use place::Place;
use sides::{Naming, Side};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A picture with the record of its rows.
pub(crate) struct Row {
    pub(crate) item: Item,
    pub(crate) id: RecordId,
}

/// What a reader of the numbers has to know.
#[derive(Default)]
pub(crate) struct Warnings {
    /// On the terminal already, when it happened.
    pub(crate) said: Vec<String>,
    pub(crate) news: Vec<String>,
}

/// A gallery with rows for all recipes.
pub(crate) struct Described {
    pub(crate) engine: Engine,
    pub(crate) networks: Arc<Networks>,
    /// The folder for the rows of queries.
    pub(crate) queries: PathBuf,
    /// The recipes as their authors wrote them, and bound.
    pub(crate) drafts: Vec<(String, Arc<Draft>)>,
    pub(crate) rows: Vec<Row>,
    /// What the gallery is.
    pub(crate) side: Side,
}

/// Describing and finding pictures.
pub(crate) struct Run<'a> {
    pub(crate) naming: Naming<'a>,
    pub(crate) collection: &'a CollectionArgs,
    pub(crate) network: &'a NetworkArgs,
    pub(crate) decoding: &'a DecodingArgs,
    /// Who writes, for those who find the collection locked.
    pub(crate) who: &'static str,
    pub(crate) printer: &'a Printer,
    pub(crate) cancel: &'a AtomicBool,
    pub(crate) warnings: &'a mut Warnings,
}

impl Run<'_> {
    /// Opens the place of the gallery's rows, the collection itself for `None`, and describes what has none yet for the
    /// recipes that `bind` gives. It is told whether the collection is only read. `None` where Ctrl-C came first.
    pub(crate) fn gallery(
        &mut self,
        side: Option<Side>,
        bind: impl FnOnce(&Engine, bool) -> anyhow::Result<Vec<(String, Arc<Draft>)>>,
    ) -> anyhow::Result<Option<Described>> {
        let networks = Arc::new(networks::open(self.network, self.printer)?);
        let place = Place::of(self.collection, &self.naming, side.as_ref(), self.decoding.pixels(), self.printer)?;
        let engine = Engine::new(place.gallery.clone(), Arc::clone(&networks));
        let side = match side {
            Some(side) => side,
            None => sides::collection(&self.naming, engine.collection())?,
        };
        let drafts = place.discard_if_new_and(bind(&engine, !place.is_ours))?;
        networks::remember(&engine, self.printer);
        if place.is_ours && self.describe(&engine, &side, &drafts, self.decoding.pixels())?.is_none() {
            return Ok(None);
        }
        let rows = rows(engine.collection(), &side, self.warnings)?;
        Ok(Some(Described { engine, networks, queries: place.queries, drafts, rows, side }))
    }

    /// Describes what has no rows yet; `None` where Ctrl-C came first.
    pub(crate) fn describe(
        &mut self,
        engine: &Engine,
        side: &Side,
        drafts: &[(String, Arc<Draft>)],
        decoding: Option<Decoding>,
    ) -> anyhow::Result<Option<()>> {
        let Some(input) = &side.input else { return Ok(Some(())) };
        if side.files.is_empty() {
            bail!("no pictures in {}: is a disk not mounted?", side.words);
        }
        let request = SyncRequest {
            inputs: vec![input.clone()],
            recipes: Recipes::Describe(drafts.iter().map(|(_, draft)| Arc::clone(draft)).collect()),
            decode: self.decoding.options(),
            decoding,
            jobs: self.decoding.jobs(),
            forget: true, // these rows follow their list; nobody else uses them
            who: self.who,
            scan: None,
            cancel: self.cancel,
        };
        let report = index::sync(engine, &request, self.printer)?;
        let described = report.added + report.changed + report.completed;
        if described > 0 {
            let seconds = report.times.total.as_secs_f64();
            self.printer.status(format_args!("{described} pictures described in {seconds:.1} s ({})", side.words));
        }
        let skipped =
            report.skipped.iter().filter(|skip| skip.is_picture).map(|skip| format!("left out: {}", skip.what));
        self.warnings.said.extend(skipped.chain(report.warnings));
        Ok((!report.interrupted).then_some(()))
    }
}

/// The record of each file that has one. A file that is named twice, by links, is one picture.
pub(crate) fn rows(collection: &Collection, side: &Side, warnings: &mut Warnings) -> anyhow::Result<Vec<Row>> {
    let snapshot = collection.snapshot()?;
    let records: HashMap<&Path, &Record> = snapshot.records()?.iter().map(|r| (r.path.as_path(), r)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut known: HashMap<PathBuf, usize> = HashMap::new();
    let (mut lost, mut twice, mut contradicting) = (0, 0, 0);
    for Candidate { path, label } in &side.files {
        let Some(record) = records.get(collection.stored_path(path).as_path()) else {
            lost += 1;
            continue;
        };
        let canonical = sides::canonical(path);
        if let Some(&first) = known.get(&canonical) {
            twice += 1;
            let other =
                |row: &Row| row.item.label.as_ref().map(|label| &label.id) != label.as_ref().map(|label| &label.id);
            contradicting += usize::from(other(&rows[first]));
            continue;
        }
        known.insert(canonical.clone(), rows.len());
        let name = sides::shown_name(path.strip_prefix(&side.base).unwrap_or(path));
        let item = Item { path: canonical, name, content: record.content, label: label.clone() };
        rows.push(Row { item, id: record.id });
    }
    if rows.is_empty() {
        bail!(
            "nothing to work with: {} has descriptors of none of the {} files of {}",
            shown_path(collection.dir()),
            side.files.len(),
            side.words
        );
    }
    let reasons = [
        (lost, "files have no descriptors and are left out"),
        (twice, "files are links to others, each of which counts as one picture"),
        (contradicting, "of these links have another label than the file they lead to; the first one counts"),
    ];
    let news = reasons.iter().filter(|(count, _)| *count > 0);
    warnings.news.extend(news.map(|(count, what)| format!("{count} {what} ({})", side.words)));
    Ok(rows)
}
