//! What a recipe is judged by: descriptors of chosen pictures as blocks of memory.

use super::material::Bound;
use alike::engine::Searcher;
use alike::recipe::{Descriptor, DescriptorKind};
use alike::store::RecordId;
use alike_eval::neighbours::{self, QuerySide};
use alike_eval::rank::{Found, Rows};
use alike_eval::truth::Truth;

/// Pictures described at a time: their descriptors exist twice while they are copied.
pub(super) const BATCH: usize = 4096;

/// One recipe's descriptors, row by row.
pub(super) enum Descriptors {
    Vectors { dims: usize, values: Vec<f32> },
    Codes { bits: usize, words: Vec<u64> },
}

impl Descriptors {
    /// The gallery's, augmented if the recipe says so.
    pub(super) fn of_gallery(bound: &Bound, ids: &[RecordId], threads: usize) -> anyhow::Result<Self> {
        Ok(match (Self::of(&bound.gallery, ids)?, bound.gallery.plan().ranking().augment) {
            (Self::Vectors { dims, values }, Some(augment)) => {
                Self::Vectors { dims, values: augment.augmented(dims, &values, threads) }
            }
            (descriptors, _) => descriptors,
        })
    }

    /// The descriptors of these records, all of which have one.
    fn of(searcher: &Searcher, ids: &[RecordId]) -> anyhow::Result<Self> {
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

/// The queries' descriptors, with what the recipe makes of their neighbours in the gallery.
pub(super) struct Queries {
    descriptors: Descriptors,
    pub(super) reranked: Option<Vec<Vec<Found>>>,
}

impl Queries {
    /// `gallery` are the descriptors of the truth's pictures, `ids` the records of its queries.
    pub(super) fn of(
        bound: &Bound,
        ids: &[RecordId],
        gallery: &Descriptors,
        truth: &Truth,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let ranking = bound.gallery.plan().ranking();
        Ok(match (Descriptors::of(&bound.queries, ids)?, gallery) {
            (Descriptors::Vectors { dims, values }, Descriptors::Vectors { values: gallery, .. }) => {
                let QuerySide { queries, reranked } =
                    neighbours::query_side(ranking, dims, gallery, values, truth, threads);
                Self { descriptors: Descriptors::Vectors { dims, values: queries }, reranked }
            }
            (descriptors, _) => Self { descriptors, reranked: None },
        })
    }

    pub(super) fn rows(&self) -> Rows<'_> {
        self.descriptors.rows()
    }
}
