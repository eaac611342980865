//! Rankings that begin with candidates ranked anew.

use super::groups::Groups;
use super::subject::Subject;
use super::{Depth, Found, Ranked, Rows, Ties, rank};
use crate::truth::Truth;

/// As [`rank`], but where there is a `first`, each query's ranking begins with that: these pictures, best first. The others
/// follow in their order, with scores that are less by as much as it takes for none to be above the last of these.
///
/// # Panics
///
/// As [`rank`], and if there are not as many lists as queries.
pub fn rank_behind<T: Send>(
    first: Option<&[Vec<Found>]>,
    (gallery, queries): (Rows<'_>, Rows<'_>),
    truth: &Truth,
    (depth, ties): (Depth, Ties),
    threads: usize,
    each: impl Fn(usize, Ranked) -> T + Sync,
) -> Vec<T> {
    let Some(first) = first else { return rank(gallery, queries, truth, (depth, ties), threads, each) };
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
    let others: Vec<Found> = all.iter().filter(|found| known.binary_search(&found.picture).is_err()).copied().collect();
    let above = match (first.last(), others.first()) {
        (Some(last), Some(next)) => (next.score - last.score).max(0.0),
        _ => 0.0,
    };
    let others = others.into_iter().map(|found| Found { score: found.score - above, ..found });
    first.iter().copied().chain(others).collect()
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
