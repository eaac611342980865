//! Learning from labels: a softmax head, or a linear projection, of the vectors that a recipe gives.
//!
//! What was learnt is a [`Trained`] file. In recipes `semantic("FILE")` gives a head's class probabilities, `| project("FILE")`
//! what a projection makes of the vectors it was learnt on.

mod design;
mod file;
mod lbfgs;
mod projection;
mod retrieval;
mod samples;
mod softmax;

pub use file::{Base, Description, Trained, TrainedError};
pub use samples::Samples;

use crate::recipe::{projected, unit};
use projection::Projection;
use retrieval::Side;
use samples::Fold;
use serde::{Deserialize, Serialize};
use softmax::{Regression, Weights};
use std::fmt;

/// What is learnt, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Class probabilities by multinomial logistic regression with a quadratic penalty.
    Softmax,
    /// A projection by linear discriminant analysis, to one dimension less than there are classes at most.
    Lda,
    /// A projection by learned whitening from pairs of a class (Radenović, Tolias and Chum, TPAMI 2019).
    Whitening,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Softmax => "softmax",
            Self::Lda => "lda",
            Self::Whitening => "whitening",
        })
    }
}

/// How to learn.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// What.
    pub method: Method,
    /// Dimensions of a projection; `None` for as many as there can be.
    pub dims: Option<usize>,
    /// Of a projection, share of the identity in the covariance that is divided by, in 0..=1: the more, the less it knows of
    /// the classes learnt from, and the better it serves others. `None` for as much as best tells the true covariance.
    pub shrinkage: Option<f64>,
    /// Where the random numbers begin that draw the part held out.
    pub seed: u64,
    /// How many threads compute; the result doesn't depend on it.
    pub threads: usize,
}

/// What was learnt from labelled vectors.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// How.
    pub method: Method,
    /// The classes, in the order of a head's probabilities.
    pub classes: Vec<crate::store::Label>,
    /// Pictures learnt from.
    pub pictures: usize,
    /// Length of the vectors that go in.
    pub dims: usize,
    /// Length of the vectors that come out.
    pub outputs: usize,
    /// A head's biases, or the centre that a projection takes off; behind them a row for each dimension with its part in all
    /// outputs.
    pub parameters: Vec<f32>,
    /// The weight of a head's penalty; of a projection the share of the mean variance in the covariance it divides by.
    pub strength: f64,
    /// How well pictures did that the fit which this tells of didn't see.
    pub held_out: HeldOut,
}

/// How well pictures did that were held out.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// How many.
    pub pictures: usize,
    /// Share that was given its class: the most probable one, of projections that of the nearest picture.
    pub accuracy: f64,
    /// Mean average precision of searching them among the others.
    pub map: f64,
    /// For each class how many of its pictures were given each class.
    pub confusion: Vec<Vec<usize>>,
}

impl HeldOut {
    /// Of the true class and the guess of each picture.
    fn new(guesses: impl Iterator<Item = (usize, usize)>, classes: usize, map: f64) -> Self {
        let mut confusion = vec![vec![0; classes]; classes];
        guesses.for_each(|(class, guess)| confusion[class][guess] += 1);
        let pictures: usize = confusion.iter().flatten().sum();
        let right: usize = confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
        Self { pictures, accuracy: right as f64 / pictures as f64, map, confusion }
    }

    /// Of all folds together.
    fn all(folds: impl Iterator<Item = Self>) -> Self {
        let add = |mut sum: Self, fold: Self| {
            let pictures = sum.pictures + fold.pictures;
            let mean = |a: f64, b: f64| (a * sum.pictures as f64 + b * fold.pictures as f64) / pictures as f64;
            let (accuracy, map) = (mean(sum.accuracy, fold.accuracy), mean(sum.map, fold.map));
            let cells = sum.confusion.iter_mut().flatten().zip(fold.confusion.iter().flatten());
            cells.for_each(|(sum, count)| *sum += count);
            Self { pictures, accuracy, map, ..sum }
        };
        folds.reduce(add).expect("there is a fold at least")
    }
}

/// A fit that ended, on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// Its [`Lesson::strength`].
    pub strength: f64,
    /// Mean average precision of the pictures held out; `None` for the last fit, on all.
    pub map: Option<f64>,
}

/// Why nothing can be learnt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Not a row of numbers for each label.
    #[error("got {numbers} numbers for {labels} labels, wanted {dims} for each, and {dims} above 0")]
    Shape {
        /// Numbers.
        numbers: usize,
        /// Numbers wanted for each label.
        dims: usize,
        /// Labels.
        labels: usize,
    },
    /// A vector with NaN or infinity.
    #[error("vector {row} (counted from 0) has numbers that aren't finite")]
    NotFinite {
        /// Its place.
        row: usize,
    },
    /// Nothing to tell apart.
    #[error(
        "two classes at least are wanted to tell apart, got {}: label pictures of another class, too",
        class.as_ref().map_or("none".to_owned(), |class| format!("`{class}` alone"))
    )]
    OneClass {
        /// The only class; `None` where there are no pictures at all.
        class: Option<String>,
    },
    /// Classes that can't be learnt from and held out both.
    #[error(
        "{} with one picture each, wanted two at least, of which one is held out: add pictures, or leave the class away",
        if classes.len() > 5 { format!("{} classes", classes.len()) } else { classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ") }
    )]
    LonePicture {
        /// Their names.
        classes: Vec<String>,
    },
    /// A projection to more dimensions than there can be.
    #[error("{got} dimensions: `{method}` gives from 1 to {most} here")]
    Dims {
        /// As asked for.
        got: usize,
        /// The method.
        method: Method,
        /// The most there can be.
        most: usize,
    },
}

/// Learns from a part of the pictures, measures on the rest, then learns from all of them.
pub fn learn(samples: &Samples, request: &Request, on_fit: &mut dyn FnMut(Fitted)) -> Result<Lesson, TrainError> {
    let request = Request { threads: request.threads.max(1), ..*request };
    let (outputs, parameters, strength, held_out) = match request.method {
        Method::Softmax => head(samples, &request, on_fit),
        method => projection(samples, &request, projected_dims(samples, method, request.dims)?, on_fit),
    };
    Ok(Lesson {
        method: request.method,
        classes: samples.classes().to_vec(),
        pictures: samples.pictures(),
        dims: samples.dims(),
        outputs,
        parameters,
        strength,
        held_out,
    })
}

/// Length of what comes out, parameters, strength, and what they are worth.
type Learnt = (usize, Vec<f32>, f64, HeldOut);

/// Strengths that are tried, from the strongest down: each a fit from where the one before it ended.
fn strengths() -> impl Iterator<Item = f64> {
    (0..10).map(|step| 10.0 * 10.0_f64.powf(-0.5 * f64::from(step)))
}

/// So many strengths without gain, and weaker ones aren't tried.
const PATIENCE: usize = 3;

/// On the way to the choice of a strength fits need not be close.
const SLACK: f64 = 1e4;

/// So many pictures held out are enough to choose by: few pictures take several folds.
const ENOUGH: usize = 1000;

/// A fold with the fit of the last strength tried.
struct Trial<'a> {
    fold: Fold,
    regression: Regression<'a>,
    weights: Weights,
}

/// Chosen is the strength by whose probabilities the pictures held out find those of their class best, among equals the
/// strongest: what retrieval wants of probabilities is another thing than the likelihood of the labels.
fn head(samples: &Samples, request: &Request, on_fit: &mut dyn FnMut(Fitted)) -> Learnt {
    let folds = samples.folds(request.seed, (5 * ENOUGH).div_ceil(samples.pictures()));
    let trial = |fold: Fold| {
        let regression = Regression::new(samples, &fold.kept, request.threads);
        Trial { weights: regression.start(), fold, regression }
    };
    let mut trials: Vec<Trial<'_>> = folds.into_iter().map(trial).collect();
    let mut best: Option<(f64, HeldOut)> = None;
    let mut without_gain = 0;
    for strength in strengths() {
        let held_out = HeldOut::all(trials.iter_mut().map(|trial| trial.fit(samples, strength, request.threads)));
        on_fit(Fitted { strength, map: Some(held_out.map) });
        without_gain += 1;
        if best.as_ref().is_none_or(|(_, best)| held_out.map > best.map) {
            best = Some((strength, held_out));
            without_gain = 0;
        }
        if without_gain == PATIENCE {
            break;
        }
    }
    let (strength, held_out) = best.expect("a strength was tried");
    drop(trials);
    let all: Vec<usize> = (0..samples.pictures()).collect();
    let regression = Regression::new(samples, &all, request.threads);
    let weights = regression.fit(&regression.start(), strength, 1.0);
    on_fit(Fitted { strength, map: None });
    (samples.classes().len(), regression.parameters(&weights), strength, held_out)
}

impl Trial<'_> {
    /// Goes on to another strength, and gives how well the pictures held out do by it.
    fn fit(&mut self, samples: &Samples, strength: f64, threads: usize) -> HeldOut {
        let Self { fold, regression, weights } = self;
        *weights = regression.fit(weights, strength, SLACK);
        let of = |rows: &[usize]| regression.probabilities(weights, rows);
        let queries = of(&fold.held);
        let most_probable = |probabilities: &Vec<f32>| {
            let better = |best, class| if probabilities[class] > probabilities[best] { class } else { best };
            (0..probabilities.len()).fold(0, better)
        };
        let guesses: Vec<usize> = queries.iter().map(most_probable).collect();
        let found = searched(samples, fold, (of(&fold.kept), queries), threads);
        let labels = samples.labels_of(&fold.held);
        HeldOut::new(labels.into_iter().zip(guesses), samples.classes().len(), found.map)
    }
}

/// What pictures held out find among the others, by vectors of either.
fn searched(
    samples: &Samples,
    fold: &Fold,
    (gallery, queries): (Vec<Vec<f32>>, Vec<Vec<f32>>),
    threads: usize,
) -> HeldOut {
    let units = |vectors: Vec<Vec<f32>>| vectors.iter().map(|vector| unit(vector)).collect::<Vec<_>>();
    let (gallery, queries) = (units(gallery), units(queries));
    let gallery = Side { vectors: &gallery, labels: &samples.labels_of(&fold.kept) };
    let queries = Side { vectors: &queries, labels: &samples.labels_of(&fold.held) };
    retrieval::search(&gallery, &queries, samples.classes().len(), threads)
}

/// The dimensions asked for, else the most there can be.
fn projected_dims(samples: &Samples, method: Method, asked: Option<usize>) -> Result<usize, TrainError> {
    let most = match method {
        Method::Lda => samples.dims().min(samples.classes().len() - 1),
        _ => samples.dims(),
    };
    match asked {
        None => Ok(most),
        Some(dims) if (1..=most).contains(&dims) => Ok(dims),
        Some(got) => Err(TrainError::Dims { got, method, most }),
    }
}

fn projection(samples: &Samples, request: &Request, dims: usize, on_fit: &mut dyn FnMut(Fitted)) -> Learnt {
    let fit = |rows: &[usize]| Projection::learn(samples, rows, request, dims);
    let fold = samples.folds(request.seed, 1).remove(0);
    let fitted = fit(&fold.kept);
    let parameters = fitted.parameters();
    let project = |rows: &[usize]| -> Vec<Vec<f32>> {
        rows.iter().map(|&row| projected(&parameters, samples.row(row))).collect()
    };
    let held_out = searched(samples, &fold, (project(&fold.kept), project(&fold.held)), request.threads);
    on_fit(Fitted { strength: fitted.shrinkage, map: Some(held_out.map) });
    let fitted = fit(&(0..samples.pictures()).collect::<Vec<_>>());
    on_fit(Fitted { strength: fitted.shrinkage, map: None });
    (dims, fitted.parameters(), fitted.shrinkage, held_out)
}
