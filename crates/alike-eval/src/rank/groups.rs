//! Rankings as groups.

use super::{Found, Group, Ties};

/// Collects groups from the best to the worst.
#[derive(Default)]
pub(super) struct Groups(Vec<Group>);

impl Groups {
    /// Adds pictures of equal score. Those that say nothing of scores, because all are relevant or none is, join what
    /// stands before them.
    pub(super) fn push(&mut self, relevant: u32, other: u32) {
        if relevant == 0 && other == 0 {
            return;
        }
        match self.0.last_mut() {
            Some(last) if relevant == 0 && last.relevant == 0 => last.other += other,
            Some(last) if other == 0 && last.other == 0 => last.relevant += relevant,
            _ => self.0.push(Group { relevant, other }),
        }
    }

    /// Adds pictures that are ranked best first, equal scores by position.
    pub(super) fn extend(&mut self, ranked: &[Found], ties: Ties, is_relevant: impl Fn(u32) -> bool) {
        for equal in ranked.chunk_by(|a, b| ties == Ties::Group && a.score == b.score) {
            let relevant = equal.iter().filter(|found| is_relevant(found.picture)).count();
            self.push(relevant as u32, (equal.len() - relevant) as u32);
        }
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        self.0
    }
}
