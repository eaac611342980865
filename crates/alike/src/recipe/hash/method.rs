//! What a recipe says of a step `hash`: the method and its numbers.

use super::{Hasher, Learning, random_planes};
use crate::recipe::arguments::{Arguments, whole};
use crate::recipe::{Call, RecipeError};
use std::fmt::{self, Display, Formatter};

/// Bits where the recipe names no number.
const USUAL_BITS: usize = 64;

/// The longest code.
const MOST_BITS: usize = 4096;

/// For messages.
const METHODS: &str =
    "a method: mean, median, threshold=T, gallery-mean, gallery-median, notebook-mean, lsh or itq, as in hash(itq, 64)";

/// A step `hash`, checked. Display gives its canonical form: the version behind the name changes when the same gallery
/// would give other codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::recipe) enum Method {
    /// None: the source gives codes, by numbers of two signs.
    Given,
    /// The mean of the picture's own sigmoids is the threshold.
    Mean,
    /// The median of the picture's own numbers is the threshold.
    Median,
    /// A number is the threshold.
    Threshold(f64),
    /// Locality-sensitive hashing: the signs of random projections.
    Lsh { bits: usize },
    /// Something learnt from the gallery.
    Learning(Learning),
}

impl Display for Method {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => Ok(()),
            Self::Mean => f.write_str("hash(mean)"),
            Self::Median => f.write_str("hash(median)"),
            Self::Threshold(threshold) => write!(f, "hash(threshold={threshold})"),
            Self::Lsh { bits } => write!(f, "hash(lsh/1, {bits})"),
            Self::Learning(Learning::Means) => f.write_str("hash(gallery-mean/1)"),
            Self::Learning(Learning::Medians) => f.write_str("hash(gallery-median/1)"),
            Self::Learning(Learning::Notebook) => f.write_str("hash(notebook-mean/1)"),
            Self::Learning(Learning::Itq { bits, seed }) => write!(f, "hash(itq/2, {bits}, seed={seed})"),
        }
    }
}

impl Method {
    /// Of a call `hash(..)`.
    pub(in crate::recipe) fn new(step: &Call) -> Result<Self, RecipeError> {
        let column = step.column.0;
        let refuse = |takes| Err(RecipeError::Arguments { name: step.name.clone(), column, takes });
        let mut args = Arguments::new(&step.args);
        if step.model.is_some() {
            return refuse("no model");
        }
        if let Some(threshold) = args.named_number("threshold") {
            let takes = "nothing behind a threshold, whose codes have as many bits as the vector has dimensions";
            return if args.is_empty() { Ok(Self::Threshold(threshold)) } else { refuse(takes) };
        }
        let (method, takes) = match args.word() {
            Some("mean") => (Self::Mean, AS_LONG),
            Some("median") => (Self::Median, AS_LONG),
            Some("gallery-mean") => (Self::Learning(Learning::Means), AS_LONG),
            Some("gallery-median") => (Self::Learning(Learning::Medians), AS_LONG),
            Some("notebook-mean") => (Self::Learning(Learning::Notebook), AS_LONG),
            Some("lsh") => {
                (Self::Lsh { bits: bits(&mut args, column)? }, "a number of bits behind lsh, as in hash(lsh, 64)")
            }
            Some("itq") => {
                let takes = "a number of bits and a seed behind itq, as in hash(itq, 64) or hash(itq, 64, seed=3)";
                let bits = bits(&mut args, column)?;
                let Some(seed) = whole(args.named_number("seed").unwrap_or(0.0)) else { return refuse(takes) };
                (Self::Learning(Learning::Itq { bits, seed }), takes)
            }
            _ => return refuse(METHODS),
        };
        if args.is_empty() { Ok(method) } else { refuse(takes) }
    }

    /// Length of its codes.
    pub(in crate::recipe) fn bits(self, dims: usize) -> usize {
        match self {
            Self::Given | Self::Mean | Self::Median | Self::Threshold(_) => dims,
            Self::Learning(Learning::Means | Learning::Medians | Learning::Notebook) => dims,
            Self::Lsh { bits } | Self::Learning(Learning::Itq { bits, .. }) => bits,
        }
    }

    /// What makes the codes of vectors of `dims` numbers, or what has to be learnt first.
    pub(in crate::recipe) fn hasher(self, dims: usize) -> Result<Hasher, Learning> {
        match self {
            Self::Given => Ok(Hasher::Threshold(0.0)),
            Self::Mean => Ok(Hasher::Mean),
            Self::Median => Ok(Hasher::Median),
            Self::Threshold(threshold) => Ok(Hasher::Threshold(threshold)),
            Self::Lsh { bits } => Ok(Hasher::Planes(random_planes(dims, bits))),
            Self::Learning(learning) => Err(learning),
        }
    }
}

/// For messages about methods that have a bit for each dimension.
const AS_LONG: &str = "nothing behind this method, whose codes have as many bits as the vector has dimensions";

/// The next argument, or as many as usual.
fn bits(args: &mut Arguments<'_>, column: usize) -> Result<usize, RecipeError> {
    let Some(bits) = args.number() else { return Ok(USUAL_BITS) };
    let fits = |bits: &u64| (1..=MOST_BITS as u64).contains(bits);
    let refuse = RecipeError::Bits { bits, most: MOST_BITS, column };
    whole(bits).filter(fits).map(|bits| bits as usize).ok_or(refuse)
}
