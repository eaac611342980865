//! The one thread that commits what the workers send, in batches.

use super::changes::{Stamp, Task, Why};
use super::work::{Described, Done, LeftOut, Run};
use super::{Event, SyncError, SyncReport};
use crate::store::{Batch, ContentHash, Record, RecordId, SourceRowsToAdd, Writer};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What is described but not yet committed is lost by a crash: no more than this.
const COMMIT_EVERY: Duration = Duration::from_millis(800);

/// What a batch may hold in memory before it is committed early.
const COMMIT_BYTES: usize = 64 << 20;

/// Collects what the workers send, and commits it in batches.
pub(super) struct Committer<'a> {
    run: &'a Run<'a>,
    tasks: &'a [Task],
    first_id: RecordId,
    writer: &'a mut Writer,
    report: &'a mut SyncReport,
    batch: Batch,
    /// For each source: which records, and their rows.
    rows: Vec<Vec<(RecordId, Vec<f32>)>>,
    bytes: usize,
    received: usize,
    last_commit: Instant,
}

impl<'a> Committer<'a> {
    pub(super) fn new(
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
            received: 0,
            last_commit: Instant::now(),
        }
    }

    pub(super) fn receive(
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
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    self.report.interrupted = self.received < self.tasks.len();
                    return self.commit();
                }
            }
            if self.last_commit.elapsed() >= COMMIT_EVERY || self.bytes > COMMIT_BYTES {
                self.commit()?;
            }
        }
    }

    fn take(&mut self, done: Done, on_event: &mut dyn FnMut(Event<'_>)) {
        self.report.times += done.times;
        self.received += 1;
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
