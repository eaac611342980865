//! Steps that make a vector of a vector: `center`, `pca`, `whiten`, `power`, `vlad`.

use super::arguments::{Arguments, whole};
use super::axes::{self, Axes, means};
use super::plan::unit;
use super::projection::Projection;
use super::{Call, RecipeError, vlad};
use std::fmt::{self, Display, Formatter};

/// The names of all steps, for messages.
const STEPS: &str = "center, pca, whiten, power, vlad, hash";

/// The exponent by which `whiten` divides where the recipe names none: all variances become 1.
const WHOLLY: f64 = 0.5;

/// A step, checked. Display gives its canonical form: the version behind the name changes when the same gallery would give
/// other vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Less the mean of the gallery.
    Center,
    /// The coordinates along the principal axes.
    Pca { dims: usize },
    /// The same, divided by a power of the variance along each axis.
    Whiten { dims: usize, power: f64 },
    /// A power of the magnitude of each number, with its sign.
    Power { exponent: f64 },
    /// Differences from the nearest of so many words, of local descriptors of `part` numbers.
    Vlad { words: usize, part: usize },
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Center => f.write_str("center/1"),
            Self::Pca { dims } => write!(f, "pca/1({dims})"),
            Self::Whiten { dims, power } => write!(f, "whiten/1({dims}, {power})"),
            Self::Power { exponent } => write!(f, "power({exponent})"),
            Self::Vlad { words, .. } => write!(f, "vlad/1({words})"),
        }
    }
}

impl Step {
    /// Of a call behind vectors of `dims` numbers, which may be local descriptors of `part` numbers.
    pub(super) fn new(call: &Call, dims: usize, part: Option<usize>) -> Result<Self, RecipeError> {
        let column = call.column.0;
        let refuse = |takes| Err(RecipeError::Arguments { name: call.name.clone(), column, takes });
        let mut args = Arguments::new(&call.args);
        let fitting = |number: Option<f64>| {
            let got = number.unwrap_or(f64::NAN);
            let fits = whole(got).filter(|wanted| (1..=dims as u64).contains(wanted));
            fits.map(|wanted| wanted as usize).ok_or(RecipeError::Dims { got, most: dims, column })
        };
        if call.model.is_some() {
            return refuse("no model");
        }
        let (step, takes) = match call.name.as_str() {
            "center" => (Self::Center, "no arguments"),
            "pca" => {
                let takes = "a number of dimensions, as in pca(64)";
                let Some(wanted) = args.number() else { return refuse(takes) };
                (Self::Pca { dims: fitting(Some(wanted))? }, takes)
            }
            "whiten" => {
                let takes =
                    "a number of dimensions, and behind it a power from 0 to 1, as in whiten(64) or whiten(64, 0.25)";
                let Some(wanted) = args.number() else { return refuse(takes) };
                let power = args.number().unwrap_or(WHOLLY);
                if !(0.0..=1.0).contains(&power) {
                    return refuse(takes);
                }
                (Self::Whiten { dims: fitting(Some(wanted))?, power }, takes)
            }
            "power" => {
                let takes = "an exponent above 0, at most 4, as in power(0.5)";
                match args.number() {
                    Some(exponent) if exponent > 0.0 && exponent <= 4.0 => (Self::Power { exponent }, takes),
                    _ => return refuse(takes),
                }
            }
            "vlad" => {
                let takes = "a number of words from 1 to 256, as in vlad(64)";
                match args.number().and_then(whole) {
                    Some(words @ 1..=256) => {
                        let part = part.ok_or(RecipeError::NotLocal { column })?;
                        (Self::Vlad { words: words as usize, part }, takes)
                    }
                    _ => return refuse(takes),
                }
            }
            _ => {
                let name = call.name.clone();
                return Err(RecipeError::Unknown { what: "step", name, column, known: STEPS.into() });
            }
        };
        if args.is_empty() { Ok(step) } else { refuse(takes) }
    }

    /// Length of what comes out where vectors of `dims` numbers go in.
    pub(super) fn dims(self, dims: usize) -> usize {
        match self {
            Self::Center | Self::Power { .. } => dims,
            Self::Pca { dims } | Self::Whiten { dims, .. } => dims,
            Self::Vlad { words, part } => words * part,
        }
    }

    /// How many numbers it learns; 0 for a step that doesn't learn.
    pub(super) fn parameters(self, dims: usize) -> usize {
        match self {
            Self::Power { .. } => 0,
            Self::Center => dims,
            Self::Pca { dims: kept } | Self::Whiten { dims: kept, .. } => dims + dims * kept,
            Self::Vlad { words, part } => words * part,
        }
    }

    /// How many vectors it takes to learn. Centred vectors span one dimension less than there are vectors; each has a local
    /// descriptor at least.
    pub(super) fn needed(self) -> usize {
        match self {
            Self::Power { .. } => 0,
            Self::Center => 1,
            Self::Pca { dims } | Self::Whiten { dims, .. } => dims + 1,
            Self::Vlad { words, .. } => words,
        }
    }

    /// What it learns of at least [`needed`](Self::needed) vectors, at whatever length: for `pca` and `whiten` the
    /// numbers of a [`Projection`], for `vlad` the words.
    pub(super) fn learn(self, vectors: &[Vec<f32>]) -> Vec<f32> {
        let units = || vectors.iter().map(|vector| unit(vector)).collect::<Vec<_>>();
        match self {
            Self::Power { .. } => Vec::new(),
            Self::Center => means(&units()),
            Self::Vlad { words, part } => vlad::vocabulary(vectors, words, part),
            Self::Pca { dims } => projection(&units(), dims, |_| vec![1.0; dims]),
            Self::Whiten { dims, power } => {
                let vectors = units();
                let size = (vectors.len(), vectors[0].len());
                projection(&vectors, dims, |axes| {
                    axes.variances.iter().map(|variance| shrunk(*variance, axes, size).powf(-power)).collect()
                })
            }
        }
    }

    /// The vector that comes out, with what was learnt.
    pub(super) fn apply(self, learnt: &[f32], vector: &[f32]) -> Vec<f32> {
        match self {
            Self::Power { exponent } => {
                let power = |x: &f32| (f64::from(x.abs()).powf(exponent) as f32).copysign(*x);
                vector.iter().map(power).collect()
            }
            Self::Vlad { part, .. } => vlad::aggregate(learnt, part, vector),
            Self::Center => unit(vector).iter().zip(learnt).map(|(x, mean)| x - mean).collect(),
            Self::Pca { .. } | Self::Whiten { .. } => {
                let coordinates = Projection::new(vector.len(), learnt).apply(&unit(vector));
                coordinates.into_iter().map(|x| x as f32).collect()
            }
        }
    }
}

/// The principal axes, each times a factor.
fn projection(vectors: &[Vec<f32>], count: usize, factors: impl Fn(&Axes) -> Vec<f64>) -> Vec<f32> {
    let centre = means(vectors);
    let axes = axes::principal(vectors, &centre, count);
    let factors = factors(&axes);
    // Row by row: the transpose of columns, in memory.
    let scaled = axes.axes.transpose();
    let directions = scaled.iter().zip(factors.iter().cycle()).map(|(part, factor)| (part * factor) as f32).collect();
    Projection { centre, directions }.numbers()
}

/// Where there are no more vectors than dimensions, variances are drawn to their mean by as much as best tells the true
/// covariance of normal variates: oracle approximating shrinkage (Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for
/// MMSE covariance estimation, IEEE TSP 2010, equation 23). In any case by a little, because what hardly varies tells
/// nothing.
fn shrunk(variance: f64, axes: &Axes, (vectors, dims): (usize, usize)) -> f64 {
    let (n, p, (trace, squares)) = (vectors as f64, dims as f64, axes.totals);
    let mean = trace / p;
    let wanted = (1.0 - 2.0 / p) * squares + trace * trace;
    let spread = (n + 1.0 - 2.0 / p) * (squares - trace * trace / p);
    let share = if vectors > dims {
        0.0
    } else if spread > 0.0 {
        (wanted / spread).min(1.0)
    } else {
        1.0
    };
    ((1.0 - share) * variance + share * mean).max(FLOOR * trace).max(f64::MIN_POSITIVE)
}

/// Of the sum of all variances.
const FLOOR: f64 = 1e-9;
