//! Recipes as points of a space: what they see, the steps behind, what is done with neighbours.

use alike::rank::Neighbours;
use std::fmt::{self, Display, Formatter};

/// A recipe that may be chosen. Display gives its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) base: Base,
    /// Square roots first.
    pub(super) power: bool,
    pub(super) center: bool,
    pub(super) axes: Option<Axes>,
    /// Of a code by iterative quantisation.
    pub(super) bits: Option<usize>,
    pub(super) augment: Option<Neighbours>,
    pub(super) expand: Option<Neighbours>,
}

/// What steps stand behind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Base {
    /// Sources with their parts of [`WHOLE`].
    Mix(Vec<(String, u32)>),
    /// A recipe as somebody wrote it.
    Written(String),
    /// One that ends in a code, or in what is done with neighbours: no step can follow.
    Closed(String),
}

/// The parts of a mix add up to this.
pub(super) const WHOLE: u32 = 10;

/// Principal axes, whitened by a power or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axes {
    pub(super) dims: usize,
    pub(super) whiten: Option<f64>,
}

impl Candidate {
    /// No steps.
    pub(super) fn new(base: Base) -> Self {
        Self { base, power: false, center: false, axes: None, bits: None, augment: None, expand: None }
    }

    /// Whether steps can follow the base.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.base, Base::Closed(_))
    }

    /// Nothing of neighbours, and with so many axes where there are any: what is learnt once for all of its like, since axes
    /// come in the order of their variance, and fewer of them are the first of more.
    pub(super) fn learnt(&self, widest: usize) -> Self {
        let axes = self.axes.map(|axes| Axes { dims: self.cut().map_or(axes.dims, |_| widest), ..axes });
        Self { axes, augment: None, expand: None, ..self.clone() }
    }

    /// How many axes are kept of those; `None` where vectors stay as they are.
    pub(super) fn cut(&self) -> Option<usize> {
        self.axes.filter(|_| self.bits.is_none()).map(|axes| axes.dims)
    }

    /// Sources and steps.
    pub(super) fn parts(&self) -> usize {
        1 + self.to_string().matches(['|', '+']).count()
    }
}

impl Display for Candidate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)?;
        if self.power {
            f.write_str(" | power(0.5)")?;
        }
        if self.center {
            f.write_str(" | center")?;
        }
        match self.axes {
            None => {}
            Some(Axes { dims, whiten: None }) => write!(f, " | pca({dims})")?,
            Some(Axes { dims, whiten: Some(power) }) => write!(f, " | whiten({dims}, {power})")?,
        }
        if let Some(bits) = self.bits {
            write!(f, " | hash(itq, {bits})")?;
        }
        for (name, neighbours) in [("augment", self.augment), ("expand", self.expand)] {
            if let Some(Neighbours { count, alpha }) = neighbours {
                write!(f, " | {name}({count}, {alpha})")?;
            }
        }
        Ok(())
    }
}

impl Display for Base {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parts = match self {
            Self::Written(text) | Self::Closed(text) => return f.write_str(text),
            Self::Mix(parts) => parts.iter().filter(|(_, tenths)| *tenths > 0),
        };
        let mut before = "";
        for (source, tenths) in parts {
            if *tenths == WHOLE {
                return f.write_str(source);
            }
            write!(f, "{before}{}*{source}", f64::from(*tenths) / f64::from(WHOLE))?;
            before = " + ";
        }
        Ok(())
    }
}
