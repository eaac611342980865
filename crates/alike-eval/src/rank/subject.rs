//! What the truth says of one query.

use super::groups::Groups;
use super::product::Number;
use super::{Found, Ranked};
use crate::truth::Truth;

/// One query and what is known of it. Pictures that the gallery doesn't have are not in it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Its position among all queries.
    pub(super) query: usize,
    /// Relevant pictures, ascending, ignored ones among them.
    pub(super) set: &'a [u32],
    /// Ignored pictures, ascending.
    pub(super) ignored: &'a [u32],
    gallery: usize,
}

impl<'a> Subject<'a> {
    pub(super) fn new(truth: &'a Truth, query: usize, gallery: usize) -> Self {
        let known =
            |pictures: &'a [u32]| &pictures[..pictures.partition_point(|&picture| (picture as usize) < gallery)];
        let set = known(&truth.sets[truth.set_of_query[query]]);
        Self { query, set, ignored: known(&truth.ignored[query]), gallery }
    }

    pub(super) fn is_ignored(&self, picture: u32) -> bool {
        self.ignored.binary_search(&picture).is_ok()
    }

    pub(super) fn is_relevant(&self, picture: u32) -> bool {
        self.set.binary_search(&picture).is_ok() && !self.is_ignored(picture)
    }

    pub(super) fn ranked(&self, top: Vec<Found>, groups: Groups) -> Ranked {
        Ranked { top, groups: groups.into_groups(), relevant: self.relevant(), gallery: self.gallery() }
    }

    /// Relevant pictures, ignored ones aside.
    pub(super) fn relevant(&self) -> u32 {
        let ignored = self.ignored.iter().filter(|picture| self.set.binary_search(picture).is_ok()).count();
        (self.set.len() - ignored) as u32
    }

    /// Pictures in the gallery, ignored ones aside.
    pub(super) fn gallery(&self) -> u32 {
        (self.gallery - self.ignored.len()) as u32
    }
}

/// The pictures of an ascending list that weren't met yet.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u32]);

impl Cursor<'_> {
    /// Gives those of the list a score below all, in the scores of the pictures from `first` on.
    pub(super) fn remove<N: Number>(&mut self, first: usize, scores: &mut [N]) {
        while let Some((&picture, rest)) = self.0.split_first()
            && let Some(score) = scores.get_mut(picture as usize - first)
        {
            *score = N::NEVER;
            self.0 = rest;
        }
    }
}
