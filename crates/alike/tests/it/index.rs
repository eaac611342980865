//! Search in memory: every set of kernels gives the ranking of a naive scan; what is approximate is measured against it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use alike::index::training::{Clustering, Recall, effort_for, measure};
use alike::index::*;
use proptest::prelude::*;

/// Numbers in -1..=1 that depend on the seed alone.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Unit vectors, of which every fifth is the one before again, so that scores tie.
fn unit_rows(seed: u64, rows: usize, dims: usize) -> Vec<f32> {
    let mut all = numbers(seed, rows * dims);
    for row in 0..rows {
        if row % 5 == 4 {
            all.copy_within((row - 1) * dims..row * dims, row * dims);
        }
        let row = &mut all[row * dims..][..dims];
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|x| *x /= norm);
    }
    all
}

/// The ranking by definition.
fn naive(query: &[f32], blocks: &[Block<'_, f32>], k: usize) -> Vec<ScoredId> {
    let mut scored: Vec<(f64, u64)> = Vec::new();
    for block in blocks {
        for (i, (&id, row)) in block.ids.iter().zip(block.rows.chunks_exact(query.len())).enumerate() {
            if block.wanted.as_ref().is_none_or(|wanted| wanted[i]) {
                scored.push((query.iter().zip(row).map(|(&q, &r)| f64::from(q) * f64::from(r)).sum(), id));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(k).map(|(score, id)| ScoredId { id, score: score as f32 }).collect()
}

/// Bytes of rows in lists, at the address that a mapped file would have.
fn listed(rows: &[f32], dims: usize, lists: (usize, Option<&[u32]>)) -> Vec<u64> {
    let mut file = Vec::new();
    let row = |i: usize| &rows[i * dims..][..dims];
    let Ok(()) = lists::write(rows.len() / dims, dims, row, lists, |bytes| {
        file.extend_from_slice(bytes);
        Ok::<_, std::convert::Infallible>(())
    });
    file.resize(file.len().next_multiple_of(8), 0);
    bytemuck::pod_collect_to_vec(&file)
}

#[test]
fn kernels_agree_on_lengths_that_fill_no_vector() {
    for dims in (1..=70).chain([127, 128, 129, 1280]) {
        let (query, rows) = (numbers(1, dims), numbers(2, 9 * dims));
        let exact = |row: usize| -> f64 {
            query.iter().zip(&rows[row * dims..]).map(|(&q, &r)| f64::from(q) * f64::from(r)).sum()
        };
        for kernels in Kernels::available() {
            let mut scores = [0.0; 9];
            kernels.dots(&query, &rows, &mut scores);
            let mut picked = [0.0; 5];
            kernels.dots_at(&query, &rows, &[8, 0, 3, 3, 1], &mut picked);
            let bound = kernels::rounding(dims, dims as f64);
            for (row, &score) in scores.iter().enumerate() {
                assert!((f64::from(score) - exact(row)).abs() <= f64::from(bound), "{kernels:?}, {dims} dims");
            }
            assert_eq!(picked, [8, 0, 3, 3, 1].map(|row| scores[row]), "{kernels:?}, {dims} dims");
        }
    }
}

#[test]
fn kernels_keep_denormal_numbers() {
    let (query, row) = (vec![1e-20_f32; 33], vec![1e-20_f32; 33]);
    for kernels in Kernels::available() {
        let mut scores = [0.0];
        kernels.dots(&query, &row, &mut scores);
        assert!((f64::from(scores[0]) / 33e-40 - 1.0).abs() < 1e-4, "{kernels:?}: {scores:?}");
    }
}

#[test]
fn kernels_count_bits() {
    for words in 1..=20 {
        let bits = |seed, count| -> Vec<u64> {
            numbers(seed, 2 * count)
                .chunks(2)
                .map(|x| u64::from(x[0].to_bits()) << 32 | u64::from(x[1].to_bits() << 4))
                .collect()
        };
        let (query, rows) = (bits(3, words), bits(4, 21 * words));
        let wanted: Vec<u32> =
            rows.chunks(words).map(|row| row.iter().zip(&query).map(|(a, b)| (a ^ b).count_ones()).sum()).collect();
        for kernels in Kernels::available() {
            let mut distances = vec![0; 21];
            kernels.hamming(&query, &rows, &mut distances);
            assert_eq!(distances, wanted, "{kernels:?}, {words} words");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_exact_scan_ranks_as_its_definition(
        seed in 0u64..1000, dims in 1usize..90, rows in 0usize..400, queries in 1usize..50, k in 1usize..20,
        threads in 1usize..4, share in 0u64..=4,
    ) {
        let (vectors, queries) = (unit_rows(seed, rows, dims), unit_rows(seed + 1, queries, dims));
        // Ids fall from one block to the next, so that ties are not found in their order.
        let cut = rows / 3;
        let ids: Vec<u64> = (0..rows as u64).map(|i| if i < cut as u64 { 1000 + i } else { i }).collect();
        let wanted: Vec<bool> = ids.iter().map(|id| id % 5 <= share).collect();
        let blocks = [
            Block { ids: &ids[..cut], rows: &vectors[..cut * dims], wanted: Some(wanted[..cut].into()) },
            Block::whole(&ids[cut..], &vectors[cut * dims..]),
        ];
        let queries: Vec<&[f32]> = queries.chunks_exact(dims).collect();
        let truth: Vec<_> = queries.iter().map(|query| naive(query, &blocks, k)).collect();
        for kernels in Kernels::available() {
            let found = nearest_vectors(&kernels, dims, &queries, &blocks, (k, threads));
            prop_assert_eq!(&found, &truth, "{:?}", kernels);
        }
    }

    #[test]
    fn bytes_rank_as_the_exact_scan(
        seed in 0u64..1000, dims in 1usize..90, rows in 1usize..300, lists in 1usize..6, k in 1usize..20,
        threads in 1usize..4, share in 0u64..=4,
    ) {
        let (vectors, queries) = (unit_rows(seed, rows, dims), unit_rows(seed + 1, 3, dims));
        let ids: Vec<u64> = (0..rows as u64).collect();
        let list_of: Vec<u32> = (0..rows).map(|row| (row * 7 % lists) as u32).collect();
        let file = listed(&vectors, dims, (lists, (lists > 1).then_some(&list_of)));
        let lists_read = Lists::read(bytemuck::cast_slice(&file), rows, dims).unwrap();
        let wanted: Vec<bool> = ids.iter().map(|id| id % 5 <= share).collect();
        let block = Block { ids: &ids, rows: &vectors, wanted: Some(wanted.into()) };
        let beside_ids: Vec<u64> = (1000..1010).collect();
        let beside = unit_rows(seed + 2, 10, dims);
        let beside = Block::whole(&beside_ids, &beside);
        let parts = [Part { block: block.clone(), lists: lists_read }];
        let centres = Centres::new(&unit_rows(seed, lists, dims), dims);
        let queries: Vec<&[f32]> = queries.chunks_exact(dims).collect();
        let truth: Vec<_> = queries.iter().map(|query| naive(query, &[block.clone(), beside.clone()], k)).collect();
        for kernels in Kernels::available() {
            let (rows, how_many) = ((&parts[..], std::slice::from_ref(&beside)), (k, threads));
            let found = nearest_quantised(&kernels, dims, &queries, rows, how_many);
            prop_assert_eq!(&found.hits, &truth, "{:?}", kernels);
            let found = nearest_in_lists(&kernels, dims, &queries, rows, (&centres, lists), how_many);
            prop_assert_eq!(&found.hits, &truth, "{:?}, all lists", kernels);
        }
    }

    #[test]
    fn codes_rank_as_their_definition(
        seed in 0u64..1000, bits in 1usize..200, rows in 0usize..3000, k in 1usize..30, threads in 1usize..4, share in 0u64..=4,
    ) {
        let width = bits.div_ceil(64);
        let word = |i: usize| if i % width == width - 1 && !bits.is_multiple_of(64) { (1u64 << (bits % 64)) - 1 } else { !0 };
        let words = |seed, count: usize| -> Vec<u64> {
            let bits = |x: f32| u64::from(x.to_bits()) << 40 ^ u64::from(x.to_bits()) << 13;
            numbers(seed, count * width).into_iter().enumerate().map(|(i, x)| bits(x) & word(i)).collect()
        };
        let (codes, queries) = (words(seed, rows), words(seed + 1, 3));
        let ids: Vec<u64> = (0..rows as u64).rev().collect();
        let wanted: Vec<bool> = ids.iter().map(|id| id % 5 <= share).collect();
        let block = [Block { ids: &ids, rows: &codes, wanted: Some(wanted.clone().into()) }];
        let queries: Vec<&[u64]> = queries.chunks_exact(width).collect();
        let truth: Vec<Vec<ScoredId>> = queries.iter().map(|query| {
            let distance = |row: &[u64]| -> u32 { row.iter().zip(*query).map(|(a, b)| (a ^ b).count_ones()).sum() };
            let all = ids.iter().zip(&wanted).zip(codes.chunks_exact(width)).filter(|((_, wanted), _)| **wanted);
            let mut all: Vec<(u32, u64)> = all.map(|((&id, _), row)| (distance(row), id)).collect();
            all.sort_unstable();
            let score = |distance: u32| (1.0 - f64::from(distance) / bits as f64) as f32;
            all.into_iter().take(k).map(|(distance, id)| ScoredId { id, score: score(distance) }).collect()
        }).collect();
        for kernels in Kernels::available() {
            let found = nearest_codes(&kernels, bits, &queries, &block, (k, threads));
            prop_assert_eq!(&found, &truth, "{:?}", kernels);
        }
    }
}

/// Unit vectors in 40 clusters; more of them begin with the same ones.
pub(crate) fn clusters(rows: usize, dims: usize) -> Vec<f32> {
    let centres = numbers(7, 40 * dims);
    let noise = numbers(8, rows * dims);
    let mut all = Vec::with_capacity(rows * dims);
    for row in 0..rows {
        let centre = &centres[row * 17 % 40 * dims..][..dims];
        let row: Vec<f32> = centre.iter().zip(&noise[row * dims..]).map(|(c, x)| c + 0.7 * x).collect();
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        all.extend(row.iter().map(|x| x / norm));
    }
    all
}

#[test]
fn measured_recall_is_what_other_queries_find() {
    let (rows, dims, lists) = (6_000, 24, 64);
    let all = clusters(rows + 200, dims);
    let (vectors, queries) = all.split_at(rows * dims);
    let ids: Vec<u64> = (0..rows as u64).collect();
    let slices: Vec<&[f32]> = vectors.chunks_exact(dims).collect();
    let kernels = Kernels::detect();
    let clustering = Clustering::train(&kernels, dims, &slices, lists, 2);
    assert_eq!(clustering, Clustering::train(&kernels, dims, &slices, lists, 1), "threads change nothing");
    let (list_of, closeness) = clustering.assign(&kernels, dims, &slices, 2);
    assert!((closeness - clustering.closeness).abs() < 0.05 && closeness > 0.8, "{closeness}");
    let file = listed(vectors, dims, (lists, Some(&list_of)));
    let lists_read = Lists::read(bytemuck::cast_slice(&file), rows, dims).unwrap();
    let block = Block::whole(&ids, vectors);
    let parts = [Part { block: block.clone(), lists: lists_read }];
    let centres = Centres::new(&clustering.centres, dims);
    let measured = measure(&kernels, dims, &parts, &centres, 2);
    for measured in measured.chunk_by(|a, b| a.results == b.results) {
        assert!(measured.is_sorted_by(|a, b| a.probes < b.probes && a.recall <= b.recall + 1e-9), "{measured:?}");
    }
    let queries: Vec<&[f32]> = queries.chunks_exact(dims).collect();
    for Recall { results, probes, recall, .. } in measured {
        let found = nearest_in_lists(&kernels, dims, &queries, (&parts, &[]), (&centres, probes), (results, 2)).hits;
        let hits = |(query, found): (&&[f32], &Vec<ScoredId>)| {
            let truth = naive(query, std::slice::from_ref(&block), results);
            truth.iter().filter(|hit| found.contains(hit)).count()
        };
        let share = queries.iter().zip(&found).map(hits).sum::<usize>() as f64 / (results * queries.len()) as f64;
        assert!((share - recall).abs() < 0.05, "{results} in {probes} lists: measured {recall}, found {share}");
    }
}

/// Bounds hold where bytes tell little: one large number in a row leaves the others few levels, and rows that are nearly
/// equal differ by less than a level.
#[test]
fn bytes_rank_as_the_exact_scan_where_they_tell_little() {
    for (dims, spike, apart) in [(96, 40.0, 1.0), (96, 0.0, 1e-4), (700, 300.0, 1e-3), (33, 5.0, 1e-6)] {
        let (noise, base) = (numbers(5, 3000 * dims), numbers(6, dims));
        let row = |i: usize| -> Vec<f32> {
            let mut row: Vec<f32> = base.iter().zip(&noise[i * dims..]).map(|(b, x)| b + apart * x).collect();
            row[i * 31 % dims] += spike * noise[i];
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter().map(|x| x / norm).collect()
        };
        let vectors: Vec<f32> = (0..3000).flat_map(row).collect();
        let ids: Vec<u64> = (0..2900).collect();
        let (vectors, queries) = vectors.split_at(2900 * dims);
        let file = listed(vectors, dims, (1, None));
        let lists = Lists::read(bytemuck::cast_slice(&file), ids.len(), dims).unwrap();
        let block = Block::whole(&ids, vectors);
        let queries: Vec<&[f32]> = queries.chunks_exact(dims).collect();
        let truth: Vec<_> = queries.iter().map(|query| naive(query, std::slice::from_ref(&block), 10)).collect();
        let parts = [Part { block: block.clone(), lists }];
        for kernels in Kernels::available() {
            let at_once = nearest_quantised(&kernels, dims, &queries, (&parts, &[]), (10, 2));
            assert_eq!(at_once.hits, truth, "{kernels:?}, {dims}, {spike}, {apart}");
            let one = nearest_quantised(&kernels, dims, &queries[..1], (&parts, &[]), (10, 1));
            assert_eq!(one.hits, truth[..1], "{kernels:?}, {dims}, {spike}, {apart}");
        }
    }
}

/// Every second row is one of eleven that are equal, and the others lie anywhere.
#[test]
fn rows_in_a_periodic_order_are_measured_in_all_places_of_the_period() {
    let (rows, dims, lists) = (2000, 8, 64);
    let (equal, anywhere) = (unit_rows(3, 91, dims), unit_rows(4, rows, dims));
    let row = |i: usize| {
        if i.is_multiple_of(2) { &equal[i / 2 % 91 * dims..][..dims] } else { &anywhere[i * dims..][..dims] }
    };
    let slices: Vec<&[f32]> = (0..rows).map(row).collect();
    let (vectors, ids) = (slices.concat(), (0..rows as u64).collect::<Vec<_>>());
    let kernels = Kernels::detect();
    let clustering = Clustering::train(&kernels, dims, &slices, lists, 1);
    let (list_of, _) = clustering.assign(&kernels, dims, &slices, 1);
    let file = listed(&vectors, dims, (lists, Some(&list_of)));
    let lists = Lists::read(bytemuck::cast_slice(&file), rows, dims).unwrap();
    let parts = [Part { block: Block::whole(&ids, &vectors), lists }];
    let measured = measure(&kernels, dims, &parts, &Centres::new(&clustering.centres, dims), 1);
    assert!(measured[0].probes == 1 && measured[0].recall < 0.9, "{measured:?}");
}

#[test]
fn the_least_effort_that_is_sure_to_find_enough_is_taken() {
    let one = |results, probes, recall, at_least| Recall { results, probes, recall, at_least };
    let ten = [one(10, 1, 0.7, 0.68), one(10, 2, 0.995, 0.985), one(10, 4, 0.999, 0.9951), one(10, 64, 0.9999, 0.9998)];
    let measured = [&ten[..], &[one(100, 4, 0.95, 0.94), one(100, 64, 0.9999, 0.9998)]].concat();
    let probes = |k, wanted| effort_for(&measured, k, wanted).unwrap().probes;
    assert_eq!([0.5, 0.9, 0.99, 0.999].map(|wanted| probes(10, wanted)), [1, 2, 4, 64]);
    assert_eq!([1, 10, 11, 100].map(|k| probes(k, 0.95)), [2, 2, 64, 64]);
    assert_eq!(effort_for(&measured, 101, 0.5), None, "nothing was measured for so many");
    assert_eq!(effort_for(&[], 1, 0.9), None);
}

#[test]
fn damaged_lists_are_refused() {
    let rows = unit_rows(1, 50, 8);
    let list_of: Vec<u32> = (0..50).map(|row| row % 3).collect();
    let file = listed(&rows, 8, (3, Some(&list_of)));
    let whole: &[u8] = bytemuck::cast_slice(&file);
    assert_eq!(Lists::read(whole, 50, 8).unwrap().len(), 3);
    let mut places = Lists::read(whole, 50, 8).unwrap().places().to_vec();
    places.sort_unstable();
    assert_eq!(places, (0..50).collect::<Vec<u32>>(), "each row is in one list");
    for (rows, dims) in [(49, 8), (51, 8), (50, 9), (50, usize::MAX), (usize::MAX, 8)] {
        assert!(Lists::read(whole, rows, dims).is_none(), "{rows} x {dims}");
    }
    for length in [0, 3, 63, 64, 200, whole.len() - 50 * 64] {
        assert!(Lists::read(&whole[..length], 50, 8).is_none(), "cut at {length}");
    }
    for word in [0, 1, 2, 3, 4, 16, 17, 19, 20, 45] {
        let mut words: Vec<u32> = bytemuck::pod_collect_to_vec(whole);
        words[word] ^= 1 << 30;
        assert!(Lists::read(bytemuck::cast_slice(&words), 50, 8).is_none(), "word {word}");
    }
}
