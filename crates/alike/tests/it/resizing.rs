//! Resizing, bit by bit against what OpenCV and Pillow make of the same noise.

use alike::picture::Picture;
use alike::resize::{Filter, opencv_bilinear, pillow};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

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

fn digest(picture: &Picture) -> String {
    Sha256::digest(picture.rgb()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
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
        assert_eq!(digest(&opencv_bilinear(&picture, to_w, to_h)), fields[4], "opencv, {case}");
        assert_eq!(digest(&pillow(&picture, to_w, to_h, Filter::Bilinear)), fields[5], "bilinear, {case}");
        assert_eq!(digest(&pillow(&picture, to_w, to_h, Filter::Bicubic)), fields[6], "bicubic, {case}");
        assert_eq!(digest(&pillow(&picture, to_w, to_h, Filter::Lanczos)), fields[7], "lanczos, {case}");
    }
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
