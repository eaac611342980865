//! Work for processors, off the threads that talk to clients: some threads, and a queue that ends somewhere.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take jobs in their order. Dropped, they finish what is queued.
pub(crate) struct Workers {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Where a job's result goes.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// Why a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// As many wait as may.
    Busy,
    /// It panicked, or the server is ending.
    Failed,
}

impl Workers {
    /// So many threads, and so many jobs that may wait for them.
    pub(crate) fn start(threads: usize, waiting: usize) -> Self {
        let (queue, jobs) = bounded(waiting);
        let spawn = |_| {
            let jobs: Receiver<Job> = jobs.clone();
            std::thread::spawn(move || jobs.iter().for_each(finish))
        };
        Self { queue: Some(queue), threads: (0..threads).map(spawn).collect() }
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, Sender::len)
    }

    /// The job's result.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        self.replied(move |reply| drop(reply.send(job()))).await
    }

    /// What the job sends, which it may leave to a later one. A job whose client has gone away before it began isn't done.
    pub(crate) async fn replied<T: Send + 'static>(
        &self,
        job: impl FnOnce(Reply<T>) + Send + 'static,
    ) -> Result<T, NotDone> {
        let (reply, result) = oneshot::channel();
        let job = move || {
            if !reply.is_closed() {
                job(reply);
            }
        };
        self.later(job)?;
        result.await.map_err(|_| NotDone::Failed)
    }

    /// A job that nobody waits for.
    pub(crate) fn later(&self, job: impl FnOnce() + Send + 'static) -> Result<(), NotDone> {
        let queue = self.queue.as_ref().ok_or(NotDone::Failed)?;
        queue.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => NotDone::Busy,
            TrySendError::Disconnected(_) => NotDone::Failed,
        })
    }
}

/// Does a job. What a panic leaves half done lies behind locks that are made for it, or goes away with the job.
fn finish(job: Job) {
    // Whoever waits for its result is told that there is none; the panic itself was told when it happened.
    drop(catch_unwind(AssertUnwindSafe(job)));
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue = None;
        // The last job may hold the last of the server, and no thread waits for itself.
        let others = self.threads.drain(..).filter(|thread| thread.thread().id() != std::thread::current().id());
        // A thread's own panic was told when it happened.
        others.for_each(|thread| drop(thread.join()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_jobs_and_what_is_queued_is_finished() {
        let workers = Workers::start(1, 4);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let panics = || -> u8 { panic!("as a decoder might") };
        assert_eq!(runtime.block_on(workers.run(panics)), Err(NotDone::Failed));
        assert_eq!(runtime.block_on(workers.run(|| 7)), Ok(7));
        let (sender, done) = std::sync::mpsc::channel();
        let job: Job = Box::new(move || sender.send("finished").unwrap());
        workers.queue.as_ref().unwrap().send(job).unwrap();
        drop(workers);
        assert_eq!(done.try_recv(), Ok("finished"));
    }
}
