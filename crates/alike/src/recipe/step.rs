//! Steps that make a vector of a vector: `center`, `pca`, `whiten`, `power`, `vlad`, and those learnt from labels.

use super::arguments::{Arguments, whole};
use super::axes::{self, Axes, means};
use super::plan::unit;
use super::projection::{Projection, coordinates};
use super::{Call, RecipeError, ranking, vlad};
use crate::source::softmax;
use std::fmt::{self, Display, Formatter};

/// The steps and what they take, for messages.
const STEPS: [(&str, &str); 5] = [
    ("center", "no arguments"),
    ("pca", "a number of dimensions, as in pca(64)"),
    ("whiten", "a number of dimensions, and behind it a power from 0 to 1, as in whiten(64) or whiten(64, 0.25)"),
    ("power", "an exponent above 0, at most 4, as in power(0.5)"),
    ("vlad", "a number of words from 1 to 256, as in vlad(64)"),
];

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
    /// The probabilities of so many classes, by a head learnt from labels.
    Probabilities { classes: usize },
    /// The coordinates along directions learnt from labels.
    Project { dims: usize },
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Center => f.write_str("center/1"),
            Self::Pca { dims } => write!(f, "pca/1({dims})"),
            Self::Whiten { dims, power } => write!(f, "whiten/1({dims}, {power})"),
            Self::Power { exponent } => write!(f, "power({exponent})"),
            Self::Vlad { words, .. } => write!(f, "vlad/1({words})"),
            // Their recipes name the file instead.
            Self::Probabilities { classes } => write!(f, "probabilities({classes})"),
            Self::Project { dims } => write!(f, "project({dims})"),
        }
    }
}

/// A vector less a centre, along some directions: see [`Projection`].
#[derive(Clone, Copy)]
pub(super) struct Linear<'a> {
    pub(super) centre: &'a [f32],
    /// None where the numbers stay what they are.
    pub(super) directions: &'a [f32],
}

/// What stands before a step.
#[derive(Clone, Copy)]
struct Before {
    dims: usize,
    part: Option<usize>,
    /// Where the step stands.
    column: usize,
}

impl Before {
    /// As many dimensions as there are, at most.
    fn fitting(self, got: f64) -> Result<usize, RecipeError> {
        let fits = whole(got).filter(|wanted| (1..=self.dims as u64).contains(wanted));
        fits.map(|wanted| wanted as usize).ok_or(RecipeError::Dims { got, most: self.dims, column: self.column })
    }
}

impl Step {
    /// Of a call behind vectors of `dims` numbers, which may be local descriptors of `part` numbers.
    pub(super) fn new(call: &Call, dims: usize, part: Option<usize>) -> Result<Self, RecipeError> {
        let (name, column) = (call.name.clone(), call.column.0);
        let Some((_, takes)) = STEPS.iter().find(|step| step.0 == name) else {
            let known = STEPS.iter().chain(&ranking::STEPS).map(|step| step.0).collect::<Vec<_>>().join(", ");
            let known = known + ", project, hash";
            return Err(RecipeError::Unknown { what: "step", name, column, known });
        };
        if call.model.is_some() {
            return Err(RecipeError::Arguments { name, column, takes: "no model" });
        }
        let mut args = Arguments::new(&call.args);
        match Self::read(&name, &mut args, Before { dims, part, column }) {
            Some(step) if args.is_empty() => step,
            _ => Err(RecipeError::Arguments { name, column, takes }),
        }
    }

    /// `None` for arguments that the step doesn't take; an error for numbers that don't fit what stands before it.
    fn read(name: &str, args: &mut Arguments<'_>, before: Before) -> Option<Result<Self, RecipeError>> {
        match name {
            "center" => Some(Ok(Self::Center)),
            "pca" => Some(before.fitting(args.number()?).map(|dims| Self::Pca { dims })),
            "whiten" => {
                let (wanted, power) = (args.number()?, args.number().unwrap_or(WHOLLY));
                let fits = (0.0..=1.0).contains(&power);
                fits.then(|| before.fitting(wanted).map(|dims| Self::Whiten { dims, power }))
            }
            "power" => {
                let exponent = args.number().filter(|exponent| *exponent > 0.0 && *exponent <= 4.0);
                exponent.map(|exponent| Ok(Self::Power { exponent }))
            }
            "vlad" => {
                let words = args.number().and_then(whole).filter(|words| (1..=256).contains(words))?;
                let local = before.part.ok_or(RecipeError::NotLocal { column: before.column });
                Some(local.map(|part| Self::Vlad { words: words as usize, part }))
            }
            _ => None,
        }
    }

    /// Length of what comes out where vectors of `dims` numbers go in.
    pub(super) fn dims(self, dims: usize) -> usize {
        match self {
            Self::Center | Self::Power { .. } => dims,
            Self::Pca { dims } | Self::Whiten { dims, .. } | Self::Project { dims } => dims,
            Self::Probabilities { classes } => classes,
            Self::Vlad { words, part } => words * part,
        }
    }

    /// How many numbers it takes beside the vector; 0 for a step that doesn't learn.
    pub(super) fn parameters(self, dims: usize) -> usize {
        match self {
            Self::Power { .. } => 0,
            Self::Center => dims,
            Self::Pca { dims: kept } | Self::Whiten { dims: kept, .. } | Self::Project { dims: kept } => {
                dims + dims * kept
            }
            Self::Probabilities { classes } => classes + dims * classes,
            Self::Vlad { words, part } => words * part,
        }
    }

    /// How many vectors it takes to learn. Centred vectors span one dimension less than there are vectors; each has a local
    /// descriptor at least.
    pub(super) fn needed(self) -> usize {
        match self {
            Self::Power { .. } | Self::Probabilities { .. } | Self::Project { .. } => 0,
            Self::Center => 1,
            Self::Pca { dims } | Self::Whiten { dims, .. } => dims + 1,
            Self::Vlad { words, .. } => words,
        }
    }

    /// What it learns of at least [`needed`](Self::needed) vectors, at whatever length: for `pca` and `whiten` the
    /// numbers of a [`Projection`], for `vlad` the words.
    pub(super) fn learn(self, vectors: &[&[f32]]) -> Vec<f32> {
        let units = || vectors.iter().map(|vector| unit(vector)).collect::<Vec<_>>();
        match self {
            Self::Power { .. } | Self::Probabilities { .. } | Self::Project { .. } => Vec::new(),
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

    /// Whether what stands before it is a matter of its own: a head is a source to those who use it.
    pub(super) fn hides_its_input(self) -> bool {
        matches!(self, Self::Probabilities { .. })
    }

    /// What it does to a vector at unit length, where that is linear but for a constant.
    pub(super) fn linear(self, learnt: &[f32], dims: usize) -> Option<Linear<'_>> {
        match self {
            Self::Power { .. } | Self::Vlad { .. } | Self::Probabilities { .. } => None,
            Self::Center | Self::Pca { .. } | Self::Whiten { .. } | Self::Project { .. } => {
                let (centre, directions) = learnt.split_at(dims);
                Some(Linear { centre, directions })
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
            Self::Pca { .. } | Self::Whiten { .. } | Self::Project { .. } => projected(learnt, &unit(vector)),
            Self::Probabilities { classes } => {
                let (biases, weights) = learnt.split_at(classes);
                let mut logits = coordinates(&vec![0.0; vector.len()], weights, &unit(vector));
                logits.iter_mut().zip(biases).for_each(|(logit, bias)| *logit += f64::from(*bias));
                softmax(&logits)
            }
        }
    }
}

/// The coordinates of a vector, of the numbers of a [`Projection`].
pub(crate) fn projected(numbers: &[f32], vector: &[f32]) -> Vec<f32> {
    let (centre, directions) = numbers.split_at(vector.len());
    coordinates(centre, directions, vector).into_iter().map(|x| x as f32).collect()
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

/// Where there are no more vectors than dimensions, variances are drawn to their mean. In any case by a little, because what
/// hardly varies tells nothing.
fn shrunk(variance: f64, axes: &Axes, (vectors, dims): (usize, usize)) -> f64 {
    let (trace, squares) = axes.totals;
    let share = if vectors > dims { 0.0 } else { oracle_share(trace, squares, vectors, dims) };
    let mean = trace / dims as f64;
    ((1.0 - share) * variance + share * mean).max(FLOOR * trace).max(f64::MIN_POSITIVE)
}

/// By how much to draw variances to their mean, to best tell the true covariance of normal variates: oracle approximating
/// shrinkage (Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation, IEEE TSP 2010, equation
/// 23). `trace` and `squares` are the sums of the variances along all axes, and of their squares.
pub(crate) fn oracle_share(trace: f64, squares: f64, vectors: usize, dims: usize) -> f64 {
    let (n, p) = (vectors as f64, dims as f64);
    let wanted = (1.0 - 2.0 / p) * squares + trace * trace;
    let spread = (n + 1.0 - 2.0 / p) * (squares - trace * trace / p);
    if spread > 0.0 { (wanted / spread).min(1.0) } else { 1.0 }
}

/// Of the sum of all variances.
const FLOOR: f64 = 1e-9;
