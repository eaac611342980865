//! Steps that make codes, against independent values.

use crate::data::{data, npy_rows};
use crate::sources::quality;
use alike::model::Model;
use alike::recipe::{Descriptor, Draft, LearnError, Plan, RecipeError};
use std::path::Path;
use std::sync::Arc;

fn draft(text: &str) -> Result<Draft, RecipeError> {
    Draft::new(&text.parse()?, &[])
}

fn learnt(recipe: &str, gallery: &[Vec<f32>]) -> Plan {
    draft(recipe).unwrap().learn(&pictures(gallery)).unwrap()
}

/// Of a recipe with one source.
fn pictures(gallery: &[Vec<f32>]) -> Vec<Vec<&[f32]>> {
    gallery.iter().map(|row| vec![row.as_slice()]).collect()
}

fn dims(source: &str) -> usize {
    draft(source).unwrap().sources()[0].dims()
}

/// The bits of a code.
fn code(plan: &Plan, row: &[f32]) -> Vec<bool> {
    let Some(Descriptor::Code(words)) = plan.describe(&[row]) else { panic!("a code was expected") };
    (0..words.len() * 64).map(|i| words[i / 64] >> (i % 64) & 1 == 1).collect()
}

/// Numbers between -1 and 1, of a linear congruential generator.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    }
}

fn noisy_rows(count: usize, dims: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut noise = noise(seed);
    (0..count).map(|_| (0..dims).map(|i| (noise() * (1 + i % 7) as f64) as f32 + (i % 3) as f32).collect()).collect()
}

/// `count` vectors of unit length at right angles to each other.
fn orthonormal(count: usize, dims: usize, seed: u32) -> Vec<Vec<f64>> {
    let mut noise = noise(seed);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..dims).map(|_| noise()).collect();
        for known in &basis {
            let along = dot(known, &vector);
            vector.iter_mut().zip(known).for_each(|(x, k)| *x -= along * k);
        }
        let norm = dot(&vector, &vector).sqrt();
        basis.push(vector.iter().map(|x| x / norm).collect());
    }
    basis
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// What `itq` learnt: the centre, and a vector for each bit.
fn planes(plan: &Plan, dims: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let bytes = plan.parameters().unwrap();
    let numbers: Vec<f64> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect();
    let (centre, parts) = numbers.split_at(dims);
    let bits = parts.len() / dims;
    (centre.to_vec(), (0..bits).map(|bit| parts.iter().skip(bit).step_by(bits).copied().collect()).collect())
}

#[test]
fn methods_and_their_numbers_are_checked() {
    let message = |recipe: &str| draft(recipe).expect_err(recipe).to_string();
    let methods = "`hash` at column 9 takes a method: mean, median, threshold=T, gallery-mean, gallery-median, \
        notebook-mean, lsh or itq, as in hash(itq, 64)";
    for recipe in ["shape | hash", "shape | hash(mode)", "shape | hash(64)", "shape | hash(method=itq)"] {
        assert_eq!(message(recipe), methods, "{recipe}");
    }
    assert!(message("shape | hash@x(itq)").ends_with("takes no model"));
    assert!(message("shape | hash(gallery-mean, 64)").contains("takes nothing behind this method"));
    assert!(message("shape | hash(lsh, 64, seed=3)").ends_with("as in hash(lsh, 64)"));
    assert!(message("shape | hash(itq, 64, seeds=3)").ends_with("hash(itq, 64, seed=3)"));
    assert!(message("shape | hash(itq, 64, seed=0.5)").ends_with("hash(itq, 64, seed=3)"));
    for (recipe, got, most) in [
        ("shape | hash(lsh, 0)", "0", 4096),
        ("shape | hash(lsh, 4097)", "4097", 4096),
        ("shape | hash(itq, 2.5)", "2.5", 4096),
        ("shape | hash(itq, -1)", "-1", 4096),
        ("shape | hash(itq, 5000)", "5000", 4096),
    ] {
        let wanted = format!("{got} bits at column 9: wanted a whole number from 1 to {most}");
        assert_eq!(message(recipe), wanted);
    }
    assert!(draft("shape | hash(itq, 400)").is_ok() && draft("color + shape | hash(lsh, 4096)").is_ok());
    assert!(message("shape | hash(threshold=1, 8)").contains("takes nothing behind a threshold"));
    assert!(message("shape | hash(median, 8)").contains("takes nothing behind this method"));
}

#[test]
fn the_canonical_form_names_all_that_changes_a_code() {
    for (written, canonical) in [
        ("shape | hash(gallery-mean)", "hash(gallery-mean/1)"),
        ("shape | hash(gallery-median)", "hash(gallery-median/1)"),
        ("shape | hash(lsh)", "hash(lsh/1, 64)"),
        ("shape | hash(lsh, 100)", "hash(lsh/1, 100)"),
        ("shape | hash(itq)", "hash(itq/2, 64, seed=0)"),
        ("shape | hash(median)", "hash(median)"),
        ("shape | hash(notebook-mean)", "hash(notebook-mean/1)"),
        ("shape | hash(threshold=-0.50)", "hash(threshold=-0.5)"),
        ("shape | hash(itq, 32, seed=7)", "hash(itq/2, 32, seed=7)"),
    ] {
        assert!(draft(written).unwrap().canonical().ends_with(&format!(" | {canonical}")), "{written}");
    }
    let key = |recipe: &str| draft(recipe).unwrap().key().to_owned();
    assert_eq!(key("shape | hash(itq)"), key("shape | hash(itq, 64, seed=0)"));
    assert_ne!(key("shape | hash(itq, 32)"), key("shape | hash(itq, 32, seed=1)"));
}

#[test]
fn gallery_thresholds_are_the_means_and_medians_of_each_dimension() {
    let dims = dims("shape");
    for count in [9, 10] {
        let gallery = noisy_rows(count, dims, 5);
        let column = |i: usize| -> Vec<f64> {
            let mut column: Vec<f64> = gallery.iter().map(|row| row[i].into()).collect();
            column.sort_by(f64::total_cmp);
            column
        };
        let median = |i| (column(i)[(count - 1) / 2] + column(i)[count / 2]) / 2.0;
        let mean = |i| column(i).iter().sum::<f64>() / count as f64;
        let (medians, means) =
            (learnt("shape | hash(gallery-median)", &gallery), learnt("shape | hash(gallery-mean)", &gallery));
        for row in noisy_rows(5, dims, 6) {
            let (by_median, by_mean) = (code(&medians, &row), code(&means, &row));
            for i in 0..dims {
                let x = f64::from(row[i]);
                // A threshold is kept in single precision, which may decide where a number is that near to it.
                assert!(by_median[i] == (x > median(i)) || (x - median(i)).abs() < 1e-6, "{count}, median {i}");
                assert!(by_mean[i] == (x > mean(i)) || (x - mean(i)).abs() < 1e-6, "{count}, mean {i}");
            }
            assert!(by_median[dims..].iter().all(|bit| !bit), "unused bits are 0");
        }
        let set = gallery.iter().map(|row| code(&medians, row)[3]).filter(|bit| *bit).count();
        assert_eq!(set, count / 2, "half of the gallery lies above a median");
    }
}

/// The words come from `training/lsh_fixtures.py`.
#[test]
fn lsh_gives_the_same_codes_everywhere() {
    let row: Vec<f32> = (0..324).map(|i| ((i * 7 + 13) % 29) as f32 - 11.0).collect();
    let words = |recipe: &str, row: &[f32]| draft(recipe).unwrap().ready().unwrap().describe(&[row]);
    let wanted = Descriptor::Code(vec![0x5197_9f0b_eaff_4b07]);
    assert_eq!(words("shape | hash(lsh)", &row), Some(wanted.clone()));
    assert_eq!(words("shape | hash(lsh, 70)", &row), Some(Descriptor::Code(vec![0x8abd_76ef_be6d_9fc0, 0x15])));
    let longer: Vec<f32> = row.iter().map(|x| x * 1024.0).collect();
    assert_eq!(words("shape | hash(lsh)", &longer), Some(wanted), "the length of a vector says nothing");
}

/// Charikar's law: the share of bits that differ is the angle over pi.
#[test]
fn lsh_distances_tell_the_angle() {
    let plan = draft("shape | hash(lsh, 4096)").unwrap().ready().unwrap();
    let basis = orthonormal(2, dims("shape"), 11);
    let at = |angle: f64| -> Vec<f32> {
        basis[0].iter().zip(&basis[1]).map(|(a, b)| (angle.cos() * a + angle.sin() * b) as f32).collect()
    };
    let start = code(&plan, &at(0.0));
    for angle in [0.1, 0.5, 1.0, 2.0, 3.0] {
        let differing = start.iter().zip(code(&plan, &at(angle))).filter(|(a, b)| *a != b).count() as f64 / 4096.0;
        let (expected, deviation) = (angle / std::f64::consts::PI, (0.25_f64 / 4096.0).sqrt());
        assert!((differing - expected).abs() < 4.0 * deviation, "{angle}: {differing}, expected {expected}");
    }
}

#[test]
fn itq_finds_the_axes_of_the_largest_variances() {
    // More vectors than dimensions, and fewer.
    axes_are_found(400);
    axes_are_found(100);
}

fn axes_are_found(count: usize) {
    let (dims, bits) = (dims("shape"), 8);
    let axes = orthonormal(2 * bits, dims, 3);
    let mut noise = noise(9);
    let row = |_| {
        // Strong along the first axes, weak along the others, and far from the origin.
        let parts: Vec<f64> = (0..2 * bits).map(|k| noise() * if k < bits { 2.0 } else { 0.2 }).collect();
        (0..dims)
            .map(|i| (3.0 + axes.iter().zip(&parts).map(|(axis, part)| part * axis[i]).sum::<f64>()) as f32)
            .collect()
    };
    let gallery: Vec<Vec<f32>> = (0..count).map(row).collect();
    let (centre, directions) = planes(&learnt("shape | hash(itq, 8)", &gallery), dims);
    for (i, centre) in centre.iter().enumerate() {
        let length = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let mean = gallery.iter().map(|row| f64::from(row[i]) / length(row)).sum::<f64>() / count as f64;
        assert!((centre - mean).abs() < 1e-6);
    }
    for (a, direction) in directions.iter().enumerate() {
        for (b, other) in directions.iter().enumerate() {
            assert!(
                (dot(direction, other) - f64::from(u8::from(a == b))).abs() < 1e-5,
                "a rotation keeps right angles"
            );
        }
    }
    for (k, axis) in axes.iter().enumerate() {
        let length = directions.iter().map(|direction| dot(direction, axis).powi(2)).sum::<f64>();
        assert!(if k < bits { length > 0.99 } else { length < 0.01 }, "axis {k}: {length}");
    }
}

/// How far codes are from the coordinates they stand for, the quantity that iterative quantisation makes small.
fn loss(gallery: &[Vec<f32>], centre: &[f64], directions: &[Vec<f64>]) -> f64 {
    let centred = gallery.iter().map(|row| row.iter().zip(centre).map(|(x, c)| f64::from(*x) - c).collect());
    let centred: Vec<Vec<f64>> = centred.collect();
    let coordinates = centred.iter().flat_map(|row| directions.iter().map(|direction| dot(direction, row)));
    coordinates.map(|x| (x - x.signum()).powi(2)).sum()
}

#[test]
fn itq_loses_less_than_random_rotations_of_the_same_axes() {
    let (dims, bits) = (dims("shape"), 16);
    let gallery = noisy_rows(300, dims, 21);
    let (centre, directions) = planes(&learnt("shape | hash(itq, 16)", &gallery), dims);
    let learnt = loss(&gallery, &centre, &directions);
    for seed in 0..10 {
        let turn = |row: &Vec<f64>| (0..dims).map(|i| (0..bits).map(|b| row[b] * directions[b][i]).sum()).collect();
        let turned: Vec<Vec<f64>> = orthonormal(bits, bits, seed).iter().map(turn).collect();
        let random = loss(&gallery, &centre, &turned);
        assert!(learnt < 0.99 * random, "{learnt}, at random {random}");
    }
}

/// Pictures at the corners of a turned cube: the codes are the corners, but for the order and the signs of the bits.
#[test]
fn itq_finds_the_corners_of_a_cube() {
    let (dims, bits) = (dims("shape"), 6);
    let axes = orthonormal(bits, dims, 17);
    let is_set = |corner: usize, bit: usize| corner >> bit & 1 == 1;
    let vertex = |corner: usize| -> Vec<f32> {
        let sign = |bit| if is_set(corner, bit) { 1.0 } else { -1.0 };
        (0..dims).map(|i| (0..bits).map(|bit| sign(bit) * axes[bit][i]).sum::<f64>() as f32 + 1.0).collect()
    };
    let gallery: Vec<Vec<f32>> = (0..64).map(vertex).collect();
    let finds = |seed: usize| {
        let plan = learnt(&format!("shape | hash(itq, 6, seed={seed})"), &gallery);
        let codes: Vec<Vec<bool>> = gallery.iter().map(|row| code(&plan, row)).collect();
        let agreeing = |bit, of: usize| (0..64).filter(|&corner| codes[corner][of] == is_set(corner, bit)).count();
        (0..bits).all(|bit| (0..bits).any(|of| matches!(agreeing(bit, of), 0 | 64)))
    };
    let found = (0..8).filter(|seed| finds(*seed)).count();
    assert!(found > 0, "the alternation may end before the best, but not always");
}

/// More bits than axes: codes tell angles the better for it.
#[test]
fn itq_makes_more_bits_than_there_are_dimensions() {
    let gallery = noisy_rows(60, dims("shape"), 2);
    let plan = learnt("shape | pca(4) | hash(itq, 64)", &gallery);
    assert_eq!(
        plan.kind().score(&plan.describe(&[&gallery[0]]).unwrap(), &plan.describe(&[&gallery[0]]).unwrap()),
        Some(1.0)
    );
    let near = learnt("shape | pca(4)", &gallery);
    let angle = |i: usize, j: usize| {
        let of = |i: usize| near.describe(&[&gallery[i]]).unwrap();
        f64::from(near.kind().score(&of(i), &of(j)).unwrap()).clamp(-1.0, 1.0).acos()
    };
    for (i, j) in [(0, 1), (2, 3), (4, 5), (6, 7)] {
        let (a, b) = (code(&plan, &gallery[i]), code(&plan, &gallery[j]));
        let share = a.iter().zip(&b).filter(|(a, b)| a != b).count() as f64 / 64.0;
        assert!((share - angle(i, j) / std::f64::consts::PI).abs() < 0.12, "{share}, {}", angle(i, j));
    }
}

#[test]
fn thresholds_of_one_vector_and_of_none() {
    let row: Vec<f32> = (0..324).map(|i| ((i * 7 + 13) % 29) as f32 - 11.0).collect();
    let mut sorted = row.clone();
    sorted.sort_by(f32::total_cmp);
    let bits = |recipe: &str| code(&draft(recipe).unwrap().ready().unwrap(), &row);
    for (recipe, threshold) in [
        ("shape | hash(median)", f32::midpoint(sorted[161], sorted[162])),
        ("shape | hash(threshold=2)", 2.0),
        ("shape | hash(threshold=-3.5)", -3.5),
    ] {
        assert!(bits(recipe).iter().zip(&row).all(|(bit, x)| *bit == (*x > threshold)), "{recipe}");
    }
}

/// The classroom notebook's threshold: one number over the whole array of sigmoids.
#[test]
fn notebook_mean_is_one_threshold_for_all() {
    let gallery = noisy_rows(20, dims("shape"), 6);
    let sigmoid = |x: &f32| 1.0 / (1.0 + (-f64::from(*x)).exp());
    let all: Vec<f64> = gallery.iter().flatten().map(sigmoid).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let plan = learnt("shape | hash(notebook-mean)", &gallery);
    for row in noisy_rows(5, dims("shape"), 7) {
        let wrong = code(&plan, &row).iter().zip(&row).filter(|(bit, x)| **bit != (sigmoid(x) > mean)).count();
        assert_eq!(wrong, 0);
    }
}

#[test]
fn the_same_gallery_teaches_the_same_and_parameters_bring_it_back() {
    let gallery = noisy_rows(60, dims("shape"), 2);
    for recipe in [
        "shape | hash(gallery-mean)",
        "shape | hash(gallery-median)",
        "shape | hash(notebook-mean)",
        "shape | hash(itq, 32)",
        "shape | pca(20) | hash(itq, 32)",
        "shape | center | whiten(8) | hash(gallery-median)",
    ] {
        let plan = learnt(recipe, &gallery);
        let parameters = plan.parameters().unwrap();
        assert_eq!(learnt(recipe, &gallery).parameters().unwrap(), parameters);
        assert_ne!(learnt(recipe, &gallery[..50]).parameters().unwrap(), parameters);
        let again = draft(recipe).unwrap().with_parameters(&parameters).unwrap();
        assert!(gallery.iter().all(|row| code(&again, row) == code(&plan, row)));

        let mut not_finite = parameters.clone();
        not_finite[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        for bad in [&parameters[4..], &parameters[1..], &[&parameters[..], &[0]].concat(), &not_finite, &[]] {
            assert!(draft(recipe).unwrap().with_parameters(bad).is_none(), "{recipe}, {} bytes", bad.len());
        }
        assert!(draft(recipe).unwrap().ready().is_none(), "{recipe} has to learn");
    }
    let by_seed = |seed| learnt(&format!("shape | hash(itq, 32, seed={seed})"), &gallery).parameters();
    assert_ne!(by_seed(1), by_seed(2));
    assert_eq!(learnt("shape | hash(lsh)", &[]).parameters(), None);
}

#[test]
fn a_gallery_that_is_too_small_is_said_to_be() {
    let dims = dims("shape");
    let mut gallery = noisy_rows(33, dims, 4);
    assert!(draft("shape | hash(itq, 32)").unwrap().learn(&pictures(&gallery)).is_ok());
    gallery[7] = vec![0.0; dims];
    let error = draft("shape | hash(itq, 32)").unwrap().learn(&pictures(&gallery)).unwrap_err();
    assert!(matches!(error, LearnError::TooFew { got: 32, wanted: 33, .. }), "what can't be described teaches nothing");
    assert!(error.to_string().contains("at least 33 pictures, got 32: index more pictures"), "{error}");
    assert!(draft("shape | hash(gallery-median)").unwrap().learn(&[]).is_err());
}

/// Of 20,000 pictures every second one is looked at, which tells the two kinds apart.
#[test]
fn large_galleries_are_sampled_at_equal_distances() {
    let (ones, threes) = (vec![1.0; dims("shape")], vec![3.0; dims("shape")]);
    let mean = |count: usize| {
        let gallery: Vec<Vec<&[f32]>> =
            (0..count).map(|i| vec![if i.is_multiple_of(2) { &ones[..] } else { &threes }]).collect();
        let plan = draft("shape | hash(gallery-mean)").unwrap().learn(&gallery).unwrap();
        f32::from_le_bytes(plan.parameters().unwrap()[..4].try_into().unwrap())
    };
    assert_eq!((mean(10_000), mean(20_000)), (2.0, 1.0));
}

#[test]
fn odd_galleries_give_codes_all_the_same() {
    let dims = dims("shape");
    let extremes = |i: usize| (0..dims).map(|j| [f32::MAX, f32::MIN, 1e-40, 0.0][(i * j + i) % 4]).collect();
    for gallery in [vec![vec![0.5; dims]; 20], (0..20).map(extremes).collect()] {
        let (centre, directions) = planes(&learnt("shape | hash(itq, 16)", &gallery), dims);
        assert_eq!((centre.len(), directions.len()), (dims, 16));
        assert!(directions.iter().flatten().all(|x| x.is_finite()));
        assert!(directions.iter().all(|direction| (dot(direction, direction) - 1.0).abs() < 1e-5));
    }
}

#[test]
fn sums_are_hashed_as_they_are_fused() {
    let draft = draft("3*shape + (texture + color) | hash(itq, 8)").unwrap();
    let of = |seed| -> Vec<Vec<f32>> {
        draft.sources().iter().flat_map(|source| noisy_rows(1, source.dims(), seed)).collect()
    };
    let gallery: Vec<Vec<Vec<f32>>> = (0..12).map(of).collect();
    let pictures: Vec<Vec<&[f32]>> = gallery.iter().map(|rows| rows.iter().map(Vec::as_slice).collect()).collect();
    let plan = draft.learn(&pictures).unwrap();
    let dims: usize = draft.sources().iter().map(|source| source.dims()).sum();
    assert_eq!(planes(&plan, dims).1.len(), 8);
    // Terms are scaled to unit length, so that a term's length says nothing.
    let longer: Vec<f32> = gallery[0][0].iter().map(|x| x * 16.0).collect();
    assert_eq!(plan.describe(&[&longer, pictures[0][1], pictures[0][2]]), plan.describe(&pictures[0]));
}

#[test]
fn itq_reaches_what_the_field_reaches_on_corel1k() {
    let test = "itq_reaches_what_the_field_reaches_on_corel1k";
    let (Some(gallery), Some(queries), Some(lists), Some(model)) = (
        data(test, "reference_features_corel1k_gallery.npy"),
        data(test, "reference_features_corel1k_query.npy"),
        data(test, "corel1k"),
        data(test, "weights/mobilenet_v2_1.0.onnx"),
    ) else {
        return;
    };
    let labels = |list: &Path| -> Vec<u32> {
        let text = fs_err::read_to_string(list).unwrap();
        text.lines().map(|line| line.split('\t').nth(1).unwrap().parse().unwrap()).collect()
    };
    let (gallery, queries) = (npy_rows(&gallery), npy_rows(&queries));
    let models = [Arc::new(Model::open(&model).unwrap())];
    let figures = |recipe: &str| {
        let draft = Draft::new(&recipe.parse().unwrap(), &models).unwrap();
        let started = std::time::Instant::now();
        let plan = draft.learn(&pictures(&gallery)).unwrap();
        let took = started.elapsed();
        let described = |rows: &[Vec<f32>], list| -> Vec<(Descriptor, u32)> {
            rows.iter().map(|row| plan.describe(&[row]).unwrap()).zip(labels(&lists.join(list))).collect()
        };
        let figures = quality(plan.kind(), &described(&gallery, "trainval.txt"), &described(&queries, "test.txt"));
        println!("{recipe}: P@10 {:.4}, mAP {:.4}, learnt in {took:.1?}", figures.0, figures.1);
        figures.1
    };
    let seeds = (0..3).map(|seed| figures(&format!("deep | hash(itq, 64, seed={seed})"))).sum::<f64>() / 3.0;
    println!("mean of three seeds: mAP {seeds:.4}");
    assert!(seeds >= 0.87, "mAP {seeds}");
    let (axes, few) = (figures("deep | center | pca(64)"), figures("deep | center | pca(32) | hash(itq, 64)"));
    assert!(axes >= 0.90, "mAP {axes}");
    assert!(few >= 0.91, "mAP {few}");
    let medians = figures("deep | hash(gallery-median)");
    assert!(medians >= 0.85, "mAP {medians}");
}
