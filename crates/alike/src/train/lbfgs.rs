//! Limited-memory BFGS: a direction of descent from the last steps (Nocedal 1980; Nocedal and Wright, Numerical
//! Optimization, 2nd edition, algorithm 7.4).
//!
//! Crates for optimising (`argmin`) ask for value and gradient at each point they try. Here what is tried along a direction
//! costs no product of matrices, see [`Regression::fit`](super::softmax::Regression::fit), and sums keep one order.

use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 10;

/// What the last steps tell of the curvature.
#[derive(Default)]
pub(super) struct Curvature {
    /// Step, change of the gradient, and one over their dot product; the oldest first.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Curvature {
    /// A step that was made, and what it did to the gradient.
    pub(super) fn observe(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let along = dot(&step, &change);
        // Of a convex function it is above zero, but for rounding.
        if along <= f64::EPSILON * dot(&change, &change) {
            return;
        }
        if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.pairs.push_back((step, change, 1.0 / along));
    }

    /// Where to go from a point of this gradient.
    pub(super) fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|x| -x).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let share = inverse * dot(step, &direction);
            add(&mut direction, -share, change);
            shares.push(share);
        }
        if let Some((_, change, inverse)) = self.pairs.back() {
            let scale = 1.0 / (inverse * dot(change, change));
            direction.iter_mut().for_each(|x| *x *= scale);
        }
        for ((step, change, inverse), share) in self.pairs.iter().zip(shares.iter().rev()) {
            let back = inverse * dot(change, &direction);
            add(&mut direction, share - back, step);
        }
        direction
    }
}

/// In one order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `to += factor * what`
pub(super) fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(x, y)| *x += factor * y);
}

/// How far to go: the slope must have lost a tenth of its size at least, and the value must have fallen (the strong
/// conditions of Wolfe, 1969). `along` gives value and slope of a convex function at a distance; `start` is those at 0.
/// `None` where rounding leaves no way down.
pub(super) fn distance(first: f64, start: (f64, f64), along: impl Fn(f64) -> (f64, f64)) -> Option<f64> {
    let (mut low, mut slope_low, mut high) = (0.0, start.1, None);
    let mut at = first;
    for _ in 0..TRIES {
        let (value, slope) = along(at);
        let falls = value <= start.0 + FALL * at * start.1 + ROUNDING * start.0.abs();
        if falls && slope.abs() <= FLATTER * start.1.abs() {
            return Some(at);
        }
        if slope < 0.0 && falls {
            (low, slope_low) = (at, slope);
        } else {
            high = Some((at, slope));
        }
        at = match high {
            None => 4.0 * at,
            Some((high, slope)) => between(low, slope_low, high, slope),
        };
    }
    (low > 0.0).then_some(low)
}

/// Where a straight line through the slopes has none, well inside.
fn between(low: f64, slope_low: f64, high: f64, slope_high: f64) -> f64 {
    let share =
        if slope_high > slope_low && slope_high.is_finite() { -slope_low / (slope_high - slope_low) } else { 0.5 };
    low + share.clamp(0.1, 0.9) * (high - low)
}

const TRIES: usize = 30;
const FALL: f64 = 1e-4;
/// Near the minimum values differ by less than they are rounded, and slopes alone decide (Hager and Zhang, SIAM J. Optim. 2005).
const ROUNDING: f64 = 1e-13;
const FLATTER: f64 = 0.9;
