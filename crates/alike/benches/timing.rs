//! How long something took.

use std::time::Instant;

/// The time of a piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds of all processors: what others do on the machine hardly changes it.
    pub(crate) cpu: f64,
}

impl Time {
    pub(crate) const NEVER: Self = Self { wall: f64::INFINITY, cpu: f64::INFINITY };

    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> Self {
        Self::with(work).0
    }

    /// The time, and what came of it.
    pub(crate) fn with<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let cpu = || {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
            time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
        };
        let (start, start_cpu) = (Instant::now(), cpu());
        let result = std::hint::black_box(work());
        (Self { wall: start.elapsed().as_secs_f64(), cpu: cpu() - start_cpu }, result)
    }

    pub(crate) fn best(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), cpu: self.cpu.min(other.cpu) }
    }
}
