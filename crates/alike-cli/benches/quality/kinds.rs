//! Near-duplicates by kind of edit.

use crate::evaluation::Evaluation;
use crate::table::{line, quoted};
use std::collections::BTreeMap;

/// Edits that each photo of `copies/` has, one of each kind.
const EDITS: usize = 9;

/// Of each kind, the share that is among the first nine hits.
pub(crate) fn table(evaluation: &Evaluation) -> String {
    let found: Vec<BTreeMap<String, (usize, usize)>> = (1..=evaluation.results.len())
        .map(|number| {
            of_run(&fs_err::read_to_string(evaluation.report().join(format!("run-{number}.trec"))).expect("a ranking"))
        })
        .collect();
    let kinds: Vec<&String> = found[0].keys().collect();
    let mut text =
        "\nShare of the edits of each kind that is among the first nine hits, of 60 photos with nine edits each:\n\n"
            .to_owned();
    line(
        &mut text,
        &format!("| recipe | {} |", kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" | ")),
    );
    line(&mut text, &format!("|---|{}", "---|".repeat(kinds.len())));
    for (outcome, found) in evaluation.results.iter().zip(&found) {
        let shares = kinds.iter().map(|&kind| format!("{:.3}", found[kind].0 as f64 / found[kind].1 as f64));
        line(&mut text, &format!("| {} | {} |", quoted(&outcome.recipe), shares.collect::<Vec<_>>().join(" | ")));
    }
    text
}

/// For each kind, how many are among the first, and how many there are. A line is `query Q0 picture rank score name`.
fn of_run(run: &str) -> BTreeMap<String, (usize, usize)> {
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for fields in run.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        let [query, _, picture, rank, ..] = fields[..] else { continue };
        let edit = query
            .strip_suffix(".jpg")
            .and_then(|photo| picture.strip_prefix(photo))
            .and_then(|rest| rest.strip_prefix("__"));
        if let Some(kind) = edit.and_then(|rest| rest.strip_suffix(".jpg")).filter(|_| query.starts_with("copies/")) {
            let count = kinds.entry(kind.to_owned()).or_default();
            count.0 += usize::from(rank.parse::<usize>().is_ok_and(|rank| rank <= EDITS));
            count.1 += 1;
        }
    }
    kinds
}
