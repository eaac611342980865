//! What a recipe says of a step `hash`: the method and its numbers.

use super::planes::Planes;
use super::{Hasher, Learning};
use crate::recipe::{Arg, Call, RecipeError, Value};
use std::fmt::{self, Display, Formatter};

/// Bits where the recipe names no number.
const USUAL_BITS: usize = 64;

/// The longest code.
const MOST_BITS: usize = 4096;

/// For messages.
const METHODS: &str = "a method: mean, gallery-mean, gallery-median, lsh or itq, as in hash(itq, 64)";

/// A step `hash`, checked. Display gives its canonical form: the version behind the name changes when the same gallery
/// would give other codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::recipe) enum Method {
    /// The mean of the picture's own sigmoids is the threshold.
    Mean,
    /// Locality-sensitive hashing: the signs of random projections.
    Lsh { bits: usize },
    /// Something learnt from the gallery.
    Learning(Learning),
}

impl Display for Method {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("hash(mean)"),
            Self::Lsh { bits } => write!(f, "hash(lsh/1, {bits})"),
            Self::Learning(Learning::Means) => f.write_str("hash(gallery-mean/1)"),
            Self::Learning(Learning::Medians) => f.write_str("hash(gallery-median/1)"),
            Self::Learning(Learning::Itq { bits, seed }) => write!(f, "hash(itq/1, {bits}, seed={seed})"),
        }
    }
}

impl Method {
    /// Of a call `hash(..)` behind vectors of `dims` numbers.
    pub(in crate::recipe) fn new(step: &Call, dims: usize) -> Result<Self, RecipeError> {
        let column = step.column.0;
        let refuse = |takes| Err(RecipeError::Arguments { name: step.name.clone(), column, takes });
        let Some((Arg { key: None, value: Value::Word(word) }, args)) = step.args.split_first() else {
            return refuse(METHODS);
        };
        match (word.as_str(), args) {
            _ if step.model.is_some() => refuse("no model"),
            ("mean", []) => Ok(Self::Mean),
            ("gallery-mean", []) => Ok(Self::Learning(Learning::Means)),
            ("gallery-median", []) => Ok(Self::Learning(Learning::Medians)),
            ("mean" | "gallery-mean" | "gallery-median", _) => {
                refuse("nothing behind this method, whose codes have as many bits as the vector has dimensions")
            }
            ("lsh", args) => match numbers(args) {
                Some((bits, None)) => Ok(Self::Lsh { bits: checked(bits, MOST_BITS, column)? }),
                _ => refuse("a number of bits behind lsh, as in hash(lsh, 64)"),
            },
            ("itq", args) => match numbers(args) {
                Some((bits, seed)) => {
                    let bits = checked(bits, dims.min(MOST_BITS), column)?;
                    Ok(Self::Learning(Learning::Itq { bits, seed: seed.unwrap_or(0) }))
                }
                None => refuse("a number of bits and a seed behind itq, as in hash(itq, 64) or hash(itq, 64, seed=3)"),
            },
            _ => refuse(METHODS),
        }
    }

    /// Length of its codes.
    pub(in crate::recipe) fn bits(self, dims: usize) -> usize {
        match self {
            Self::Mean | Self::Learning(Learning::Means | Learning::Medians) => dims,
            Self::Lsh { bits } | Self::Learning(Learning::Itq { bits, .. }) => bits,
        }
    }

    /// What makes the codes of vectors of `dims` numbers, or what has to be learnt first.
    pub(in crate::recipe) fn hasher(self, dims: usize) -> Result<Hasher, Learning> {
        match self {
            Self::Mean => Ok(Hasher::Mean),
            Self::Lsh { bits } => Ok(Hasher::Planes(Planes::random(dims, bits))),
            Self::Learning(learning) => Err(learning),
        }
    }
}

/// `[BITS] [, seed=SEED]`; `None` if it is anything else.
fn numbers(args: &[Arg]) -> Option<(f64, Option<u64>)> {
    let (bits, rest) = match args {
        [Arg { key: None, value: Value::Number(bits) }, rest @ ..] => (*bits, rest),
        rest => (USUAL_BITS as f64, rest),
    };
    match rest {
        [] => Some((bits, None)),
        [Arg { key: Some(key), value: Value::Number(seed) }] if key == "seed" => Some((bits, Some(whole(*seed)?))),
        _ => None,
    }
}

/// Whole numbers that f64 tells apart.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
}

fn checked(bits: f64, most: usize, column: usize) -> Result<usize, RecipeError> {
    let fits = |bits: &u64| (1..=most as u64).contains(bits);
    whole(bits).filter(fits).map(|bits| bits as usize).ok_or(RecipeError::Bits { bits, most, column })
}
