//! Tables of the page.

use crate::evaluation::{Evaluation, Outcome};
use std::collections::BTreeMap;
use std::fmt::Write;

pub(crate) fn head(about: &str) -> String {
    format!("{about} Command: `cargo bench -p alike-cli --bench quality`; network: MobileNetV2 1.0.\n\n")
}

/// Behind each figure its 95 % interval; behind them how much more than the first recipe.
pub(crate) fn features(why: &[&str], evaluation: &Evaluation) -> String {
    let mut text = "| | recipe | P@10 | mAP | more than the first |\n|---|---|---|---|---|\n".to_owned();
    for (i, (why, outcome)) in why.iter().zip(&evaluation.results).enumerate() {
        let more = match evaluation.difference(i, 0, "mAP") {
            Some((difference, [low, high])) if i > 0 => interval(difference, low, high),
            _ => String::new(),
        };
        let (precision, mean) = (figure(outcome, "P@10"), figure(outcome, "mAP"));
        line(&mut text, &format!("| {why} | {} | {precision} | {mean} | {more} |", quoted(&outcome.recipe)));
    }
    text
}

/// Recipes that differ in their seeds alone share a line.
pub(crate) fn codes(why: &[&str], evaluation: &Evaluation) -> String {
    let mut text = "| | recipe | bytes a picture | P@10 | mAP | its interval, of one seed | seeds |\n|---|---|---|---|---|---|---|\n".to_owned();
    let mut groups: BTreeMap<usize, (String, Vec<&Outcome>)> = BTreeMap::new();
    for (i, outcome) in evaluation.results.iter().enumerate() {
        let name = without_seed(&outcome.recipe);
        let first = groups.iter().find(|(_, group)| group.0 == name).map_or(i, |(&first, _)| first);
        groups.entry(first).or_insert_with(|| (name, Vec::new())).1.push(outcome);
    }
    for (first, (name, outcomes)) in groups {
        let mean = |metric: &str| outcomes.iter().map(|o| o.metrics[metric]).sum::<f64>() / outcomes.len() as f64;
        let [low, high] = outcomes[0].ci95["mAP"];
        let (bytes, seeds) = (outcomes[0].bytes_per_image, outcomes.len());
        let (precision, map) = (mean("P@10"), mean("mAP"));
        let row = format!(
            "| {} | {} | {bytes:.0} | {precision:.4} | {map:.4} | {low:.4} to {high:.4} | {seeds} |",
            why[first],
            quoted(&name)
        );
        line(&mut text, &row);
    }
    text
}

fn without_seed(recipe: &str) -> String {
    recipe.split_once(", seed=").map_or_else(|| recipe.to_owned(), |(before, _)| format!("{before})"))
}

/// A difference with its 95 % interval.
pub(crate) fn interval(difference: f64, low: f64, high: f64) -> String {
    format!("{difference:+.4} ({low:+.4} to {high:+.4})")
}

fn figure(outcome: &Outcome, metric: &str) -> String {
    let [low, high] = outcome.ci95[metric];
    format!("{:.4} ({low:.4} to {high:.4})", outcome.metrics[metric])
}

/// A bar would begin another cell.
pub(crate) fn quoted(recipe: &str) -> String {
    format!("`{}`", recipe.replace('|', "\\|"))
}

pub(crate) fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("text takes text");
}
