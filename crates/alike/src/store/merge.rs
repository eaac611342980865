//! Segments become one: which, and how. What is done here reads maps and writes files; the database is the writer's.

use super::filter::wanted;
use super::segment::{Place, Segment, SegmentEntry, write_file};
use super::{RecordId, StoreError};
use std::thread::JoinHandle;

/// Segments below this are merged with their neighbours, however large those are.
const SMALL_ROWS: usize = 1024;

/// A larger one is merged once those that came after it have so many times its rows: a row is written the less often, and
/// the more segments there are.
const RATIO: usize = 4;

/// Segments of one source or recipe that become one.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) owner: String,
    pub(super) place: Place,
    pub(super) segments: Vec<Segment>,
    /// What the merged segment is called.
    pub(super) number: u64,
}

/// What became of a [`Job`].
pub(super) struct Merged {
    pub(super) owner: String,
    pub(super) place: Place,
    pub(super) old: Vec<u64>,
    /// `None` if all rows were dead.
    pub(super) segment: Option<SegmentEntry>,
}

/// The segments to merge, of those in the order of their numbers: all where more than a quarter of the rows are dead,
/// else the newest. Empty where nothing is to be done.
pub(super) fn choose(mut segments: Vec<Segment>, live: &[RecordId]) -> Vec<Segment> {
    let total: usize = segments.iter().map(|segment| segment.ids.len()).sum();
    let dead: usize = segments.iter().map(|segment| dead_rows(segment, live)).sum();
    if dead * 4 > total {
        return segments;
    }
    let chosen = segments.split_off(merge_from(&segments));
    if chosen.len() > 1 { chosen } else { Vec::new() }
}

fn dead_rows(segment: &Segment, live: &[RecordId]) -> usize {
    wanted(&segment.ids, live, None).map_or(0, |wanted| wanted.iter().filter(|&&is_live| !is_live).count())
}

/// From the oldest that is small, or outgrown by those that came after it. The number of segments grows with the logarithm
/// of their rows, as do the times that a row is written.
fn merge_from(segments: &[Segment]) -> usize {
    let (mut from, mut newer) = (segments.len(), 0);
    for (i, segment) in segments.iter().enumerate().rev() {
        let rows = segment.ids.len();
        if rows < SMALL_ROWS || rows.saturating_mul(RATIO) <= newer {
            from = i;
        }
        newer += rows;
    }
    from
}

impl Job {
    /// Writes the rows of the records in `live` to a file that no transaction has named yet.
    pub(super) fn write(self, live: &[RecordId]) -> Result<Merged, StoreError> {
        let mut rows: Vec<(RecordId, &[u8])> = Vec::new();
        for segment in &self.segments {
            let is_live = wanted(&segment.ids, live, None);
            let ids = segment.ids.iter().enumerate().filter(|&(row, _)| is_live.as_ref().is_none_or(|live| live[row]));
            rows.extend(ids.map(|(row, &id)| (id, segment.row_bytes(row))));
        }
        rows.sort_unstable_by_key(|&(id, _)| id);
        let segment = if rows.is_empty() {
            None
        } else {
            let sha256 = write_file(&self.place, self.number, rows.len(), rows.iter().map(|&(_, row)| row))?;
            Some(SegmentEntry { number: self.number, ids: rows.iter().map(|&(id, _)| id).collect(), sha256 })
        };
        let old = self.segments.iter().map(|segment| segment.number).collect();
        Ok(Merged { owner: self.owner, place: self.place, old, segment })
    }
}

/// Jobs that a thread of their own is at. It ends before this does, since its files are those of the lock's holder.
#[derive(Debug)]
pub(super) struct Merge {
    thread: Option<JoinHandle<Result<Vec<Merged>, StoreError>>>,
}

impl Merge {
    /// Rows of records that aren't in `live` are left out. Those that die from now on are dead rows of the merged segment.
    pub(super) fn start(jobs: Vec<Job>, live: Vec<RecordId>) -> Result<Self, StoreError> {
        let thread = std::thread::Builder::new().name("merge".to_owned());
        let thread = thread.spawn(move || jobs.into_iter().map(|job| job.write(&live)).collect())?;
        Ok(Self { thread: Some(thread) })
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for it.
    pub(super) fn finish(mut self) -> Result<Vec<Merged>, StoreError> {
        let Some(thread) = self.thread.take() else { return Ok(Vec::new()) };
        // A panic is a bug, and ends the writer as it would have on the writer's own thread.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Merge {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Nobody wants the outcome: the next writer removes the files.
            drop(thread.join());
        }
    }
}
