//! The best of a stream of scores.

use super::product::Number;
use pulp::{Arch, Simd, WithSimd};
use std::cmp::Ordering;

/// Scores are passed over by the piece, which is searched only if it has one that counts.
const PIECE: usize = 32;

/// Keeps what may be among the `k` best.
pub(super) struct Best<N> {
    k: usize,
    /// How far two scores may be from their true order; `None` where they are exact.
    slack: Option<N>,
    /// What is below can't be among the best.
    least: N,
    found: Vec<(N, u32)>,
    /// So many found make it worth while to raise `least`.
    enough: usize,
}

impl<N: Number> Best<N> {
    pub(super) fn new(k: usize, slack: Option<N>) -> Self {
        let enough = k.saturating_mul(2).saturating_add(PIECE);
        Self { k, slack, least: N::LEAST, found: Vec::new(), enough }
    }

    /// Scores of the pictures from `first` on, which come after all that were offered before.
    pub(super) fn offer(&mut self, arch: Arch, first: usize, scores: &[N]) {
        if self.k == 0 {
            return;
        }
        arch.dispatch(Offer { best: self, first, scores });
    }

    #[inline(never)]
    fn take(&mut self, first: usize, scores: &[N]) {
        let least = self.least;
        let some = scores.iter().enumerate().filter(|&(_, score)| *score >= least);
        self.found.extend(some.map(|(i, &score)| (score, (first + i) as u32)));
        if self.found.len() >= self.enough {
            self.trim();
        }
    }

    /// Drops what can't be among the best, given what was found.
    fn trim(&mut self) {
        if self.found.len() > self.k {
            let kth = self.found.select_nth_unstable_by(self.k - 1, better).1.0;
            match self.slack {
                // Later equals of the last one are ranked after it.
                None => {
                    self.found.truncate(self.k);
                    self.least = kth;
                }
                Some(slack) => {
                    let least = kth - slack;
                    self.least = if least > N::LEAST { least } else { N::LEAST };
                    self.found.retain(|&(score, _)| score >= self.least);
                }
            }
        }
        self.enough = self.enough.max(self.found.len().saturating_mul(2));
    }

    /// All that may be among the `k` best, and with slack all whose score may be that of the last of them; best first.
    pub(super) fn finish(mut self) -> Vec<(N, u32)> {
        self.trim();
        self.found.sort_unstable_by(better);
        self.found
    }
}

/// Scores offered.
struct Offer<'a, N> {
    best: &'a mut Best<N>,
    first: usize,
    scores: &'a [N],
}

impl<N: Number> WithSimd for Offer<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let (pieces, rest) = self.scores.as_chunks::<PIECE>();
        for (i, piece) in pieces.iter().enumerate() {
            let least = self.best.least;
            if piece.iter().fold(false, |any, score| any | (*score >= least)) {
                self.best.take(self.first + i * PIECE, piece);
            }
        }
        self.best.take(self.first + pieces.len() * PIECE, rest);
    }
}

/// The ranking's order: by score from high to low, equal scores by position.
fn better<N: Number>(a: &(N, u32), b: &(N, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
