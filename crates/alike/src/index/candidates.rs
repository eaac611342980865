//! The best of a stream of scores that may be a little off.

/// Keeps what may be among the `k` best.
#[derive(Debug)]
pub(super) struct Candidates {
    k: usize,
    /// How far two scores may be from their true order.
    slack: f32,
    /// What is below can't be among the best.
    least: f32,
    found: Vec<(f32, u32)>,
    /// So many found make it worth while to raise `least`.
    enough: usize,
}

impl Candidates {
    /// With a slack of twice the error of a score, all of the true `k` best are kept.
    pub(super) fn new(k: usize, slack: f32) -> Self {
        let enough = k.saturating_mul(2).saturating_add(32);
        Self { k, slack, least: f32::MIN, found: Vec::new(), enough }
    }

    /// The lowest score that is of interest.
    pub(super) fn least(&self) -> f32 {
        self.least
    }

    pub(super) fn offer(&mut self, score: f32, position: usize) {
        if score >= self.least {
            self.found.push((score, position as u32));
            if self.found.len() >= self.enough {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        if self.found.len() > self.k && self.k > 0 {
            let kth = self.found.select_nth_unstable_by(self.k - 1, |a, b| b.0.total_cmp(&a.0)).1.0;
            let least = (kth - self.slack).max(f32::MIN);
            self.least = least;
            self.found.retain(|&(score, _)| score >= least);
        }
        self.enough = self.enough.max(self.found.len().saturating_mul(2));
    }

    /// All that may be among the best, in no order.
    pub(super) fn finish(mut self) -> Vec<(f32, u32)> {
        self.trim();
        self.found
    }

    /// Takes over what another thread found.
    pub(super) fn join(&mut self, other: Self) {
        for (score, position) in other.finish() {
            self.offer(score, position as usize);
        }
    }
}
