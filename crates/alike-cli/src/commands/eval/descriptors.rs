//! Descriptors of chosen pictures as one block of memory.

use alike::engine::Searcher;
use alike::recipe::{Descriptor, DescriptorKind};
use alike::store::RecordId;
use alike_eval::rank::Rows;

/// Pictures described at a time: their descriptors exist twice while they are copied.
pub(super) const BATCH: usize = 4096;

/// One recipe's descriptors, row by row.
pub(super) enum Descriptors {
    Vectors { dims: usize, values: Vec<f32> },
    Codes { bits: usize, words: Vec<u64> },
}

impl Descriptors {
    /// The descriptors of these records, all of which have one.
    pub(super) fn of(searcher: &Searcher, ids: &[RecordId]) -> anyhow::Result<Self> {
        let mut all = match searcher.kind() {
            DescriptorKind::Vector(dims) => Self::Vectors { dims, values: Vec::with_capacity(ids.len() * dims) },
            DescriptorKind::Code(bits) => {
                Self::Codes { bits, words: Vec::with_capacity(ids.len() * bits.div_ceil(64)) }
            }
        };
        for batch in ids.chunks(BATCH) {
            for descriptor in searcher.descriptors(batch)?.into_iter().flatten() {
                match (&mut all, descriptor) {
                    (Self::Vectors { values, .. }, Descriptor::Vector(row)) => values.extend(row),
                    (Self::Codes { words, .. }, Descriptor::Code(row)) => words.extend(row),
                    _ => anyhow::bail!("`{}` gave a descriptor of another kind", searcher.recipe()),
                }
            }
        }
        Ok(all)
    }

    pub(super) fn rows(&self) -> Rows<'_> {
        match self {
            Self::Vectors { dims, values } => Rows::Vectors { dims: *dims, values },
            Self::Codes { bits, words } => Rows::Codes { bits: *bits, words },
        }
    }
}
