//! Rankings of codes. There are few distances, so that counting sorts them.

use super::deal::deal;
use super::groups::Groups;
use super::subject::Subject;
use super::{Depth, Found, Matrix, Ranked, Ties};
use crate::truth::Truth;
use pulp::Arch;

/// Ranks a gallery of codes for each query.
pub(super) fn rank<T: Send>(
    gallery: Matrix<'_, u64>,
    queries: Matrix<'_, u64>,
    truth: &Truth,
    (bits, depth, ties): (usize, Depth, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    let order: Vec<usize> = (0..truth.queries()).collect();
    let worker = || Distances { arch: Arch::new(), of: vec![0; gallery.len()], count: Vec::new() };
    deal(&order, 1, threads, worker, |distances, block, done| {
        for &query in block {
            let subject = Subject::new(truth, query, gallery.len());
            if gallery.len() > 0 {
                distances.measure(gallery, queries.row(query), &subject);
            }
            let (top, groups) = match depth {
                Depth::Top(k) => (k, distances.groups(&subject, ties, k)),
                Depth::Full { top } => (top, distances.groups(&subject, ties, usize::MAX)),
            };
            let found = |(distance, picture)| Found { picture, score: 1.0 - f64::from(distance) / bits as f64 };
            let top = distances.nearest(top, ties).into_iter().map(found).collect();
            done(query, each(query, subject.ranked(top, groups)));
        }
    })
}

/// Distances of all pictures to one query.
struct Distances {
    arch: Arch,
    /// Of each picture; that of ignored ones is greater than any.
    of: Vec<u32>,
    /// Pictures at each distance.
    count: Vec<u32>,
}

impl Distances {
    fn measure(&mut self, gallery: Matrix<'_, u64>, query: &[u64], subject: &Subject<'_>) {
        let farthest = gallery.width * 64;
        self.arch.dispatch(|| match gallery.width {
            1 => fixed::<1>(gallery.values, query, &mut self.of),
            2 => fixed::<2>(gallery.values, query, &mut self.of),
            4 => fixed::<4>(gallery.values, query, &mut self.of),
            width => {
                for (row, distance) in gallery.values.chunks_exact(width).zip(&mut self.of) {
                    *distance = hamming(row, query);
                }
            }
        });
        for &picture in subject.ignored {
            self.of[picture as usize] = farthest as u32 + 1;
        }
        self.count.clear();
        self.count.resize(farthest + 2, 0);
        for &distance in &self.of {
            self.count[distance as usize] += 1;
        }
        self.count.truncate(farthest + 1);
    }

    /// The ranking, at least to the end of the distance that rank `depth` has.
    fn groups(&self, subject: &Subject<'_>, ties: Ties, depth: usize) -> Groups {
        let mut relevant = vec![0; self.count.len()];
        for &picture in subject.set {
            if let Some(count) = relevant.get_mut(self.of[picture as usize] as usize) {
                *count += 1;
            }
        }
        let mut groups = Groups::default();
        let mut order = match ties {
            Ties::Group => Vec::new().into_iter(),
            Ties::Index => self.order(subject, &relevant).into_iter(),
        };
        let mut ranked = 0;
        for (&all, &relevant) in self.count.iter().zip(&relevant) {
            if ranked >= depth {
                break;
            }
            if ties == Ties::Group || relevant == 0 || relevant == all {
                groups.push(relevant, all - relevant);
            } else {
                order.by_ref().take(all as usize).for_each(|relevant| groups.push(relevant.into(), (!relevant).into()));
            }
            ranked += all as usize;
        }
        groups
    }

    /// Which pictures are relevant, in the order of distance and position; only of distances that both kinds have.
    fn order(&self, subject: &Subject<'_>, relevant: &[u32]) -> Vec<bool> {
        let mut total = 0;
        let mut places: Vec<Option<usize>> = Vec::with_capacity(self.count.len());
        for (&all, &relevant) in self.count.iter().zip(relevant) {
            let mixed = relevant > 0 && relevant < all;
            places.push(mixed.then_some(total));
            total += if mixed { all as usize } else { 0 };
        }
        let mut order = vec![false; total];
        let mut set = subject.set.iter().copied().peekable();
        for (picture, &distance) in self.of.iter().enumerate() {
            let is_relevant = set.next_if_eq(&(picture as u32)).is_some();
            if let Some(Some(place)) = places.get_mut(distance as usize) {
                order[*place] = is_relevant;
                *place += 1;
            }
        }
        order
    }

    /// The `k` nearest, equal distances by position; with groups all that tie with the last of them, too.
    fn nearest(&self, k: usize, ties: Ties) -> Vec<(u32, u32)> {
        if k == 0 {
            return Vec::new();
        }
        // All that are nearer than `limit`, and the first `last` at that distance.
        let (mut limit, mut last) = (0, k);
        while let Some(&count) = self.count.get(limit)
            && (count as usize) < last
        {
            last -= count as usize;
            limit += 1;
        }
        let farthest = (self.count.len() as u32).saturating_sub(1);
        let limit = limit as u32;
        let mut nearest = Vec::new();
        for (picture, &distance) in self.of.iter().enumerate() {
            if distance > limit || distance > farthest {
                continue;
            }
            if distance == limit && ties == Ties::Index {
                if last == 0 {
                    continue;
                }
                last -= 1;
            }
            nearest.push((distance, picture as u32));
        }
        nearest.sort_unstable();
        nearest
    }
}

#[inline(always)]
fn fixed<const W: usize>(rows: &[u64], query: &[u64], distances: &mut [u32]) {
    let query: [u64; W] = std::array::from_fn(|i| query[i]);
    for (row, distance) in rows.as_chunks::<W>().0.iter().zip(distances) {
        *distance = hamming(row, &query);
    }
}

#[inline(always)]
fn hamming(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}
