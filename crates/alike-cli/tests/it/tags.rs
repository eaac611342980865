//! Tagging pictures, and searching by tag.

use crate::gallery::Gallery;
use serde_json::json;
use std::fs;

fn indexed() -> Gallery {
    let gallery = Gallery::new();
    for (i, name) in ["a", "sub/b", "sub/c", "d"].iter().enumerate() {
        gallery.draw(&format!("{name}.png"), 20 + 40 * i as u8, 2 + 3 * i as u32);
    }
    gallery.alike(&["index", "."]).exits(0);
    gallery
}

/// Names of all pictures that bear these tags, sorted.
fn tagged(gallery: &Gallery, tags: &[&str]) -> Vec<String> {
    let flags = tags.iter().flat_map(|tag| ["--tag", tag]);
    let args: Vec<&str> = ["search", "d.png", "--json"].into_iter().chain(flags).collect();
    let mut hits = gallery.alike(&args).exits(0).hits();
    hits.sort();
    hits
}

#[test]
fn files_and_folders_are_tagged_and_found() {
    let gallery = indexed();
    gallery.alike(&["tag", "add", "blue", "sub", "a.png"]).exits(0).says("2 pictures tagged `blue`: sub");
    gallery.alike(&["tag", "add", "a day out", "sub/b.png"]).exits(0).says("1 picture tagged `a day out`: sub/b.png");
    assert_eq!(tagged(&gallery, &["blue"]), ["a.png", "b.png", "c.png"]);
    assert_eq!(tagged(&gallery, &["blue", "a day out"]), ["b.png"]);
    let both = ["search", "d.png", "--json", "--tag", "blue", "--path-prefix", "sub"];
    assert_eq!(gallery.alike(&both).exits(0).hits().len(), 2);

    let listed = json!([{"tag": "a day out", "pictures": 1}, {"tag": "blue", "pictures": 3}]);
    assert_eq!(gallery.alike(&["tag", "list", "--json"]).exits(0).json(), listed);
    assert_eq!(gallery.alike(&["tag", "list"]).exits(0).stdout, "     1  a day out\n     3  blue\n");
    assert_eq!(gallery.alike(&["info", "--json"]).exits(0).json()["tags"], listed);
    assert!(gallery.alike(&["info"]).exits(0).stdout.contains("tag         blue: 3 pictures"));

    gallery.alike(&["tag", "remove", "blue", "sub", "d.png"]).exits(0).says("no picture tagged `blue`: d.png");
    assert_eq!(tagged(&gallery, &["blue"]), ["a.png"]);
    gallery.alike(&["tag", "remove", "blue", "sub"]).exits(1);
}

#[test]
fn tags_stay_with_a_picture_that_moves_or_changes_and_go_with_one_that_is_removed() {
    let gallery = indexed();
    for (tag, path) in [("moves", "a.png"), ("changes", "sub/b.png"), ("touched", "sub/c.png"), ("goes", "d.png")] {
        gallery.alike(&["tag", "add", tag, path]).exits(0);
    }
    gallery.alike(&["tag", "add", "all", "."]).exits(0);
    fs::rename(gallery.path("a.png"), gallery.path("sub/moved.png")).unwrap();
    gallery.draw("sub/b.png", 33, 29);
    let touched = fs::File::options().write(true).open(gallery.path("sub/c.png")).unwrap();
    touched.set_modified(std::time::UNIX_EPOCH).unwrap();
    gallery.alike(&["index", "."]).exits(0).says("1 changed, 1 moved");
    assert_eq!(tagged(&gallery, &["all", "moves"]), ["moved.png"]);
    assert_eq!(tagged(&gallery, &["all", "changes"]), ["b.png"]);
    assert_eq!(tagged(&gallery, &["all", "touched"]), ["c.png"]);

    gallery.alike(&["remove", "d.png"]).exits(0);
    gallery.alike(&["index", "."]).exits(0).says("1 added");
    assert_eq!(tagged(&gallery, &["all"]), ["b.png", "c.png", "moved.png"]);
    gallery.alike(&["search", "d.png", "--tag", "goes"]).exits(2).says("it has all, changes, moves, touched");
}

#[test]
fn what_is_no_tag_or_no_picture_is_refused() {
    let gallery = indexed();
    gallery.alike(&["search", "d.png", "--tag", "blue"]).exits(2).says("no tags: give some with `alike tag add`");
    gallery.alike(&["tag", "add", "", "d.png"]).exits(2).says("an empty tag: wanted a word");
    gallery.alike(&["tag", "add", "a\x1b[2J", "d.png"]).exits(2).says("has a control character");
    gallery.alike(&["tag", "add", &"x".repeat(101), "d.png"]).exits(2).says("101 characters: wanted at most 100");
    gallery.alike(&["tag", "add", "blue", "nowhere.png"]).exits(1).says("not in the collection: nowhere.png");
    gallery.alike(&["tag", "list"]).exits(0).says("no tags yet");
}
