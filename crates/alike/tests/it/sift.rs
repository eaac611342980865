//! Local descriptors and what `vlad` makes of them, against numpy, OpenCV and scikit-learn: `training/sift_fixtures.py`.

use crate::data::data;
use crate::sources::{described, drawn, quality, read_list};
use alike::picture::Picture;
use alike::recipe::{Descriptor, DescriptorKind, Draft, LearnError, Plan};
use alike::source::Forward;

const PART: usize = 128;
const PARTS: usize = 116;
const WORDS: usize = 12;

#[derive(serde::Deserialize)]
struct Expected {
    pictures: Vec<Drawn>,
    /// Every eighth number, as of `words`.
    aggregated: Vec<Vec<f32>>,
    words: Vec<Vec<f32>>,
}

#[derive(serde::Deserialize)]
struct Drawn {
    seed: u32,
    places: Vec<usize>,
    rows: Vec<Vec<f32>>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("fixtures/sift.json")).unwrap()
}

fn draft(recipe: &str) -> Draft {
    Draft::new(&recipe.parse().unwrap(), &[]).unwrap()
}

fn refusal(recipe: &str) -> String {
    Draft::new(&recipe.parse().unwrap(), &[]).expect_err(recipe).to_string()
}

fn row(picture: &Picture) -> Vec<f32> {
    draft("sift").sources()[0].describe(picture, &Forward::default()).unwrap()
}

fn learnt(recipe: &str, gallery: &[Vec<f32>]) -> Result<Plan, LearnError> {
    draft(recipe).learn(&gallery.iter().map(|row| vec![row.as_slice()]).collect::<Vec<_>>())
}

fn words(plan: &Plan) -> Vec<f32> {
    let bytes = plan.parameters().unwrap();
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[track_caller]
fn assert_close(got: impl Iterator<Item = f32>, expected: &[f32], tolerance: f32) {
    let got: Vec<f32> = got.collect();
    assert_eq!(got.len(), expected.len());
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "differs by {worst}");
}

/// Rows of local descriptors: each is 0 but for a noisy bump at one of twelve places.
fn clustered_rows(count: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let mut part = move || {
        let mut part = [0.0; PART];
        let place = (random() * 12.0) as usize * 10;
        part[place..place + 9].fill_with(&mut random);
        part
    };
    (0..count).map(|_| (0..PARTS).flat_map(|_| part()).collect()).collect()
}

#[test]
fn descriptors_equal_those_computed_pixel_by_pixel() {
    for Drawn { seed, places, rows } in expected().pictures {
        let colours = drawn(128, 128, seed);
        let grey = colours.rgb().chunks_exact(3).flat_map(|rgb| [rgb[0]; 3]).collect();
        let got = row(&Picture::from_rgb(128, 128, grey).unwrap());
        assert_eq!(got.len(), PARTS * PART);
        for (place, row) in places.iter().zip(&rows) {
            assert_close(got[place * PART..][..PART].iter().copied(), row, 1e-3);
        }
    }
}

#[test]
fn what_is_flat_has_no_descriptors() {
    for level in [0, 77, 255] {
        let plain = Picture::from_rgb(300, 200, vec![level; 300 * 200 * 3]).unwrap();
        assert!(row(&plain).iter().all(|x| *x == 0.0));
    }
    let mut half = vec![200; 128 * 128 * 3];
    half[..64 * 128 * 3].copy_from_slice(drawn(128, 64, 1).rgb());
    let row = row(&Picture::from_rgb(128, 128, half).unwrap());
    let lengths: Vec<f32> = row.chunks_exact(PART).map(|part| part.iter().map(|x| x * x).sum()).collect();
    assert!(lengths[..8].iter().all(|length| (length - 1.0).abs() < 1e-5));
    assert!(lengths[56..64].iter().all(|length| *length == 0.0));
}

#[test]
fn vectors_are_aggregated_as_by_numpy() {
    let vocabulary = &clustered_rows(1, 3)[0][..WORDS * PART];
    let bytes: Vec<u8> = vocabulary.iter().flat_map(|x| x.to_le_bytes()).collect();
    let plan = draft("sift | vlad(12)").with_parameters(&bytes).unwrap();
    let rows = clustered_rows(2, 4);
    for (row, expected) in rows.iter().zip(expected().aggregated) {
        let Some(Descriptor::Vector(vector)) = plan.describe(&[row]) else { panic!("a vector was expected") };
        assert_close(vector.into_iter().step_by(8), &expected, 1e-5);
    }
}

#[test]
fn words_are_those_of_scikit_learn_from_the_same_start() {
    let plan = learnt("sift | vlad(12)", &clustered_rows(WORDS, 5)).unwrap();
    assert_close(words(&plan).into_iter().step_by(8), &expected().words.concat(), 1e-4);
}

/// More words than there are different descriptors.
#[test]
fn words_to_spare_do_no_harm() {
    let part: Vec<f32> = (0..PART).map(|i| i as f32).collect();
    let mut other = part.clone();
    other.reverse();
    let gallery: Vec<Vec<f32>> = (0..8).map(|i| if i % 2 == 0 { &part } else { &other }.repeat(PARTS)).collect();
    let plan = learnt("sift | vlad(5)", &gallery).unwrap();
    assert!(words(&plan).chunks_exact(PART).all(|word| word == part || word == other));
    assert!(plan.describe(&[&clustered_rows(1, 6)[0]]).is_some());
}

#[test]
fn vlad_is_checked() {
    assert_eq!(draft("sift | vlad(64) | pca(128)").canonical(), "sift/1 | vlad/1(64) | pca/1(128)");
    assert_eq!(draft("sift | vlad(64)").kind(), DescriptorKind::Vector(8192));
    for recipe in ["sift | vlad", "sift | vlad(0)", "sift | vlad(257)", "sift | vlad(1.5)", "sift | vlad(8, 8)"] {
        assert!(refusal(recipe).ends_with("takes a number of words from 1 to 256, as in vlad(64)"), "{recipe}");
    }
    for recipe in ["color | vlad(8)", "sift | center | vlad(8)", "sift + sift | vlad(8)", "sift | vlad(8) | vlad(8)"] {
        assert!(refusal(recipe).ends_with("as in `sift | vlad(64)`: there are none before it"), "{recipe}");
    }
    let error = learnt("sift | vlad(12)", &clustered_rows(11, 5)).unwrap_err();
    assert!(matches!(error, LearnError::TooFew { got: 11, wanted: 12, .. }), "{error}");
}

#[test]
fn corel1k_is_found_by_local_descriptors() {
    let Some(folder) = data("corel1k_is_found_by_local_descriptors", "corel1k") else { return };
    let raw = draft("sift").ready().unwrap();
    let gallery = read_list(&raw, &folder.join("trainval.txt"));
    let queries = read_list(&raw, &folder.join("test.txt"));
    let rows: Vec<Vec<f32>> = gallery.rows.iter().map(|rows| rows[0].clone()).collect();
    let plan = learnt("sift | vlad(64)", &rows).unwrap();
    let (p10, map) = quality(plan.kind(), &described(&plan, &raw, &gallery), &described(&plan, &raw, &queries));
    println!("sift | vlad(64): P@10 {p10:.4}, mAP {map:.4}");
    assert!(p10 >= 0.63 && map >= 0.42, "P@10 {p10}, mAP {map}");
}
