//! What is learnt from: labelled pictures, described by one recipe.

use super::{MethodArg, TrainArgs};
use crate::commands::index;
use crate::described::sides::{self, Naming};
use crate::described::{Described, Row, Run, Warnings};
use crate::output::Printer;
use alike::engine::{Engine, Searcher};
use alike::rank::Ranking;
use alike::recipe::{Descriptor, DescriptorKind, Draft, Plan, Recipe};
use alike::store::{Label, RecordId};
use alike::train::Samples;
use anyhow::bail;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Vectors with their labels, and the recipe that gave them.
pub(super) struct Material {
    pub(super) samples: Samples,
    pub(super) plan: Arc<Plan>,
    /// The recipe as the user wrote it.
    pub(super) text: String,
    pub(super) warnings: Warnings,
}

impl Material {
    /// Reads list or folder, describes what has no rows yet; `None` where Ctrl-C came first.
    pub(super) fn gather(args: &TrainArgs, printer: &Printer, cancel: &AtomicBool) -> anyhow::Result<Option<Self>> {
        let asked = args.recipe.as_deref().map(|text| Ok::<_, anyhow::Error>((text.to_owned(), index::parse(text)?)));
        let asked = asked.transpose()?;
        let naming =
            Naming { labels_from_folders: args.labels_from_folders, root: args.root.as_deref(), by_labels: true };
        let named = args.list.as_deref().or(args.folder.as_deref());
        let named = named.map(|path| sides::named(&naming, path)).transpose()?;
        let mut warnings = Warnings::default();
        let TrainArgs { network, collection, decoding, .. } = args;
        let (who, warned) = ("alike train", &mut warnings);
        let mut run = Run { naming, collection, network, decoding, who, printer, cancel, warnings: warned };
        let bound = |engine: &Engine, _| Ok(vec![bind(engine, asked, args.method, printer)?]);
        let Some(described) = run.gallery(named, bound)? else { return Ok(None) };
        let Described { engine, mut drafts, rows, .. } = described;
        let Some((text, draft)) = drafts.pop() else { return Ok(None) };
        let ids: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
        let searcher = engine.searcher_from(&draft, &text, &ids)?;
        let samples = samples(&searcher, &rows, &mut warnings)?;
        Ok(Some(Self { samples, plan: Arc::clone(searcher.plan()), text, warnings }))
    }
}

/// The recipe asked for, else the usual one, bound to its network, if it can be learnt on.
fn bind(
    engine: &Engine,
    asked: Option<(String, Recipe)>,
    method: MethodArg,
    printer: &Printer,
) -> anyhow::Result<(String, Arc<Draft>)> {
    let (text, recipe) = asked.unwrap_or_else(|| {
        let recipe = usual(engine, printer);
        (recipe.to_string(), recipe)
    });
    let draft = engine.draft(&recipe)?;
    if matches!(draft.kind(), DescriptorKind::Code(_)) {
        bail!(
            "`{text}` gives a code, and vectors are wanted to learn from: leave the hash away, and put it behind what was learnt"
        );
    }
    if draft.ranking() != Ranking::default() {
        bail!("`{text}` looks at neighbours, of which one picture alone has none: leave the steps that do so away");
    }
    if let Some((name, _)) = draft.trained().first() {
        bail!("`{text}` stands on `{name}`, which was learnt from labels already: learn on what that was learnt on");
    }
    if method != MethodArg::Softmax && draft.learns() {
        bail!(
            "`{text}` learns from the gallery, and a projection would have to be learnt anew with it: leave its steps away; a projection takes the mean off and divides by variances itself"
        );
    }
    Ok((text, draft))
}

/// `deep` where a network was given or the collection has rows of one.
fn usual(engine: &Engine, printer: &Printer) -> Recipe {
    let deep = Recipe::default_with_model();
    if engine.networks().given().is_some() || engine.draft(&deep).is_ok() {
        return deep;
    }
    let recipe = Recipe::default_without_model();
    printer
        .note(format_args!("no network and no recipe given: learning on `{recipe}`; with --model FILE it is `deep`"));
    recipe
}

/// Pictures described at a time: their vectors exist twice while they are copied.
const BATCH: usize = 4096;

fn samples(searcher: &Searcher, rows: &[Row], warnings: &mut Warnings) -> anyhow::Result<Samples> {
    let (mut values, mut labels): (Vec<f32>, Vec<Label>) = (Vec::new(), Vec::new());
    for batch in rows.chunks(BATCH) {
        let ids: Vec<RecordId> = batch.iter().map(|row| row.id).collect();
        for (row, descriptor) in batch.iter().zip(searcher.descriptors(&ids)?) {
            if let (Some(label), Some(Descriptor::Vector(vector))) = (&row.item.label, descriptor) {
                values.extend(vector);
                labels.push(label.clone());
            }
        }
    }
    let lost = rows.len() - labels.len();
    if lost > 0 {
        warnings.news.push(format!("{lost} pictures, for which the recipe gives nothing but zeros, are left out"));
    }
    let DescriptorKind::Vector(dims) = searcher.kind() else { bail!("`{}` gives a code", searcher.recipe()) };
    Ok(Samples::new(dims, values, &labels)?)
}
