//! What the scores of a searcher's recipe mean: kept with the collection, or estimated from its own pictures now.

use super::nearest::Effort;
use super::search::{SearchError, Searcher};
use crate::calibration::{Background, Calibration, Origin, from_background};
use crate::index::ScoredId;
use crate::recipe::{Descriptor, spread};
use crate::store::{RecordId, StoreError};
use sha2::{Digest, Sha256};

/// Pictures that are compared with others for the estimate, evenly spread over the gallery.
const QUERIES: usize = 256;
/// Pictures they are compared with to see the background.
const AGAINST: usize = 4096;
/// The greatest scores of each in the whole gallery.
const FOUND: usize = 256;
/// Share of these that must be found.
const RECALL: f64 = 0.99;

/// A gallery that has grown by this factor has as many more unrelated pictures above a score.
const OUTGROWN: usize = 2;

/// A calibration that the collection keeps, and whether it still holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// The recipe wasn't calibrated.
    None,
    /// It holds.
    Fits(Calibration),
    /// It holds, but the gallery is so much larger now that more unrelated pictures stand above each score.
    Outgrown(Calibration),
    /// The recipe has learnt anew since, and gives other scores.
    LearntAnew,
}

impl Searcher {
    /// What the collection keeps of the recipe's scores.
    pub fn kept_calibration(&self) -> Result<Kept, StoreError> {
        let snapshot = self.snapshot();
        let key = self.plan().key();
        if snapshot.recipes().iter().all(|entry| entry.key != key) {
            return Ok(Kept::None);
        }
        Ok(match snapshot.calibration(key)? {
            None => Kept::None,
            Some(kept) if kept.origin.recipe != self.canonical() => Kept::None,
            Some(kept) if kept.origin.learnt != self.origin(0).learnt => Kept::LearntAnew,
            Some(kept) if snapshot.ids().len() > kept.origin.pictures.saturating_mul(OUTGROWN) => Kept::Outgrown(kept),
            Some(kept) => Kept::Fits(kept),
        })
    }

    /// What a calibration that is made now from so many queries comes from.
    pub fn origin(&self, queries: usize) -> Origin {
        let hex = |parameters: Vec<u8>| Sha256::digest(&parameters).iter().map(|byte| format!("{byte:02x}")).collect();
        let (pictures, recipe) = (self.snapshot().ids().len(), self.canonical().to_owned());
        Origin { queries, pictures, recipe, learnt: self.plan().parameters().map(hex) }
    }

    /// Estimates from scores of the gallery's own pictures, of a sample where there are many, what scores mean. `None`
    /// where they show no background: too few pictures, or all alike.
    pub fn estimated_calibration(&self, threads: usize) -> Result<Option<Calibration>, SearchError> {
        let ids = self.snapshot().ids();
        let [queries, among] =
            [QUERIES, AGAINST].map(|most| spread(ids, ids.len().min(most)).copied().collect::<Vec<RecordId>>());
        let background = self.scores(&queries, Some(&among), among.len(), threads)?;
        let background: Vec<f32> = background.iter().flat_map(|(_, hits)| hits).map(|hit| hit.score).collect();
        let Some(background) = Background::fit(&background, self.kind()) else { return Ok(None) };
        let found = self.scores(&queries, None, FOUND + 1, threads)?;
        let pairs = found.len() * ids.len().saturating_sub(1);
        let found: Vec<f32> = found.iter().flat_map(|(_, hits)| hits).map(|hit| hit.score).collect();
        Ok(Some(from_background(&background, &found, pairs as f64, self.origin(0))))
    }

    /// Of the best `k` scores of each picture with those of `among` (ascending; `None`: all, of which the index finds
    /// nearly all) those with others than itself, best first. Pictures without descriptor are left out.
    pub fn scores(
        &self,
        pictures: &[RecordId],
        among: Option<&[RecordId]>,
        k: usize,
        threads: usize,
    ) -> Result<Vec<(RecordId, Vec<ScoredId>)>, SearchError> {
        let described = pictures.iter().copied().zip(self.descriptors(pictures)?);
        let (ids, queries): (Vec<RecordId>, Vec<Descriptor>) =
            described.filter_map(|(id, descriptor)| Some((id, descriptor?))).unzip();
        let effort = Effort { threads, recall: if among.is_some() { 1.0 } else { RECALL } };
        let (mut found, _) = self.ranked(&queries, k, among, self.plan().ranking().expand, effort)?;
        for (id, hits) in ids.iter().zip(&mut found) {
            hits.retain(|hit| hit.id != *id);
        }
        Ok(ids.into_iter().zip(found).collect())
    }
}
