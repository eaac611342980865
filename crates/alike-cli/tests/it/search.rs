//! Searching, and what is shown.

use crate::gallery::Gallery;
use std::fs;

pub(crate) fn indexed() -> Gallery {
    let gallery = Gallery::new();
    for (i, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        gallery.draw(&format!("{name}.png"), 20 + 40 * i as u8, 2 + 3 * i as u32);
    }
    gallery.write("all.txt", "a.png\t0\nb.png\t0\nc.png\t1\nd.png\t1\ne.png\t1\n");
    gallery.write("dataset_info.json", r#"{"label_dict": {"0": "few <stripes>", "1": "many"}}"#);
    gallery.alike(&["index", "--list", "all.txt", "-c", "."]).exits(0);
    gallery
}

#[test]
fn the_query_itself_is_first_and_marked() {
    let gallery = indexed();
    let run = gallery.alike(&["search", "c.png"]).exits(0);
    let first = run.stdout.lines().next().unwrap();
    assert!(first.contains("1.0000") && first.contains("c.png") && first.ends_with("(the query itself)"), "{first}");
    let json = gallery.alike(&["search", "c.png", "--json", "-k", "3"]).exits(0).json();
    let marks: Vec<_> = json["hits"].as_array().unwrap().iter().map(|hit| hit["is_query"].as_bool().unwrap()).collect();
    assert_eq!(marks, [true, false, false]);
    let ranks: Vec<_> = json["hits"].as_array().unwrap().iter().map(|hit| hit["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3]);
    assert!(json["recipe"].is_string() && json["recipe_canonical"].as_str().unwrap().contains("color/"));
    assert!(json["took_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_picture_from_stdin_is_searched() {
    let gallery = indexed();
    let bytes = fs::read(gallery.path("d.png")).unwrap();
    let run = gallery.alike_with(&["search", "-", "--json"], &[], bytes).exits(0);
    assert_eq!(run.hits()[0], "d.png");
    assert_eq!(run.json()["query"]["path"], "-");
    gallery.alike_with(&["search", "-"], &[], "no picture").exits(2).says("not a picture: got text");
}

#[test]
fn hits_are_limited_by_label_and_score() {
    let gallery = indexed();
    let by_name = gallery.alike(&["search", "a.png", "--label", "many", "--json"]).exits(0);
    let by_id = gallery.alike(&["search", "a.png", "--label", "1", "--json"]).exits(0);
    assert_eq!(by_name.hits(), by_id.hits());
    assert_eq!(by_name.hits().len(), 3);
    assert_eq!(gallery.alike(&["search", "a.png", "--min-score", "0.9999", "--json"]).exits(0).hits(), ["a.png"]);
    gallery.alike(&["search", "a.png", "--min-score", "1.1"]).exits(1).says("nothing found");
    gallery.alike(&["search", "a.png", "--label", "none"]).exits(2).says("it has few <stripes>, many");
}

#[test]
fn what_codes_find_is_ranked_by_the_vectors_they_were_made_of() {
    let gallery = indexed();
    let search = |recipe: &str, more: &[&str]| {
        let run = gallery.alike(&[&["search", "b.png", "--recipe", recipe, "--json", "-k", "3"], more].concat());
        let json = run.exits(0).json();
        json["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| (hit["path"].clone(), hit["score"].clone()))
            .collect::<Vec<_>>()
    };
    let (vectors, codes) = (search("color", &[]), search("color | hash(lsh, 8)", &[]));
    assert_ne!(codes, vectors, "codes of 8 bits are coarse");
    assert_eq!(search("color | hash(lsh, 8)", &["--rescore", "5"]), vectors);
    let few = search("color | hash(lsh, 8)", &["--rescore", "1"]);
    assert_eq!(few.len(), 3, "never fewer than were asked for");
    gallery.alike(&["search", "b.png", "--rescore", "5"]).exits(2).says("gives vectors, and --rescore is for codes");
}

#[test]
fn any_recipe_over_indexed_sources_may_be_asked_for() {
    let gallery = indexed();
    let run = gallery.alike(&["search", "b.png", "--recipe", "color | hash(mean)", "--json"]).exits(0);
    assert_eq!(run.hits()[0], "b.png");
    assert_eq!(run.json()["hits"][0]["score"], 1.0);
    assert_eq!(run.json()["recipe"], "color | hash(mean)");
    gallery.alike(&["search", "b.png", "--recipe", "colour"]).exits(2).says("unknown source `colour` at column 1");
}

#[test]
fn a_query_is_drawn_from_a_list() {
    let gallery = indexed();
    let third = gallery.alike(&["search", "--list", "all.txt", "--pick", "2", "--json"]).exits(0);
    assert_eq!(third.hits()[0], "c.png");
    assert_eq!(third.json()["query"]["label_name"], "many");
    let random = |seed| {
        gallery.alike(&["search", "--list", "all.txt", "--pick", "random", "--seed", seed, "--json"]).exits(0).hits()
    };
    assert_eq!(random("7"), random("7"));
    let drawn: std::collections::BTreeSet<String> =
        ["1", "2", "3", "4", "5", "6"].map(|seed| random(seed).swap_remove(0)).into();
    assert!(drawn.len() > 1, "seeds draw different lines");
    gallery.alike(&["search", "--list", "all.txt", "--pick", "5"]).exits(2).says("wanted a number from 0 to 4");
}

#[test]
fn the_strip_is_a_picture_and_the_page_is_safe() {
    let gallery = indexed();
    gallery
        .alike(&["search", "a.png", "--strip", "strip.png", "--html", "page.html"])
        .exits(0)
        .says("strip: strip.png");
    let strip = image::open(gallery.path("strip.png")).unwrap();
    assert!(strip.width() > 600 && strip.height() > 100);
    let page = fs::read_to_string(gallery.path("page.html")).unwrap();
    assert!(page.contains("few &lt;stripes&gt;") && !page.contains("<stripes>"));
    assert!(!page.contains("src=\"http"), "a page works offline");
    assert_eq!(page.matches("<img").count(), 6, "the query and five hits");
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let gallery = indexed();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_alike"))
        .args(["search", "a.png"])
        .current_dir(gallery.path(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn exported_descriptors_are_unit_vectors_in_the_order_of_the_table() {
    let gallery = indexed();
    gallery.alike(&["export", "--npy", "all.npy"]).exits(0).says("5 x ");
    let bytes = fs::read(gallery.path("all.npy")).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    let values: Vec<f32> = bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    for row in values.chunks_exact(values.len() / 5) {
        let length: f32 = row.iter().map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
    let table = fs::read_to_string(gallery.path("all.jsonl")).unwrap();
    assert_eq!(table.lines().count(), 5);
    assert!(table.lines().next().unwrap().contains("a.png"));
}

#[test]
fn a_folder_narrows_the_search() {
    let gallery = Gallery::new();
    for (i, name) in ["a/1.png", "a/deep/2.png", "ab/3.png", "4.png"].iter().enumerate() {
        gallery.draw(&format!("pictures/{name}"), 60 * i as u8, i as u32 + 2);
    }
    gallery.alike(&["index", "pictures", "--labels-from-folders"]).exits(0);
    let below = |more: &[&str]| {
        let args = ["search", "pictures/4.png", "-c", "pictures", "--json", "--path-prefix"];
        let mut hits = gallery.alike(&[&args[..], more].concat()).exits(0).hits();
        hits.sort();
        hits
    };
    assert_eq!(below(&["pictures"]), ["1.png", "2.png", "3.png", "4.png"]);
    assert_eq!(below(&["pictures/a"]), ["1.png", "2.png"]);
    assert_eq!(below(&["pictures/a/1.png"]), ["1.png"]);
    assert_eq!(below(&["pictures/a", "--label", "deep"]), ["2.png"]);
    let other = ["search", "pictures/4.png", "-c", "pictures", "--path-prefix", "pictures/ab", "--label", "deep"];
    gallery.alike(&other).exits(1).says("nothing found");
    gallery
        .alike(&["search", "pictures/4.png", "-c", "pictures", "--path-prefix", "nowhere"])
        .exits(2)
        .says("lies in or below");
}
