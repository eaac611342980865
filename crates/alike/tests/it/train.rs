//! Learning from labels, against scikit-learn and scipy.

use crate::data::{data, npy_rows};
use alike::recipe::{Descriptor, Draft, Plan};
use alike::store::Label;
use alike::train::{Lesson, Method, Request, Samples, TrainError, Trained, TrainedError, learn};
use std::path::Path;

const DIMS: usize = 12;
const CLASSES: usize = 3;

fn unit(row: &[f32]) -> Vec<f32> {
    let norm = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    row.iter().map(|x| (f64::from(*x) / norm) as f32).collect()
}

/// Vectors at unit length, those of a class about a centre of its own; `training/train_fixtures.py` makes the same.
fn rows(count: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let row = |i: usize| {
        let mut row: Vec<f64> = (0..DIMS).map(|j| noise() * (1 + j % 4) as f64).collect();
        row[i % CLASSES] += 1.5;
        row[3 + i % CLASSES] -= 0.5 * (i % CLASSES) as f64;
        unit(&row.iter().map(|x| *x as f32).collect::<Vec<_>>())
    };
    (0..count).map(row).collect()
}

fn label(class: usize) -> Label {
    Label { id: class.to_string(), name: Some(format!("class {class}")) }
}

fn samples(rows: &[Vec<f32>], classes: impl Iterator<Item = usize>) -> Samples {
    let labels: Vec<Label> = classes.map(label).collect();
    Samples::new(rows[0].len(), rows.concat(), &labels).unwrap()
}

fn small() -> Samples {
    samples(&rows(90, 5), (0..90).map(|i| i % CLASSES))
}

fn request(method: Method) -> Request {
    Request { method, dims: None, seed: 0, threads: 2 }
}

fn lesson(samples: &Samples, request: &Request) -> Lesson {
    learn(samples, request, &mut |_| ()).unwrap()
}

/// A lesson's outputs for vectors, through a file, bound behind `ahash`-free rows of a recipe with one source.
fn outputs(lesson: &Lesson, queries: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let (count, numbers) = (lesson.outputs, &lesson.parameters);
    let first = if lesson.method == Method::Softmax { count } else { lesson.dims };
    let (first, matrix) = numbers.split_at(first);
    let output = |query: &Vec<f32>| -> Vec<f32> {
        let sum = |k: usize| {
            let bias = if lesson.method == Method::Softmax { f64::from(first[k]) } else { 0.0 };
            let centre = |j: usize| if lesson.method == Method::Softmax { 0.0 } else { f64::from(first[j]) };
            bias + (0..lesson.dims)
                .map(|j| (f64::from(query[j]) - centre(j)) * f64::from(matrix[j * count + k]))
                .sum::<f64>()
        };
        let sums: Vec<f64> = (0..count).map(sum).collect();
        if lesson.method != Method::Softmax {
            return sums.iter().map(|x| *x as f32).collect();
        }
        let total: f64 = sums.iter().map(|x| x.exp()).sum();
        sums.iter().map(|x| (x.exp() / total) as f32).collect()
    };
    queries.iter().map(output).collect()
}

fn worst(got: &[Vec<f32>], wanted: &[Vec<f64>]) -> f64 {
    assert_eq!((got.len(), got[0].len()), (wanted.len(), wanted[0].len()));
    let pairs = got.iter().flatten().zip(wanted.iter().flatten());
    pairs.map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

fn cosines(vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let units: Vec<Vec<f32>> = vectors.iter().map(|vector| unit(vector)).collect();
    let dot =
        |a: &Vec<f32>, b: &Vec<f32>| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>() as f32;
    units.iter().map(|a| units.iter().map(|b| dot(a, b)).collect()).collect()
}

#[derive(serde::Deserialize)]
struct Expected {
    /// A strength of the path, and the probabilities of the queries.
    softmax: Vec<(f64, Vec<Vec<f64>>)>,
    /// Shrinkage, and the cosines of the queries with each other: they tell all but the signs of axes.
    lda: (f64, Vec<Vec<f64>>),
    whitening: (f64, Vec<Vec<f64>>),
}

/// From `training/train_fixtures.py`.
fn expected() -> Expected {
    serde_json::from_str(include_str!("fixtures/train.json")).unwrap()
}

#[test]
fn a_head_gives_the_probabilities_of_scikit_learn() {
    let head = lesson(&small(), &request(Method::Softmax));
    let near = |(strength, _): &&(f64, Vec<Vec<f64>>)| (strength / head.strength - 1.0).abs() < 1e-9;
    let expected = expected().softmax;
    let (_, wanted) = expected.iter().find(near).expect("a strength of the path");
    let worst = worst(&outputs(&head, &rows(6, 77)), wanted);
    assert!(worst < 1e-5, "off by {worst} at strength {}", head.strength);
    assert_eq!((head.outputs, head.pictures, head.held_out.pictures), (CLASSES, 90, 18));
}

#[test]
fn projections_are_those_of_scipy() {
    let expected = expected();
    for (method, dims, (shrinkage, wanted)) in
        [(Method::Lda, None, expected.lda), (Method::Whitening, Some(5), expected.whitening)]
    {
        let projection = lesson(&small(), &Request { dims, ..request(method) });
        let worst = worst(&cosines(&outputs(&projection, &rows(6, 77))), &wanted);
        assert!(worst < 1e-5, "{method}: off by {worst}");
        let off = (projection.strength - shrinkage).abs();
        assert!(off < 1e-6, "{method}: shrunk by {}, wanted {shrinkage}", projection.strength);
    }
}

#[test]
fn threads_change_nothing_and_seeds_draw_the_part_held_out() {
    for method in [Method::Softmax, Method::Lda, Method::Whitening] {
        let one = lesson(&small(), &Request { threads: 1, ..request(method) });
        let five = lesson(&small(), &Request { threads: 5, ..request(method) });
        assert_eq!((&one.parameters, &one.held_out), (&five.parameters, &five.held_out), "{method}");
        let other = lesson(&small(), &Request { seed: 1, ..request(method) });
        assert_ne!(one.held_out.map, other.held_out.map, "{method}");
    }
}
