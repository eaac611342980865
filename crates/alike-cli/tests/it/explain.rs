//! Why hits are hits.

use crate::gallery::{Gallery, Run, data};
use serde_json::Value;
use std::fs;

/// A network of `training/explain_fixtures.py`: its features are the mean of a map of 8 x 8 places.
const NETWORK: &[u8] = include_bytes!("../../../alike/tests/it/fixtures/explain.onnx");

const SUM: &str = "0.8*deep + 0.2*color";

fn indexed() -> Gallery {
    let gallery = Gallery::new();
    for (i, name) in ["a", "b", "c"].iter().enumerate() {
        gallery.draw(&format!("{name}.png"), 20 + 60 * i as u8, 2 + 3 * i as u32);
    }
    gallery.write("explain.onnx", NETWORK);
    gallery.alike(&["index", ".", "--model", "explain.onnx", "--recipe", SUM, "--recipe", "deep"]).exits(0);
    gallery
}

fn explained(gallery: &Gallery, recipe: &str) -> Run {
    gallery.alike(&["search", "a.png", "--explain", "--json", "--recipe", recipe]).exits(0)
}

fn hits(json: &Value) -> &Vec<Value> {
    json["hits"].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The sum of a heat map of eight rows of eight numbers.
fn total(map: &Value) -> f64 {
    let rows = map.as_array().unwrap();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row.as_array().unwrap().len() == 8));
    rows.iter().flat_map(|row| row.as_array().unwrap()).map(number).sum()
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn json_has_the_shares_of_the_terms_and_the_places_that_agree() {
    let gallery = indexed();
    let json = explained(&gallery, SUM).json();
    assert_eq!(hits(&json).len(), 3);
    for hit in hits(&json) {
        let terms = hit["terms"].as_array().unwrap();
        let [deep, color] = terms.as_slice() else { panic!("{terms:?}") };
        assert!(deep["term"].as_str().unwrap().starts_with("deep@explain#") && color["term"] == "color/1");
        assert_eq!((number(&deep["weight"]), number(&color["weight"])), (0.8, 0.2));
        let part = |term: &Value| number(&term["weight"]) * number(&term["cosine"]);
        assert!(is_close(part(deep) + part(color), number(&hit["score"])), "{hit}");
        assert!(is_close(part(deep) / number(&hit["score"]), number(&deep["share"])), "{hit}");
        assert!(is_close(number(&deep["share"]) + number(&color["share"]), 1.0), "{hit}");
        let heat = &hit["heat"];
        assert_eq!(heat["term"], deep["term"]);
        assert!(is_close(total(&heat["query"]), part(deep)) && is_close(total(&heat["hit"]), part(deep)), "{hit}");
        assert_eq!(heat["query_seen"], serde_json::json!([0.0, 0.0, 1.0, 1.0]));
    }
    let plain = gallery.alike(&["search", "a.png", "--json"]).exits(0).json();
    assert!(hits(&plain)[0].get("terms").is_none() && hits(&plain)[0].get("heat").is_none());
}

#[test]
fn the_table_has_the_shares_behind_the_score() {
    let gallery = indexed();
    let run = gallery.alike(&["search", "a.png", "--explain", "--recipe", SUM]).exits(0);
    let first = run.stdout.lines().next().unwrap();
    assert!(first.starts_with("  1  1.0000  deep 0.80  color 0.20  "), "{first}");
    assert_eq!(run.stderr, "", "nothing is said of maps that nobody sees");
    let alone = gallery.alike(&["search", "a.png", "--explain", "--recipe", "deep"]).exits(0);
    assert!(alone.stdout.lines().all(|line| line.contains("  deep 1.00  ")), "{}", alone.stdout);
}

/// Of the frame of the first hit in a strip, which lies right of the query's.
fn hit_picture(strip: &image::RgbImage) -> image::RgbImage {
    image::imageops::crop_imm(strip, 212, 20, 160, 160).to_image()
}

#[test]
fn strips_and_pages_show_heat_and_shares() {
    let gallery = indexed();
    let draw = |more: &[&str]| {
        let args = ["search", "b.png", "--recipe", SUM, "--strip", "strip.png", "--html", "page.html"];
        gallery.alike(&[&args[..], more].concat()).exits(0);
        let strip = image::open(gallery.path("strip.png")).unwrap().to_rgb8();
        (strip, fs::read_to_string(gallery.path("page.html")).unwrap())
    };
    let ((plain, plain_page), (strip, page)) = (draw(&[]), draw(&["--explain"]));
    assert_eq!(strip.width(), plain.width());
    assert!(strip.height() > plain.height() + 80, "room for shares and for the query below each hit");
    assert_ne!(hit_picture(&strip), hit_picture(&plain), "heat lies over the hit");
    assert_eq!((plain_page.matches("<img").count(), page.matches("<img").count()), (4, 7));
    assert!(page.contains("bright where it agrees with this hit") && page.contains("linear-gradient"));
    assert!(page.contains("<code>color</code>") && page.contains("deep 0.80") && page.contains("color 0.20"));
    assert!(!page.contains("http") && !page.contains("url("), "a page works offline");
    assert!(!plain_page.contains("class=\"heat\"") && !plain_page.contains("class=\"terms\""));
}

#[test]
fn a_hit_whose_file_is_gone_or_another_is_named_and_left_without_a_map() {
    let gallery = indexed();
    fs::remove_file(gallery.path("b.png")).unwrap();
    gallery.draw("c.png", 77, 9);
    let run = explained(&gallery, SUM);
    let run = run.says("b.png: can't be read").says("c.png: the file isn't what was indexed");
    let maps: Vec<bool> = hits(&run.json()).iter().map(|hit| hit["heat"].is_object()).collect();
    assert_eq!(maps, [true, false, false]);
    assert!(hits(&run.json()).iter().all(|hit| hit["terms"].as_array().unwrap().len() == 2));
    gallery.alike(&["search", "a.png", "--explain", "--strip", "strip.png", "--html", "page.html"]).exits(0);
}

#[test]
fn what_cannot_be_explained_is_said_once_and_the_rest_is_shown() {
    let gallery = indexed();
    for (recipe, words) in [
        ("deep | hash(mean)", "these scores can't be taken apart: `deep@explain#"),
        ("deep + color | power(0.5)", "`power(0.5)` stands behind a sum and isn't linear"),
    ] {
        let run = explained(&gallery, recipe).says(words);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(hits(&run.json()).iter().all(|hit| hit["terms"].is_null() && hit["heat"].is_null()));
        assert_eq!(run.hits()[0], "a.png");
    }
    for (recipe, words) in [
        ("color", "no heat maps: `color/1` has no network"),
        ("deep | power(0.5)", "isn't linear, so that no part of the score belongs to one place"),
    ] {
        let run = gallery.alike(&["search", "a.png", "--explain", "--json", "--recipe", recipe]).exits(0).says(words);
        assert!(hits(&run.json()).iter().all(|hit| hit["terms"][0]["share"] == 1.0 && hit["heat"].is_null()));
    }
}

#[test]
fn rankings_of_several_recipes_are_not_explained() {
    let gallery = indexed();
    for (more, words) in [
        (&["--recipe", "deep", "--recipe", "color", "--fuse", "rrf"][..], "cannot be used with '--fuse"),
        (&["--compare", "deep", "--compare", "color"][..], "cannot be used with '--compare"),
        (&["--recipe", "deep | hash(mean)", "--rescore", "5"][..], "cannot be used with '--rescore"),
    ] {
        gallery.alike(&[&["search", "a.png", "--explain"], more].concat()).exits(2).says(words);
    }
}

#[test]
fn a_real_network_explains_its_hits() {
    let Some(model) = data("a_real_network_explains_its_hits", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(photos) = data("a_real_network_explains_its_hits", "check-photos") else { return };
    let gallery = Gallery::new();
    for name in ["cat_720p.jpg", "cat_test_0.jpg", "bird.jpg"] {
        fs::copy(format!("{photos}/{name}"), gallery.path(name)).unwrap();
    }
    gallery.alike(&["index", ".", "--model", &model, "--recipe", SUM]).exits(0);
    let recipe = format!("{SUM} | center");
    let run = gallery.alike(&["search", "cat_720p.jpg", "--explain", "--json", "--recipe", &recipe]).exits(0);
    for hit in hits(&run.json()) {
        assert!(hit["heat"].is_object(), "{}", run.stderr);
        let shares = hit["terms"].as_array().unwrap().iter().map(|term| number(&term["share"]));
        assert!(is_close(shares.sum(), 1.0));
        let rows = hit["heat"]["hit"].as_array().unwrap();
        let total: f64 = rows.iter().flat_map(|row| row.as_array().unwrap()).map(number).sum();
        assert!(is_close(total, number(&hit["terms"][0]["share"]) * number(&hit["score"])), "{hit}");
    }
}
