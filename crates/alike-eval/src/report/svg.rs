//! Pieces of a plot: axes, lines, labels at the ends of lines. Coordinates are units of the view box, y downwards.

use super::series;
use maud::{Markup, html};
use std::fmt::Write as _;

/// One direction of a plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    /// From `low` to `high`, evenly.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        Self { low, high, log: false }
    }

    /// From `low` to `high`, both positive, by ratios.
    pub(super) fn log(low: f64, high: f64) -> Self {
        Self { low, high, log: true }
    }

    /// Where the value stands between the ends, in 0..=1; values beyond are put at the end.
    pub(super) fn share(self, value: f64) -> f64 {
        let [low, high, value] = [self.low, self.high, value].map(|v| if self.log { v.ln() } else { v });
        let share = (value - low) / (high - low);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Round values on a logarithmic axis: powers of ten, with 2 and 5 between them where those alone are too few.
    pub(super) fn log_ticks(self) -> Vec<f64> {
        let all = (-12..=12).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        let inside: Vec<f64> = all.filter(|&v| v >= self.low * 0.999 && v <= self.high * 1.001).collect();
        let is_power = |v: &f64| (v.log10() - v.log10().round()).abs() < 1e-9;
        let powers: Vec<f64> = inside.iter().copied().filter(is_power).collect();
        if powers.len() >= 3 { powers } else { inside }
    }
}

/// A plot's view box, and the part of it inside the axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

// Room for letters half as large again, as narrow screens have them.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 44.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 56.0;

impl Frame {
    pub(super) fn view_box(&self) -> String {
        format!("0 0 {} {}", self.width, self.height)
    }

    fn right(&self) -> f64 {
        self.width - RIGHT
    }

    fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }

    pub(super) fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.share(value) * (self.right() - LEFT)
    }

    pub(super) fn at_y(&self, value: f64) -> f64 {
        self.bottom() - self.y.share(value) * (self.bottom() - TOP)
    }

    /// The `points` of a polyline through the values; those that aren't finite are left out.
    pub(super) fn points(&self, values: impl Iterator<Item = (f64, f64)>) -> String {
        let mut text = String::new();
        for (x, y) in values.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let gap = if text.is_empty() { "" } else { " " };
            // Writing to a string can't fail.
            write!(text, "{gap}{:.1},{:.1}", self.at_x(x), self.at_y(y)).unwrap_or_default();
        }
        text
    }

    /// Grid, ticks and the names of the axes.
    pub(super) fn axes(&self, x: &[(f64, String)], y: &[(f64, String)], names: (&str, &str)) -> Markup {
        let (left, right, top, bottom) = (LEFT, self.right(), TOP, self.bottom());
        let middle = coordinate((top + bottom) / 2.0);
        html! {
            g.grid {
                @for (at, _) in x { (line(self.at_x(*at), top, self.at_x(*at), bottom)) }
                @for (at, _) in y { (line(left, self.at_y(*at), right, self.at_y(*at))) }
            }
            g.ticks {
                @for (at, text) in x {
                    text x=(coordinate(self.at_x(*at))) y=(coordinate(bottom + 20.0)) text-anchor="middle" { (text) }
                }
                @for (at, text) in y {
                    text x=(coordinate(left - 8.0)) y=(coordinate(self.at_y(*at))) dy=".35em" text-anchor="end" { (text) }
                }
            }
            g.names {
                text x=(coordinate((left + right) / 2.0)) y=(coordinate(self.height - 8.0)) text-anchor="middle" { (names.0) }
                text transform=(format!("translate(20 {middle}) rotate(-90)")) text-anchor="middle" { (names.1) }
            }
        }
    }

    /// The letters of the series on their lines, all at the same `x`.
    pub(super) fn line_labels(&self, x: f64, places: &[(usize, f64)]) -> Markup {
        html! {
            g.on-line text-anchor="middle" {
                @for &(index, value) in places {
                    text class=(series::class(index)) x=(coordinate(self.at_x(x))) y=(coordinate(self.at_y(value))) dy=".35em" {
                        (series::letter(index))
                    }
                }
            }
        }
    }

    /// The letters of the series at the right end of their lines, moved apart where they would overlap.
    pub(super) fn end_labels(&self, ends: &[(usize, f64)]) -> Markup {
        let wanted: Vec<f64> = ends.iter().map(|&(_, value)| self.at_y(value)).collect();
        let placed = spread(&wanted, 19.0, TOP, self.bottom());
        let right = self.right();
        html! {
            g.ends {
                @for ((&(index, _), from), to) in ends.iter().zip(&wanted).zip(&placed) {
                    g class=(series::class(index)) {
                        (line(right + 2.0, *from, right + 15.0, *to))
                        text x=(coordinate(right + 18.0)) y=(coordinate(*to)) dy=".35em" { (series::letter(index)) }
                    }
                }
            }
        }
    }
}

/// A straight line.
pub(super) fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    html! { line x1=(coordinate(x1)) y1=(coordinate(y1)) x2=(coordinate(x2)) y2=(coordinate(y2)) {} }
}

/// A tenth of a unit is finer than any screen shows.
pub(super) fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}

/// Places near the wanted ones, within `low..=high`, `gap` apart; less than `gap` if there is no room for that.
pub(super) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(&b)));
    #[expect(clippy::cast_precision_loss, reason = "a handful of labels")]
    let gap = gap.min((high - low) / wanted.len().saturating_sub(1).max(1) as f64);
    let mut placed = vec![0.0; wanted.len()];
    let mut least = low;
    for &i in &order {
        placed[i] = wanted[i].max(least);
        least = placed[i] + gap;
    }
    let mut most = high;
    for &i in order.iter().rev() {
        placed[i] = placed[i].min(most);
        most = placed[i] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_and_stay_inside() {
        assert_eq!(spread(&[50.0, 10.0], 10.0, 0.0, 100.0), [50.0, 10.0]);
        assert_eq!(spread(&[99.0, 98.0, 97.0], 10.0, 0.0, 100.0), [100.0, 90.0, 80.0]);
        assert_eq!(spread(&[0.0, 0.0], 10.0, 0.0, 100.0), [0.0, 10.0]);
        assert_eq!(spread(&[1.0, 1.0, 1.0], 10.0, 0.0, 10.0), [0.0, 5.0, 10.0]);
        assert!(spread(&[], 10.0, 0.0, 10.0).is_empty());
    }

    #[test]
    fn axes_map_their_ends_to_the_frame() {
        let frame = Frame { width: 200.0, height: 100.0, x: Axis::linear(0.0, 1.0), y: Axis::log(1.0, 100.0) };
        assert_eq!(frame.points([(0.0, 1.0), (1.0, 100.0), (f64::NAN, 3.0)].into_iter()), "80.0,44.0 156.0,14.0");
        assert!((frame.y.share(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(frame.y.log_ticks(), [1.0, 10.0, 100.0]);
        assert_eq!(Axis::log(90.0, 600.0).log_ticks(), [100.0, 200.0, 500.0]);
        assert_eq!(Axis::linear(1.0, 1.0).share(1.0).to_bits(), 0f64.to_bits(), "an empty axis is no NaN");
    }
}
