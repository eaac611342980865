//! `alike verify`: every kind of damage is found, named and, where that is possible, mended.

use crate::gallery::{Gallery, Run};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// Of all files that the collection has.
const EXTENSIONS: [&str; 5] = ["npy", "f32", "bits", "i8", "centres"];

fn indexed() -> Gallery {
    let gallery = Gallery::new();
    for (i, hue) in [10u8, 90, 170, 250].into_iter().enumerate() {
        gallery.draw(&format!("pictures/{i}.png"), hue, i as u32 + 2);
    }
    let recipes = ["--recipe", "color + shape", "--recipe", "color | hash(mean)"];
    gallery.alike(&[&["index", "pictures", "--scan", "lists"][..], &recipes[..]].concat()).exits(0);
    gallery
}

fn verify(gallery: &Gallery, more: &[&str]) -> Run {
    gallery.alike(&[&["verify", "-c", "pictures"], more].concat())
}

/// The files with this extension in the collection.
fn files(gallery: &Gallery, extension: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&gallery.path("pictures/.alike"), &mut found);
    found.retain(|path| path.extension().is_some_and(|has| has == extension));
    found.sort();
    found
}

fn sql(gallery: &Gallery, sql: &str) {
    Connection::open(gallery.path("pictures/.alike/collection.sqlite")).unwrap().execute_batch(sql).unwrap();
}

fn hits(gallery: &Gallery) -> Vec<String> {
    gallery.alike(&["search", "pictures/2.png", "-c", "pictures", "--json"]).exits(0).hits()
}

/// Spoils one file, and checks that it is named, mended, and that searches find what they found before.
#[track_caller]
fn found_and_mended(extension: &str, spoil: impl Fn(&Path), words: &str) {
    let gallery = indexed();
    let before = hits(&gallery);
    let file = files(&gallery, extension).remove(0);
    spoil(&file);
    let found = verify(&gallery, &[]).exits(2);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(found.stdout.contains(name) && found.stdout.contains(words), "{}", found.stdout);
    assert!(found.stdout.contains("mend it with --repair"), "{}", found.stdout);
    let mended = verify(&gallery, &["--repair", "--json"]).exits(0);
    assert_eq!(mended.json()["sound"], true, "{}", mended.stdout);
    verify(&gallery, &[]).exits(0);
    assert_eq!(hits(&gallery), before);
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - 5;
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 3]).unwrap();
}

#[test]
fn a_sound_collection_is_sound() {
    let gallery = indexed();
    let run = verify(&gallery, &["--json"]).exits(0);
    let json = run.json();
    assert_eq!((&json["sound"], &json["files"]), (&true.into(), &6.into()));
    let there: u64 = EXTENSIONS.iter().flat_map(|e| files(&gallery, e)).map(|f| f.metadata().unwrap().len()).sum();
    assert_eq!(json["bytes"], there);
    assert!(verify(&gallery, &["--repair"]).exits(0).stdout.contains("sound"));
}

#[test]
fn flipped_bits_are_found_and_mended() {
    for extension in EXTENSIONS {
        found_and_mended(extension, flip, "SHA-256");
    }
}

#[test]
fn torn_files_are_found_and_mended() {
    for extension in ["npy", "f32", "bits"] {
        found_and_mended(extension, cut, "bytes, the 4 rows recorded take");
    }
    for extension in ["i8", "centres"] {
        found_and_mended(extension, cut, "SHA-256");
    }
}

#[test]
fn missing_files_are_found_and_mended() {
    for extension in EXTENSIONS {
        found_and_mended(extension, |path| fs::remove_file(path).unwrap(), "missing");
    }
}

#[test]
fn a_lost_file_of_the_index_is_told_from_lost_descriptors() {
    let gallery = indexed();
    fs::remove_file(&files(&gallery, "i8")[0]).unwrap();
    let found = verify(&gallery, &["--json"]).exits(2).json();
    assert_eq!(found["damages"].as_array().unwrap().len(), 1);
    assert_eq!(found["damages"][0]["place"], "index");
    let recipe = files(&gallery, "f32")[0].parent().unwrap().file_name().unwrap().to_owned();
    assert_eq!(found["damages"][0]["key"], recipe.to_str().unwrap());
    let mended = verify(&gallery, &["--repair", "--json"]).exits(0).json();
    assert_eq!((&mended["sound"], &mended["damages"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(files(&gallery, "i8").len(), 1);
}

#[test]
fn descriptors_that_are_not_what_the_rows_give_are_found() {
    use sha2::{Digest, Sha256};
    let gallery = indexed();
    let before = hits(&gallery);
    let file = files(&gallery, "f32").remove(0);
    flip(&file);
    // As if another version had derived them: the checksum agrees with the bytes.
    let hash: String = Sha256::digest(fs::read(&file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let number: u64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    sql(&gallery, &format!("UPDATE segments SET sha256 = x'{hash}' WHERE number = {number}"));
    let found = verify(&gallery, &[]).exits(2);
    assert!(found.stdout.contains("1 descriptors of `color + shape` differ"), "{}", found.stdout);
    verify(&gallery, &["--repair"]).exits(0);
    assert_eq!(hits(&gallery), before);
}

#[test]
fn what_a_crash_left_is_no_damage() {
    let gallery = indexed();
    let stray = files(&gallery, "npy").remove(0).with_file_name("000099.npy.tmp");
    fs::write(&stray, "half").unwrap();
    let run = verify(&gallery, &["--json"]).exits(0);
    assert_eq!(run.json()["damages"][0]["place"], "stray");
    verify(&gallery, &["--repair"]).exits(0);
    assert!(!stray.exists());
}

#[test]
fn damaged_records_are_said_to_be_beyond_repair() {
    let gallery = indexed();
    sql(&gallery, "UPDATE meta SET value = 2 WHERE key = 'next_id'");
    let run = verify(&gallery, &["--repair"]).exits(2);
    assert!(run.stdout.contains("there is a record 4") && run.stdout.contains("can't be mended"), "{}", run.stdout);
}

#[test]
fn rows_whose_pictures_are_gone_cannot_be_mended_and_that_is_said() {
    let gallery = indexed();
    flip(&files(&gallery, "npy")[0]);
    fs::rename(gallery.path("pictures/0.png"), gallery.path("kept.png")).unwrap();
    for i in 1..4 {
        fs::remove_file(gallery.path(&format!("pictures/{i}.png"))).unwrap();
    }
    verify(&gallery, &["--repair"]).exits(2).says("but 4 pictures were indexed from it");
    fs::rename(gallery.path("kept.png"), gallery.path("pictures/0.png")).unwrap();
    gallery.alike(&["index", "pictures"]).exits(0);
    verify(&gallery, &[]).exits(0);
}
