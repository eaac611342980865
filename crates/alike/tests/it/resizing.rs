//! Resizing, bit by bit against what OpenCV and Pillow make of the same noise.

use crate::models::graphs;
use alike::model::runtime::Rten;
use alike::model::{Manifest, Model, Network};
use alike::picture::Picture;
use alike::resize::{Filter, opencv_bilinear, pillow};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The generator of `training/resize_fixtures.py`.
fn noise(width: u32, height: u32) -> Picture {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let rgb = (0..width * height * 3).map(|_| next()).collect();
    Picture::from_rgb(width, height, rgb).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn resizing_equals_opencv_and_pillow_at_every_size() {
    let table = include_str!("fixtures/resize.tsv");
    let cases: Vec<_> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(cases.len() > 80);
    for case in cases {
        let fields: Vec<&str> = case.split('\t').collect();
        let [w, h, to_w, to_h] = [0, 1, 2, 3].map(|i: usize| fields[i].parse().unwrap());
        let picture = noise(w, h);
        assert_eq!(digest(opencv_bilinear(&picture, to_w, to_h).rgb()), fields[4], "opencv, {case}");
        assert_eq!(digest(pillow(&picture, to_w, to_h, Filter::Bilinear).rgb()), fields[5], "bilinear, {case}");
        assert_eq!(digest(pillow(&picture, to_w, to_h, Filter::Bicubic).rgb()), fields[6], "bicubic, {case}");
        assert_eq!(digest(pillow(&picture, to_w, to_h, Filter::Lanczos).rgb()), fields[7], "lanczos, {case}");
    }
}

/// Networks are kept from size to size, as a sync keeps them.
#[test]
fn inputs_of_networks_equal_those_of_opencv_pillow_and_numpy() {
    let dir = tempfile::tempdir().unwrap();
    let path = graphs::write(dir.path(), "pool.onnx", graphs::classifier());
    let mut network = None;
    let table = include_str!("fixtures/tensors.tsv");
    for case in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = case.split('\t').collect();
        let input: String = serde_json::from_str(fields[0]).unwrap();
        let (known, network) = network.get_or_insert_with(|| start(&path, &input));
        if *known != input {
            (*known, *network) = start(&path, &input);
        }
        let picture = noise(fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let values = network.preprocess(&picture).iter().flat_map(|value| value.to_le_bytes());
        assert_eq!(digest(&values.collect::<Vec<u8>>()), fields[3], "{case}");
    }
}

/// What a manifest says of the input, and a network of that manifest.
fn start(path: &Path, input: &str) -> (String, Network) {
    let text = format!(
        "name = \"pool\"\n[input]\n{input}\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n[outputs]\nlogits = \
         {{ output = \"scores\" }}\n"
    );
    let model = Model::with_manifest(path, Manifest::parse(&text, path).unwrap()).unwrap();
    (input.to_owned(), model.start(&Rten::new()).unwrap())
}

#[test]
fn a_side_of_zero_counts_as_one() {
    let picture = noise(5, 4);
    for small in [opencv_bilinear(&picture, 0, 3), pillow(&picture, 0, 3, Filter::Bicubic)] {
        assert_eq!((small.width(), small.height(), small.rgb().len()), (1, 3, 9));
    }
}

proptest! {
    #[test]
    fn one_colour_stays_that_colour(w in 1..90_u32, h in 1..90_u32, to_w in 1..90_u32, to_h in 1..90_u32, rgb: [u8; 3]) {
        let plain = Picture::from_rgb(w, h, rgb.repeat((w * h) as usize)).unwrap();
        let results = [
            opencv_bilinear(&plain, to_w, to_h),
            pillow(&plain, to_w, to_h, Filter::Bilinear),
            pillow(&plain, to_w, to_h, Filter::Bicubic),
            pillow(&plain, to_w, to_h, Filter::Lanczos),
        ];
        for result in results {
            prop_assert_eq!((result.width(), result.height()), (to_w, to_h));
            prop_assert!(result.rgb().chunks_exact(3).all(|pixel| pixel == rgb));
        }
    }
}
