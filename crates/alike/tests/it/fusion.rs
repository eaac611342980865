//! Late fusion: pure rankings against ranx, by `training/fusion_fixtures.py`, and searches by several recipes at once.

use crate::models::graphs::{classifier, write};
use alike::engine::{
    Engine, Fused, Fusion, Input, Networks, Place, Recipes, SearchOptions, SyncRequest, candidates, fuse,
};
use alike::index::ScoredId;
use alike::model::Model;
use alike::model::runtime::{Array, LoadableGraph, Rten, Runtime, RuntimeError, Session};
use alike::picture::{DecodeOptions, Picture};
use alike::store::Collection;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn ranking(hits: &[(u64, f32)]) -> Vec<ScoredId> {
    hits.iter().map(|&(id, score)| ScoredId { id, score }).collect()
}

fn ids(fused: &[Fused]) -> Vec<u64> {
    fused.iter().map(|fused| fused.id).collect()
}

fn check_against_ranx(fusion: Fusion, name: &str) {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/fusion.json")).unwrap();
    let hit = |hit: &Value| ScoredId { id: hit[0].as_u64().unwrap(), score: hit[1].as_f64().unwrap() as f32 };
    let ranking = |ranking: &Value| ranking.as_array().unwrap().iter().map(hit).collect();
    let rankings: Vec<Vec<ScoredId>> = fixture["rankings"].as_array().unwrap().iter().map(ranking).collect();
    let fused = fuse(fusion, &rankings);
    let wanted = fixture[name].as_array().unwrap();
    assert_eq!(fused.len(), wanted.len());
    for (got, wanted) in fused.iter().zip(wanted) {
        let score = wanted["score"].as_f64().unwrap();
        assert_eq!(got.id, wanted["id"].as_u64().unwrap(), "{got:?}");
        // ranx computes in the scores' single precision.
        assert!((got.score - score).abs() <= 1e-6, "got {got:?}, wanted {score}");
    }
}

#[test]
fn ranks_and_scores_are_fused_as_by_ranx() {
    check_against_ranx(Fusion::ReciprocalRank, "rrf");
    check_against_ranx(Fusion::Scores, "scores");
}

#[test]
fn sums_are_those_of_the_papers() {
    let rankings = [ranking(&[(7, 0.9), (3, 0.5), (5, 0.4)]), ranking(&[(3, -0.2), (9, -0.6)])];
    let by_rank = fuse(Fusion::ReciprocalRank, &rankings);
    assert_eq!(ids(&by_rank), [3, 7, 9, 5]);
    assert_eq!(by_rank[0].score, 1.0 / 62.0 + 1.0 / 61.0);
    assert_eq!(by_rank[0].places, [Some(Place { rank: 2, score: 0.5 }), Some(Place { rank: 1, score: -0.2 })]);
    assert_eq!((by_rank[1].score, by_rank[1].places[1]), (1.0 / 61.0, None));
    let by_score = fuse(Fusion::Scores, &rankings);
    assert_eq!(ids(&by_score), [3, 7, 5, 9]);
    let middle = (f64::from(0.5_f32) - f64::from(0.4_f32)) / (f64::from(0.9_f32) - f64::from(0.4_f32));
    assert_eq!(by_score.iter().map(|fused| fused.score).collect::<Vec<_>>(), [(1.0 + middle) / 2.0, 0.5, 0.0, 0.0]);
}

#[test]
fn exact_ties_go_to_the_lower_id_whatever_the_order_of_the_recipes() {
    // 1 / 61 + 1 / 62 + 1 / 63, added in three orders.
    let rankings = [
        ranking(&[(8, 0.9), (4, 0.8), (6, 0.7)]),
        ranking(&[(6, 0.9), (8, 0.8), (4, 0.7)]),
        ranking(&[(4, 0.9), (6, 0.8), (8, 0.7)]),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let fused = fuse(Fusion::ReciprocalRank, &order.map(|i: usize| rankings[i].clone()));
        assert_eq!(ids(&fused), [4, 6, 8]);
        assert!(fused.iter().all(|other| other.score == fused[0].score));
    }
}

#[test]
fn equal_scores_and_empty_rankings_count() {
    let rankings = [ranking(&[(1, 0.5), (2, 0.5)]), ranking(&[])];
    let fused = fuse(Fusion::Scores, &rankings);
    assert_eq!((ids(&fused), fused[0].score, fused[1].score), (vec![1, 2], 0.5, 0.5));
    assert!(fuse(Fusion::ReciprocalRank, &[]).is_empty());
    let first = [ranking(&[(1, 0.5)]), ranking(&[(1, 0.1)]), ranking(&[(1, 0.3)])];
    for fusion in [Fusion::ReciprocalRank, Fusion::Scores] {
        assert!((fuse(fusion, &first)[0].score - fusion.greatest(3)).abs() < 1e-15, "{fusion:?}");
    }
    assert_eq!([candidates(1), candidates(10), candidates(11), candidates(usize::MAX)], [100, 100, 110, usize::MAX]);
}

/// Counts how often a network runs.
struct Counting(Arc<AtomicUsize>);

impl Runtime for Counting {
    fn name(&self) -> String {
        "counting".to_owned()
    }

    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        Ok(Box::new(CountingSession(Rten::new().load(graph)?, Arc::clone(&self.0))))
    }
}

struct CountingSession(Box<dyn Session>, Arc<AtomicUsize>);

impl Session for CountingSession {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(shape, input)
    }
}

fn picture(seed: u32) -> Picture {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503)) >> 13) as u8;
    Picture::from_rgb(32, 32, (0..32 * 32 * 3).map(noise).collect()).unwrap()
}

/// A dozen pictures, by a network and by colour.
fn indexed(dir: &Path, runs: &Arc<AtomicUsize>) -> Engine {
    let mut list = String::new();
    for number in 0..12 {
        let picture = picture(number);
        let rgb = image::RgbImage::from_raw(32, 32, picture.rgb().to_vec()).unwrap();
        rgb.save(dir.join(format!("{number}.png"))).unwrap();
        list += &format!("{number}.png\t0\n");
    }
    fs_err::write(dir.join("list.txt"), list).unwrap();
    let model = Model::open(&write(dir, "net.onnx", classifier())).unwrap();
    let runs = Arc::clone(runs);
    let networks = Networks::new(Some(model), None, move || Arc::new(Counting(Arc::clone(&runs))));
    let engine = Engine::new(Collection::create(&dir.join(".alike")).unwrap(), networks);
    let request = SyncRequest {
        inputs: vec![Input::List { path: dir.join("list.txt"), base: None }],
        recipes: Recipes::Add(["deep", "semantic", "color"].map(|text| text.parse().unwrap()).to_vec()),
        decode: DecodeOptions::default(),
        decoding: None,
        jobs: 1,
        forget: false,
        scan: None,
        who: "a test",
        cancel: &AtomicBool::new(false),
    };
    assert_eq!(engine.sync(&request, &mut |_| {}).unwrap().added, 12);
    engine
}

#[test]
fn one_run_of_the_network_serves_all_recipes_and_the_fused_ranking_is_that_of_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let engine = indexed(dir.path(), &runs);
    runs.store(0, Ordering::Relaxed);
    let recipes = ["deep", "color", "semantic | hash(mean)", "0.5*deep + 0.5*color"].map(str::to_owned);
    let searchers = engine.searchers(&recipes).unwrap();
    let query = picture(3);
    let descriptors = searchers.describer(&engine).unwrap().describe(&(&query).into()).unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 1);

    let options = SearchOptions::best(5);
    let each = |(searcher, descriptor): (&alike::engine::Searcher, &alike::recipe::Descriptor)| {
        let alone = searcher.describer(&engine).unwrap().describe(&(&query).into()).unwrap();
        assert_eq!(&alone, descriptor, "{}", searcher.recipe());
        let all = SearchOptions { k: 12, ..options.clone() };
        let found = searcher.search(&[alone], &all).unwrap().hits.remove(0);
        found.iter().map(|hit| ScoredId { id: hit.record.id, score: hit.score }).collect::<Vec<_>>()
    };
    let rankings: Vec<Vec<ScoredId>> = searchers.each().iter().zip(&descriptors).map(each).collect();
    for fusion in [Fusion::ReciprocalRank, Fusion::Scores] {
        let found = searchers.search_fused(&descriptors, fusion, &options).unwrap();
        let wanted = fuse(fusion, &rankings);
        assert_eq!(found.hits.len(), 5);
        for (rank, (hit, wanted)) in (1..).zip(found.hits.iter().zip(&wanted)) {
            assert_eq!((hit.hit.rank, hit.hit.record.id, &hit.places), (rank, wanted.id, &wanted.places));
            assert_eq!(hit.hit.score, wanted.score as f32);
        }
        let least = found.hits[2].hit.score;
        let few = SearchOptions { min_score: Some(least), ..options.clone() };
        let few = searchers.search_fused(&descriptors, fusion, &few).unwrap().hits;
        assert!(few.iter().all(|hit| hit.hit.score >= least) && (3..5).contains(&few.len()), "{fusion:?}");
    }
}
