//! What a search costs: time for a query, how it grows, size on disk.

use super::numbers::{bytes, count, milliseconds, share};
use super::svg::{Axis, Frame, coordinate};
use super::{Section, series};
use crate::evaluation::{Evaluation, RecipeResult, Timing};
use maud::{Markup, html};

/// One table, and a plot where times were measured at several sizes.
pub(super) fn section(evaluation: &Evaluation) -> Option<Section> {
    if evaluation.results.is_empty() {
        return None;
    }
    let timed: Vec<(usize, &RecipeResult, &Timing)> = evaluation
        .results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| Some((index, result, result.timing.as_ref()?)))
        .collect();
    let grown: Vec<(usize, &RecipeResult, &Timing)> =
        timed.iter().copied().filter(|(_, _, timing)| measured(timing).nth(1).is_some()).collect();
    let content = html! {
        (table(evaluation, !timed.is_empty()))
        p.hint {
            "Descriptors are what a search reads. Sources on disk: the raw rows they are made of, for all pictures of the "
            "gallery’s collection; recipes over the same sources share them."
        }
        @if timed.is_empty() { p.hint { "Times were not measured." } }
        @else {
            p.hint { "Time of the search alone, from descriptor to hits: exact scan, one thread. Making the query’s descriptor comes on top." }
        }
        @if !grown.is_empty() {
            h3 { "How the time grows with the gallery" }
            div.plotted {
                figure { (plot(&grown)) }
                ul.legend {
                    @for &(index, result, timing) in &grown {
                        li { (series::swatch(index)) (series::key(index, result)) span.soft { (in_words(timing)) } }
                    }
                }
            }
        }
    };
    Section::new("costs", "Time and size", content)
}

fn table(evaluation: &Evaluation, timed: bool) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "A query’s time, a descriptor’s size" }
                thead {
                    tr {
                        th scope="col" { "recipe" }
                        @if timed { th scope="col" { "median" } th scope="col" { "p95" } th scope="col" { "p99" } }
                        th scope="col" { "a picture" }
                        th scope="col" { "gallery of " (count(evaluation.gallery as u128)) }
                        th scope="col" { "sources on disk" }
                    }
                }
                tbody {
                    @for (index, result) in evaluation.results.iter().enumerate() {
                        tr {
                            th scope="row" { (series::key(index, result)) }
                            @if timed {
                                @let ms = |of: fn(&Timing) -> f64| milliseconds(result.timing.as_ref().map_or(f64::NAN, of));
                                td { (ms(|timing| timing.median_ms)) }
                                td { (ms(|timing| timing.p95_ms)) }
                                td { (ms(|timing| timing.p99_ms)) }
                            }
                            td { (bytes(result.bytes_per_image as u64)) }
                            td { (bytes((result.bytes_per_image as u64).saturating_mul(evaluation.gallery as u64))) }
                            td { (bytes(result.source_bytes)) }
                        }
                    }
                }
            }
        }
    }
}

/// Measurements that have a logarithm.
fn measured(timing: &Timing) -> impl Iterator<Item = (f64, f64)> + '_ {
    #[expect(clippy::cast_precision_loss, reason = "a place in a plot")]
    let points = timing.growth.iter().map(|&(pictures, ms)| (pictures as f64, ms));
    points.filter(|&(pictures, ms)| pictures > 0.0 && ms > 0.0 && ms.is_finite())
}

/// The fitted time at a size.
fn fitted(timing: &Timing, pictures: f64) -> f64 {
    timing.factor_ms * pictures.powf(timing.exponent)
}

fn plot(grown: &[(usize, &RecipeResult, &Timing)]) -> Markup {
    let all: Vec<(f64, f64)> = grown.iter().flat_map(|(_, _, timing)| measured(timing)).collect();
    let x = log_axis(all.iter().map(|point| point.0), 1.1);
    let y = log_axis(all.iter().map(|point| point.1), 1.6);
    let frame = Frame { width: 680.0, height: 360.0, x, y };
    let x_ticks: Vec<(f64, String)> = x.log_ticks().into_iter().map(|at| (at, thousands(at))).collect();
    let y_ticks: Vec<(f64, String)> = y.log_ticks().into_iter().map(|at| (at, plain(at))).collect();
    let lines: Vec<(usize, [(f64, f64); 2])> =
        grown.iter().filter_map(|&(index, _, timing)| Some((index, fit(timing)?))).collect();
    let ends: Vec<(usize, f64)> =
        grown.iter().filter_map(|&(index, _, timing)| Some((index, measured(timing).last()?.1))).collect();
    html! {
        svg.plot.growth viewBox=(frame.view_box()) role="img" aria-labelledby="growth-title growth-text" {
            title id="growth-title" { "Median time of a query against the number of pictures, both in logarithms" }
            desc id="growth-text" {
                @for &(index, _, timing) in grown { (series::letter(index)) ": " (in_words(timing)) ". " }
            }
            (frame.axes(&x_ticks, &y_ticks, ("pictures in the gallery", "milliseconds")))
            @for (index, line) in &lines {
                polyline class={ "curve " (series::class(*index)) } points=(frame.points(line.iter().copied())) {}
            }
            @for &(index, _, timing) in grown {
                g class={ "dots " (series::class(index)) } {
                    @for (pictures, ms) in measured(timing) {
                        circle cx=(coordinate(frame.at_x(pictures))) cy=(coordinate(frame.at_y(ms))) r="4" {}
                    }
                }
            }
            (frame.end_labels(&ends))
        }
    }
}

/// Ends of the fitted line; nothing if there was no fit.
fn fit(timing: &Timing) -> Option<[(f64, f64); 2]> {
    let sizes = || measured(timing).map(|point| point.0);
    let ends = [sizes().reduce(f64::min)?, sizes().reduce(f64::max)?];
    let line = ends.map(|size| (size, fitted(timing, size)));
    line.iter().all(|(_, ms)| ms.is_finite() && *ms > 0.0).then_some(line)
}

fn log_axis(values: impl Iterator<Item = f64>, room: f64) -> Axis {
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    Axis::log(low / room, high * room)
}

fn thousands(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a round, positive number of pictures")]
    count(value.round() as u64)
}

fn plain(value: f64) -> String {
    let text = value.to_string();
    if value < 1e-3 { format!("{value:.0e}") } else { text.strip_prefix('0').unwrap_or(&text).to_owned() }
}

/// The exponent of the fit, and what it means.
fn in_words(timing: &Timing) -> String {
    let exponent = timing.exponent;
    if !exponent.is_finite() {
        return "no growth could be fitted".to_owned();
    }
    let meaning = match exponent {
        e if e < 0.1 => "hardly depends on the size of the gallery",
        e if e < 0.8 => "grows slower than the gallery",
        e if e <= 1.2 => "grows about in proportion to the gallery",
        _ => "grows faster than the gallery",
    };
    format!(
        "{meaning}: n to the power {}, twice the pictures take {:.2} times as long",
        share(exponent),
        exponent.exp2()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_said_in_words() {
        let timing = |exponent| Timing {
            median_ms: 1.0,
            p95_ms: 1.0,
            p99_ms: 1.0,
            growth: vec![(10, 1.0), (0, 3.0), (20, f64::NAN)],
            exponent,
            factor_ms: 0.1,
        };
        assert_eq!(
            in_words(&timing(1.0)),
            "grows about in proportion to the gallery: n to the power 1.000, twice the pictures take 2.00 times as long"
        );
        assert!(in_words(&timing(0.5)).starts_with("grows slower"));
        assert!(in_words(&timing(0.02)).starts_with("hardly depends"));
        assert!(in_words(&timing(f64::NAN)).starts_with("no growth"));
        assert_eq!(measured(&timing(1.0)).collect::<Vec<_>>(), [(10.0, 1.0)]);
        assert_eq!(fit(&timing(f64::NAN)), None);
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [plain(0.01), plain(0.5), plain(1.0), plain(100.0), plain(0.0001)],
            [".01", ".5", "1", "100", "1e-4"]
        );
        assert_eq!(thousands(10_000.0), "10,000");
    }
}
