//! What was learnt, in the terminal and as JSON.

use super::TrainArgs;
use crate::output::{Printer, escaped, padded, shown_path};
use alike::train::{Lesson, Method, Trained};
use serde_json::{Value, json};

/// More classes than these don't fit a terminal's width: then the worst pairs are shown.
const TABLE: usize = 12;

/// Pairs shown.
const PAIRS: usize = 10;

pub(super) fn print(
    args: &TrainArgs,
    lesson: &Lesson,
    text: &str,
    seconds: f64,
    printer: &Printer,
) -> std::io::Result<()> {
    let held_out = &lesson.held_out;
    printer.line(format_args!(
        "{} on `{}`: {} pictures of {} classes, {} numbers to {}, in {seconds:.1} s",
        lesson.method,
        escaped(text),
        lesson.pictures,
        lesson.classes.len(),
        lesson.dims,
        lesson.outputs
    ))?;
    let guess =
        if lesson.method == Method::Softmax { "the most probable class" } else { "the nearest picture's class" };
    printer.line(format_args!(
        "{} pictures held out at first: {guess} is right for {:.4}, mAP {:.4} among the others",
        held_out.pictures, held_out.accuracy, held_out.map
    ))?;
    let strength = if lesson.method == Method::Softmax { "strength of the penalty" } else { "shrinkage" };
    printer.line(format_args!("{strength} {:.3e}", lesson.strength))?;
    print_confusion(lesson, printer)?;
    print_next(args, lesson, text, printer)
}

fn print_confusion(lesson: &Lesson, printer: &Printer) -> std::io::Result<()> {
    if lesson.classes.len() <= TABLE {
        return print_table(lesson, printer);
    }
    let pairs = confused(lesson);
    if !pairs.is_empty() {
        printer.line("\nmost often confused: class, taken for, times of pictures held out")?;
    }
    for (class, guess, count) in pairs {
        let of: usize = lesson.held_out.confusion[class].iter().sum();
        let name = |class: usize| padded(&lesson.classes[class].to_string(), 20);
        printer.line(format_args!("  {}  {}  {count} of {of}", name(class), name(guess)))?;
    }
    Ok(())
}

/// A row for each class, a column for each guess.
fn print_table(lesson: &Lesson, printer: &Printer) -> std::io::Result<()> {
    printer.line("\nclass of pictures held out, and what they were taken for")?;
    let names = || lesson.classes.iter().map(ToString::to_string);
    let heads: String = names().map(|name| format!(" {}", padded(&name, 6))).collect();
    printer.line(format_args!("{}{heads}", padded("", 16)))?;
    for (name, row) in names().zip(&lesson.held_out.confusion) {
        let cell = |count: &usize| if *count == 0 { format!(" {:<6}", ".") } else { format!(" {count:<6}") };
        printer.line(format_args!("{}{}", padded(&name, 16), row.iter().map(cell).collect::<String>().trim_end()))?;
    }
    Ok(())
}

/// Class, another that its pictures were taken for, how often; the most frequent first.
fn confused(lesson: &Lesson) -> Vec<(usize, usize, usize)> {
    let rows = lesson.held_out.confusion.iter().enumerate();
    let mut pairs: Vec<(usize, usize, usize)> = rows
        .flat_map(|(class, row)| row.iter().enumerate().map(move |(guess, count)| (class, guess, *count)))
        .filter(|(class, guess, count)| class != guess && *count > 0)
        .collect();
    pairs.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    pairs.truncate(PAIRS);
    pairs
}

/// The recipe that uses the file.
fn recipe(args: &TrainArgs, lesson: &Lesson, text: &str) -> String {
    let file = args.output.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    match lesson.method {
        Method::Softmax => format!("semantic(\"{file}\")"),
        _ if text.contains('+') => format!("({text}) | project(\"{file}\")"),
        _ => format!("{text} | project(\"{file}\")"),
    }
}

fn print_next(args: &TrainArgs, lesson: &Lesson, text: &str, printer: &Printer) -> std::io::Result<()> {
    let recipe = escaped(&recipe(args, lesson, text)).replace('\'', "'\\''");
    printer.line(format_args!("\nwritten to {}; now", shown_path(&args.output)))?;
    printer.line(format_args!("  alike index --recipe '{recipe}'"))?;
    printer.line(format_args!("  alike eval --gallery LIST --query LIST --recipe '{recipe}'"))
}

pub(super) fn json(args: &TrainArgs, lesson: &Lesson, trained: &Trained, seconds: f64) -> Value {
    let description = trained.description();
    let sha256: String = trained.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "file": args.output.to_string_lossy(),
        "sha256": sha256,
        "use": recipe(args, lesson, &description.base.recipe),
        "method": lesson.method,
        "recipe": description.base.recipe,
        "recipe_canonical": description.base.canonical,
        "pictures": lesson.pictures,
        "classes": description.classes,
        "dims": lesson.dims,
        "outputs": lesson.outputs,
        "strength": lesson.strength,
        "seed": args.seed,
        "held_out": {
            "pictures": lesson.held_out.pictures,
            "accuracy": lesson.held_out.accuracy,
            "mAP": lesson.held_out.map,
            "confusion": lesson.held_out.confusion,
        },
        "seconds": seconds,
    })
}
