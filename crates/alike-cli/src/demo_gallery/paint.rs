//! What a small painter needs: points, colours, distances to shapes, soft edges.

use std::ops::{Add, Mul, Sub};

/// A place in a picture or a direction: the picture's shorter side spans -1 to 1, y points down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

pub(super) fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

impl Point {
    pub(super) fn length(self) -> f32 {
        (self.x * self.x + self.y * self.y).sqrt()
    }

    /// Turned about the origin; `turns` of 1 is all the way round.
    pub(super) fn turned(self, turns: f32) -> Self {
        let (sine, cosine) = (sine(turns), sine(turns + 0.25));
        at(self.x * cosine - self.y * sine, self.x * sine + self.y * cosine)
    }

    /// Folds the plane into one of `n` equal sectors, whose middle points right.
    pub(super) fn folded(self, n: usize) -> Self {
        let sector = (self.direction() * n as f32).round();
        self.turned(-sector / n as f32)
    }

    /// Direction in turns, -0.5 to 0.5, by a polynomial for the arc tangent that is good to 0.0005 turns.
    pub(super) fn direction(self) -> f32 {
        let (a, b) = (self.x.abs(), self.y.abs());
        let slope = if a.max(b) == 0.0 { 0.0 } else { a.min(b) / a.max(b) };
        let square = slope * slope;
        let arc = slope
            * (0.159_151 + square * (-0.052_939 + square * (0.030_803 + square * (-0.018_531 + square * 0.006_7))));
        let octant = if b > a { 0.25 - arc } else { arc };
        let half = if self.x < 0.0 { 0.5 - octant } else { octant };
        if self.y < 0.0 { -half } else { half }
    }
}

/// Sine of an angle in turns: a parabola, refined once; good to 0.001.
pub(super) fn sine(turns: f32) -> f32 {
    let phase = 2.0 * (turns - (turns + 0.5).floor());
    let parabola = 4.0 * phase * (1.0 - phase.abs());
    0.225 * (parabola * parabola.abs() - parabola) + parabola
}

/// Red, green, blue, 0 to 1 and sometimes beyond until the picture is finished.
pub(super) type Color = [f32; 3];

/// Hue in turns, saturation and value 0 to 1.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Color {
    let channel = |offset: f32| {
        let phase = 6.0 * (hue + offset - (hue + offset).floor());
        let pure = ((phase - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        value * (1.0 - saturation + saturation * pure)
    };
    [channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)]
}

/// `t` of 0 gives `a`, 1 gives `b`.
pub(super) fn mix(a: Color, b: Color, t: f32) -> Color {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// Brighter above 1, darker below.
pub(super) fn shade(color: Color, factor: f32) -> Color {
    color.map(|channel| channel * factor)
}

/// Rises from 0 at `from` to 1 at `to`.
pub(super) fn ramp(from: f32, to: f32, value: f32) -> f32 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

/// How much of a pixel lies inside a shape whose edge is `distance` away (negative inside): the antialiasing.
pub(super) fn inside(distance: f32) -> f32 {
    const PIXEL: f32 = 2.0 / 150.0;
    (0.5 - distance / PIXEL).clamp(0.0, 1.0)
}

/// Distance to a box around the origin with half its size in `half`.
pub(super) fn to_box(p: Point, half: Point) -> f32 {
    let (x, y) = (p.x.abs() - half.x, p.y.abs() - half.y);
    at(x.max(0.0), y.max(0.0)).length() + x.max(y).min(0.0)
}

/// Distance to an ellipse around the origin, nearly.
pub(super) fn to_ellipse(p: Point, radii: Point) -> f32 {
    let scaled = at(p.x / radii.x, p.y / radii.y).length();
    (scaled - 1.0) * radii.x.min(radii.y)
}

/// Distance to the segment from `a` to `b`.
pub(super) fn to_segment(p: Point, a: Point, b: Point) -> f32 {
    let (along, ab) = (p - a, b - a);
    let share = (along.x * ab.x + along.y * ab.y) / (ab.x * ab.x + ab.y * ab.y).max(1e-9);
    (along - ab * share.clamp(0.0, 1.0)).length()
}

/// Distance to a triangle that stands on `y = 0`, as wide as `2 * half`, its top at `y = -height`; nearly.
pub(super) fn to_gable(p: Point, half: f32, height: f32) -> f32 {
    let side = (p.x.abs() * height - (p.y + height) * half) / at(height, half).length();
    side.max(p.y)
}

/// Distance to a star around the origin with its first tip to the right; nearly.
pub(super) fn to_star(p: Point, tips: usize, radius: f32, inner: f32) -> f32 {
    let folded = p.folded(tips);
    let notch = at(inner, 0.0).turned(0.5 / tips as f32);
    let edge = notch - at(radius, 0.0);
    let from_tip = at(folded.x - radius, folded.y.abs());
    (from_tip.x * edge.y - from_tip.y * edge.x) / edge.length()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_direction_agree_with_libm() {
        for i in -400..400 {
            let turns = i as f32 / 100.0 + 0.003;
            assert!((sine(turns) - (turns * std::f32::consts::TAU).sin()).abs() < 2e-3, "{turns}");
            let p = at((turns * 1.7).cos(), (turns * 1.7).sin());
            let expected = p.y.atan2(p.x) / std::f32::consts::TAU;
            assert!((p.direction() - expected).abs() < 2e-3, "{turns}: {} {expected}", p.direction());
        }
    }

    #[test]
    fn hues_are_where_they_should_be() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        let teal = hsv(0.5, 1.0, 0.5);
        assert!(teal[0] == 0.0 && (teal[1] - 0.5).abs() < 1e-5 && (teal[2] - 0.5).abs() < 1e-5);
        assert_eq!(hsv(0.3, 0.0, 0.25), [0.25; 3]);
    }

    #[test]
    fn distances_are_negative_inside() {
        assert!(to_star(at(0.9, 0.0), 5, 1.0, 0.4) < 0.0 && to_star(at(0.9, 0.0).turned(0.1), 5, 1.0, 0.4) > 0.0);
        assert!(to_gable(at(0.0, -0.5), 1.0, 1.0) < 0.0 && to_gable(at(0.8, -0.5), 1.0, 1.0) > 0.0);
        assert!(to_gable(at(0.0, 0.1), 1.0, 1.0) > 0.0);
        assert!((to_box(at(3.0, 0.0), at(1.0, 1.0)) - 2.0).abs() < 1e-6);
    }
}
