//! Perceptual hashes, bit by bit against those of imagehash: `training/perceptual_fixtures.py`.

use crate::data::data;
use crate::sources::drawn;
use alike::picture::{DecodeOptions, Picture};
use alike::recipe::{Descriptor, DescriptorKind, Draft, Plan};
use alike::source::Forward;
use sha2::{Digest, Sha256};

const NAMES: [&str; 4] = ["ahash", "dhash", "phash", "whash"];

fn plan(recipe: &str) -> Plan {
    Draft::new(&recipe.parse().unwrap(), &[]).unwrap().ready().unwrap()
}

fn refusal(recipe: &str) -> String {
    Draft::new(&recipe.parse().unwrap(), &[]).expect_err(recipe).to_string()
}

fn bits(plan: &Plan, picture: &Picture) -> Vec<bool> {
    let row = plan.sources()[0].describe(picture, &Forward::default()).unwrap();
    let Some(Descriptor::Code(words)) = plan.describe(&[&row]) else { panic!("{} gives a code", plan.canonical()) };
    (0..row.len()).map(|i| words[i / 64] >> (i % 64) & 1 == 1).collect()
}

/// As imagehash writes it: the first bit is the highest of the first digit.
fn hexadecimal(bits: &[bool]) -> String {
    let digit = |bits: &[bool]| bits.iter().fold(0_u8, |digit, &bit| digit * 2 + u8::from(bit));
    bits.chunks(4).map(|bits| format!("{:x}", digit(bits))).collect()
}

/// Each pixel of `drawn` as a square of `side`, cut to size.
fn blocks(width: u32, height: u32, seed: u32, side: u32) -> Picture {
    let small = drawn(width.div_ceil(side), height.div_ceil(side), seed);
    let at = |x: u32, y: u32| ((y / side * small.width() + x / side) * 3) as usize;
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| small.rgb()[at(x, y)..][..3].to_vec()).collect();
    Picture::from_rgb(width, height, rgb).unwrap()
}

#[test]
fn codes_equal_imagehash_at_every_size() {
    let table = include_str!("fixtures/perceptual.tsv");
    let cases: Vec<_> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(cases.len() > 100);
    for case in cases {
        let fields: Vec<&str> = case.split('\t').collect();
        let [width, height, seed, side, size] = [0, 1, 2, 3, 4].map(|i: usize| fields[i].parse().unwrap());
        let picture = blocks(width, height, seed, side);
        for (name, expected) in NAMES.iter().zip(&fields[5..]) {
            assert_eq!(hexadecimal(&bits(&plan(&format!("{name}({size})")), &picture)), *expected, "{name}, {case}");
        }
    }
}

/// Pixels of a lossy file depend on the decoder; where they are Pillow's the bits must be imagehash's.
#[test]
fn codes_of_files_equal_imagehash() {
    let Some(folder) = data("codes_of_files_equal_imagehash", "") else { return };
    let plans = NAMES.map(plan);
    let (mut same_pixels, mut others, mut equal, mut total) = (0, Vec::new(), 0, 0);
    for line in include_str!("fixtures/perceptual_files.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let Ok(picture) = Picture::open(&folder.join(fields[0]), &DecodeOptions::default()) else { continue };
        let digest: String = Sha256::digest(picture.rgb()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        for (plan, expected) in plans.iter().zip(&fields[2..]) {
            let bits = bits(plan, &picture);
            if digest == fields[1] {
                assert_eq!(hexadecimal(&bits), *expected, "{} of {}", plan.canonical(), fields[0]);
                continue;
            }
            let expected = u64::from_str_radix(expected, 16).unwrap();
            equal += bits.iter().enumerate().filter(|(i, bit)| (expected >> (63 - i) & 1 == 1) == **bit).count();
            total += bits.len();
        }
        if digest == fields[1] {
            same_pixels += 1;
        } else {
            others.push(fields[0]);
        }
    }
    let share = equal as f64 / f64::from(total as u32);
    println!("{same_pixels} files of equal pixels; of the bits of {others:?} {share:.4} are equal");
    assert!(same_pixels >= 50);
}

#[test]
fn sizes_are_checked() {
    assert_eq!(plan("phash").canonical(), "phash/1(8)");
    assert_eq!(plan("dhash(16)").kind(), DescriptorKind::Code(256));
    for recipe in ["ahash(1)", "dhash(33)", "phash(2.5)", "phash(8, 8)", "phash(size)"] {
        assert!(refusal(recipe).ends_with("takes a size from 2 to 32, as in phash(8)"), "{recipe}");
    }
    for recipe in ["whash(12)", "whash(64)"] {
        assert!(refusal(recipe).ends_with("takes a size of 2, 4, 8, 16 or 32, as in whash(8)"), "{recipe}");
    }
}

#[test]
fn codes_stand_alone() {
    assert!(refusal("phash + color").starts_with("a code can't be part of a sum"));
    assert!(refusal("phash | hash(mean)").ends_with("stands behind a code: nothing can"));
}
