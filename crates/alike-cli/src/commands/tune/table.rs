//! The answer for people. The last line is the recipe.

use super::TuneArgs;
use crate::output::{Printer, padded, quoted};
use alike_eval::tune::{Side, Tuned};
use std::io;

/// Columns of a recipe; longer ones aren't cut.
const RECIPE: usize = 60;

pub(super) fn print(args: &TuneArgs, tuned: &Tuned, printer: &Printer) -> io::Result<()> {
    let Tuned { choosing, confirming, metric, .. } = tuned;
    printer.line(format_args!("{} choose, {} confirm\n", side(choosing), side(confirming)))?;
    printer.line(format_args!("{}tried  {}{metric}", padded("stage", 15), padded("the best of them", RECIPE)))?;
    for stage in &tuned.stages {
        for (i, best) in stage.best.iter().enumerate() {
            let (name, tried) = if i == 0 { (stage.name, stage.tried.to_string()) } else { ("", String::new()) };
            let recipe = wide(&best.recipe);
            printer.line(format_args!("{}{tried:>5}  {recipe}{:.4}", padded(name, 15), best.mean))?;
        }
    }
    printer.line(format_args!("\n{}choosing  confirming", padded("", 10 + RECIPE)))?;
    let lines = [("baseline", &tuned.baseline), ("choice", &tuned.choice)];
    let values = [(choosing.baseline, confirming.baseline), (choosing.choice, confirming.choice)];
    for ((name, recipe), (chose, confirmed)) in lines.into_iter().zip(values) {
        printer.line(format_args!("{}{}{chose:8.4}  {confirmed:10.4}", padded(name, 10), wide(recipe)))?;
    }
    for (name, side) in [("choosing", choosing), ("confirming", confirming)] {
        let (low, high) = side.ci95;
        printer.line(format_args!(
            "gain, {}{:+.4} (95 % interval {low:+.4} to {high:+.4})",
            padded(name, 12),
            side.gain
        ))?;
    }
    printer.line(format_args!("\n{}", verdict(tuned)))?;
    if tuned.confirmed {
        commands(args, tuned).iter().try_for_each(|command| printer.line(format_args!("  {command}")))?;
    }
    printer.line(format_args!("\n{}", tuned.recipe))
}

fn side(side: &Side) -> String {
    format!("{} queries, each among {} pictures,", side.queries, side.gallery)
}

/// At least so many columns.
fn wide(recipe: &str) -> String {
    if recipe.len() < RECIPE { padded(recipe, RECIPE) } else { format!("{recipe}  ") }
}

fn verdict(tuned: &Tuned) -> String {
    if tuned.confirmed {
        return format!(
            "better than the baseline, with 95 % confidence; {} bytes a picture instead of {}. To use it:",
            tuned.choice_bytes, tuned.baseline_bytes
        );
    }
    let why = if tuned.choice == tuned.baseline {
        "nothing that was tried is better by more than chance"
    } else {
        "the choice isn't better with 95 % confidence"
    };
    format!("nothing to be gained: {why}. The baseline stays:")
}

/// What to type next.
fn commands(args: &TuneArgs, tuned: &Tuned) -> [String; 2] {
    let quoted_path = |path: &std::path::Path| quoted(&path.to_string_lossy());
    let labels = if args.gallery.labels_from_folders { " --labels-from-folders" } else { "" };
    let model = args.gallery.network.model.as_ref().map(|model| format!(" --model {}", quoted(model)));
    let model = model.unwrap_or_default();
    let (indexed, gallery) = match args.gallery.gallery.as_deref() {
        Some(path) if path.is_dir() => (format!(" {}", quoted_path(path)), format!(" --gallery {}", quoted_path(path))),
        Some(path) => (format!(" --list {}", quoted_path(path)), format!(" --gallery {}", quoted_path(path))),
        None => (String::new(), String::new()),
    };
    let [before, after] = [&tuned.baseline, &tuned.recipe].map(|recipe| quoted(recipe));
    [
        format!("alike index{indexed}{labels}{model} --recipe {after} -c DIR"),
        format!("alike eval{gallery}{labels}{model} --query OTHERS --recipe {before} --recipe {after}"),
    ]
}
