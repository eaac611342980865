//! Rankings against those of the plainest program that makes them.

use alike_eval::rank::{Depth, Found, Group, Ranked, Rows, Ties, rank};
use alike_eval::truth::Truth;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// An ascending list without repetitions.
    fn some(&mut self, n: usize, share: f64) -> Vec<u32> {
        (0..n as u32).filter(|_| (self.next() >> 11) as f64 / (1u64 << 53) as f64 <= share).collect()
    }

    fn truth(&mut self, gallery: usize, queries: usize, sets: usize, share: f64) -> Truth {
        let sets: Vec<Vec<u32>> = (0..sets).map(|_| self.some(gallery, share)).collect();
        let set_of_query = (0..queries).map(|_| self.below(sets.len())).collect();
        let ignored = (0..queries).map(|i| if i % 3 == 0 { Vec::new() } else { self.some(gallery, 0.05) }).collect();
        Truth { sets, set_of_query, ignored }
    }
}

/// Unit vectors, many of them near others: copies, copies in which one number is the next one, copies turned around.
fn vectors(random: &mut Random, rows: usize, dims: usize) -> Vec<f32> {
    let mut values: Vec<f32> = Vec::with_capacity(rows * dims);
    for row in 0..rows {
        let model = random.below(row.max(1)) * dims;
        let mut new: Vec<f32> = match random.below(5) {
            kind @ 0..3 if row > 0 => {
                let mut copy = values[model..model + dims].to_vec();
                let place = random.below(dims);
                match kind {
                    0 => {}
                    1 => copy[place] = f32::from_bits(copy[place].to_bits() ^ 1),
                    _ => copy.reverse(),
                }
                copy
            }
            _ => {
                let new: Vec<f32> = (0..dims).map(|_| random.number()).collect();
                let norm = new.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
                new.iter().map(|x| x / norm).collect()
            }
        };
        values.append(&mut new);
    }
    values
}

/// Codes, many of them equal or at the same distance.
fn codes(random: &mut Random, rows: usize, bits: usize) -> Vec<u64> {
    let words = bits.div_ceil(64);
    let mut values: Vec<u64> = Vec::with_capacity(rows * words);
    for row in 0..rows {
        let model = random.below(row.max(1)) * words;
        let mut new: Vec<u64> = match random.below(3) {
            0 if row > 0 => values[model..model + words].to_vec(),
            _ => (0..words).map(|_| random.next() & random.next()).collect(),
        };
        if !bits.is_multiple_of(64) {
            new[words - 1] &= (1 << (bits % 64)) - 1;
        }
        values.append(&mut new);
    }
    values
}

/// The score as the exact scan has it.
fn score(gallery: Rows<'_>, picture: usize, queries: Rows<'_>, query: usize) -> f64 {
    match (gallery, queries) {
        (Rows::Vectors { dims, values }, Rows::Vectors { values: queries, .. }) => {
            let (row, query) = (&values[picture * dims..][..dims], &queries[query * dims..][..dims]);
            query.iter().zip(row).map(|(&q, &r)| f64::from(q) * f64::from(r)).sum()
        }
        (Rows::Codes { bits, words }, Rows::Codes { words: queries, .. }) => {
            let width = bits.div_ceil(64);
            let (row, query) = (&words[picture * width..][..width], &queries[query * width..][..width]);
            let distance: u32 = row.iter().zip(query).map(|(a, b)| (a ^ b).count_ones()).sum();
            1.0 - f64::from(distance) / bits as f64
        }
        _ => unreachable!(),
    }
}

/// All pictures of a ranking, best first, and whether each is relevant.
fn full_sort(gallery: Rows<'_>, pictures: usize, queries: Rows<'_>, truth: &Truth, query: usize) -> Vec<(Found, bool)> {
    let mut all: Vec<(Found, bool)> = (0..pictures as u32)
        .filter(|picture| !truth.ignored[query].contains(picture))
        .map(|picture| {
            let found = Found { picture, score: score(gallery, picture as usize, queries, query) };
            (found, truth.sets[truth.set_of_query[query]].contains(&picture))
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| b.score.partial_cmp(&a.score).unwrap().then(a.picture.cmp(&b.picture)));
    all
}

/// Groups in the one way in which there are as few as can be.
fn canonical(groups: &[Group]) -> Vec<Group> {
    let mut merged: Vec<Group> = Vec::new();
    for &group in groups {
        assert!(group.relevant > 0 || group.other > 0, "an empty group");
        match merged.last_mut() {
            Some(last) if group.relevant + last.relevant == 0 => last.other += group.other,
            Some(last) if group.other + last.other == 0 => last.relevant += group.relevant,
            _ => merged.push(group),
        }
    }
    merged
}

fn expected(all: &[(Found, bool)], depth: Depth, ties: Ties) -> Ranked {
    let (Depth::Top(k) | Depth::Full { top: k }) = depth;
    let k = k.min(all.len());
    let tied = all[k..].iter().take_while(|(found, _)| k > 0 && found.score == all[k - 1].0.score).count();
    let top = if ties == Ties::Group { k + tied } else { k };
    let end = if matches!(depth, Depth::Top(_)) { k + tied } else { all.len() };
    let mut groups = Vec::new();
    for equal in all[..end].chunk_by(|(a, _), (b, _)| ties == Ties::Group && a.score == b.score) {
        let relevant = equal.iter().filter(|(_, relevant)| *relevant).count() as u32;
        groups.push(Group { relevant, other: equal.len() as u32 - relevant });
    }
    Ranked {
        top: all[..top].iter().map(|&(found, _)| found).collect(),
        groups: canonical(&groups),
        relevant: all.iter().filter(|(_, relevant)| *relevant).count() as u32,
        gallery: all.len() as u32,
    }
}

/// Compares every depth, both rules for ties, and several numbers of threads with the full sort.
fn check(gallery: Rows<'_>, pictures: usize, queries: Rows<'_>, truth: &Truth) {
    let sorted: Vec<_> =
        (0..truth.queries()).map(|query| full_sort(gallery, pictures, queries, truth, query)).collect();
    let depths = [0, 1, 3, 10, pictures + 5].map(Depth::Top);
    for depth in depths.into_iter().chain([0, 4, pictures + 5].map(|top| Depth::Full { top })) {
        for ties in [Ties::Group, Ties::Index] {
            for threads in [0, 1, 3] {
                let ranked = rank(gallery, queries, truth, (depth, ties), threads, |query, ranked| (query, ranked));
                assert_eq!(ranked.len(), truth.queries());
                for (i, (query, mut ranked)) in ranked.into_iter().enumerate() {
                    assert_eq!(i, query, "results are in the order of the queries");
                    ranked.groups = canonical(&ranked.groups);
                    let expected = expected(&sorted[query], depth, ties);
                    assert_eq!(ranked, expected, "query {query}, {depth:?}, {ties:?}, {threads} threads");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn vectors_rank_as_a_full_sort_does(
        seed: u64, pictures in 1usize..160, queries in 1usize..40, dims in 1usize..40, sets in 1usize..6, share in 0.0..1.0f64,
    ) {
        let mut random = Random(seed);
        let values = vectors(&mut random, pictures + queries, dims);
        let (gallery, queries_) = values.split_at(pictures * dims);
        let truth = random.truth(pictures, queries, sets, share);
        check(Rows::Vectors { dims, values: gallery }, pictures, Rows::Vectors { dims, values: queries_ }, &truth);
    }

    #[test]
    fn codes_rank_as_a_full_sort_does(
        seed: u64, pictures in 1usize..160, queries in 1usize..20, bits in 1usize..330, sets in 1usize..6, share in 0.0..1.0f64,
    ) {
        let mut random = Random(seed);
        let words = codes(&mut random, pictures + queries, bits);
        let (gallery, queries_) = words.split_at(pictures * bits.div_ceil(64));
        let truth = random.truth(pictures, queries, sets, share);
        check(Rows::Codes { bits, words: gallery }, pictures, Rows::Codes { bits, words: queries_ }, &truth);
    }
}

/// Sizes around those of the pieces, panels and blocks in which the work is done.
#[test]
fn borders_of_blocks_lose_nothing() {
    let mut random = Random(5);
    for pictures in [1, 23, 24, 25, 31, 32, 33, 47, 48, 49, 95, 96, 97, 384, 385, 1_000] {
        for queries in [1, 7, 8, 9] {
            let (dims, truth) = (17, random.truth(pictures, queries, 2, 0.2));
            let values = vectors(&mut random, pictures + queries, dims);
            let (gallery, queries) = values.split_at(pictures * dims);
            check(Rows::Vectors { dims, values: gallery }, pictures, Rows::Vectors { dims, values: queries }, &truth);
        }
    }
}

/// More queries than a block has, more pictures than are scored at a time, and few enough different rows that ties
/// cross every border.
#[test]
fn large_sets_rank_as_a_full_sort_does() {
    let mut random = Random(6);
    let (pictures, queries, dims) = (1_300, 1_100, 5);
    let models = vectors(&mut random, 300, dims);
    let mut pick = |rows: usize| -> Vec<f32> {
        (0..rows).flat_map(|_| models.chunks(dims).nth(random.below(300)).unwrap().to_vec()).collect()
    };
    let (gallery, asked) = (pick(pictures), pick(queries));
    let truth = Random(7).truth(pictures, queries, 5, 0.1);
    check(Rows::Vectors { dims, values: &gallery }, pictures, Rows::Vectors { dims, values: &asked }, &truth);
}

/// Two rows whose sums differ in f64 by less than f32 can tell, each time in the order that f32 would get wrong or tie.
#[test]
fn scores_nearer_than_f32_can_tell_are_told_apart() {
    let dims = 64;
    let mut random = Random(8);
    let query: Vec<f32> = vectors(&mut random, 1, dims);
    let pictures = 400;
    let gallery: Vec<f32> = (0..pictures)
        .flat_map(|_| {
            let place = random.below(dims);
            let mut row = query.clone();
            row[place] = f32::from_bits(row[place].to_bits() + random.below(3) as u32);
            row
        })
        .collect();
    let distinct: std::collections::BTreeSet<u64> = (0..pictures)
        .map(|i| {
            let rows = Rows::Vectors { dims, values: &gallery };
            score(rows, i, Rows::Vectors { dims, values: &query }, 0).to_bits()
        })
        .collect();
    let as_f32: std::collections::BTreeSet<u32> =
        distinct.iter().map(|&score| (f64::from_bits(score) as f32).to_bits()).collect();
    assert!(distinct.len() > 10 * as_f32.len(), "the data must be hard: {} and {}", distinct.len(), as_f32.len());
    let relevant = random.some(pictures, 0.3);
    let truth = Truth { sets: vec![relevant.clone()], set_of_query: vec![0], ignored: vec![vec![]] };
    check(Rows::Vectors { dims, values: &gallery }, pictures, Rows::Vectors { dims, values: &query }, &truth);

    // The same with a relevant picture far away, which makes the others look equal at first.
    let far: Vec<f32> = query.iter().map(|x| -x).collect();
    let gallery: Vec<f32> = [gallery, far].concat();
    let set = relevant.into_iter().chain([pictures as u32]).collect();
    let truth = Truth { sets: vec![set], set_of_query: vec![0], ignored: vec![vec![]] };
    check(Rows::Vectors { dims, values: &gallery }, pictures + 1, Rows::Vectors { dims, values: &query }, &truth);
}

/// Rows that aren't of unit length: nothing but speed depends on it.
#[test]
fn long_and_zero_rows_rank_as_a_full_sort_does() {
    let mut random = Random(9);
    let (pictures, queries, dims) = (200, 5, 9);
    let mut values = vectors(&mut random, pictures + queries, dims);
    for (i, row) in values.chunks_mut(dims).enumerate() {
        let factor = [0.0, 1e6, -3.0, 1e-30, 1.0][i % 5];
        row.iter_mut().for_each(|x| *x *= factor);
    }
    let truth = random.truth(pictures, queries, 2, 0.3);
    let (gallery, queries) = values.split_at(pictures * dims);
    check(Rows::Vectors { dims, values: gallery }, pictures, Rows::Vectors { dims, values: queries }, &truth);
}

#[test]
fn nothing_to_rank_is_no_error() {
    let one = Truth { sets: vec![vec![]], set_of_query: vec![0], ignored: vec![vec![]] };
    let none = Truth { sets: vec![], set_of_query: vec![], ignored: vec![] };
    check(Rows::Vectors { dims: 3, values: &[] }, 0, Rows::Vectors { dims: 3, values: &[0.0, 1.0, 0.0] }, &one);
    check(Rows::Vectors { dims: 3, values: &[0.0, 1.0, 0.0] }, 1, Rows::Vectors { dims: 3, values: &[] }, &none);
    check(Rows::Vectors { dims: 3, values: &[0.0, 1.0, 0.0] }, 1, Rows::Vectors { dims: 3, values: &[1.0; 3] }, &one);
    check(Rows::Vectors { dims: 0, values: &[] }, 0, Rows::Vectors { dims: 0, values: &[] }, &one);
    check(Rows::Codes { bits: 9, words: &[] }, 0, Rows::Codes { bits: 9, words: &[3] }, &one);
    check(Rows::Codes { bits: 9, words: &[3] }, 1, Rows::Codes { bits: 9, words: &[] }, &none);
    check(Rows::Codes { bits: 0, words: &[] }, 0, Rows::Codes { bits: 0, words: &[] }, &one);
    let all = Truth { sets: vec![vec![0]], set_of_query: vec![0], ignored: vec![vec![0]] };
    check(Rows::Vectors { dims: 1, values: &[1.0] }, 1, Rows::Vectors { dims: 1, values: &[1.0] }, &all);
    check(Rows::Codes { bits: 64, words: &[3] }, 1, Rows::Codes { bits: 64, words: &[3] }, &all);
}

#[test]
fn each_query_is_handed_over_once_from_its_thread() {
    let (dims, count) = (4, 300);
    let values = vectors(&mut Random(10), count, dims);
    let rows = Rows::Vectors { dims, values: &values };
    let truth = Random(11).truth(count, count, 7, 0.1);
    let calls = AtomicUsize::new(0);
    let queries = rank(rows, rows, &truth, (Depth::Full { top: 1 }, Ties::Index), 4, |query, _| {
        calls.fetch_add(1, Ordering::Relaxed);
        query
    });
    assert_eq!(queries, (0..count).collect::<Vec<_>>());
    assert_eq!(calls.into_inner(), count);
}
