//! Steps that look at neighbours, against straightforward numpy (`training/neighbour_fixtures.py`).

use crate::data::{data, npy_rows};
use alike::rank::Ranking;
use alike::recipe::Draft;
use alike_eval::neighbours::{QuerySide, query_side};
use alike_eval::rank::{Depth, Found, Rows, Ties, rank_behind};
use alike_eval::truth::Truth;

#[derive(serde::Deserialize)]
struct Expected {
    set: String,
    steps: String,
    found: Vec<Nearest>,
}

#[derive(serde::Deserialize)]
struct Nearest {
    pictures: Vec<u32>,
    scores: Vec<f64>,
}

fn expected() -> Vec<Expected> {
    serde_json::from_str(include_str!("fixtures/neighbours.json")).unwrap()
}

/// What a recipe with these steps says of neighbours.
fn ranking(steps: &str) -> Ranking {
    Draft::new(&format!("color | {steps}").parse().unwrap(), &[]).unwrap().ranking()
}

/// Unit vectors, one after the other.
struct Vectors {
    dims: usize,
    values: Vec<f32>,
}

impl Vectors {
    fn new(rows: &[Vec<f32>]) -> Self {
        let unit = |row: &Vec<f32>| {
            let norm = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            row.iter().map(|x| (f64::from(*x) / norm) as f32).collect::<Vec<f32>>()
        };
        Self { dims: rows[0].len(), values: rows.iter().flat_map(unit).collect() }
    }

    fn rows(&self) -> Rows<'_> {
        Rows::Vectors { dims: self.dims, values: &self.values }
    }
}

/// Numbers between -.2 and 1.8 of a linear congruential generator.
fn noisy_rows(count: usize, dims: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 23) - 0.2) as f32
    };
    (0..count).map(|_| (0..dims).map(|_| noise()).collect()).collect()
}

fn nothing_ignored(queries: usize) -> Truth {
    Truth { sets: vec![vec![]], set_of_query: vec![0; queries], ignored: vec![vec![]; queries] }
}

/// The first hits of each query.
fn search(ranking: Ranking, gallery: &Vectors, queries: &Vectors, truth: &Truth, threads: usize) -> Vec<Vec<Found>> {
    let dims = gallery.dims;
    let augmented = ranking.augment.map(|augment| augment.augmented(dims, &gallery.values, threads));
    let gallery = Vectors { dims, values: augmented.unwrap_or_else(|| gallery.values.clone()) };
    let QuerySide { queries, reranked } =
        query_side(ranking, dims, &gallery.values, queries.values.clone(), truth, threads);
    let queries = Vectors { dims, values: queries };
    let depth = (Depth::Top(10), Ties::Index);
    let sides = (gallery.rows(), queries.rows());
    rank_behind(reranked.as_deref(), sides, truth, depth, threads, |_, ranked| ranked.top)
}

fn assert_finds(expected: &Expected, gallery: &Vectors, queries: &Vectors) {
    let found = search(ranking(&expected.steps), gallery, queries, &nothing_ignored(expected.found.len()), 2);
    for (query, (found, wanted)) in found.iter().zip(&expected.found).enumerate() {
        let place = format!("{} {} query {query}", expected.set, expected.steps);
        assert_eq!(found.iter().map(|f| f.picture).collect::<Vec<_>>(), wanted.pictures, "{place}");
        for (found, wanted) in found.iter().zip(&wanted.scores) {
            assert!((found.score - wanted).abs() < 1e-6, "{place}: {} instead of {wanted}", found.score);
        }
    }
}

#[test]
fn neighbours_of_noise_are_those_of_numpy() {
    let (gallery, queries) = (Vectors::new(&noisy_rows(400, 8, 1)), Vectors::new(&noisy_rows(5, 8, 2)));
    let all = expected();
    let of_noise: Vec<&Expected> = all.iter().filter(|expected| expected.set == "noise").collect();
    assert_eq!(of_noise.len(), 5);
    of_noise.iter().for_each(|expected| assert_finds(expected, &gallery, &queries));
}

#[test]
fn neighbours_of_reference_features_are_those_of_numpy() {
    for set in ["corel1k", "zodiac-like"] {
        let read = |side: &str| {
            let path = data("neighbours", &format!("reference_features_{set}_{side}.npy"))?;
            Some(npy_rows(&path))
        };
        let (Some(gallery), Some(queries)) = (read("gallery"), read("query")) else { return };
        let (gallery, queries) = (Vectors::new(&gallery), Vectors::new(&queries[..5]));
        let all = expected();
        all.iter()
            .filter(|expected| expected.set == set)
            .for_each(|expected| assert_finds(expected, &gallery, &queries));
    }
}

#[test]
fn threads_change_nothing() {
    let (gallery, queries) = (Vectors::new(&noisy_rows(300, 8, 5)), Vectors::new(&noisy_rows(40, 8, 6)));
    for steps in ["augment | expand", "expand | reciprocal", "augment | diffuse"] {
        let by = |threads| search(ranking(steps), &gallery, &queries, &nothing_ignored(40), threads);
        assert_eq!(by(1), by(3), "{steps}");
    }
}

/// A picture that is taken out of the gallery for a query must leave no trace in what the query finds.
#[test]
fn what_is_ignored_is_no_neighbour() {
    let rows = noisy_rows(60, 8, 9);
    let (gallery, queries) = (Vectors::new(&rows), Vectors::new(&rows[..1]));
    let without = Vectors::new(&rows[1..]);
    let ignoring = Truth { ignored: vec![vec![0]], ..nothing_ignored(1) };
    for steps in ["expand(3, 1)", "reciprocal(5, 3)", "diffuse(5)"] {
        // The mean is that of the whole gallery, so that only the order of the first is the same.
        let with = search(ranking(steps), &gallery, &queries, &ignoring, 1);
        let other = search(ranking(steps), &without, &queries, &nothing_ignored(1), 1);
        assert_eq!(with[0].first().map(|f| f.picture), other[0].first().map(|f| f.picture + 1), "{steps}");
        assert!(with[0].iter().all(|found| found.picture != 0), "{steps}");
    }
}

/// Nothing is drawn anywhere by neighbours that point the other way.
#[test]
fn negative_similarities_count_nothing() {
    let gallery = Vectors::new(&[vec![-1.0, 0.1], vec![-1.0, -0.1], vec![-0.9, 0.0]]);
    let queries = Vectors::new(&[vec![1.0, 0.0]]);
    let QuerySide { queries: expanded, .. } =
        query_side(ranking("expand(3, 1)"), 2, &gallery.values, queries.values.clone(), &nothing_ignored(1), 1);
    assert_eq!(expanded, queries.values);
    for steps in ["reciprocal", "diffuse"] {
        let found = search(ranking(steps), &gallery, &queries, &nothing_ignored(1), 1);
        assert!(found[0].iter().all(|found| (0.0..=1.0).contains(&found.score)), "{steps}: {found:?}");
    }
}
