//! Memory that several workers share.

use std::sync::{Condvar, Mutex, PoisonError};

/// A decode waits until its estimate fits beside those under way. One that is larger than the whole budget waits until
/// it is alone.
#[derive(Debug)]
pub struct MemoryBudget {
    bytes: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// Memory in use; given back on drop.
pub(crate) struct Share<'a> {
    budget: &'a MemoryBudget,
    bytes: u64,
}

impl MemoryBudget {
    /// A budget of that many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes, used: Mutex::new(0), freed: Condvar::new() }
    }

    pub(crate) fn take(&self, bytes: u64) -> Share<'_> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |used: &mut u64| *used > 0 && used.saturating_add(bytes) > self.bytes;
        let mut used = self.freed.wait_while(used, full).unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_add(bytes);
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut used = self.budget.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.bytes);
        self.budget.freed.notify_all();
    }
}
