//! The best of a stream of scores that may be a little off.

/// Keeps what may be among the `k` best.
#[derive(Debug)]
pub(super) struct Candidates {
    k: usize,
    /// How far two scores may be from their true order.
    slack: f32,
    /// What is below can't be among the best.
    least: f32,
    found: Vec<Candidate>,
    /// So many found make it worth while to raise `least`.
    enough: usize,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    score: f32,
    /// No more than the true score, or less by the slack.
    low: f32,
    position: u32,
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
        self.offer_within(score, score - self.slack, position);
    }

    /// A score that is no less than the true one, and one that is no more: all of the true `k` best are kept.
    pub(super) fn offer_within(&mut self, score: f32, low: f32, position: usize) {
        if score >= self.least {
            self.found.push(Candidate { score, low, position: position as u32 });
            if self.found.len() >= self.enough {
                self.trim();
            }
        }
    }

    /// Raises [`least`](Self::least) as far as what was found allows.
    pub(super) fn trim(&mut self) {
        if self.found.len() >= self.k && self.k > 0 {
            let kth = self.found.select_nth_unstable_by(self.k - 1, |a, b| b.low.total_cmp(&a.low)).1.low;
            let least = kth.max(f32::MIN);
            self.least = least;
            self.found.retain(|candidate| candidate.score >= least);
        }
        self.enough = self.enough.max(self.found.len().saturating_mul(2));
    }

    /// All that may be among the best, in no order.
    pub(super) fn finish(mut self) -> Vec<(f32, u32)> {
        self.trim();
        self.found.into_iter().map(|candidate| (candidate.score, candidate.position)).collect()
    }

    /// Takes over what another thread found.
    pub(super) fn join(&mut self, mut other: Self) {
        other.trim();
        for Candidate { score, low, position } in other.found {
            self.offer_within(score, low, position as usize);
        }
    }
}
