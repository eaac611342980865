//! Photos of many pixels, of which few are looked at.

use crate::gallery::{Gallery, Run};
use std::fs;

/// Leaves and sky: something to see in every part, at every size.
fn photo(gallery: &Gallery, name: &str, seed: u32) {
    let (width, height) = (1600, 1200);
    let mut state = seed;
    let photo = image::RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 28) as u8;
        let wave = |v: u32, period: u32| ((v + seed * 31) % period * 200 / period) as u8;
        image::Rgb([wave(x, 330) + noise, wave(y, 170) + noise, wave(x + y, 90 + seed) + noise])
    });
    let path = gallery.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    photo.save(path).unwrap();
}

fn two_photos() -> Gallery {
    let gallery = Gallery::new();
    photo(&gallery, "photos/a.jpg", 1);
    photo(&gallery, "photos/b.jpg", 9);
    gallery
}

fn index(gallery: &Gallery, collection: &str, options: &[&str]) -> Run {
    gallery.alike(&[&["index", "photos", "-c", collection], options].concat())
}

fn rows(gallery: &Gallery, collection: &str, recipe: &str) -> Vec<u8> {
    gallery.alike(&["export", "--npy", "rows.npy", "-c", collection, "--recipe", recipe]).exits(0);
    fs::read(gallery.path("rows.npy")).unwrap()
}

fn floats(npy: &[u8]) -> Vec<f32> {
    npy[npy.len() % 4..].chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn a_photo_that_was_indexed_is_found_as_itself_and_with_its_size() {
    let gallery = two_photos();
    index(&gallery, "c", &["--recipe", "color"]).exits(0);
    let found = gallery.alike(&["search", "photos/b.jpg", "-c", "c", "--json"]).json();
    assert_eq!(found["query"]["width"], 1600);
    assert_eq!(found["query"]["height"], 1200);
    assert!(found["hits"][0]["path"].as_str().unwrap().ends_with("b.jpg"));
    assert!((found["hits"][0]["score"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{found}");
}

/// `phash` looks at every pixel, `color` doesn't have to.
#[test]
fn what_a_source_sees_does_not_depend_on_who_else_looks() {
    let gallery = two_photos();
    index(&gallery, "alone", &["--recipe", "color"]).exits(0);
    index(&gallery, "together", &["--recipe", "phash", "--recipe", "color"]).exits(0);
    index(&gallery, "later", &["--recipe", "phash"]).exits(0);
    index(&gallery, "later", &["--recipe", "color"]).exits(0);
    let alone = rows(&gallery, "alone", "color");
    assert_eq!(alone, rows(&gallery, "together", "color"));
    assert_eq!(alone, rows(&gallery, "later", "color"));
}

#[test]
fn every_pixel_can_be_asked_for_and_changes_little() {
    let gallery = two_photos();
    index(&gallery, "few", &["--recipe", "color"]).exits(0);
    index(&gallery, "all", &["--recipe", "color", "--exact-decode"]).exits(0);
    let (few, all) = (rows(&gallery, "few", "color"), rows(&gallery, "all", "color"));
    assert_ne!(few, all);
    let cosines: f32 = floats(&few).iter().zip(floats(&all)).map(|(a, b)| a * b).sum();
    assert!(cosines / 2.0 > 0.98, "two unit vectors each: {cosines}");
}

#[test]
fn a_collection_keeps_to_the_decoding_it_began_with() {
    let gallery = two_photos();
    index(&gallery, "all", &["--recipe", "color", "--exact-decode"]).exits(0);
    photo(&gallery, "photos/c.jpg", 5);
    index(&gallery, "all", &[]).exits(0);
    index(&gallery, "anew", &["--recipe", "color", "--exact-decode"]).exits(0);
    assert_eq!(rows(&gallery, "all", "color"), rows(&gallery, "anew", "color"));
    let itself = gallery.alike(&["search", "photos/c.jpg", "-c", "all", "--json"]).json();
    assert!((itself["hits"][0]["score"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{itself}");

    index(&gallery, "few", &["--recipe", "color"]).exits(0);
    let refused = index(&gallery, "few", &["--exact-decode"]).exits(2);
    refused.says("fewer pixels").says("another collection");
}

/// A worker decodes each picture into the memory of the one before.
#[test]
fn nothing_of_a_picture_is_left_in_the_next() {
    let gallery = two_photos();
    let torn = fs::read(gallery.path("photos/b.jpg")).unwrap();
    gallery.write("photos/b.jpg", &torn[..torn.len() / 2]);
    let grey = image::GrayImage::from_fn(900, 700, |x, y| image::Luma([(x ^ y) as u8]));
    grey.save(gallery.path("photos/c.jpg")).unwrap();
    photo(&gallery, "photos/d.jpg", 5);
    let options = ["--recipe", "color", "--exact-decode", "--lenient", "--jobs", "1"];
    index(&gallery, "together", &options).exits(0);
    for name in ["a", "b", "c", "d"] {
        gallery.alike(&[&["index", &format!("photos/{name}.jpg"), "-c", "apart"], &options[..]].concat()).exits(0);
    }
    assert_eq!(rows(&gallery, "together", "color"), rows(&gallery, "apart", "color"));
}

#[test]
fn json_says_what_was_done_and_where_the_time_went() {
    let gallery = two_photos();
    gallery.write("photos/broken.jpg", [0xff, 0xd8, 0xff]);
    let run = index(&gallery, "c", &["--recipe", "color", "--json", "--timings"]);
    let said = run.json();
    assert_eq!((said["added"].as_u64(), said["described"].as_u64()), (Some(2), Some(2)));
    assert!(said["skipped"][0]["path"].as_str().unwrap().ends_with("broken.jpg"));
    assert_eq!(said["skipped"][0]["is_picture"], true);
    let seconds = |stage: &str| said["seconds"][stage].as_f64().unwrap();
    for stage in ["scan", "read", "decode", "describe", "store"] {
        assert!(seconds(stage) > 0.0, "{stage}: {said}");
        assert!(run.stderr.lines().any(|line| line.starts_with(stage)), "{}", run.stderr);
    }
    assert_eq!((seconds("network"), seconds("prepare")), (0.0, 0.0));
    assert!(seconds("elapsed") >= seconds("store"));
}
