//! The workers that decode and describe, between the threads that read ahead and the one that commits.

use super::changes::{Changes, Task, Why};
use super::commit::Committer;
use super::read::{FileRead, Reader};
use super::{Event, Skip, StageTimes, SyncError, SyncReport, SyncRequest};
use crate::engine::extract::Extractor;
use crate::engine::{DescribeError, Engine};
use crate::gallery::Skipped;
use crate::picture::{self, Decoding, PictureError, Views};
use crate::source::Source;
use crate::store::{Batch, ContentHash, Writer};
use sha2::{Digest, Sha256};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) request: &'a SyncRequest<'a>,
    pub(super) decoding: Decoding,
    pub(super) sources: &'a [Arc<dyn Source>],
    /// Key of each scope's root.
    pub(super) roots: &'a [u64],
}

/// What a worker made of a task.
pub(super) struct Done {
    pub(super) task: usize,
    pub(super) result: Result<Described, LeftOut>,
    pub(super) times: StageTimes,
}

pub(super) struct LeftOut {
    pub(super) skip: Skip,
    /// The file could not be read this time, which says nothing about what is in it.
    pub(super) unreadable: bool,
}

pub(super) enum Described {
    /// Only the time stamp changed.
    Same { content: ContentHash },
    /// Rows of the sources at these positions.
    Rows { content: ContentHash, width: u32, height: u32, rows: Vec<(usize, Vec<f32>)> },
}

/// The files that are read ahead. When nobody wants them any more they are thrown away: a reader waits until others' are
/// taken, and the queue keeps them as long as there are readers.
struct Reading<'a, 'f> {
    files: crossbeam_channel::Receiver<FileRead<'f>>,
    stop: &'a AtomicBool,
}

impl Drop for Reading<'_, '_> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.files.iter().for_each(drop);
    }
}

/// Ends the run when its thread panics.
struct OnPanic<'a>(&'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl Run<'_> {
    pub(super) fn execute(
        &self,
        changes: Changes,
        writer: &mut Writer,
        report: &mut SyncReport,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), SyncError> {
        self.forget(&changes, writer, report)?;
        let first_id = writer.reserve_ids(changes.tasks.len() as u64)?;
        let tasks = &changes.tasks[..];
        let reader = Reader::new(tasks, self.request.decode.limits.max_bytes);
        let stop = &AtomicBool::new(false);
        let ends = || stop.load(Ordering::Relaxed) || self.request.cancel.load(Ordering::Relaxed);
        let mut committer = Committer::new(self, tasks, first_id, writer, report);
        std::thread::scope(|threads| {
            let jobs = self.request.jobs.clamp(1, tasks.len().max(1));
            let (sender, files) = crossbeam_channel::bounded(jobs);
            for _ in 0..Reader::threads(jobs) {
                let (sender, reader) = (sender.clone(), &reader);
                threads.spawn(move || reader.read(ends, &sender));
            }
            drop(sender);
            let (sender, results) = mpsc::sync_channel(2 * jobs);
            let workers = (0..jobs).map(|_| {
                let (files, sender) = (files.clone(), sender.clone());
                threads.spawn(move || {
                    let _end = OnPanic(stop);
                    self.work(tasks, &files, ends, &sender).inspect_err(|_| stop.store(true, Ordering::Relaxed))
                })
            });
            let workers: Vec<_> = workers.collect();
            let reading = Reading { files, stop };
            drop(sender);
            let committed = committer.receive(&results, on_event);
            drop((results, reading));
            for worker in workers {
                // A panic of a worker is a bug: it ends the run as it would have ended a single thread.
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            committed
        })
    }

    fn forget(&self, changes: &Changes, writer: &mut Writer, report: &mut SyncReport) -> Result<(), SyncError> {
        report.removed += changes.removed.len();
        let batch = Batch { upserts: changes.updated.clone(), removed: changes.removed.clone(), ..Batch::default() };
        writer.commit(batch)?;
        for root in &changes.forgotten_roots {
            writer.remove_root(*root)?;
        }
        Ok(())
    }

    /// Takes whatever file is next, so that nobody waits for one that takes long.
    fn work(
        &self,
        tasks: &[Task],
        files: &crossbeam_channel::Receiver<FileRead<'_>>,
        ends: impl Fn() -> bool,
        results: &mpsc::SyncSender<Done>,
    ) -> Result<(), SyncError> {
        let mut extractor: Option<Extractor> = None;
        let mut spare = Vec::new();
        for FileRead { position, bytes, took, share } in files {
            drop(share);
            if ends() {
                return Ok(());
            }
            let extractor = match &mut extractor {
                Some(extractor) => extractor,
                none => {
                    none.insert(Extractor::start(self.sources, self.decoding, || self.engine.networks().runtime())?)
                }
            };
            let mut times = StageTimes { read: took, ..StageTimes::default() };
            let task = &tasks[position];
            let result = bytes.and_then(|bytes| self.describe(task, bytes, extractor, &mut spare, &mut times));
            if results.send(Done { task: position, result, times }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn describe(
        &self,
        task: &Task,
        bytes: Vec<u8>,
        extractor: &mut Extractor,
        spare: &mut Vec<u8>,
        times: &mut StageTimes,
    ) -> Result<Described, LeftOut> {
        let started = Instant::now();
        let content: ContentHash = Sha256::digest(&bytes).into();
        times.read += started.elapsed();
        let wanted = match &task.why {
            Why::Touched(record) if record.content == content => return Ok(Described::Same { content }),
            Why::Incomplete(record, missing) if record.content == content => missing.clone(),
            _ => (0..self.sources.len()).collect(),
        };
        let extension = task.path.extension().and_then(|extension| extension.to_str());
        let views = Views::of_file(bytes, extension, &self.request.decode).reusing(mem::take(spare));
        let rows = extractor.describe(&views, &wanted);
        *times += extractor.take_spent();
        let described = rows.map_err(|error| undescribed(task, &error)).and_then(|rows| {
            let (width, height) = views.full_size().map_err(|error| skip(task, &error))?;
            Ok(Described::Rows { content, width, height, rows: wanted.into_iter().zip(rows).collect() })
        });
        *spare = views.into_spare();
        described
    }
}

fn undescribed(task: &Task, error: &DescribeError) -> LeftOut {
    match error {
        DescribeError::Picture(error) => skip(task, error),
        error => left_out(task, &error.to_string(), true),
    }
}

pub(super) fn left_out(task: &Task, reason: &str, is_picture: bool) -> LeftOut {
    let what = Skipped { path: task.path.clone(), line: None, reason: reason.to_owned() };
    LeftOut { skip: Skip { what, is_picture }, unreadable: false }
}

pub(super) fn skip(task: &Task, error: &PictureError) -> LeftOut {
    let promised = task.named || picture::looks_like_picture(&task.path, &[]);
    let left_out = left_out(task, &error.to_string(), promised || !error.is_no_picture());
    LeftOut { unreadable: matches!(error, PictureError::Io(_)), ..left_out }
}
