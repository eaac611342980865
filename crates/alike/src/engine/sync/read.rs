//! Reading ahead: workers find the next file's bytes waiting for them, and none waits for a disk.

use super::changes::Task;
use super::work::{LeftOut, left_out, skip};
use crate::picture::{self, MemoryBudget, PictureError, Share};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What files read ahead may take together, in bytes. A larger one is read when it is alone.
const AHEAD_BYTES: u64 = 64 << 20;

/// More threads than that don't make a disk faster.
const MOST_THREADS: usize = 4;

/// How much of a file is looked at to tell whether it is a picture at all.
const HEAD_BYTES: u64 = 64;

/// A file for the next worker that is free.
pub(super) struct FileRead<'a> {
    /// Of its task.
    pub(super) position: usize,
    pub(super) bytes: Result<Vec<u8>, LeftOut>,
    pub(super) took: Duration,
    /// Given back when the worker is done with the file.
    _share: Share<'a>,
}

/// The files of a run, handed out once each, in their order.
pub(super) struct Reader<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    ahead: MemoryBudget,
    /// No file has to be longer.
    max_bytes: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tasks: &'a [Task], max_bytes: u64) -> Self {
        Self { tasks, next: AtomicUsize::new(0), ahead: MemoryBudget::new(AHEAD_BYTES), max_bytes }
    }

    /// How many threads shall read for that many workers.
    pub(super) fn threads(workers: usize) -> usize {
        workers.min(MOST_THREADS)
    }

    /// Reads until there is nothing left, nobody takes it, or it shall stop.
    pub(super) fn read<'r>(&'r self, stop: impl Fn() -> bool, files: &crossbeam_channel::Sender<FileRead<'r>>) {
        while !stop() {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(position) else { return };
            let share = self.ahead.take(task.stamp.size.min(self.max_bytes));
            let started = Instant::now();
            let bytes = self.bytes(task);
            if files.send(FileRead { position, bytes, took: started.elapsed(), _share: share }).is_err() {
                return;
            }
        }
    }

    /// The file's bytes, once its size is within the limit and its beginning looks like a picture.
    fn bytes(&self, task: &Task) -> Result<Vec<u8>, LeftOut> {
        let io = |error: std::io::Error| skip(task, &PictureError::Io(error));
        let mut file = fs_err::File::open(&task.path).map_err(io)?;
        let mut bytes = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).map_err(io)?;
        if !task.named && !picture::looks_like_picture(&task.path, &bytes) {
            return Err(left_out(task, "not a picture, by name and by content", false));
        }
        let limit = self.max_bytes;
        // The size on record may be outdated, or endless as that of a pipe: the reading itself is bounded, too.
        let rest = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
        if task.stamp.size <= limit {
            file.take(rest).read_to_end(&mut bytes).map_err(io)?;
        }
        if task.stamp.size.max(bytes.len() as u64) > limit {
            return Err(left_out(
                task,
                &format!("a file of more than {limit} bytes: raise --max-memory to read it"),
                true,
            ));
        }
        Ok(bytes)
    }
}
