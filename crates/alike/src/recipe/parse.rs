//! The text form, read by recursive descent. Recursion is bounded: recipes come from strangers.

use super::{Arg, Call, Column, Operand, Recipe, RecipeError, Term, Value};

const MAX_BYTES: usize = 4096;
const MAX_DEPTH: usize = 32;
const WEIGHTS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

pub(super) fn recipe(text: &str) -> Result<Recipe, RecipeError> {
    if text.len() > MAX_BYTES {
        return Err(RecipeError::TooLong { bytes: text.len(), limit: MAX_BYTES });
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let recipe = parser.recipe()?;
    if parser.peek().is_some() {
        return Err(parser.syntax("`+`, `|` or the end"));
    }
    Ok(recipe)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn recipe(&mut self) -> Result<Recipe, RecipeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(RecipeError::TooDeep { limit: MAX_DEPTH, column: self.column() });
        }
        let mut terms = vec![self.term()?];
        while self.take('+') {
            terms.push(self.term()?);
        }
        let mut steps = Vec::new();
        while self.take('|') {
            steps.push(self.call("the name of a step")?);
        }
        self.depth -= 1;
        Ok(unwrapped(terms, steps))
    }

    fn term(&mut self) -> Result<Term, RecipeError> {
        let weight = if self.at_number() { Some(self.weight()?) } else { None };
        if !self.take('(') {
            return Ok(Term { weight, operand: Operand::Call(self.call("the name of a source, a weight or `(`")?) });
        }
        let inner = self.recipe()?;
        self.expect(')', "`+`, `|` or `)`")?;
        Ok(Term { weight, operand: grouped(inner) })
    }

    fn weight(&mut self) -> Result<f64, RecipeError> {
        let column = self.column();
        let weight = self.number()?;
        if !WEIGHTS.contains(&weight) {
            return Err(RecipeError::Weight { weight, column });
        }
        self.expect('*', "`*` after the weight")?;
        Ok(weight)
    }

    fn call(&mut self, wanted: &'static str) -> Result<Call, RecipeError> {
        let column = Column(self.column());
        let name = self.word(wanted)?;
        let model = if self.take('@') { Some(self.model()?) } else { None };
        let args = if self.take('(') { self.args()? } else { Vec::new() };
        Ok(Call { name, model, args, column })
    }

    fn model(&mut self) -> Result<String, RecipeError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let name = self.while_char(is_model_char);
        if name.is_empty() { Err(self.syntax("the name of a model")) } else { Ok(name.into()) }
    }

    fn args(&mut self) -> Result<Vec<Arg>, RecipeError> {
        let mut args = vec![self.arg()?];
        while self.take(',') {
            args.push(self.arg()?);
        }
        self.expect(')', "`,` or `)`")?;
        Ok(args)
    }

    fn arg(&mut self) -> Result<Arg, RecipeError> {
        let start = self.at;
        self.skip_blank();
        let key = self.while_char(is_word_char).to_owned();
        if key.starts_with(is_word_start) && self.take('=') {
            return Ok(Arg { key: Some(key), value: self.value()? });
        }
        self.at = start;
        Ok(Arg { key: None, value: self.value()? })
    }

    fn value(&mut self) -> Result<Value, RecipeError> {
        if self.peek() == Some('"') {
            return Ok(Value::Quoted(self.quoted()?));
        }
        if self.at_number() {
            let start = self.at;
            let number = self.number()?;
            if self.peek() != Some('*') {
                return Ok(Value::Number(number));
            }
            self.at = start;
        }
        let recipe = self.recipe()?;
        Ok(bare_word(&recipe).map_or(Value::Recipe(recipe), Value::Word))
    }

    fn word(&mut self, wanted: &'static str) -> Result<String, RecipeError> {
        if !self.peek().is_some_and(is_word_start) {
            return Err(self.syntax(wanted));
        }
        Ok(self.while_char(is_word_char).into())
    }

    fn at_number(&mut self) -> bool {
        self.peek().is_some_and(|c| c.is_ascii_digit() || c == '-' || c == '.')
    }

    fn number(&mut self) -> Result<f64, RecipeError> {
        self.skip_blank();
        let start = self.at;
        self.while_char(|c| c == '-');
        self.while_char(|c| c.is_ascii_digit() || c == '.');
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            self.while_char(|c| c == '-' || c == '+');
            self.while_char(|c| c.is_ascii_digit());
        }
        let number = self.text[start..self.at].parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| {
            self.at = start;
            self.syntax("a finite number")
        })
    }

    /// Between quotes, `\"` and `\\` stand for `"` and `\`.
    fn quoted(&mut self) -> Result<String, RecipeError> {
        self.expect('"', "`\"`")?;
        let mut content = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(content);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => content.push(escaped),
                    _ => {
                        self.at += i + 1;
                        return Err(self.syntax("`\"` or `\\` after `\\`"));
                    }
                },
                other => content.push(other),
            }
        }
        self.at = self.text.len();
        Err(self.syntax("a closing `\"`"))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_blank();
        self.rest().chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, c: char, wanted: &'static str) -> Result<(), RecipeError> {
        if self.take(c) { Ok(()) } else { Err(self.syntax(wanted)) }
    }

    fn while_char(&mut self, allowed: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !allowed(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn column(&mut self) -> usize {
        self.skip_blank();
        self.text[..self.at].chars().count() + 1
    }

    fn syntax(&mut self, wanted: &'static str) -> RecipeError {
        let column = self.column();
        let got = self.rest().chars().next().map_or("the end".into(), |c| format!("`{}`", c.escape_debug()));
        RecipeError::Syntax { wanted, got, column }
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(super) fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// `#` lets `NAME#sha8`, as canonical text and messages show it, be typed back in.
pub(super) fn is_model_char(c: char) -> bool {
    is_word_char(c) || c == '.' || c == '#'
}

/// Parentheses around a whole sum say nothing: `(a + b) | s` is `a + b | s`.
fn unwrapped(mut terms: Vec<Term>, steps: Vec<Call>) -> Recipe {
    match terms.as_mut_slice() {
        [Term { weight: None, operand: Operand::Group(inner) }] => {
            let inner = std::mem::replace(inner.as_mut(), Recipe { terms: vec![], steps: vec![] });
            Recipe { terms: inner.terms, steps: [inner.steps, steps].concat() }
        }
        _ => Recipe { terms, steps },
    }
}

/// Nor do parentheses around one call.
fn grouped(mut inner: Recipe) -> Operand {
    let lone = inner.terms.len() == 1 && inner.steps.is_empty() && inner.terms[0].weight.is_none();
    if lone { inner.terms.remove(0).operand } else { Operand::Group(Box::new(inner)) }
}

fn bare_word(recipe: &Recipe) -> Option<String> {
    match recipe.terms.as_slice() {
        [Term { weight: None, operand: Operand::Call(call) }]
            if recipe.steps.is_empty() && call.model.is_none() && call.args.is_empty() =>
        {
            Some(call.name.clone())
        }
        _ => None,
    }
}
