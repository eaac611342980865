//! Indexing: what is new, changed, moved, gone.

use crate::gallery::Gallery;
use std::fs;

fn three() -> Gallery {
    let gallery = Gallery::new();
    gallery.draw("a.png", 10, 2);
    gallery.draw("sub/b.png", 120, 5);
    gallery.draw("sub/c.png", 240, 11);
    gallery
}

#[test]
fn a_folder_is_indexed_once_and_then_only_what_changed() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0).says("3 added").says("no network given");
    gallery.alike(&["index"]).exits(0).says("3 unchanged");
    gallery.draw("sub/b.png", 60, 3);
    gallery.draw("d.png", 70, 4);
    fs::remove_file(gallery.path("a.png")).unwrap();
    gallery.alike(&["index", "."]).exits(0).says("1 added, 1 changed, 1 removed, 1 unchanged");
    assert_eq!(gallery.alike(&["info", "--json"]).exits(0).json()["pictures"], 3);
}

#[test]
fn a_touched_file_is_known_by_its_content() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    let bytes = fs::read(gallery.path("a.png")).unwrap();
    fs::File::options().write(true).open(gallery.path("a.png")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(bytes, fs::read(gallery.path("a.png")).unwrap());
    gallery.alike(&["index", "."]).exits(0).says("3 unchanged");
}

#[test]
fn a_moved_file_is_recognised_and_not_decoded_again() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    let before = gallery.alike(&["search", "a.png", "--json"]).exits(0).json();
    fs::create_dir(gallery.path("elsewhere")).unwrap();
    fs::rename(gallery.path("a.png"), gallery.path("elsewhere/renamed.png")).unwrap();
    gallery.alike(&["index"]).exits(0).says("1 moved, 2 unchanged");
    let after = gallery.alike(&["search", "elsewhere/renamed.png", "--json"]).exits(0).json();
    assert_eq!(before["hits"][0]["id"], after["hits"][0]["id"]);
    assert_eq!(after["hits"][0]["is_query"], true);
}

#[test]
fn index_of_a_path_leaves_the_rest_alone() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    fs::remove_file(gallery.path("a.png")).unwrap();
    fs::remove_file(gallery.path("sub/b.png")).unwrap();
    gallery.alike(&["index", "sub"]).exits(0).says("1 removed, 1 unchanged");
    assert_eq!(gallery.alike(&["info", "--json"]).json()["pictures"], 2);
}

#[test]
fn a_list_brings_labels_and_their_names() {
    let gallery = three();
    gallery.write("dataset_info.json", r#"{"label_dict": {"0": "虎", "1": "ox"}}"#);
    gallery.write("train.txt", "a.png\t0\nsub\\b.png 1\n");
    gallery.alike(&["index", "--list", "train.txt", "-c", "kept"]).exits(0).says("2 added");
    let hits = gallery.alike(&["search", "a.png", "-c", "kept", "--json"]).exits(0).json();
    assert_eq!(hits["hits"][0]["label"], "0");
    assert_eq!(hits["hits"][0]["label_name"], "虎");
    gallery.write("train.txt", "a.png\t1\nsub/b.png\t1\n");
    gallery.alike(&["index", "-c", "kept"]).exits(0).says("2 unchanged");
    let hits = gallery.alike(&["search", "a.png", "-c", "kept", "--json"]).exits(0).json();
    assert_eq!(hits["hits"][0]["label_name"], "ox", "a label that changed in the list changes in the collection");
}

#[test]
fn labels_may_be_the_names_of_folders() {
    let gallery = Gallery::new();
    gallery.draw("cat/1.png", 10, 2);
    gallery.draw("dog/1.png", 200, 9);
    gallery.alike(&["index", ".", "--labels-from-folders"]).exits(0);
    let only = gallery.alike(&["search", "cat/1.png", "--label", "dog", "--json"]).exits(0);
    assert_eq!(only.json()["hits"][0]["label"], "dog");
    assert_eq!(only.hits().len(), 1);
}

#[test]
fn paths_from_a_pipe_may_have_any_name() {
    let gallery = Gallery::new();
    gallery.draw("with blank.png", 10, 2);
    gallery.draw("日本語 🐉.png", 99, 4);
    gallery.draw("line\nfeed.png", 200, 9);
    let paths = "with blank.png\0日本語 🐉.png\0line\nfeed.png\0";
    gallery.alike_with(&["index", "-", "-0", "-c", "kept"], &[], paths).exits(0).says("3 added");
    let run = gallery.alike(&["search", "line\nfeed.png", "-c", "kept"]).exits(0);
    assert!(run.stdout.contains("line\\nfeed.png"), "a terminal gets names escaped: {}", run.stdout);
    let json = gallery.alike(&["search", "line\nfeed.png", "-c", "kept", "--json"]).exits(0);
    assert_eq!(json.hits()[0], "line\nfeed.png");
}

#[test]
fn a_new_recipe_over_known_sources_decodes_nothing() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    for name in ["a.png", "sub/b.png", "sub/c.png"] {
        let times = fs::metadata(gallery.path(name)).unwrap().modified().unwrap();
        fs::write(gallery.path(name), vec![0; fs::metadata(gallery.path(name)).unwrap().len() as usize]).unwrap();
        fs::File::options().write(true).open(gallery.path(name)).unwrap().set_modified(times).unwrap();
    }
    gallery.alike(&["index", "--recipe", "color | hash(mean)"]).exits(0).says("3 unchanged");
    let info = gallery.alike(&["info", "--json"]).json();
    assert_eq!(info["recipes"][1]["recipe"], "color | hash(mean)");
    assert_eq!(info["recipes"][1]["descriptors"], 3);
}

#[test]
fn removed_pictures_are_not_found() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    gallery.alike(&["remove", "sub"]).exits(0).says("2 pictures removed");
    assert_eq!(gallery.alike(&["search", "a.png", "--json"]).exits(0).hits(), ["a.png"]);
    gallery.alike(&["remove", "sub"]).exits(1).says("not in the collection");
}

#[test]
fn derived_files_may_be_deleted_at_any_time() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    let before = gallery.alike(&["search", "a.png", "--json"]).json()["hits"].clone();
    fs::remove_dir_all(gallery.path(".alike/recipes")).unwrap();
    assert_eq!(gallery.alike(&["search", "a.png", "--json"]).exits(0).json()["hits"], before);
    gallery.alike(&["index"]).exits(0);
    assert!(gallery.path(".alike/recipes").exists(), "brought back by the next index");
    assert_eq!(gallery.alike(&["search", "a.png", "--json"]).exits(0).json()["hits"], before);
}

#[test]
fn the_rows_do_not_depend_on_the_number_of_workers() {
    let gallery = Gallery::new();
    for i in 0..40 {
        gallery.draw(&format!("{i:02}.png"), i * 6, 2 + u32::from(i) % 7);
    }
    for (jobs, out) in [("1", "one.npy"), ("4", "four.npy")] {
        gallery.write("list.txt", (0..40).map(|i| format!("{i:02}.png\t0\n")).collect::<String>());
        gallery.alike(&["index", "--list", "list.txt", "-c", jobs, "--jobs", jobs]).exits(0);
        gallery.alike(&["export", "--npy", out, "-c", jobs]).exits(0);
    }
    assert!(fs::read(gallery.path("one.npy")).unwrap() == fs::read(gallery.path("four.npy")).unwrap());
}

#[test]
fn a_vanished_file_or_folder_is_forgotten_by_name() {
    let gallery = three();
    gallery.alike(&["index", "."]).exits(0);
    fs::remove_file(gallery.path("a.png")).unwrap();
    gallery.alike(&["index", "a.png"]).exits(2).says("no such file or folder");
    gallery.alike(&["index", "a.png", "--forget"]).exits(0).says("1 removed");
    fs::remove_dir_all(gallery.path("sub")).unwrap();
    gallery.alike(&["index", "sub", "--forget"]).exits(0).says("2 removed");
    assert_eq!(gallery.alike(&["info", "--json"]).json()["pictures"], 0);
}
