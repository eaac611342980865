//! Steps at the end of a recipe that look at neighbours: `augment`, `expand`, `reciprocal`, `diffuse`.

use super::arguments::{Arguments, whole};
use super::{Call, RecipeError};
use crate::rank::{Diffusion, Neighbours, Ranking, Reciprocal, Rerank};
use std::fmt::{self, Display, Formatter};

/// The steps in the order in which they may stand, and what they take, for messages.
pub(super) const STEPS: [(&str, &str); 4] = [
    ("augment", NEIGHBOURS),
    ("expand", NEIGHBOURS),
    (
        "reciprocal",
        "nothing, or two numbers of neighbours from 1 to 100, and behind them a weight from 0 to 1, and candidates=N up to 1000, as in reciprocal(20, 6, 0.3)",
    ),
    (
        "diffuse",
        "nothing, or a number of neighbours from 1 to 100, and behind it a weight from 0 to 1, and candidates=N up to 1000, as in diffuse(20, 0.3)",
    ),
];

const NEIGHBOURS: &str =
    "nothing, or a number of neighbours from 1 to 1000, and behind it an exponent from 0 to 100, as in (10, 3)";

const MOST_MUTUAL: u64 = 100;
const MOST_CANDIDATES: u64 = 1000;

/// Whether there is such a step.
pub(super) fn is_one(call: &Call) -> bool {
    STEPS.iter().any(|(name, _)| *name == call.name)
}

/// With one more step behind those there are.
pub(super) fn with(ranking: Ranking, call: &Call) -> Result<Ranking, RecipeError> {
    let (name, column) = (call.name.clone(), call.column.0);
    let takes = STEPS.iter().find(|step| step.0 == name).map_or("nothing", |step| step.1);
    let mut args = Arguments::new(&call.args);
    let read = match call.name.as_str() {
        "augment" => neighbours(&mut args).map(|augment| Ranking { augment: Some(augment), ..ranking }),
        "expand" => neighbours(&mut args).map(|expand| Ranking { expand: Some(expand), ..ranking }),
        "reciprocal" => reciprocal(&mut args).map(|r| Ranking { rerank: Some(Rerank::Reciprocal(r)), ..ranking }),
        _ => diffusion(&mut args).map(|d| Ranking { rerank: Some(Rerank::Diffusion(d)), ..ranking }),
    };
    let read = read.filter(|_| args.is_empty() && call.model.is_none());
    let wanted = read.ok_or(RecipeError::Arguments { name: name.clone(), column, takes })?;
    let is_late = ranking.rerank.is_some()
        || (ranking.expand.is_some() && wanted.rerank.is_none())
        || (ranking.augment.is_some() && name == "augment");
    if is_late { Err(RecipeError::NeighboursOrder { name, column }) } else { Ok(wanted) }
}

fn neighbours(args: &mut Arguments<'_>) -> Option<Neighbours> {
    let usual = Neighbours::DEFAULT;
    let count = number(args, usual.count, Neighbours::MOST as u64)?;
    let alpha = args.number().unwrap_or(usual.alpha);
    (0.0..=100.0).contains(&alpha).then_some(Neighbours { count, alpha })
}

fn reciprocal(args: &mut Arguments<'_>) -> Option<Reciprocal> {
    let usual = Reciprocal::DEFAULT;
    let k1 = number(args, usual.k1, MOST_MUTUAL)?;
    let k2 = number(args, usual.k2, MOST_MUTUAL)?;
    let weight = weight(args, usual.weight)?;
    Some(Reciprocal { candidates: candidates(args, usual.candidates)?, k1, k2, weight })
}

fn diffusion(args: &mut Arguments<'_>) -> Option<Diffusion> {
    let usual = Diffusion::DEFAULT;
    let neighbours = number(args, usual.neighbours, MOST_MUTUAL)?;
    let weight = weight(args, usual.weight)?;
    Some(Diffusion { candidates: candidates(args, usual.candidates)?, neighbours, weight })
}

/// The next number, if it is one of 1 to `most`; the usual one where there is none.
fn number(args: &mut Arguments<'_>, usual: usize, most: u64) -> Option<usize> {
    args.number().map_or(Some(usual), |number| at_most(number, most))
}

fn candidates(args: &mut Arguments<'_>, usual: usize) -> Option<usize> {
    args.named_number("candidates").map_or(Some(usual), |number| at_most(number, MOST_CANDIDATES))
}

fn at_most(number: f64, most: u64) -> Option<usize> {
    whole(number).filter(|number| (1..=most).contains(number)).map(|number| number as usize)
}

fn weight(args: &mut Arguments<'_>, usual: f64) -> Option<f64> {
    Some(args.number().unwrap_or(usual)).filter(|weight| (0.0..=1.0).contains(weight))
}

/// Canonical forms. The version behind the name changes when the same vectors would give others.
pub(super) struct Augmented(pub(super) Neighbours);

impl Display for Augmented {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "augment/1({}, {})", self.0.count, self.0.alpha)
    }
}

/// What is done with queries and candidates, each behind a bar; nothing for a ranking that says nothing of them.
pub(super) struct QuerySide(pub(super) Ranking);

impl Display for QuerySide {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(Neighbours { count, alpha }) = self.0.expand {
            write!(f, " | expand/1({count}, {alpha})")?;
        }
        match self.0.rerank {
            None => Ok(()),
            Some(Rerank::Reciprocal(Reciprocal { candidates, k1, k2, weight })) => {
                write!(f, " | reciprocal/1({k1}, {k2}, {weight}, candidates={candidates})")
            }
            Some(Rerank::Diffusion(Diffusion { candidates, neighbours, weight })) => {
                write!(f, " | diffuse/1({neighbours}, {weight}, candidates={candidates})")
            }
        }
    }
}
