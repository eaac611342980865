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
    /// Of what is read ahead, until the worker takes the file.
    pub(super) share: Option<Share<'a>>,
}

/// A file that is worth reading, and its beginning.
struct Begun {
    file: fs_err::File,
    head: Vec<u8>,
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
            let started = Instant::now();
            let begun = self.begin(task);
            let mut took = started.elapsed();
            // Not before: waiting for room with a film that nobody reads would keep others from reading.
            let share = begun.is_ok().then(|| self.ahead.take(task.stamp.size));
            let started = Instant::now();
            let bytes = begun.and_then(|begun| self.finish(task, begun));
            took += started.elapsed();
            if files.send(FileRead { position, bytes, took, share }).is_err() {
                return;
            }
        }
    }

    /// Opens the file, if its size is within the limit and its beginning looks like a picture.
    fn begin(&self, task: &Task) -> Result<Begun, LeftOut> {
        let mut file = fs_err::File::open(&task.path).map_err(|error| unreadable(task, error))?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| unreadable(task, error))?;
        if !task.named && !picture::looks_like_picture(&task.path, &head) {
            return Err(left_out(task, "not a picture, by name and by content", false));
        }
        self.check_size(task, task.stamp.size)?;
        Ok(Begun { file, head })
    }

    fn finish(&self, task: &Task, Begun { file, head: mut bytes }: Begun) -> Result<Vec<u8>, LeftOut> {
        // The file may have grown since its size was taken: the reading itself is bounded, too.
        let rest = self.max_bytes.saturating_add(1).saturating_sub(bytes.len() as u64);
        file.take(rest).read_to_end(&mut bytes).map_err(|error| unreadable(task, error))?;
        self.check_size(task, bytes.len() as u64)?;
        Ok(bytes)
    }

    fn check_size(&self, task: &Task, size: u64) -> Result<(), LeftOut> {
        let limit = self.max_bytes;
        let reason =
            || format!("a file of {size} bytes or more, wanted at most {limit}: raise --max-memory to read it");
        if size <= limit { Ok(()) } else { Err(left_out(task, &reason(), true)) }
    }
}

fn unreadable(task: &Task, error: std::io::Error) -> LeftOut {
    skip(task, &PictureError::Io(error))
}
