//! What a call has in its parentheses, taken one by one.

use super::{Arg, Operand, Value};

/// The arguments of a source or a step, in order. Each method takes the next one where it is of that kind; what is left in
/// the end was not wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a>(&'a [Arg]);

impl<'a> Arguments<'a> {
    pub(super) fn new(args: &'a [Arg]) -> Self {
        Self(args)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    fn take<T>(&mut self, key: Option<&str>, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let (next, rest) = self.0.split_first()?;
        let value = read(&next.value).filter(|_| next.key.as_deref() == key)?;
        self.0 = rest;
        Some(value)
    }

    /// `3`
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.take(None, number)
    }

    /// `seed=3`
    pub(crate) fn named_number(&mut self, key: &str) -> Option<f64> {
        self.take(Some(key), number)
    }

    /// `avg`
    pub(crate) fn word(&mut self) -> Option<&'a str> {
        self.take(None, |value| if let Value::Word(word) = value { Some(word.as_str()) } else { None })
    }

    /// `"features/conv"`
    pub(crate) fn quoted(&mut self) -> Option<&'a str> {
        self.take(None, |value| if let Value::Quoted(text) = value { Some(text.as_str()) } else { None })
    }

    /// `gem(3)`: a name, and what stands in its parentheses.
    pub(crate) fn call(&mut self) -> Option<(&'a str, Self)> {
        self.take(None, |value| {
            let Value::Recipe(recipe) = value else { return None };
            let [term] = recipe.terms.as_slice() else { return None };
            match &term.operand {
                Operand::Call(call) if term.weight.is_none() && recipe.steps.is_empty() && call.model.is_none() => {
                    Some((call.name.as_str(), Self(&call.args)))
                }
                _ => None,
            }
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    if let Value::Number(number) = value { Some(*number) } else { None }
}

/// Whole numbers that f64 tells apart.
pub(crate) fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
}
