//! The workers that read, decode and describe, and the one thread that commits.

use super::changes::{Changes, Stamp, Task, Why};
use super::{Event, Skip, StageTimes, SyncError, SyncReport, SyncRequest};
use crate::engine::extract::Extractor;
use crate::engine::{DescribeError, Engine};
use crate::gallery::Skipped;
use crate::picture::{self, Picture, PictureError};
use crate::source::Source;
use crate::store::{Batch, ContentHash, Record, RecordId, SourceRowsToAdd, Writer};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What is described but not yet committed is lost by a crash: no more than this.
const COMMIT_EVERY: Duration = Duration::from_millis(800);

/// What a batch may hold in memory before it is committed early.
const COMMIT_BYTES: usize = 64 << 20;

/// How much of a file is looked at to tell whether it is a picture at all.
const HEAD_BYTES: u64 = 64;

pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) request: &'a SyncRequest<'a>,
    pub(super) sources: &'a [Arc<dyn Source>],
    /// Key of each scope's root.
    pub(super) roots: &'a [u64],
}

/// What a worker made of a task.
struct Done {
    task: usize,
    result: Result<Described, LeftOut>,
    times: StageTimes,
}

struct LeftOut {
    skip: Skip,
    /// The file could not be read this time, which says nothing about what is in it.
    unreadable: bool,
}

enum Described {
    /// Only the time stamp changed.
    Same { content: ContentHash },
    /// Rows of the sources at these positions.
    Rows { content: ContentHash, width: u32, height: u32, rows: Vec<(usize, Vec<f32>)> },
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
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let jobs = self.request.jobs.clamp(1, tasks.len().max(1));
            let (sender, results) = mpsc::sync_channel(2 * jobs);
            let workers = (0..jobs).map(|_| {
                let (sender, next, stop) = (sender.clone(), &next, &stop);
                threads.spawn(move || self.work(tasks, next, stop, &sender))
            });
            let workers: Vec<_> = workers.collect();
            drop(sender);
            let mut committer = Committer::new(self, tasks, first_id, writer, report);
            let committed = committer.receive(&results, on_event);
            stop.store(true, Ordering::Relaxed);
            drop(results);
            for worker in workers {
                // A panic of a worker is a bug: it ends the run as it would have ended a single thread.
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            committed
        })?;
        report.interrupted = next.load(Ordering::Relaxed) < tasks.len();
        Ok(())
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

    fn work(
        &self,
        tasks: &[Task],
        next: &AtomicUsize,
        stop: &AtomicBool,
        results: &mpsc::SyncSender<Done>,
    ) -> Result<(), SyncError> {
        let mut extractor: Option<Extractor> = None;
        loop {
            if stop.load(Ordering::Relaxed) || self.request.cancel.load(Ordering::Relaxed) {
                return Ok(());
            }
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(position) else { return Ok(()) };
            let extractor = match &mut extractor {
                Some(extractor) => extractor,
                none => none.insert(Extractor::start(self.sources, || self.engine.networks().runtime())?),
            };
            let mut times = StageTimes::default();
            let result = self.describe(task, extractor, &mut times);
            if results.send(Done { task: position, result, times }).is_err() {
                return Ok(());
            }
        }
    }

    fn describe(&self, task: &Task, extractor: &mut Extractor, times: &mut StageTimes) -> Result<Described, LeftOut> {
        let started = Instant::now();
        let bytes = self.read(task)?;
        let content: ContentHash = Sha256::digest(&bytes).into();
        times.read = started.elapsed();
        let wanted = match &task.why {
            Why::Touched(record) if record.content == content => return Ok(Described::Same { content }),
            Why::Incomplete(record, missing) if record.content == content => missing.clone(),
            _ => (0..self.sources.len()).collect(),
        };
        let decoding = Instant::now();
        let extension = task.path.extension().and_then(|extension| extension.to_str());
        let picture = Picture::decode(&bytes, extension, &self.request.decode).map_err(|error| skip(task, &error))?;
        drop(bytes);
        times.decode = decoding.elapsed();
        let describing = Instant::now();
        let rows = extractor.describe(&picture, &wanted).map_err(|error| failed(task, &error))?;
        times.describe = describing.elapsed();
        let rows = wanted.into_iter().zip(rows).collect();
        Ok(Described::Rows { content, width: picture.width(), height: picture.height(), rows })
    }

    /// The file's bytes, once its size is within the limit and its beginning looks like a picture.
    fn read(&self, task: &Task) -> Result<Vec<u8>, LeftOut> {
        let io = |error: std::io::Error| skip(task, &PictureError::Io(error));
        let mut file = fs_err::File::open(&task.path).map_err(io)?;
        let mut bytes = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).map_err(io)?;
        if !task.named && !picture::looks_like_picture(&task.path, &bytes) {
            return Err(left_out(task, "not a picture, by name and by content", false));
        }
        let limit = self.request.decode.limits.max_bytes;
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

fn left_out(task: &Task, reason: &str, is_picture: bool) -> LeftOut {
    let what = Skipped { path: task.path.clone(), line: None, reason: reason.to_owned() };
    LeftOut { skip: Skip { what, is_picture }, unreadable: false }
}

fn skip(task: &Task, error: &PictureError) -> LeftOut {
    let promised = task.named || picture::looks_like_picture(&task.path, &[]);
    let left_out = left_out(task, &error.to_string(), promised || !error.is_no_picture());
    LeftOut { unreadable: matches!(error, PictureError::Io(_)), ..left_out }
}

fn failed(task: &Task, error: &DescribeError) -> LeftOut {
    left_out(task, &error.to_string(), true)
}

/// Collects what the workers send, and commits it in batches.
struct Committer<'a> {
    run: &'a Run<'a>,
    tasks: &'a [Task],
    first_id: RecordId,
    writer: &'a mut Writer,
    report: &'a mut SyncReport,
    batch: Batch,
    /// For each source: which records, and their rows.
    rows: Vec<Vec<(RecordId, Vec<f32>)>>,
    bytes: usize,
    last_commit: Instant,
}

impl<'a> Committer<'a> {
    fn new(
        run: &'a Run<'a>,
        tasks: &'a [Task],
        first_id: RecordId,
        writer: &'a mut Writer,
        report: &'a mut SyncReport,
    ) -> Self {
        let rows = run.sources.iter().map(|_| Vec::new()).collect();
        Self {
            run,
            tasks,
            first_id,
            writer,
            report,
            batch: Batch::default(),
            rows,
            bytes: 0,
            last_commit: Instant::now(),
        }
    }

    fn receive(
        &mut self,
        results: &mpsc::Receiver<Done>,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), SyncError> {
        loop {
            let patience = COMMIT_EVERY.saturating_sub(self.last_commit.elapsed());
            match results.recv_timeout(patience) {
                Ok(done) => {
                    self.take(done, on_event);
                    on_event(Event::Advanced);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.commit(),
            }
            if self.last_commit.elapsed() >= COMMIT_EVERY || self.bytes > COMMIT_BYTES {
                self.commit()?;
            }
        }
    }

    fn take(&mut self, done: Done, on_event: &mut dyn FnMut(Event<'_>)) {
        let times = &mut self.report.times;
        times.read += done.times.read;
        times.decode += done.times.decode;
        times.describe += done.times.describe;
        let task = &self.tasks[done.task];
        match done.result {
            Ok(Described::Same { content }) => self.touched(task, content),
            Ok(Described::Rows { content, width, height, rows }) => {
                let record = self.record(done.task, content, width, height);
                for (source, row) in rows {
                    self.bytes += row.len() * size_of::<f32>();
                    self.rows[source].push((record.id, row));
                }
                self.batch.upserts.push(record);
            }
            Err(left_out) => {
                on_event(Event::Skipped(&left_out.skip));
                self.left_out(task, left_out);
            }
        }
    }

    fn touched(&mut self, task: &Task, content: ContentHash) {
        let Why::Touched(record) = &task.why else { return };
        self.report.kept += 1;
        let Stamp { size, mtime_ns } = task.stamp;
        let label = task.label.clone().or_else(|| record.label.clone());
        self.batch.upserts.push(Record { size, mtime_ns, content, label, ..record.clone() });
    }

    fn record(&mut self, position: usize, content: ContentHash, width: u32, height: u32) -> Record {
        let task = &self.tasks[position];
        let Stamp { size, mtime_ns } = task.stamp;
        let (id, root, label) = match &task.why {
            Why::New => {
                self.report.added += 1;
                (self.first_id + position as RecordId, self.run.roots[task.scope], task.label.clone())
            }
            Why::Incomplete(known, _) if known.content == content => {
                self.report.completed += 1;
                (known.id, known.root, task.label.clone().or_else(|| known.label.clone()))
            }
            Why::Touched(known) | Why::Incomplete(known, _) => {
                self.report.changed += 1;
                let id = self.first_id + position as RecordId;
                self.batch.replaced.push((known.id, id));
                (id, known.root, task.label.clone().or_else(|| known.label.clone()))
            }
        };
        Record { id, root, path: task.stored.clone(), size, mtime_ns, content, width, height, label }
    }

    /// What was indexed of a file that is no picture any more is forgotten; of one that can't be read now, kept.
    fn left_out(&mut self, task: &Task, LeftOut { skip, unreadable }: LeftOut) {
        if let (Why::Touched(known), false) = (&task.why, unreadable) {
            self.batch.removed.push(known.id);
            self.report.removed += 1;
        }
        self.report.skipped.push(skip);
    }

    fn commit(&mut self) -> Result<(), SyncError> {
        let started = Instant::now();
        let mut batch = std::mem::take(&mut self.batch);
        for (source, rows) in self.run.sources.iter().zip(&mut self.rows) {
            let mut rows = std::mem::take(rows);
            if rows.is_empty() {
                continue;
            }
            rows.sort_unstable_by_key(|(id, _)| *id);
            let (ids, rows): (Vec<RecordId>, Vec<Vec<f32>>) = rows.into_iter().unzip();
            let source_key = source.id().key().to_owned();
            batch.rows.push(SourceRowsToAdd { source_key, ids, rows: rows.concat() });
        }
        self.writer.commit(batch)?;
        self.bytes = 0;
        self.report.times.store += started.elapsed();
        self.last_commit = Instant::now();
        Ok(())
    }
}
