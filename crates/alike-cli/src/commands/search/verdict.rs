//! What the scores of hits mean, where that is known or asked for.

use super::{Asked, SearchArgs};
use crate::decoding;
use crate::output::{Printer, escaped, padded, shown_path};
use alike::calibration::{Calibration, Verdict};
use alike::engine::{Hit, Kept, Searcher};
use anyhow::bail;
use serde_json::{Value, json};

/// Columns of the longest word.
const WIDTH: usize = 9;

/// Of the scores of one recipe.
pub(super) struct Meaning {
    calibration: Calibration,
    wanted: Option<Wanted>,
}

/// What --precision asks for.
struct Wanted {
    precision: f64,
    /// `None` where no score reaches it.
    cutoff: Option<f32>,
}

impl Meaning {
    /// By the calibration that is kept; an estimate only where a precision is wanted. `None` where nothing is known, as of
    /// scores that are another recipe's (--rescore).
    pub(super) fn of(asked: &Asked<'_>) -> anyhow::Result<Option<Self>> {
        let Asked { args, printer, .. } = asked;
        if args.rescore.is_some() {
            return Ok(None);
        }
        let kept = kept(asked.first(), printer)?;
        let Some(precision) = args.precision else {
            return Ok(kept.map(|calibration| Self { calibration, wanted: None }));
        };
        let calibration = match kept {
            Some(kept) => kept,
            None => estimated(args, asked.first())?,
        };
        let wanted = Wanted { precision, cutoff: calibration.cutoff(precision) };
        printer.status(wanted.said(&calibration));
        Ok(Some(Self { calibration, wanted: Some(wanted) }))
    }

    /// Leaves the hits that the wanted precision allows; says so where none is left but the query's own picture.
    pub(super) fn keep(&self, asked: &Asked<'_>, hits: &mut Vec<Hit>) {
        let Some(wanted) = &self.wanted else { return };
        let is_other = |hit: &&Hit| asked.own != Some(hit.record.id);
        let nearest = hits.iter().find(is_other).cloned();
        hits.retain(|hit| wanted.cutoff.is_some_and(|cutoff| hit.score >= cutoff));
        if hits.iter().find(is_other).is_none() {
            hits.clear();
            asked.printer.status(self.nothing(nearest.as_ref()));
        }
    }

    fn nothing(&self, nearest: Option<&Hit>) -> String {
        let Some(hit) = nearest else { return "nothing similar: there is nothing else to compare with".to_owned() };
        let probability = match self.calibration.probability(hit.score) {
            probability @ 0.01.. => format!("{probability:.2}"),
            _ => "less than 0.01".to_owned(),
        };
        format!(
            "nothing similar: the nearest is {} with a score of {:.4}, whose probability of being right is {probability}",
            shown_path(&hit.path),
            hit.score
        )
    }

    pub(super) fn word(&self, hit: &Hit) -> String {
        Verdict::of(self.calibration.probability(hit.score)).to_string()
    }

    /// As a column of the table.
    pub(super) fn column(&self, hit: &Hit) -> String {
        padded(&self.word(hit), WIDTH) + "  "
    }

    pub(super) fn add_to_hit(&self, value: &mut Value, hit: &Hit) {
        value["probability"] = json!(self.calibration.probability(hit.score));
        value["verdict"] = json!(self.word(hit));
    }

    pub(super) fn as_json(&self) -> Value {
        let origin = &self.calibration.origin;
        let wanted = self.wanted.as_ref();
        json!({
            "by": if origin.queries > 0 { "labels" } else { "estimate" },
            "pictures": origin.pictures, "queries": origin.queries,
            "precision": wanted.map(|wanted| wanted.precision), "cutoff": wanted.and_then(|wanted| wanted.cutoff),
        })
    }
}

impl Wanted {
    fn said(&self, calibration: &Calibration) -> String {
        let origin = &calibration.origin;
        let by = match origin.queries {
            0 => format!(
                "estimated without labels, from {} pictures of the gallery among themselves (`alike calibrate` learns from labels)",
                origin.pictures
            ),
            queries => format!("by the calibration with {queries} labelled queries in {} pictures", origin.pictures),
        };
        match self.cutoff {
            Some(cutoff) => format!("precision {}: scores from {cutoff:.4} on, {by}", self.precision),
            None => format!("precision {}: no score reaches it, {by}", self.precision),
        }
    }
}

/// The calibration that the collection keeps, if it still says something; what is wrong with it is said.
pub(super) fn kept(searcher: &Searcher, printer: &Printer) -> anyhow::Result<Option<Calibration>> {
    let recipe = escaped(searcher.recipe());
    Ok(match searcher.kept_calibration()? {
        Kept::None => None,
        Kept::Fits(calibration) => Some(calibration),
        Kept::Outgrown(calibration) => {
            let (then, now) = (calibration.origin.pictures, searcher.snapshot().ids().len());
            printer.note(format_args!(
                "`{recipe}` was calibrated in {then} pictures, now there are {now}, and more unrelated ones reach each score: run `alike calibrate` again"
            ));
            Some(calibration)
        }
        Kept::LearntAnew => {
            printer.note(format_args!(
                "`{recipe}` has learnt anew since it was calibrated, and gives other scores: run `alike calibrate` again"
            ));
            None
        }
    })
}

fn estimated(args: &SearchArgs, searcher: &Searcher) -> anyhow::Result<Calibration> {
    let Some(estimated) = searcher.estimated_calibration(decoding::jobs(args.jobs))? else {
        bail!(
            "--precision needs to know what scores of `{}` mean: it isn't calibrated, and the {} pictures of the gallery are too few or too much alike for an estimate; run `alike calibrate` on labelled pictures, or say --min-score",
            searcher.recipe(),
            searcher.snapshot().ids().len()
        );
    };
    Ok(estimated)
}

/// More than nothing, and less than all: no score is beyond doubt.
pub(super) fn precision(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| format!("got `{text}`, wanted a number above 0 and below 1, such as 0.95"))
}
