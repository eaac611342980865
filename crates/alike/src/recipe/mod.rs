//! Recipes: one line of text that says how a descriptor is made.
//!
//! ```text
//! recipe := sum ("|" step)*                      step := call
//! sum    := term ("+" term)*
//! term   := [weight "*"] (call | "(" recipe ")")
//! call   := name ["@" model] ["(" arg ("," arg)* ")"]
//! arg    := [key "="] (number | identifier | "quoted" | recipe)
//! ```
//!
//! Terms of a sum are scaled to unit length, multiplied by the square root of their weight and concatenated, so that the
//! dot product is the weighted sum of the cosines. `sum(A, B, ..)` scales recipes of equal length to unit length and adds
//! them up.
//!
//! | step | gives |
//! |---|---|
//! | `center` | the vector less the mean of the gallery |
//! | `pca(D)` | its coordinates along the `D` principal axes of the gallery (Pearson 1901; Jégou and Chum, ECCV 2012) |
//! | `whiten(D[, POWER])` | the same, each divided by the variance along its axis to the `POWER`, usually 0.5: then all count alike (Jégou and Chum, ECCV 2012). With no more pictures than dimensions variances are shrunk first (Chen et al., IEEE TSP 2010) |
//! | `power(P)` | `sign(x) * abs(x)^P` of each number (Perronnin, Sánchez and Mensink, ECCV 2010) |
//! | `vlad(K)` | of local descriptors (`sift`): the sums of their differences from the nearest of `K` words, learnt by k-means, each sum at unit length (Jégou, Douze, Schmid and Pérez, CVPR 2010; Arandjelović and Zisserman, CVPR 2013) |
//! | `project("FILE")` | what a projection learnt from labels makes of it (`train`), behind the recipe it was learnt on |
//! | `hash(METHOD, ..)` | a code |
//!
//! `center`, `pca`, `whiten` and `hash(itq)` scale what they get to unit length first; the last three take the gallery's
//! mean off themselves. `power`, `vlad` and the other hashes take numbers as they come: of a term that stands alone the raw row.
//!
//! Behind all of these stand steps that look at neighbours ([`crate::rank`]), in this order, none of them within a sum or
//! behind a code: `augment(K, ALPHA)`, `expand(K, ALPHA)`, and one of `reciprocal(K1, K2, WEIGHT)` and `diffuse(K, WEIGHT)`.
//!
//! | method | bits | bit `i` is set where |
//! |---|---|---|
//! | `mean` | dimensions | `sigmoid(x_i)` exceeds the mean of the vector's own sigmoids |
//! | `median` | dimensions | `x_i` exceeds the median of the vector's own numbers |
//! | `threshold=T` | dimensions | `x_i` exceeds `T` |
//! | `gallery-mean`, `gallery-median` | dimensions | `x_i` exceeds the mean or median of dimension `i` over the gallery |
//! | `notebook-mean` | dimensions | `sigmoid(x_i)` exceeds the mean of the sigmoids of all numbers of the gallery |
//! | `lsh, BITS` | 1..=4096, usually 64 | `x` lies on the positive side of random hyperplane `i` (Charikar, STOC 2002) |
//! | `itq, BITS, seed=N` | 1..=4096, usually 64 | the same of hyperplanes learnt by iterative quantisation (Gong and Lazebnik, CVPR 2011), also of more than there are dimensions; `N` is where its rotation starts, usually 0 |

mod arguments;
mod axes;
mod bind;
mod descriptor;
mod hash;
mod parse;
mod plan;
mod projection;
mod random;
mod ranking;
mod step;
mod text;
mod trained;
mod vlad;

pub(crate) use arguments::{Arguments, whole};
pub(crate) use axes::plane;
pub use descriptor::{Descriptor, DescriptorKind};
pub use hash::mean_hash;
pub(crate) use hash::median;
pub use plan::{Draft, LearnError, Plan, Share, SplitError};
pub(crate) use plan::{RowPart, SAMPLE, added, spread, unit};
pub(crate) use random::Random;
pub(crate) use step::{oracle_share, projected};
pub(crate) use text::Quoted;
pub use trained::TrainedUseError;

use std::str::FromStr;

/// A parsed recipe. Display gives normalised text that parses to the same recipe; whether its sources and steps exist
/// is found out by [`Draft::new`].
///
/// ```
/// let recipe: alike::recipe::Recipe = "2*color+texture|hash( mean )".parse()?;
/// assert_eq!(recipe.to_string(), "2*color + texture | hash(mean)");
/// # Ok::<(), alike::recipe::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    terms: Vec<Term>,
    steps: Vec<Call>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    weight: Option<f64>,
    operand: Operand,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Call(Call),
    Group(Box<Recipe>),
}

/// A source or a step.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    name: String,
    model: Option<String>,
    args: Vec<Arg>,
    column: Column,
}

#[derive(Debug, Clone, PartialEq)]
struct Arg {
    key: Option<String>,
    value: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Word(String),
    Quoted(String),
    Recipe(Recipe),
}

/// Where a call began, counted in characters from 1. All columns are equal: recipes compare by meaning.
#[derive(Debug, Clone, Copy)]
struct Column(usize);

impl PartialEq for Column {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Why a recipe can't be parsed or planned. Columns count characters from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The text is longer than any sensible recipe.
    #[error("the recipe is {bytes} bytes long, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The text doesn't follow the grammar.
    #[error("expected {wanted} at column {column}, got {got}")]
    Syntax {
        /// What the grammar allows there.
        wanted: &'static str,
        /// What stands there.
        got: String,
        /// Where.
        column: usize,
    },
    /// Parentheses within parentheses within ...
    #[error("more than {limit} nested parentheses at column {column}")]
    TooDeep {
        /// The limit.
        limit: usize,
        /// Where it was passed.
        column: usize,
    },
    /// A weight out of range.
    #[error("weight {weight} at column {column}: weights lie between 0.000001 and 1000000")]
    Weight {
        /// As read.
        weight: f64,
        /// Where.
        column: usize,
    },
    /// No such source or step.
    #[error("unknown {what} `{name}` at column {column}: known are {known}")]
    Unknown {
        /// `source` or `step`.
        what: &'static str,
        /// As written.
        name: String,
        /// Where.
        column: usize,
        /// The names there are.
        known: String,
    },
    /// A source or step with arguments it doesn't take.
    #[error("`{name}` at column {column} takes {takes}")]
    Arguments {
        /// The source or step.
        name: String,
        /// Where.
        column: usize,
        /// What it takes.
        takes: &'static str,
    },
    /// A code that is too long, or has no bits at all.
    #[error("{bits} bits at column {column}: wanted a whole number from 1 to {most}")]
    Bits {
        /// As read.
        bits: f64,
        /// The most there may be.
        most: usize,
        /// Where the step stands.
        column: usize,
    },
    /// A step that keeps more dimensions than there are, or none.
    #[error("{got} dimensions at column {column}: wanted a whole number from 1 to {most}, which the vector has")]
    Dims {
        /// As read.
        got: f64,
        /// The dimensions of the vector.
        most: usize,
        /// Where the step stands.
        column: usize,
    },
    /// `sum(..)` of vectors that can't be added.
    #[error("`sum` at column {column} adds vectors of equal length, got {}", lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
    Lengths {
        /// Of the vectors.
        lengths: Vec<usize>,
        /// Where it stands.
        column: usize,
    },
    /// `vlad` behind anything but a source of local descriptors.
    #[error(
        "`vlad` at column {column} takes local descriptors as they come, as in `sift | vlad(64)`: there are none before it"
    )]
    NotLocal {
        /// Where it stands.
        column: usize,
    },
    /// A recipe names a model that wasn't given.
    #[error("unknown model `{name}` at column {column}: {}", if known.is_empty() { "no model was given".into() } else { format!("given are {known}") })]
    UnknownModel {
        /// As written after the `@`.
        name: String,
        /// Where.
        column: usize,
        /// The models at hand, separated by commas.
        known: String,
    },
    /// A code within a sum.
    #[error("a code can't be part of a sum (column {column}): hash the sum instead, as in `(a + b) | hash(mean)`")]
    CodeInSum {
        /// Where the term's source stands.
        column: usize,
    },
    /// A step behind a code.
    #[error("step `{name}` at column {column} stands behind a code: nothing can")]
    StepAfterCode {
        /// The step.
        name: String,
        /// Where.
        column: usize,
    },
    /// A step that looks at neighbours before something else, or within a sum.
    #[error("{} stand at the end of a recipe, got something behind or around one (column {column})", ranking_steps())]
    NotAtTheEnd {
        /// Where that stands.
        column: usize,
    },
    /// Steps that look at neighbours in another order, or twice.
    #[error(
        "`{name}` at column {column} stands too late: the order is {}, each at most once, with one of the last two",
        ranking_steps()
    )]
    NeighboursOrder {
        /// The step.
        name: String,
        /// Where.
        column: usize,
    },
    /// A source lacks its network, or its network an output.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// What was learnt from labels can't be used.
    #[error(transparent)]
    Trained(#[from] TrainedUseError),
}

impl Recipe {
    /// What is used where nobody chose and no network is at hand: of the mixes of four hand-crafted sources the one that
    /// finds most on the gallery list of Corel-1k alone, each picture among the others, its weights in steps of a tenth.
    /// `| center` behind it finds more, but a gallery of few pictures has no mean worth the name.
    pub fn default_without_model() -> Self {
        let terms = [(0.2, "color"), (0.5, "texture"), (0.1, "correlogram"), (0.2, "edges")];
        Self { terms: terms.map(|(weight, name)| weighted(weight, name)).to_vec(), steps: vec![] }
    }

    /// What is used where nobody chose and a network is at hand: its pooled features.
    pub fn default_with_model() -> Self {
        Self { terms: vec![Term { weight: None, operand: Operand::Call(Call::named("deep")) }], steps: vec![] }
    }
}

/// For messages.
fn ranking_steps() -> String {
    ranking::STEPS.map(|(name, _)| format!("`{name}`")).join(", ")
}

fn weighted(weight: f64, name: &str) -> Term {
    Term { weight: Some(weight), operand: Operand::Call(Call::named(name)) }
}

impl Call {
    fn named(name: &str) -> Self {
        Self { name: name.into(), model: None, args: vec![], column: Column(1) }
    }
}

impl FromStr for Recipe {
    type Err = RecipeError;
    fn from_str(text: &str) -> Result<Self, RecipeError> {
        parse::recipe(text)
    }
}
