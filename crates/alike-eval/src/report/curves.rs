//! Precision at levels of recall: all recipes in one plot, and the classical eleven points as a table.

use super::numbers::{share, tick};
use super::svg::{Axis, Frame};
use super::{Section, series, shortened, verdict};
use crate::evaluation::{Evaluation, RecipeResult};
use maud::{Markup, html};

/// Units that letters must be apart to be told from each other.
const LEGIBLE: f64 = 16.0;

/// The plot with its legend.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    let drawn: Vec<(usize, &RecipeResult)> =
        evaluation.results.iter().enumerate().filter(|(_, result)| points(result).next().is_some()).collect();
    if drawn.is_empty() {
        return None;
    }
    let content = html! {
        div.plotted {
            figure { (plot(&drawn)) }
            (legend(evaluation, &drawn))
        }
        p.hint {
            "At each level of recall, the greatest precision that a query reaches there or later; the mean over the queries. "
            "A curve further up and to the right finds more with less that is wrong."
        }
        @if drawn.iter().any(|(_, result)| !result.pr_curve.eleven_points.is_empty()) {
            details { summary { "The curves at eleven points" } (eleven_points(&drawn)) }
        }
    };
    Section::new("curves", "Precision and recall", content)
}

/// What of a curve can be drawn.
fn points(result: &RecipeResult) -> impl Iterator<Item = (f64, f64)> + '_ {
    let curve = result.pr_curve.recall.iter().copied().zip(result.pr_curve.precision.iter().copied());
    curve.filter(|(recall, precision)| recall.is_finite() && precision.is_finite())
}

fn plot(drawn: &[(usize, &RecipeResult)]) -> Markup {
    let frame = Frame { width: 680.0, height: 440.0, x: Axis::linear(0.0, 1.0), y: Axis::linear(0.0, 1.0) };
    let ticks: Vec<(f64, String)> = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(|at| (at, format!("{at:.1}"))).to_vec();
    html! {
        svg.plot.curves viewBox=(frame.view_box()) role="img" aria-labelledby="curves-title curves-text" {
            title id="curves-title" { "Precision against recall" }
            desc id="curves-text" { @for &(index, result) in drawn { (in_words(index, result)) " " } }
            (frame.axes(&ticks, &ticks, ("recall", "precision")))
            @for &(index, result) in drawn {
                polyline class={ "curve " (series::class(index)) } data-series=(index) points=(frame.points(points(result))) {}
            }
            (labels(frame, drawn))
        }
    }
}

/// Letters on the curves, at the recall where these are furthest apart; at their ends if they are close everywhere.
fn labels(frame: Frame, drawn: &[(usize, &RecipeResult)]) -> Markup {
    let curves: Vec<(usize, Vec<(f64, f64)>)> =
        drawn.iter().map(|&(i, result)| (i, points(result).collect())).collect();
    let at = |place: usize| -> Option<Vec<(usize, f64)>> {
        curves.iter().map(|(index, curve)| Some((*index, curve.get(place)?.1))).collect()
    };
    let distance = |places: &[(usize, f64)]| {
        let mut heights: Vec<f64> = places.iter().map(|&(_, precision)| frame.at_y(precision)).collect();
        heights.sort_by(f64::total_cmp);
        heights.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min)
    };
    let middle = curves[0].1.len() / 8..curves[0].1.len() * 7 / 8;
    let places = middle.filter_map(|place| Some((curves[0].1[place].0, at(place)?)));
    let further = |best: (f64, Vec<_>), next: (f64, Vec<_>)| {
        if distance(&next.1) > distance(&best.1) { next } else { best }
    };
    match places.reduce(further) {
        Some((recall, places)) if distance(&places) >= LEGIBLE => frame.line_labels(recall, &places),
        _ => frame.end_labels(&curves.iter().filter_map(|(i, curve)| Some((*i, curve.last()?.1))).collect::<Vec<_>>()),
    }
}

/// What the plot shows, for those who can't see it.
fn in_words(index: usize, result: &RecipeResult) -> String {
    let all: Vec<(f64, f64)> = points(result).collect();
    let at =
        |place: usize| all.get(place).map(|(recall, precision)| format!("{} at {}", share(*precision), tick(*recall)));
    let [first, middle, last] =
        [0, all.len() / 2, all.len().saturating_sub(1)].map(|place| at(place).unwrap_or_default());
    let recipe = shortened(&result.recipe, 60);
    format!("{}, {recipe}: precision {first}, {middle}, {last}.", series::letter(index))
}

fn legend(evaluation: &Evaluation, drawn: &[(usize, &RecipeResult)]) -> Markup {
    let metric = verdict::primary(evaluation).unwrap_or("mAP");
    html! {
        ul.legend {
            @for &(index, result) in drawn {
                li {
                    (series::swatch(index)) (series::key(index, result))
                    span.soft { (metric) " " (share(result.metrics.get(metric).unwrap_or(f64::NAN))) }
                    output data-series=(index) {}
                }
            }
        }
    }
}

fn eleven_points(drawn: &[(usize, &RecipeResult)]) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Interpolated precision at eleven levels of recall" }
                thead { tr { th scope="col" { "recipe" } @for tenth in 0..=10u8 { th scope="col" { (tenths(tenth)) } } } }
                tbody {
                    @for &(index, result) in drawn {
                        tr {
                            th scope="row" { (series::key(index, result)) }
                            @for precision in &result.pr_curve.eleven_points { td { (share(*precision)) } }
                        }
                    }
                }
            }
        }
    }
}

fn tenths(tenth: u8) -> String {
    format!("{:.1}", f64::from(tenth) / 10.0)
}
