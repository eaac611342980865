//! Labelled pictures with the rows of all sources that may be used.

use super::TuneArgs;
use crate::commands::index;
use crate::described::{Described, Row, Run, Warnings, sides};
use crate::gallery_args::GalleryArgs;
use crate::output::Printer;
use alike::engine::Engine;
use alike::recipe::Draft;
use alike::source::{SourceId, models_of};
use alike::store::Snapshot;
use alike_eval::truth::Item;
use alike_eval::tune::{MIX_WITH_MODEL, MIX_WITHOUT_MODEL, Pictures};
use anyhow::bail;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Tenths of the weight that a search begins with.
type Mix = Vec<(String, u32)>;

pub(super) struct Material {
    pub(super) mix: Mix,
    pub(super) baseline: String,
    pub(super) starts: Vec<String>,
    described: Described,
}

impl Material {
    /// Describes what has no rows yet; `None` where Ctrl-C came first.
    pub(super) fn gather(args: &TuneArgs, printer: &Printer, cancel: &AtomicBool) -> anyhow::Result<Option<Self>> {
        let normal = |text: &String| Ok(index::parse(text)?.to_string());
        let starts = args.recipes.iter().map(normal).collect::<anyhow::Result<Vec<String>>>()?;
        let mut baseline = args.baseline.as_ref().map(normal).transpose()?;
        let mut mix = Mix::new();
        let wanted = |engine: &Engine, is_only_read: bool| {
            mix = usual(engine, is_only_read, printer)?;
            let sources = mix.iter().map(|(source, _)| source);
            let texts = sources.chain(&baseline).chain(&starts);
            texts.map(|text| Ok((text.clone(), engine.draft(&index::parse(text)?)?))).collect()
        };
        let naming = args.gallery.naming(true);
        let side = args.gallery.gallery.as_deref().map(|path| sides::named(&naming, path)).transpose()?;
        let mut warnings = Warnings::default();
        let GalleryArgs { network, collection, decoding, .. } = &args.gallery;
        let (who, warned) = ("alike tune", &mut warnings);
        let mut run = Run { naming, collection, network, decoding, who, printer, cancel, warnings: warned };
        let Some(described) = run.gallery(side, wanted)? else { return Ok(None) };
        super::warn(&warnings.news, printer);
        let baseline = baseline.take().unwrap_or_else(|| alike_eval::tune::mixed(&mix));
        Ok(Some(Self { mix, baseline, starts, described }))
    }

    /// Pictures of the gallery, whether or not they can take part.
    pub(super) fn described_pictures(&self) -> usize {
        self.described.rows.len()
    }

    /// Hands over the pictures that have all rows.
    pub(super) fn pictures<T>(&self, with: impl FnOnce(&Pictures<'_>) -> T) -> anyhow::Result<T> {
        let snapshot = self.described.engine.collection().snapshot()?;
        let drafts = || self.described.drafts.iter().flat_map(|(_, draft)| draft.sources());
        let wanted = || drafts().map(|source| source.id());
        if let Some(missing) = wanted().find(|id| !has_source(&snapshot, id)) {
            bail!("the collection has no rows of `{missing}`, and is only read: name its pictures with --gallery");
        }
        let keys: BTreeSet<&str> = wanted().map(SourceId::key).collect();
        let sources = keys.iter().map(|key| snapshot.source_rows(key)).collect::<Result<Vec<_>, _>>()?;
        let has_all = |row: &&Row| sources.iter().all(|source| source.row(row.id).is_some());
        let pictures: Vec<&Row> = self.described.rows.iter().filter(has_all).collect();
        let rows = keys.iter().zip(&sources).map(|(key, source)| {
            let rows = pictures.iter().filter_map(|row| source.row(row.id)).collect();
            ((*key).to_owned(), rows)
        });
        let items: Vec<Item> = pictures.iter().map(|row| row.item.clone()).collect();
        // The first network is the one that recipes mean where they name none.
        Ok(with(&Pictures { items: &items, models: &models_of(drafts()), rows: rows.collect() }))
    }
}

/// What is mixed: by the network at hand; of a collection that is only read what it has rows of.
fn usual(engine: &Engine, is_only_read: bool, printer: &Printer) -> anyhow::Result<Mix> {
    let snapshot = engine.collection().snapshot()?;
    let has = |source: &str| !is_only_read || has_rows(engine, &snapshot, source);
    let with_model = if is_only_read { has("deep") } else { engine.networks().given().is_some() };
    let all = if with_model { MIX_WITH_MODEL } else { MIX_WITHOUT_MODEL };
    let mut mix: Mix =
        all.iter().filter(|(source, _)| has(source)).map(|(s, tenths)| ((*s).to_owned(), *tenths)).collect();
    let lost = 10 - mix.iter().map(|(_, tenths)| tenths).sum::<u32>();
    if let Some(first) = mix.first_mut() {
        first.1 += lost;
    }
    if mix.len() < all.len() {
        let names = mix.iter().map(|(source, _)| source.as_str()).collect::<Vec<_>>().join(", ");
        printer.note(format_args!(
            "of the sources that are usually mixed the collection has {names}; name pictures with --gallery to have all"
        ));
    }
    Ok(mix)
}

fn has_rows(engine: &Engine, snapshot: &Snapshot, source: &str) -> bool {
    let draft = source.parse().ok().and_then(|recipe| engine.draft(&recipe).ok());
    draft.is_some_and(|draft: Arc<Draft>| draft.sources().iter().all(|source| has_source(snapshot, source.id())))
}

fn has_source(snapshot: &Snapshot, id: &SourceId) -> bool {
    snapshot.sources().iter().any(|entry| entry.key == id.key())
}
