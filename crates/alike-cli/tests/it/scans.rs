//! How the gallery is searched: chosen when it is indexed, said when it is searched.

use crate::gallery::Gallery;
use serde_json::Value;

/// More than a hundred, for which lists are worth while where one hit is wanted.
fn indexed(how: &[&str]) -> Gallery {
    let gallery = Gallery::new();
    for i in 0..150u32 {
        gallery.draw(&format!("{i:03}.png"), (i * 37 % 256) as u8, i % 30 + 1);
    }
    gallery.alike(&[&["index", ".", "--recipe", "color + shape"], how].concat()).exits(0);
    gallery
}

fn search(gallery: &Gallery, more: &[&str]) -> Value {
    gallery.alike(&[&["search", "007.png", "-k", "1", "--json"], more].concat()).exits(0).json()
}

#[test]
fn a_search_says_how_it_was_done_and_what_that_finds() {
    let gallery = indexed(&["--scan", "lists"]);
    let quick = search(&gallery, &["--recall", "0.9"]);
    let scan = quick["scan"].as_str().unwrap();
    assert!(scan.contains(" of 32 lists in int8") && scan.contains("recall@10 "), "{scan}");
    let recall = quick["recall"].as_f64().unwrap();
    assert!((0.9..=1.0).contains(&recall), "{recall}");
    let exact = search(&gallery, &["--recall", "1"]);
    assert_eq!((&exact["scan"], &exact["recall"]), (&"exact scan by bounds in int8".into(), &1.0.into()));
    assert!(exact["hits"][0]["path"].as_str().unwrap().ends_with("007.png"));
    assert_eq!(quick["hits"], exact["hits"]);
}

#[test]
fn a_choice_holds_until_another_is_made() {
    let gallery = indexed(&[]);
    let said = |gallery: &Gallery| search(gallery, &[])["scan"].as_str().unwrap().to_owned();
    assert_eq!(said(&gallery), "exact scan", "so few are always looked at one by one");
    gallery.alike(&["index", "--scan", "int8"]).exits(0);
    gallery.draw("new.png", 1, 1);
    gallery.alike(&["index"]).exits(0).says("1 added");
    assert_eq!(said(&gallery), "exact scan by bounds in int8");
    gallery.alike(&["index", "--scan", "auto"]).exits(0);
    assert_eq!(said(&gallery), "exact scan");
}

#[test]
fn wrong_wishes_are_refused_with_what_is_wanted() {
    let gallery = Gallery::new();
    for wrong in ["0", "1.5", "-1", "NaN", "x", ""] {
        let recall = format!("--recall={wrong}");
        gallery.alike(&["search", "a.png", &recall]).exits(2).says("wanted a number above 0 and at most 1");
    }
    gallery.alike(&["index", ".", "--scan", "fast"]).exits(2).says("got `fast`, wanted auto, exact, int8 or lists");
}

#[test]
fn info_says_how_and_why() {
    let gallery = indexed(&["--recipe", "color | hash(mean)"]);
    let shown = gallery.alike(&["info"]).exits(0).stdout;
    assert!(shown.contains("searched by exact scan: there are so few vectors that nothing is faster"), "{shown}");
    assert!(shown.contains("searched by exact scan: codes are always looked at one by one"), "{shown}");
    gallery.alike(&["index", "--scan", "exact"]).exits(0);
    let info = gallery.alike(&["info", "--json"]).exits(0).json();
    let vectors = &info["recipes"][0];
    assert_eq!([&vectors["scan"], &vectors["scan_why"]], ["exact scan", "that was chosen for the collection"]);
    assert_eq!(vectors["recall"], 1.0);
}
