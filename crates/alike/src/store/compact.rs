//! When a writer merges segments: on another thread while it adds more, and what is left when it ends.

use super::merge::{Job, Merge, Merged, choose};
use super::segment::{Place, Segment};
use super::snapshot::{open_recipe_segments, open_source, recipe_place, source_place};
use super::{RecordId, StoreError, Writer, records};

/// Batches whose segments wait to be merged before that is worth a thread.
const MERGE_AFTER: usize = 16;

/// Batches whose segments may wait while a merge is under way, so that their number has a bound on a slow disk, too.
const MOST_WAITING: usize = 64;

impl Writer {
    /// Merges what is small, and what is outgrown by what came after it; drops the rows of removed records where they
    /// are more than a quarter. Then brings the indexes of vectors in line.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.settle()?;
        let live = self.database.record_ids()?;
        let mut jobs = self.source_jobs(&live)?;
        jobs.extend(self.recipe_jobs(&live)?);
        for job in jobs {
            let merged = job.write(&live)?;
            self.switch(merged)?;
        }
        self.index_all()
    }

    /// Makes visible what a thread has merged, and gives it more to do if enough batches came meanwhile.
    pub(super) fn merge_meanwhile(&mut self) -> Result<(), StoreError> {
        let is_busy = self.merge.as_ref().is_some_and(|merge| !merge.is_done());
        if self.waiting < if is_busy { MOST_WAITING } else { MERGE_AFTER } {
            return Ok(());
        }
        self.settle()?;
        let live = self.database.record_ids()?;
        let jobs = self.source_jobs(&live)?;
        self.merge = Some(Merge::start(jobs, live)?);
        self.waiting = 0;
        Ok(())
    }

    /// Waits for the thread.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        let Some(merge) = self.merge.take() else { return Ok(()) };
        merge.finish()?.into_iter().try_for_each(|merged| self.switch(merged))
    }

    fn source_jobs(&mut self, live: &[RecordId]) -> Result<Vec<Job>, StoreError> {
        let mut jobs = Vec::new();
        for source in self.database.sources()? {
            let segments = open_source(&self.database, &self.dir, &source)?;
            let place = source_place(&self.dir, &source);
            jobs.extend(self.job(format!("source {}", source.key), place, segments, live));
        }
        Ok(jobs)
    }

    fn recipe_jobs(&mut self, live: &[RecordId]) -> Result<Vec<Job>, StoreError> {
        let mut jobs = Vec::new();
        for recipe in self.database.recipes()? {
            self.forget_lost(&recipe.key)?;
            let segments = open_recipe_segments(&self.database, &self.dir, &recipe)?;
            let place = recipe_place(&self.dir, &recipe);
            jobs.extend(self.job(format!("recipe {}", recipe.key), place, segments, live));
        }
        Ok(jobs)
    }

    fn job(&mut self, owner: String, place: Place, segments: Vec<Segment>, live: &[RecordId]) -> Option<Job> {
        let segments = choose(segments, live);
        if segments.is_empty() {
            return None;
        }
        let number = self.next_segment;
        self.next_segment += 1;
        Some(Job { owner, place, segments, number })
    }

    /// Puts a merged segment in the place of those it was made of.
    fn switch(&mut self, merged: Merged) -> Result<(), StoreError> {
        let Merged { owner, place, old, segment } = merged;
        self.database.transaction(|connection| {
            old.iter().try_for_each(|&number| records::remove_segment(connection, &owner, number))?;
            segment.iter().try_for_each(|segment| records::put_segment(connection, &owner, segment))
        })?;
        for number in old {
            // Where a reader's map forbids it (Windows), the next writer tries again.
            drop(fs_err::remove_file(place.file(number)));
        }
        Ok(())
    }
}
