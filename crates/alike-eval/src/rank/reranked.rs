//! Rankings that begin with candidates ranked anew.

use super::groups::Groups;
use super::subject::Subject;
use super::{Depth, Found, Ranked, Rows, Ties, rank};
use crate::truth::Truth;

/// As [`rank`], but each query's ranking begins with `first`: these pictures, best first. The others follow in the order of
/// their scores, which count for no more than that of the last of these.
///
/// # Panics
///
/// As [`rank`], and if there are not as many lists as queries.
pub fn rank_behind<T: Send>(
    first: &[Vec<Found>],
    (gallery, queries): (Rows<'_>, Rows<'_>),
    truth: &Truth,
    (depth, ties): (Depth, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    assert_eq!(first.len(), truth.queries(), "a list for each query");
    let pictures = gallery.len();
    let whole = (Depth::Top(pictures), ties);
    rank(gallery, queries, truth, whole, threads, |query, ranked| {
        let all = behind(&first[query], &ranked.top);
        each(query, cut(all, Subject::new(truth, query, pictures), (depth, ties)))
    })
}

fn behind(first: &[Found], all: &[Found]) -> Vec<Found> {
    let mut known: Vec<u32> = first.iter().map(|found| found.picture).collect();
    known.sort_unstable();
    let least = first.last().map_or(f64::INFINITY, |last| last.score);
    let others = all.iter().filter(|found| known.binary_search(&found.picture).is_err());
    first.iter().copied().chain(others.map(|found| Found { score: found.score.min(least), ..*found })).collect()
}

/// As deep as is wanted, and those that tie with the last where ties count together.
fn cut(mut all: Vec<Found>, subject: Subject<'_>, (depth, ties): (Depth, Ties)) -> Ranked {
    let through = |count: usize| {
        let end = count.min(all.len());
        let is_tied = |found: &&Found| ties == Ties::Group && end > 0 && found.score == all[end - 1].score;
        end + all[end..].iter().take_while(is_tied).count()
    };
    let (named, ranked) = match depth {
        Depth::Top(k) => (through(k), through(k)),
        Depth::Full { top } => (through(top), all.len()),
    };
    let mut groups = Groups::default();
    groups.extend(&all[..ranked], ties, |picture| subject.is_relevant(picture));
    all.truncate(named);
    subject.ranked(all, groups)
}
