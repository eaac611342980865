//! Recipes whose steps learn from the gallery.

use crate::gallery::Gallery;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

const ITQ: &str = "color | hash(itq, 32)";

/// Draws pictures that all differ, with these numbers.
fn draw(gallery: &Gallery, folder: &str, numbers: std::ops::Range<u32>) {
    for i in numbers {
        gallery.draw(&format!("{folder}/{i:03}.png"), (i * 37 % 251) as u8, 2 + i % 11);
    }
}

fn indexed(count: u32, recipe: &str) -> Gallery {
    let gallery = Gallery::new();
    draw(&gallery, "pictures", 0..count);
    gallery.alike(&["index", "pictures", "--recipe", recipe]).exits(0);
    gallery
}

fn database(gallery: &Gallery) -> Connection {
    Connection::open(gallery.path("pictures/.alike/collection.sqlite")).unwrap()
}

/// Version, size of the gallery and parameters of the one recipe that learnt.
fn learned(gallery: &Gallery) -> (u32, u64, Vec<u8>) {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?));
    database(gallery).query_row("SELECT version, rows, parameters FROM learned", [], row).unwrap()
}

/// The names of the hits, best first, with their scores.
fn hits(gallery: &Gallery, picture: &str, more: &[&str]) -> Vec<(String, String)> {
    let args = ["search", picture, "-c", "pictures", "-k", "20", "--json"];
    let run = gallery.alike(&[&args[..], more].concat()).exits(0);
    let scores: Vec<String> =
        run.json()["hits"].as_array().unwrap().iter().map(|hit| hit["score"].to_string()).collect();
    run.hits().into_iter().zip(scores).collect()
}

#[test]
fn what_was_learnt_is_kept_and_used_by_searches() {
    let gallery = indexed(40, ITQ);
    let found = hits(&gallery, "pictures/007.png", &[]);
    assert_eq!(found[0], ("007.png".to_owned(), "1.0".to_owned()));
    assert!(found.iter().any(|(_, score)| score != "1.0"), "{found:?}");
    let (version, pictures, parameters) = learned(&gallery);
    assert_eq!((version, pictures), (1, 40));
    let info = gallery.alike(&["info", "-c", "pictures", "--json"]).exits(0).json();
    assert_eq!((&info["recipes"][0]["learnt_from"], &info["recipes"][0]["size"]), (&40.into(), &32.into()));
    let info = gallery.alike(&["info", "-c", "pictures"]).exits(0);
    assert!(info.stdout.contains("learnt from a gallery of 40 pictures"), "{}", info.stdout);

    gallery.alike(&["index", "pictures"]).exits(0).says("40 unchanged");
    assert!(learned(&gallery) == (1, 40, parameters));
    assert_eq!(hits(&gallery, "pictures/007.png", &[]), found);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
}

#[test]
fn a_recipe_that_is_not_kept_learns_for_the_search() {
    let gallery = indexed(40, "color");
    let unkept = hits(&gallery, "pictures/007.png", &["--recipe", ITQ]);
    gallery.alike(&["index", "pictures", "--recipe", ITQ]).exits(0);
    assert_eq!(hits(&gallery, "pictures/007.png", &["--recipe", ITQ]), unkept);
}

#[test]
fn a_gallery_that_is_too_small_is_indexed_and_learnt_from_later() {
    let gallery = Gallery::new();
    draw(&gallery, "pictures", 0..32);
    let too_small = "at least 33 pictures, got 32: index more pictures";
    gallery.alike(&["index", "pictures", "--recipe", ITQ]).exits(0).says("32 added").says(too_small);
    gallery.alike(&["index", "pictures", "--strict"]).exits(2).says(too_small);
    gallery.alike(&["search", "pictures/001.png", "-c", "pictures"]).exits(2).says(too_small);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0).says("has learnt nothing from the gallery yet");
    draw(&gallery, "pictures", 32..33);
    let run = gallery.alike(&["index", "pictures"]).exits(0);
    assert!(!run.stderr.contains("at least"), "{}", run.stderr);
    assert_eq!(hits(&gallery, "pictures/001.png", &[])[0].0, "001.png");
}

#[test]
fn additions_change_nothing_until_the_gallery_is_four_times_as_large() {
    let gallery = indexed(5, "color | hash(gallery-mean)");
    let first = learned(&gallery);
    draw(&gallery, "pictures", 5..20);
    gallery.alike(&["index", "pictures"]).exits(0);
    assert!(learned(&gallery) == first);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
    let before = hits(&gallery, "pictures/003.png", &[]);

    draw(&gallery, "pictures", 20..21);
    gallery.alike(&["index", "pictures"]).exits(0);
    let (version, pictures, parameters) = learned(&gallery);
    assert_eq!((version, pictures), (2, 21));
    assert!(parameters != first.2);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
    assert_ne!(hits(&gallery, "pictures/003.png", &[])[..20], before[..]);
    let info = gallery.alike(&["info", "-c", "pictures", "--json"]).exits(0).json();
    assert_eq!(info["recipes"][0]["descriptors"], 21);
}

/// The state right behind the transaction that brings new parameters: no descriptors yet.
#[test]
fn a_crash_behind_the_learning_loses_nothing() {
    let gallery = indexed(40, ITQ);
    let before = hits(&gallery, "pictures/007.png", &[]);
    database(&gallery).execute_batch("DELETE FROM segments WHERE owner LIKE 'recipe %'").unwrap();
    assert_eq!(hits(&gallery, "pictures/007.png", &[]), before);
    gallery.alike(&["index", "pictures"]).exits(0);
    let info = gallery.alike(&["info", "-c", "pictures", "--json"]).exits(0).json();
    assert_eq!(info["recipes"][0]["descriptors"], 40);
    assert_eq!(hits(&gallery, "pictures/007.png", &[]), before);
}

/// Spoils what was learnt, and checks that it is named and learnt again.
#[track_caller]
fn found_and_mended(sql: &str, words: &str) {
    let gallery = indexed(40, ITQ);
    let before = (learned(&gallery), hits(&gallery, "pictures/007.png", &[]));
    database(&gallery).execute_batch(sql).unwrap();
    let found = gallery.alike(&["verify", "-c", "pictures", "--json"]).exits(2);
    assert_eq!(found.json()["damages"][0]["place"], "learned");
    assert!(found.stdout.contains(words), "{}", found.stdout);
    for command in [&["search", "pictures/007.png", "-c", "pictures"][..], &["index", "pictures"]] {
        gallery.alike(command).exits(2).says("alike verify --repair").says(words);
    }
    gallery.alike(&["info", "-c", "pictures"]).exits(0);
    gallery.alike(&["verify", "-c", "pictures", "--repair"]).exits(0);
    assert!((learned(&gallery), hits(&gallery, "pictures/007.png", &[])) == before);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
}

#[test]
fn changed_parameters_are_found_and_mended() {
    let flip = "UPDATE learned SET parameters = CAST(x'7f' || substr(parameters, 2) AS BLOB)";
    found_and_mended(flip, "learnt from the gallery has changed");
    let short: String = Sha256::digest([0; 8]).iter().map(|byte| format!("{byte:02x}")).collect();
    let cut = format!("UPDATE learned SET parameters = zeroblob(8), sha256 = x'{short}'");
    found_and_mended(&cut, "the 8 bytes that `color/1 | hash(itq/2, 32, seed=0)` learnt from the gallery don't fit it");
}

#[test]
fn other_parameters_than_those_of_the_codes_are_found() {
    let gallery = indexed(40, ITQ);
    let mut parameters = learned(&gallery).2;
    // The centre comes first: no dimension of a histogram lies on its other side.
    parameters[..4 * 1950].copy_from_slice(&1e3_f32.to_le_bytes().repeat(1950));
    let checksum = Sha256::digest(&parameters).to_vec();
    database(&gallery).execute("UPDATE learned SET parameters = ?, sha256 = ?", (parameters, checksum)).unwrap();
    let run = gallery.alike(&["verify", "-c", "pictures"]).exits(2);
    assert!(run.stdout.contains(&format!("descriptors of `{ITQ}` differ")), "{}", run.stdout);
}

/// The same gallery and queries give the same ranking, whether the queries lie in the collection or not.
#[test]
fn an_evaluation_learns_from_the_gallery_alone() {
    let gallery = Gallery::new();
    draw(&gallery, "pictures/gallery", 0..12);
    draw(&gallery, "pictures/queries", 100..160);
    let list = |folder: &str, numbers: std::ops::Range<u32>| -> String {
        numbers.map(|i| format!("pictures/{folder}/{i:03}.png\t{}\n", i % 3)).collect()
    };
    gallery.write("gallery.txt", list("gallery", 0..12));
    gallery.write("queries.txt", list("queries", 100..160));
    let recipes = ["color | hash(gallery-mean)", "color | hash(itq, 8)"];
    let eval = |more: &[&str]| -> serde_json::Value {
        let lists = ["eval", "--gallery", "gallery.txt", "--query", "queries.txt", "--no-timing", "--json"];
        let recipes = ["--recipe", recipes[0], "--recipe", recipes[1]];
        gallery.alike(&[&lists[..], &recipes, more].concat()).exits(0).json()["results"].clone()
    };
    let mut alone = eval(&[]);
    gallery.alike(&["index", "pictures", "--recipe", recipes[0], "--recipe", recipes[1]]).exits(0);
    let mut among_queries = eval(&["-c", "pictures"]);
    for result in [&mut alone, &mut among_queries] {
        // Bytes of the whole collection.
        for recipe in result.as_array_mut().unwrap() {
            recipe.as_object_mut().unwrap().retain(|key, _| !key.contains("bytes"));
        }
    }
    assert_eq!(alone, among_queries);
}
