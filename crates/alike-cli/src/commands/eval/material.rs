//! What is evaluated: pictures and ground truth from lists, folders or the collection, with rows for all recipes.

use super::EvalArgs;
use super::sides as eval_sides;
use crate::commands::index;
use crate::described::{self, Described, Row, Run, Warnings, listed, place, sides};
use crate::gallery_args::GalleryArgs;
use crate::output::Printer;
use alike::engine::{Engine, Networks, Searcher};
use alike::recipe::{Draft, Recipe};
use alike::store::RecordId;
use alike_eval::truth::{self, Item, Judgement, Lists, Split};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A recipe, with what has the descriptors of gallery and queries.
pub(super) struct Bound {
    /// As the user wrote it.
    pub(super) text: String,
    pub(super) gallery: Searcher,
    pub(super) queries: Searcher,
}

/// Gallery and queries, described.
pub(super) struct Material {
    pub(super) recipes: Vec<Bound>,
    pub(super) networks: Arc<Networks>,
    gallery: Vec<Row>,
    /// `None`: each picture of the gallery is a query, or the ground truth names pictures of the gallery.
    queries: Option<Vec<Row>>,
    lists: Option<Lists>,
    /// In words, for the report.
    pub(super) gallery_words: String,
    pub(super) queries_words: String,
    pub(super) warnings: Warnings,
}

impl Material {
    /// Reads lists and folders, describes what has no rows yet; `None` where Ctrl-C came first.
    pub(super) fn gather(args: &EvalArgs, printer: &Printer, cancel: &AtomicBool) -> anyhow::Result<Option<Self>> {
        let asked = args.recipes.iter().map(|text| Ok((text.clone(), index::parse(text)?)));
        let asked = asked.collect::<anyhow::Result<Vec<(String, Recipe)>>>()?;
        let mut warnings = Warnings::default();
        let lists = args.ground_truth.as_deref().map(|path| listed::read_lists(path, printer)).transpose()?;
        let skipped = lists.iter().flat_map(|lists| &lists.skipped);
        warnings.said.extend(skipped.map(|skipped| format!("left out: {skipped}")));
        let side = eval_sides::gallery(args, lists.as_ref())?;
        let naming = eval_sides::naming(args);
        let queries_side = args.query.as_deref().map(|path| sides::named(&naming, path)).transpose()?;
        let GalleryArgs { network, collection, decoding, .. } = &args.gallery;
        let (who, warned) = ("alike eval", &mut warnings);
        let mut run = Run { naming, collection, network, decoding, who, printer, cancel, warnings: warned };
        let Some(described) = run.gallery(side, |engine, _| bind(engine, asked, printer))? else { return Ok(None) };
        let Described { engine, networks, queries, drafts, rows: gallery, side } = described;
        // Before the queries are described, which may take long, and from nothing but the gallery.
        let ids: Vec<RecordId> = gallery.iter().map(|row| row.id).collect();
        let over_gallery = drafts.iter().map(|(text, draft)| engine.searcher_from(draft, text, &ids));
        let over_gallery = over_gallery.collect::<Result<Vec<_>, _>>()?;
        let decoding = engine.collection().snapshot()?.decoding();
        let (queries, queries_engine) = match &queries_side {
            None => (None, engine),
            Some(side) => {
                let engine = Engine::new(place::open_or_create(&queries)?, Arc::clone(&networks));
                let Some(()) = run.describe(&engine, side, &drafts, Some(decoding))? else { return Ok(None) };
                (Some(described::rows(engine.collection(), side, run.warnings)?), engine)
            }
        };
        let bound = drafts.iter().zip(over_gallery).map(|((text, _), gallery)| {
            let queries = queries_engine.searcher_by(Arc::clone(gallery.plan()), text)?;
            Ok(Bound { text: text.clone(), gallery, queries })
        });
        let recipes = bound.collect::<anyhow::Result<Vec<_>>>()?;
        let queries_words = match (&queries_side, &lists) {
            (Some(side), _) => side.words.clone(),
            (None, Some(lists)) => format!("the first field of each of {} lines", lists.lines.len()),
            (None, None) => "each picture of the gallery, searched among the others".to_owned(),
        };
        let gallery_words = side.words;
        Ok(Some(Self { recipes, networks, gallery, queries, lists, gallery_words, queries_words, warnings }))
    }

    /// Keeps what has a descriptor under each recipe, and says what is relevant to what.
    pub(super) fn judge(&mut self, exclude_identical: bool) -> anyhow::Result<Judged> {
        let gallery = keep(&self.gallery, &described_by_all(self.recipes.iter().map(|r| &r.gallery), &self.gallery)?);
        let mut news = vec![undescribed(self.gallery.len() - gallery.len(), "pictures of the gallery")];
        let mut relevant = Vec::new();
        let queries: Vec<&Row> = match (&self.queries, &self.lists) {
            (Some(rows), _) => {
                let kept = keep(rows, &described_by_all(self.recipes.iter().map(|r| &r.queries), rows)?);
                news.push(undescribed(rows.len() - kept.len(), "queries"));
                kept
            }
            (None, None) => gallery.clone(),
            (None, Some(lists)) => {
                let found = listed::listed_queries(lists, &gallery);
                news.extend(found.warnings().into_iter().map(Some));
                relevant = found.listed;
                found.queries
            }
        };
        self.warnings.news.extend(news.into_iter().flatten());
        let items = |rows: &[&Row]| rows.iter().map(|row| row.item.clone()).collect::<Vec<Item>>();
        let ids = |rows: &[&Row]| rows.iter().map(|row| row.id).collect::<Vec<RecordId>>();
        let (gallery_items, query_items) = (items(&gallery), items(&queries));
        let split = Split { gallery: &gallery_items, queries: &query_items, exclude_identical };
        let judgement = if self.lists.is_some() { truth::by_lists(split, &relevant) } else { truth::by_labels(split) };
        Ok(Judged {
            gallery_ids: ids(&gallery),
            query_ids: ids(&queries),
            gallery: gallery_items,
            queries: query_items,
            judgement,
            by_lists: self.lists.is_some(),
        })
    }
}

/// What takes part, and what is relevant to what.
pub(super) struct Judged {
    pub(super) gallery: Vec<Item>,
    pub(super) queries: Vec<Item>,
    pub(super) gallery_ids: Vec<RecordId>,
    pub(super) query_ids: Vec<RecordId>,
    pub(super) judgement: Judgement,
    pub(super) by_lists: bool,
}

/// For each picture whether all recipes have a descriptor of it: recipes are compared on the same pictures.
fn described_by_all<'a>(searchers: impl Iterator<Item = &'a Searcher>, rows: &[Row]) -> anyhow::Result<Vec<bool>> {
    let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
    let mut described = vec![true; ids.len()];
    for searcher in searchers {
        for (batch, described) in
            ids.chunks(super::descriptors::BATCH).zip(described.chunks_mut(super::descriptors::BATCH))
        {
            let descriptors = searcher.descriptors(batch)?;
            described.iter_mut().zip(&descriptors).for_each(|(described, one)| *described &= one.is_some());
        }
    }
    Ok(described)
}

fn keep<'a>(rows: &'a [Row], wanted: &[bool]) -> Vec<&'a Row> {
    rows.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(row, _)| row).collect()
}

fn undescribed(count: usize, what: &str) -> Option<String> {
    let why = "have nothing to compare under one of the recipes, which gives zeros for them";
    (count > 0).then(|| format!("{count} {what} {why}: left out under all recipes"))
}

/// The recipes, each once, as their authors wrote them and bound to their networks: those asked for, else the
/// collection's, else the default.
fn bind(engine: &Engine, asked: Vec<(String, Recipe)>, printer: &Printer) -> anyhow::Result<Vec<(String, Arc<Draft>)>> {
    let mut drafts = if asked.is_empty() {
        usual(engine, printer)?
    } else {
        let draft = |(text, recipe): (String, Recipe)| Ok((text, engine.draft(&recipe)?));
        asked.into_iter().map(draft).collect::<anyhow::Result<Vec<_>>>()?
    };
    let mut known = HashSet::new();
    drafts.retain(|(_, draft)| known.insert(draft.canonical().to_owned()));
    Ok(drafts)
}

fn usual(engine: &Engine, printer: &Printer) -> anyhow::Result<Vec<(String, Arc<Draft>)>> {
    let with_text = |recipe: Recipe| Ok(vec![(recipe.to_string(), engine.draft(&recipe)?)]);
    if engine.networks().given().is_some() {
        return with_text(Recipe::default_with_model());
    }
    let snapshot = engine.collection().snapshot()?;
    if !snapshot.recipes().is_empty() {
        let kept = snapshot.recipes().iter().map(|entry| Ok((entry.text.clone(), engine.draft_kept(entry)?)));
        return kept.collect();
    }
    let recipe = Recipe::default_without_model();
    printer.note(format_args!("no network and no recipe given: evaluating `{recipe}`; with --model FILE it is `deep`"));
    with_text(recipe)
}
