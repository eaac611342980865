//! What each term of a sum adds to a score.
//!
//! A score is the dot product of two unit vectors. Where a picture's vector comes from a sum through nothing but linear
//! steps, the other picture's unit vector can be pulled back through them: the score becomes a linear function of what each
//! term gives, and falls apart into parts of the terms. A centre that a step takes off has the same blocks as the sum, so
//! that each term bears its own block of it. Steps that mix blocks (`pca`, `whiten`) leave products of one picture's term
//! with the other picture's other terms; half of each goes to either, which makes the parts the same whichever of the two
//! pictures is the query.

use super::super::step::Linear;
use super::{Node, Plan, norm};
use crate::rank::Ranking;

/// A term of a recipe's sum, and what it adds to the score of two pictures.
///
/// Terms are the operands of the sum with their own steps; a sum within a sum counts by its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// In canonical form.
    pub term: String,
    /// The same without versions and networks, for people: `deep`, `color | center`.
    pub name: String,
    /// Among all terms, whose weights add up to 1; within `sum(..)` all weigh alike.
    pub weight: f64,
    /// Of what the term gives for the two pictures, in -1..=1.
    pub cosine: f64,
    /// What it adds to the score. The parts of all terms add up to the score. Without steps behind the sum it is weight
    /// times cosine.
    pub part: f64,
    /// Part over score. Shares add up to 1, and may be negative; of several terms none is finite for a score of 0.
    pub share: f64,
}

/// What a source's raw row adds to a score: `direction . row - constant`.
pub(crate) struct RowPart {
    /// Place in [`sources`](super::Draft::sources).
    pub(crate) source: usize,
    pub(crate) direction: Vec<f64>,
    pub(crate) constant: f64,
}

/// Why a score doesn't fall apart into parts of terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Distances of codes are no sums over terms.
    #[error("`{recipe}` gives a code, and of the bits in which codes differ none belongs to a term")]
    Code {
        /// In canonical form.
        recipe: String,
    },
    /// A step that isn't linear stands behind a sum.
    #[error("`{step}` stands behind a sum and isn't linear, so that no part of the score belongs to one term")]
    NotLinear {
        /// In canonical form.
        step: String,
    },
    /// A step takes off a mean of vectors in which the terms are mixed.
    #[error(
        "the terms of `{recipe}` are mixed already where a step takes the gallery's mean off, and no part of that mean belongs to one term"
    )]
    MixedMean {
        /// In canonical form.
        recipe: String,
    },
    /// Scores are not those of the two pictures alone.
    #[error("other pictures have a part in the scores of `{recipe}`, by its steps that look at neighbours")]
    Neighbours {
        /// In canonical form.
        recipe: String,
    },
    /// A row is missing, or the recipe gives nothing but zeros.
    #[error("`{recipe}` gives no vector for one of the two pictures")]
    Nothing {
        /// In canonical form.
        recipe: String,
    },
}

/// A linear function of a vector, `direction . x - constants`.
#[derive(Clone)]
struct Function {
    direction: Vec<f64>,
    /// What centres take off, for each number of the vector.
    offsets: Vec<f64>,
    /// What was taken off where numbers were others, behind a projection.
    mixed: f64,
}

impl Function {
    fn of(&self, vector: &[f32]) -> f64 {
        dot(&self.direction, vector) - self.constant()
    }

    fn constant(&self) -> f64 {
        self.offsets.iter().sum::<f64>() + self.mixed
    }

    fn scaled(mut self, factor: f64) -> Self {
        self.direction.iter_mut().for_each(|x| *x *= factor);
        self
    }

    /// The same of the vector of length `norm` that a step gets, which scales it to unit length.
    fn before(&self, step: Linear<'_>, norm: f64) -> Self {
        let Self { mut direction, mut offsets, mut mixed } = self.clone();
        if !step.directions.is_empty() {
            let parts = step.directions.chunks_exact(direction.len());
            direction = parts.map(|parts| dot(&direction, parts)).collect();
            mixed += offsets.iter().sum::<f64>();
            offsets = vec![0.0; direction.len()];
        }
        let off = direction.iter().zip(step.centre).map(|(x, centre)| x * f64::from(*centre));
        offsets.iter_mut().zip(off).for_each(|(offset, off)| *offset += off);
        Self { direction, offsets, mixed }.scaled(inverse(norm))
    }

    /// The first numbers, which are taken away from the rest.
    fn split_off(&mut self, count: usize) -> Self {
        let first = |numbers: &mut Vec<f64>| numbers.drain(..count).collect();
        Self { direction: first(&mut self.direction), offsets: first(&mut self.offsets), mixed: 0.0 }
    }
}

/// A term, and the part of the score as a function of what it gives.
struct Term<'a> {
    node: &'a Node,
    weight: f64,
    function: Function,
}

/// One of two pictures whose score is taken apart.
struct Side<'a> {
    plan: &'a Plan,
    rows: &'a [&'a [f32]],
}

impl Plan {
    /// What each term adds to the score of two pictures, whose rows are given as in [`describe`](Self::describe).
    pub fn split(&self, query: &[&[f32]], hit: &[&[f32]]) -> Result<Vec<Share>, SplitError> {
        let (query, hit) = (Side { plan: self, rows: query }, Side { plan: self, rows: hit });
        let (of_query, of_hit) = (query.terms(&hit)?, hit.terms(&query)?);
        let mut shares: Vec<Share> = of_query.iter().zip(&of_hit).map(|terms| share(&query, &hit, terms)).collect();
        let score: f64 = shares.iter().map(|share| share.part).sum();
        let alone = shares.len() == 1;
        shares.iter_mut().for_each(|share| share.share = if alone { 1.0 } else { share.part / score });
        tell_apart(&mut shares);
        Ok(shares)
    }

    /// For each term what the raw row of its source adds to the score of `rows` with `other`; `None` for terms that aren't
    /// linear in one row. Where steps mix the terms this is the part of the first picture's term with all of the second.
    pub(crate) fn row_parts(&self, rows: &[&[f32]], other: &[&[f32]]) -> Result<Vec<Option<RowPart>>, SplitError> {
        let side = Side { plan: self, rows };
        let terms = side.terms(&Side { plan: self, rows: other })?;
        Ok(terms.into_iter().map(|term| side.row_part(term.node, term.function)).collect())
    }

    /// The step at this place, if it is linear.
    fn linear(&self, place: usize) -> Option<Linear<'_>> {
        let stage = &self.stages[place];
        stage.step.linear(stage.parameters(&self.learnt[place]), stage.dims)
    }

    /// Whether a node is a sum, or linear steps alone stand behind one.
    fn splits(&self, node: &Node) -> bool {
        match node {
            Node::Row(_) => false,
            Node::Concatenated(_) | Node::Added(_) => true,
            Node::Stepped(input, place) => self.linear(*place).is_some() && self.splits(input),
        }
    }

    /// The first step behind a sum that isn't linear, if there is one.
    fn curve(&self, node: &Node) -> Option<usize> {
        let Node::Stepped(input, place) = node else { return None };
        if self.stages[*place].step.hides_its_input() {
            return None;
        }
        let here = || (self.linear(*place).is_none() && self.splits(input)).then_some(*place);
        self.curve(input).or_else(here)
    }

    /// The text of a node, whose sources and steps `name` names.
    fn text(&self, node: &Node, name: fn(&str) -> String) -> String {
        match node {
            Node::Row(i) => name(&self.sources[*i].id().to_string()),
            Node::Stepped(_, place) if self.stages[*place].step.hides_its_input() => name(&self.stages[*place].text),
            Node::Stepped(input, place) => {
                format!("{} | {}", self.text(input, name), name(&self.stages[*place].text))
            }
            Node::Concatenated(parts) => {
                let part = |(weight, part): &(f64, Node)| format!("{weight}*({})", self.text(part, name));
                parts.iter().map(part).collect::<Vec<_>>().join(" + ")
            }
            Node::Added(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.text(part, name)).collect();
                format!("sum({})", parts.join(", "))
            }
        }
    }
}

impl<'a> Side<'a> {
    fn value(&self, node: &Node) -> Vec<f32> {
        self.plan.evaluate(node, self.rows)
    }

    /// The terms, each with the function that the other picture makes of it.
    fn terms(&self, other: &Side<'_>) -> Result<Vec<Term<'a>>, SplitError> {
        let plan = self.plan;
        let recipe = || plan.canonical().to_owned();
        if plan.hasher.is_some() {
            return Err(SplitError::Code { recipe: recipe() });
        }
        if plan.ranking != Ranking::default() {
            return Err(SplitError::Neighbours { recipe: recipe() });
        }
        if let Some(place) = plan.curve(&plan.root) {
            return Err(SplitError::NotLinear { step: plan.stages[place].text.clone() });
        }
        let (Some(own), Some(others)) = (plan.vector(self.rows), plan.vector(other.rows)) else {
            return Err(SplitError::Nothing { recipe: recipe() });
        };
        let factor = inverse(norm(&own)) * inverse(norm(&others));
        let direction: Vec<f64> = others.iter().map(|x| f64::from(*x) * factor).collect();
        let function = Function { offsets: vec![0.0; direction.len()], direction, mixed: 0.0 };
        let mut terms = Vec::new();
        self.collect(Term { node: &plan.root, weight: 1.0, function }, &mut terms)?;
        Ok(terms)
    }

    /// Takes a part of the recipe apart as far as its sums go.
    fn collect(&self, term: Term<'a>, terms: &mut Vec<Term<'a>>) -> Result<(), SplitError> {
        match term.node {
            Node::Concatenated(parts) => return self.collect_blocks(term, parts, terms),
            Node::Added(parts) => return self.collect_added(term, parts, terms),
            Node::Stepped(input, place) if self.plan.splits(input) => {
                if let Some(function) = self.before(input, *place, &term.function) {
                    return self.collect(Term { node: input, function, ..term }, terms);
                }
            }
            Node::Row(_) | Node::Stepped(..) => {}
        }
        terms.push(term);
        Ok(())
    }

    fn collect_blocks(
        &self,
        mut sum: Term<'a>,
        parts: &'a [(f64, Node)],
        terms: &mut Vec<Term<'a>>,
    ) -> Result<(), SplitError> {
        if sum.function.mixed != 0.0 {
            return Err(self.mixed(sum.node));
        }
        for (weight, node) in parts {
            let value = self.value(node);
            let function = sum.function.split_off(value.len()).scaled(weight.sqrt() * inverse(norm(&value)));
            self.collect(Term { node, weight: sum.weight * weight, function }, terms)?;
        }
        Ok(())
    }

    fn collect_added(&self, sum: Term<'a>, parts: &'a [Node], terms: &mut Vec<Term<'a>>) -> Result<(), SplitError> {
        if sum.function.constant() != 0.0 {
            return Err(self.mixed(sum.node));
        }
        let weight = sum.weight / parts.len() as f64;
        for node in parts {
            let function = sum.function.clone().scaled(inverse(norm(&self.value(node))));
            self.collect(Term { node, weight, function }, terms)?;
        }
        Ok(())
    }

    fn mixed(&self, sum: &Node) -> SplitError {
        SplitError::MixedMean { recipe: self.plan.text(sum, str::to_owned) }
    }

    /// A function of what a step gives as one of what it gets from `input`; `None` behind a step that isn't linear.
    fn before(&self, input: &Node, place: usize, function: &Function) -> Option<Function> {
        let step = self.plan.linear(place)?;
        Some(function.before(step, norm(&self.value(input))))
    }

    /// The function of a term as one of the raw row it is made of.
    fn row_part(&self, node: &Node, function: Function) -> Option<RowPart> {
        match node {
            Node::Row(source) => {
                let constant = function.constant();
                Some(RowPart { source: *source, direction: function.direction, constant })
            }
            Node::Stepped(input, place) => self.row_part(input, self.before(input, *place, &function)?),
            Node::Concatenated(_) | Node::Added(_) => None,
        }
    }
}

fn share(query: &Side<'_>, hit: &Side<'_>, (of_query, of_hit): (&Term<'_>, &Term<'_>)) -> Share {
    let node = of_query.node;
    let (one, other) = (query.value(node), hit.value(node));
    let others: Vec<f64> = other.iter().map(|x| f64::from(*x)).collect();
    Share {
        term: query.plan.text(node, str::to_owned),
        name: query.plan.text(node, short),
        weight: of_query.weight,
        cosine: (dot(&others, &one) * inverse(norm(&one)) * inverse(norm(&other))).clamp(-1.0, 1.0),
        part: (of_query.function.of(&one) + of_hit.function.of(&other)) / 2.0,
        share: 0.0,
    }
}

/// Canonical forms where short names aren't different.
fn tell_apart(shares: &mut [Share]) {
    let names: Vec<String> = shares.iter().map(|share| share.name.clone()).collect();
    for share in shares {
        if names.iter().filter(|name| **name == share.name).count() > 1 {
            share.name.clone_from(&share.term);
        }
    }
}

/// `color/1` to `color`, `layer@NAME#sha8("conv")` to `layer("conv")`.
fn short(call: &str) -> String {
    let (head, arguments) = call.split_at(call.find('(').unwrap_or(call.len()));
    let name = head.split(['@', '/']).next().unwrap_or(head);
    format!("{name}{arguments}")
}

/// Sums run in the order of the dimensions.
fn dot(direction: &[f64], vector: &[f32]) -> f64 {
    direction.iter().zip(vector).map(|(a, b)| a * f64::from(*b)).sum()
}

/// Vectors of zeros stay what they are when they are scaled to a length.
fn inverse(norm: f64) -> f64 {
    if norm == 0.0 { 1.0 } else { norm.recip() }
}
