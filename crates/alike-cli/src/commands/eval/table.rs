//! An evaluation in the terminal, and as JSON.

use crate::output::{Printer, escaped, padded};
use alike_eval::evaluation::{ClassWinner, Comparison, Evaluation, Pair, RecipeResult};
use alike_eval::report;

/// Metrics of the table, beside P@k at each cut-off: AP at the last one, and over the whole ranking.
fn shown_metrics(evaluation: &Evaluation) -> Vec<String> {
    let cutoffs = &evaluation.protocol.k;
    let at = cutoffs.iter().map(|k| format!("P@{k}")).take(5);
    let last = cutoffs.last().map(|k| format!("mAP@{k}"));
    at.chain(last).chain(["mAP".to_owned()]).collect()
}

pub(super) fn print(evaluation: &Evaluation, printer: &Printer) -> std::io::Result<()> {
    let Evaluation { gallery, queries, excluded, no_relevant, protocol, .. } = evaluation;
    let mut facts = format!("{gallery} pictures, {queries} queries");
    if *excluded > 0 {
        facts += &format!(", {excluded} of them taken out of the gallery for their own search");
    }
    if *no_relevant > 0 {
        facts += &format!("; {no_relevant} queries with nothing relevant left out");
    }
    printer.line(format_args!("{facts}"))?;
    let ties = match protocol.ties.as_str() {
        "expected" => "expectation over equal scores",
        "index" => "equal scores in the order of the gallery",
        "min" => "equal scores in the worst order",
        _ => "equal scores in the best order",
    };
    printer.line(format_args!(
        "means, and below them 95 % intervals ({} resamples, seed {}); {ties}",
        protocol.resamples, protocol.seed
    ))?;
    let metrics = shown_metrics(evaluation);
    let heads: String = metrics.iter().map(|name| format!("{name:>14}")).collect();
    printer.line("")?;
    printer.line(heads)?;
    for (position, result) in evaluation.results.iter().enumerate() {
        print_result(evaluation, position, result, &metrics, printer)?;
    }
    print_comparisons(evaluation, printer)?;
    print_winners(evaluation, printer)?;
    print_notebook(evaluation, printer)
}

fn print_result(
    evaluation: &Evaluation,
    position: usize,
    result: &RecipeResult,
    metrics: &[String],
    printer: &Printer,
) -> std::io::Result<()> {
    let time =
        result.timing.as_ref().map_or(String::new(), |timing| format!(", {} a query", milliseconds(timing.median_ms)));
    let size = format!(
        "{} {}, {} bytes a picture{time}",
        result.dims,
        if result.kind == "code" { "bits" } else { "dims" },
        result.bytes_per_image
    );
    printer.line(format_args!("{}  ({size})", escaped(&result.recipe)))?;
    let value = |name: &String| {
        let star = if report::best(evaluation, name) == Some(position) { "*" } else { " " };
        result.metrics.get(name).map_or_else(|| format!("{:>14}", "-"), |value| format!("{:>13}{star}", four(value)))
    };
    printer.line(metrics.iter().map(value).collect::<String>())?;
    let interval = |name: &String| {
        let interval = result.ci95.get(name).map(|(low, high)| format!("{}-{}", three(*low), three(*high)));
        format!("{:>13} ", interval.unwrap_or_default())
    };
    printer.line(metrics.iter().map(interval).collect::<String>())?;
    // Extremes that look the same tell nothing.
    let extremes = |name: &String| {
        result.min.get(name).zip(result.max.get(name)).filter(|(min, max)| three(**min) != three(**max))
    };
    if metrics.iter().any(|name| extremes(name).is_some()) {
        let range = |name: &String| {
            let range = extremes(name);
            format!("{:>13} ", range.map(|(min, max)| format!("{}-{}", three(*min), three(*max))).unwrap_or_default())
        };
        printer.line(format_args!(
            "{}  worst-best order of ties ({} queries have some)",
            metrics.iter().map(range).collect::<String>(),
            result.tied_queries
        ))?;
    }
    Ok(())
}

/// Each recipe against each other one, in mAP.
fn print_comparisons(evaluation: &Evaluation, printer: &Printer) -> std::io::Result<()> {
    let of_map = evaluation.comparisons.iter().filter(|comparison| comparison.metric == "mAP");
    let name = |position: usize| escaped(&evaluation.results[position].recipe);
    for (i, &Comparison { a, b, difference, ci95: (low, high), p, .. }) in of_map.enumerate() {
        if i == 0 {
            printer.line("\ndifference in mAP, same queries (paired bootstrap); * above: better than every other recipe, p < .05")?;
        }
        let p = if p < 0.001 { "p < .001".to_owned() } else { format!("p = {}", three(p)) };
        let interval = format!("{} to {}", signed(low), signed(high));
        printer.line(format_args!("{:>8}  {interval:<16} {p:<9} {} - {}", signed(difference), name(a), name(b)))?;
    }
    Ok(())
}

/// Columns of a recipe in the table of classes.
const RECIPE: usize = 20;

/// Which recipe finds which class best, in mAP.
fn print_winners(evaluation: &Evaluation, printer: &Printer) -> std::io::Result<()> {
    let (shown, others) = report::shown_winners(evaluation);
    if shown.is_empty() && others == 0 {
        return Ok(());
    }
    printer.line("\nbest recipe of each class in mAP, and its lead over the runner-up (paired bootstrap)")?;
    printer.line(
        "* better than every other recipe, p < .05, on 6 queries or more; not corrected for the number of classes",
    )?;
    let (best, runner_up) = (padded("best", RECIPE), padded("runner-up", RECIPE));
    printer.line(format_args!("{}     n  {best}     mAP   {runner_up}  lead", padded("class", 14)))?;
    for winner in shown {
        printer.line(winner_line(evaluation, winner))?;
    }
    if others > 0 {
        printer.line(format_args!("no recipe is better than every other for {others} other classes"))?;
    }
    Ok(())
}

fn winner_line(evaluation: &Evaluation, winner: &ClassWinner) -> String {
    let Comparison { a, b, difference, ci95: (low, high), .. } = winner.comparison;
    let recipe = |position: usize| padded(&evaluation.results[position].recipe, RECIPE);
    format!(
        "{} {:>5}  {}  {}{}  {}  {}  {} to {}",
        padded(&evaluation.classes[winner.class], 14),
        winner.queries,
        recipe(a),
        four(winner.mean),
        if winner.supported { "*" } else { " " },
        recipe(b),
        signed(difference),
        signed(low),
        signed(high)
    )
}

/// What the classroom notebook prints under the name of mAP, and what the name means.
fn print_notebook(evaluation: &Evaluation, printer: &Printer) -> std::io::Result<()> {
    for (i, result) in evaluation.results.iter().enumerate() {
        let Some(figures) = &result.notebook else { continue };
        if i == 0 {
            printer.line(
                "\nthe classroom notebook's figures (equal scores in the order of the gallery), and the right ones",
            )?;
        }
        printer.line(escaped(&result.recipe))?;
        printer.line(format_args!("  {}{}right: P@k, mAP@k", padded("its name", 10), padded("it prints", 26)))?;
        for figure in figures {
            let printed = format!("{}  {}", four(figure.printed), figure.is);
            let right = format!("{}, {}", four(figure.precision), four(figure.map));
            printer.line(format_args!("  {}{}{right}", padded(&figure.name, 10), padded(&printed, 26)))?;
        }
    }
    if evaluation.results.iter().any(|result| result.notebook.is_some()) {
        printer.line("AP counts, at each relevant hit, the precision so far: it rewards hits that come early, which P@k doesn't see.")?;
    }
    Ok(())
}

/// A pair of files, for people.
pub(super) fn shown_pair(pair: &Pair) -> String {
    let label = |label: &Option<String>| label.as_ref().map_or(String::new(), |label| format!(" ({})", escaped(label)));
    format!("{}{} = {}{}", escaped(&pair.a), label(&pair.label_a), escaped(&pair.b), label(&pair.label_b))
}

fn milliseconds(ms: f64) -> String {
    if ms < 0.1 { format!("{:.0} µs", ms * 1e3) } else { format!("{ms:.2} ms") }
}

fn four(value: f64) -> String {
    format!("{value:.4}")
}

fn three(value: f64) -> String {
    format!("{value:.3}")
}

fn signed(value: f64) -> String {
    format!("{value:+.4}")
}
