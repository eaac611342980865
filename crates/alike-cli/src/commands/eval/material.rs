//! What is evaluated: pictures and ground truth from lists, folders or the collection, with rows for all recipes.

use super::EvalArgs;
use super::sides::{self, Side};
use crate::collection;
use crate::commands::index;
use crate::environment;
use crate::networks;
use crate::output::{Printer, shown_path};
use alike::engine::{Engine, Networks, Recipes, Searcher, SyncRequest};
use alike::gallery::Candidate;
use alike::recipe::{Draft, Recipe};
use alike::store::{Collection, Record, RecordId};
use alike_eval::truth::{self, Item, Judgement, Listed, Lists, Split};
use anyhow::bail;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A picture with the record of its rows.
struct Row {
    item: Item,
    id: RecordId,
}

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

/// What a reader of the numbers has to know.
#[derive(Default)]
pub(super) struct Warnings {
    /// On the terminal already, when it happened.
    pub(super) said: Vec<String>,
    pub(super) news: Vec<String>,
}

impl Material {
    /// Reads lists and folders, describes what has no rows yet; `None` where Ctrl-C came first.
    pub(super) fn gather(args: &EvalArgs, printer: &Printer, cancel: &AtomicBool) -> anyhow::Result<Option<Self>> {
        let asked = args.recipes.iter().map(|text| Ok((text.clone(), index::parse(text)?)));
        let asked = asked.collect::<anyhow::Result<Vec<(String, Recipe)>>>()?;
        let mut warnings = Warnings::default();
        let lists =
            args.ground_truth.as_deref().map(|path| sides::read_lists(path, printer, &mut warnings)).transpose()?;
        let side = sides::gallery(args, lists.as_ref())?;
        let queries_side = args.query.as_deref().map(|path| sides::named(args, path)).transpose()?;
        let networks = Arc::new(networks::open(&args.network, printer)?);
        let place = Place::of(args, side.as_ref(), printer)?;
        let engine = Engine::new(place.gallery.clone(), Arc::clone(&networks));
        let side = match side {
            Some(side) => side,
            None => sides::collection(args, engine.collection())?,
        };
        let (texts, drafts) = place.discard_if_new_and(bind(&engine, asked, printer))?;
        networks::remember(&engine, printer);
        let mut run = Run { args, drafts: &drafts, printer, cancel, warnings: &mut warnings };
        let gallery = if place.is_ours { run.describe(&engine, &side)? } else { Some(()) };
        let Some(()) = gallery else { return Ok(None) };
        let gallery = run.rows(engine.collection(), &side)?;
        // Before the queries are described, which may take long, and from nothing but the gallery.
        let ids: Vec<RecordId> = gallery.iter().map(|row| row.id).collect();
        let over_gallery = texts.iter().zip(&drafts).map(|(text, draft)| engine.searcher_from(draft, text, &ids));
        let over_gallery = over_gallery.collect::<Result<Vec<_>, _>>()?;
        let (queries, queries_engine) = match &queries_side {
            None => (None, engine),
            Some(side) => {
                let engine = Engine::new(open_or_create(&place.queries)?, Arc::clone(&networks));
                let Some(()) = run.describe(&engine, side)? else { return Ok(None) };
                (Some(run.rows(engine.collection(), side)?), engine)
            }
        };
        let bound = texts.iter().zip(over_gallery).map(|(text, gallery)| {
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
        let mut listed = Vec::new();
        let queries: Vec<&Row> = match (&self.queries, &self.lists) {
            (Some(rows), _) => {
                let kept = keep(rows, &described_by_all(self.recipes.iter().map(|r| &r.queries), rows)?);
                news.push(undescribed(rows.len() - kept.len(), "queries"));
                kept
            }
            (None, None) => gallery.clone(),
            (None, Some(lists)) => {
                let found = listed_queries(lists, &gallery);
                news.extend(found.warnings());
                listed = found.listed;
                found.queries
            }
        };
        self.warnings.news.extend(news.into_iter().flatten());
        let items = |rows: &[&Row]| rows.iter().map(|row| row.item.clone()).collect::<Vec<Item>>();
        let ids = |rows: &[&Row]| rows.iter().map(|row| row.id).collect::<Vec<RecordId>>();
        let (gallery_items, query_items) = (items(&gallery), items(&queries));
        let split = Split { gallery: &gallery_items, queries: &query_items, exclude_identical };
        let judgement = if self.lists.is_some() { truth::by_lists(split, &listed) } else { truth::by_labels(split) };
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

/// What of a ground-truth file is in the gallery.
struct ListedQueries<'a> {
    queries: Vec<&'a Row>,
    listed: Vec<Listed>,
    lost_queries: usize,
    lost_pictures: usize,
}

fn listed_queries<'a>(lists: &Lists, gallery: &[&'a Row]) -> ListedQueries<'a> {
    let position: HashMap<&Path, u32> = (0..).zip(gallery).map(|(i, row)| (row.item.path.as_path(), i)).collect();
    let at = |path: &PathBuf| position.get(sides::canonical(path).as_path()).copied();
    let mut found = ListedQueries { queries: Vec::new(), listed: Vec::new(), lost_queries: 0, lost_pictures: 0 };
    for line in &lists.lines {
        let Some(query) = at(&line.query) else {
            found.lost_queries += 1;
            continue;
        };
        let [relevant, junk] =
            [&line.relevant, &line.junk].map(|paths| paths.iter().filter_map(at).collect::<Vec<u32>>());
        found.lost_pictures += line.relevant.len() + line.junk.len() - relevant.len() - junk.len();
        found.queries.push(gallery[query as usize]);
        found.listed.push(Listed { relevant, junk });
    }
    found
}

impl ListedQueries<'_> {
    fn warnings(&self) -> Vec<Option<String>> {
        let queries = self.lost_queries;
        let pictures = self.lost_pictures;
        vec![
            (queries > 0).then(|| format!("{queries} queries of the ground truth are not in the gallery: left out")),
            (pictures > 0).then(|| {
                format!("{pictures} pictures that the ground truth names beside its queries are not in the gallery: they count neither as found nor as missed")
            }),
        ]
    }
}

/// Where rows are kept.
struct Place {
    gallery: Collection,
    /// The collection is made for evaluations, so that what is named may be described in it. Others are only read.
    is_ours: bool,
    is_new: bool,
    /// The folder for the rows of the queries.
    queries: PathBuf,
}

impl Place {
    /// Rows of a gallery that was named: where `-c` says, else in the user's cache, in the same place for the same gallery.
    /// Without one the collection is the gallery, named or found upward.
    fn of(args: &EvalArgs, side: Option<&Side>, printer: &Printer) -> anyhow::Result<Self> {
        let Some(side) = side else { return Self::beside(args.collection.open()?) };
        let dir = match args.collection.flag_dir()? {
            Some(dir) => dir,
            None => cache_dir(&format!("{}\n{}\n{}", side.words, side.base.display(), args.labels_from_folders))?,
        };
        let is_new = !collection::exists(&dir);
        if !is_new && !Collection::open(&dir)?.snapshot()?.recipes().is_empty() {
            return Self::beside(Collection::open(&dir)?);
        }
        if is_new && args.collection.flag_dir()?.is_none() {
            let dir = shown_path(&dir);
            printer.note(format_args!(
                "descriptors are kept in {dir} for later evaluations (-c DIR keeps them elsewhere)"
            ));
        }
        Ok(Self { queries: dir.join("queries"), gallery: open_or_create(&dir)?, is_ours: true, is_new })
    }

    /// A collection that searches are made in: nothing is added to it.
    fn beside(gallery: Collection) -> anyhow::Result<Self> {
        let queries = cache_dir(&format!("queries of {}", gallery.dir().display()))?;
        Ok(Self { gallery, is_ours: false, is_new: false, queries })
    }

    /// A run that fails before anything is described leaves no empty collection behind.
    fn discard_if_new_and<T>(&self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_err() && self.is_new {
            fs_err::remove_dir_all(self.gallery.dir())?;
        }
        result
    }
}

fn cache_dir(identity: &str) -> anyhow::Result<PathBuf> {
    let key: String = Sha256::digest(identity).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(environment::cache_dir()?.join("evaluations").join(key))
}

fn open_or_create(dir: &Path) -> anyhow::Result<Collection> {
    Ok(if collection::exists(dir) { Collection::open(dir)? } else { Collection::create(dir)? })
}

/// The recipes, each once, as their authors wrote them and bound to their networks: those asked for, else the
/// collection's, else the default.
fn bind(
    engine: &Engine,
    asked: Vec<(String, Recipe)>,
    printer: &Printer,
) -> anyhow::Result<(Vec<String>, Vec<Arc<Draft>>)> {
    let wanted = if asked.is_empty() { usual_recipes(engine, printer)? } else { asked };
    let (mut texts, mut drafts): (Vec<String>, Vec<Arc<Draft>>) = (Vec::new(), Vec::new());
    for (text, recipe) in wanted {
        let draft = engine.draft(&recipe)?;
        if drafts.iter().all(|known| known.canonical() != draft.canonical()) {
            texts.push(text);
            drafts.push(draft);
        }
    }
    Ok((texts, drafts))
}

fn usual_recipes(engine: &Engine, printer: &Printer) -> anyhow::Result<Vec<(String, Recipe)>> {
    let with_text = |recipe: Recipe| (recipe.to_string(), recipe);
    if engine.networks().given().is_some() {
        return Ok(vec![with_text(Recipe::default_with_model())]);
    }
    let snapshot = engine.collection().snapshot()?;
    let kept = snapshot.recipes().iter().map(|entry| Ok((entry.text.clone(), index::parse(&entry.text)?)));
    let kept = kept.collect::<anyhow::Result<Vec<_>>>()?;
    if !kept.is_empty() {
        return Ok(kept);
    }
    let recipe = Recipe::default_without_model();
    printer.note(format_args!("no network and no recipe given: evaluating `{recipe}`; with --model FILE it is `deep`"));
    Ok(vec![with_text(recipe)])
}

/// Describing and finding the pictures of one side.
struct Run<'a> {
    args: &'a EvalArgs,
    drafts: &'a [Arc<Draft>],
    printer: &'a Printer,
    cancel: &'a AtomicBool,
    warnings: &'a mut Warnings,
}

impl Run<'_> {
    /// Describes what has no rows yet; `None` where Ctrl-C came first.
    fn describe(&mut self, engine: &Engine, side: &Side) -> anyhow::Result<Option<()>> {
        let Some(input) = &side.input else { return Ok(Some(())) };
        if side.files.is_empty() {
            bail!("no pictures in {}: is a disk not mounted?", side.words);
        }
        let request = SyncRequest {
            inputs: vec![input.clone()],
            recipes: Recipes::Describe(self.drafts.to_vec()),
            decode: self.args.decoding.options(),
            jobs: self.args.decoding.jobs(),
            forget: true, // these rows follow their list; nobody else uses them
            who: "alike eval",
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

    /// The record of each file that has one. A file that is named twice, by links, is one picture.
    fn rows(&mut self, collection: &Collection, side: &Side) -> anyhow::Result<Vec<Row>> {
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
                "no picture to evaluate: {} has none of the {} files of {}",
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
        self.warnings.news.extend(news.map(|(count, what)| format!("{count} {what} ({})", side.words)));
        Ok(rows)
    }
}
