//! The normalised text of a recipe: one blank around `+` and `|`, no needless parentheses.

use super::parse::is_model_char;
use super::{Arg, Call, Operand, Recipe, Term, Value};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Recipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, &self.terms, " + ")?;
        self.steps.iter().try_for_each(|step| write!(f, " | {step}"))
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(weight) = self.weight {
            write!(f, "{weight}*")?;
        }
        match &self.operand {
            Operand::Call(call) => call.fmt(f),
            Operand::Group(recipe) => write!(f, "({recipe})"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.model {
            Some(model) if !model.is_empty() && model.chars().all(is_model_char) => write!(f, "@{model}")?,
            Some(model) => {
                write!(f, "@{}", Quoted(model))?;
            }
            None => {}
        }
        if self.args.is_empty() {
            return Ok(());
        }
        f.write_char('(')?;
        separated(f, &self.args, ", ")?;
        f.write_char(')')
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "{key}=")?;
        }
        match &self.value {
            Value::Number(number) => number.fmt(f),
            Value::Word(word) => f.write_str(word),
            Value::Quoted(text) => Quoted(text).fmt(f),
            Value::Recipe(recipe) => recipe.fmt(f),
        }
    }
}

fn separated<T: Display>(f: &mut Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// Text between quotes, as recipes have it.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
