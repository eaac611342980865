//! Descriptors of chosen pictures, row by row.

use crate::rank::Rows;
use alike::rank::Neighbours;
use alike::recipe::{Descriptor, DescriptorKind, Plan};

#[derive(Clone)]
pub(super) enum Matrix {
    Vectors { dims: usize, values: Vec<f32> },
    Codes { bits: usize, words: Vec<u64> },
}

impl Matrix {
    /// `rows[i]` are picture `i`'s raw rows. A picture that gives nothing but zeros is as like one as another.
    pub(super) fn described(plan: &Plan, rows: &[Vec<&[f32]>]) -> Self {
        let descriptors = rows.iter().map(|rows| plan.describe(rows));
        match plan.kind() {
            DescriptorKind::Vector(dims) => {
                let mut values = Vec::with_capacity(rows.len() * dims);
                descriptors.for_each(|descriptor| match descriptor {
                    Some(Descriptor::Vector(vector)) => values.extend(vector),
                    _ => values.resize(values.len() + dims, 0.0),
                });
                Self::Vectors { dims, values }
            }
            DescriptorKind::Code(bits) => {
                let width = bits.div_ceil(64);
                let mut words = Vec::with_capacity(rows.len() * width);
                descriptors.for_each(|descriptor| match descriptor {
                    Some(Descriptor::Code(code)) => words.extend(code),
                    _ => words.resize(words.len() + width, 0),
                });
                Self::Codes { bits, words }
            }
        }
    }

    /// The first numbers of each vector, at unit length; codes are as they are.
    pub(super) fn cut(&self, kept: usize) -> Self {
        match self {
            Self::Vectors { dims, values } => {
                let rows = values.chunks_exact((*dims).max(1)).flat_map(|row| unit(&row[..kept]));
                Self::Vectors { dims: kept, values: rows.collect() }
            }
            Self::Codes { bits, words } => Self::Codes { bits: *bits, words: words.clone() },
        }
    }

    /// Drawn to their neighbours.
    pub(super) fn augmented(&self, neighbours: Neighbours, threads: usize) -> Self {
        match self {
            Self::Vectors { dims, values } => {
                Self::Vectors { dims: *dims, values: neighbours.augmented(*dims, values, threads) }
            }
            Self::Codes { bits, words } => Self::Codes { bits: *bits, words: words.clone() },
        }
    }

    pub(super) fn rows(&self) -> Rows<'_> {
        match self {
            Self::Vectors { dims, values } => Rows::Vectors { dims: *dims, values },
            Self::Codes { bits, words } => Rows::Codes { bits: *bits, words },
        }
    }
}

/// Zero stays zero.
fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    vector.iter().map(|x| if norm > 0.0 { (f64::from(*x) / norm) as f32 } else { 0.0 }).collect()
}
