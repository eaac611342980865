//! Bad input: refused in one line that says what was got, what was wanted, what to do; and nothing is lost.

use crate::gallery::{Gallery, Run, data};
use std::fs;

/// One line on stderr that begins with `error: `.
#[track_caller]
fn refused(run: Run) -> String {
    let run = run.exits(2);
    let lines: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("note: ")).collect();
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    assert!(lines[0].starts_with("error: "), "{}", run.stderr);
    lines[0].to_owned()
}

fn two() -> Gallery {
    let gallery = Gallery::new();
    gallery.draw("a.png", 10, 2);
    gallery.draw("b.png", 200, 7);
    gallery
}

#[test]
fn one_bad_file_never_ends_a_run() {
    let gallery = two();
    gallery.write("text.jpg", "I am no picture");
    gallery.write("notes.txt", "nor am I");
    let whole = fs::read(gallery.path("a.png")).unwrap();
    gallery.write("half.png", &whole[..whole.len() / 2]);
    let run = gallery.alike(&["index", "."]).exits(0).says("2 added, 2 skipped, 1 not pictures");
    for (name, reason) in
        [("text.jpg", "not a picture: got text"), ("half.png", "damaged"), ("notes.txt", "not a picture")]
    {
        let named = run
            .stderr
            .lines()
            .any(|line| line.starts_with("skipped: ") && line.contains(name) && line.contains(reason));
        assert!(named, "{name} in {}", run.stderr);
    }
    gallery.alike(&["index", ".", "--strict"]).exits(2).says("2 unchanged, 2 skipped");
    fs::remove_file(gallery.path("text.jpg")).unwrap();
    fs::remove_file(gallery.path("half.png")).unwrap();
    gallery.alike(&["index", ".", "--strict"]).exits(0).says("1 not pictures");
}

#[test]
fn a_picture_that_became_damaged_is_forgotten_and_named() {
    let gallery = two();
    gallery.alike(&["index", "."]).exits(0);
    gallery.write("b.png", "no more");
    gallery.alike(&["index", "."]).exits(0).says("skipped: ").says("1 removed");
    assert_eq!(gallery.alike(&["search", "a.png", "--json"]).hits(), ["a.png"]);
}

#[test]
fn bad_lines_of_a_list_are_named_by_number() {
    let gallery = two();
    gallery.write("dataset_info.json", r#"{"label_dict": {"0": "x"}}"#);
    gallery.write("list.txt", "a.png\t0\nb.png\nmissing.png\t0\nb.png\t9\n");
    let run = gallery.alike(&["index", "--list", "list.txt", "-c", "."]).exits(0).says("2 added");
    assert!(run.stderr.contains("list.txt:2: no label: got `b.png`"), "{}", run.stderr);
    assert!(run.stderr.contains("missing.png: no such file"), "{}", run.stderr);
    assert!(run.stderr.contains("list.txt:4: label 9 is no key of label_dict"), "{}", run.stderr);
    gallery.alike(&["index", "--strict", "-c", "."]).exits(2);
}

#[test]
fn what_cannot_be_indexed_at_all_is_refused_in_one_line() {
    let gallery = two();
    fs::create_dir(gallery.path("empty")).unwrap();
    gallery.write("blank.txt", "");
    gallery.write("dir/dataset_info.json", "{");
    gallery.write("dir/list.txt", "../a.png\t0\n");
    for (args, words) in [
        (&["index", "empty"][..], "no files in"),
        (&["index", "nowhere"], "no such file or folder"),
        (&["index", "--list", "blank.txt", "-c", "new"], "no line of the list has the form"),
        (&["index", "--list", "gone.txt", "-c", "new"], "the list is missing"),
        (&["index", "--list", "dir/list.txt", "-c", "new"], "label_dict"),
        (&["index", ".", "--recipe", "color +"], "column 8"),
        (&["index", ".", "--recipe", "deep"], "needs a network"),
        (&["index"], "no collection in"),
        (&["search", "a.png"], "no collection in"),
        (&["search", "a.png", "-c", "nowhere"], "nowhere"),
        (&["index", "a.png"], "say where to keep"),
    ] {
        let error = refused(gallery.alike(args));
        assert!(error.contains(words), "{args:?}: wanted `{words}` in {error}");
    }
}

#[test]
fn a_root_that_vanished_is_no_wish_to_forget() {
    let gallery = Gallery::new();
    gallery.draw("disk/a.png", 10, 2);
    gallery.draw("disk/b.png", 200, 7);
    gallery.alike(&["index", "disk", "-c", "kept"]).exits(0);
    fs::rename(gallery.path("disk"), gallery.path("unplugged")).unwrap();
    let error = refused(gallery.alike(&["index", "-c", "kept"]));
    assert!(error.contains("vanished, but 2 pictures were indexed from it") && error.contains("--forget"), "{error}");
    fs::create_dir(gallery.path("disk")).unwrap();
    assert!(refused(gallery.alike(&["index", "-c", "kept"])).contains("has no files, but 2 pictures"));
    assert_eq!(gallery.alike(&["info", "-c", "kept", "--json"]).json()["pictures"], 2);
    gallery.alike(&["index", "-c", "kept", "--forget"]).exits(0).says("2 removed");
    assert_eq!(gallery.alike(&["info", "-c", "kept", "--json"]).json()["roots"].as_array().unwrap().len(), 0);
}

#[test]
fn a_collection_of_a_newer_format_is_refused_with_advice() {
    let gallery = two();
    gallery.alike(&["index", "."]).exits(0);
    let database = rusqlite::Connection::open(gallery.path(".alike/collection.sqlite")).unwrap();
    database.execute("UPDATE meta SET value = 99 WHERE key = 'format_version'", []).unwrap();
    drop(database);
    for args in [&["search", "a.png"][..], &["index"], &["info"]] {
        let error = refused(gallery.alike(args));
        assert!(error.contains("99") && error.contains("alike"), "{error}");
    }
}

#[test]
fn a_damaged_database_is_named() {
    let gallery = two();
    gallery.alike(&["index", "."]).exits(0);
    gallery.write(".alike/collection.sqlite", "this is no database, whatever it is called");
    for leftover in ["-wal", "-shm"] {
        drop(fs::remove_file(gallery.path(&format!(".alike/collection.sqlite{leftover}"))));
    }
    assert!(refused(gallery.alike(&["search", "a.png"])).contains("collection.sqlite"));
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let gallery = two();
    gallery.alike(&["index", "."]).exits(0);
    let collection = alike::store::Collection::open(&gallery.path(".alike")).unwrap();
    let writer = collection.write("the test").unwrap();
    let error = refused(gallery.alike(&["index", "."]));
    assert!(error.contains("the test") && error.contains(&std::process::id().to_string()), "{error}");
    gallery.alike(&["search", "a.png"]).exits(0);
    drop(writer);
    gallery.alike(&["index", "."]).exits(0);
}

/// The binary with a file size limit, as a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let gallery = two();
    gallery.alike(&["index", "."]).exits(0);
    for i in 0..60u8 {
        gallery.draw(&format!("more/{i}.png"), i * 4, 2 + u32::from(i));
    }
    let limited = format!("trap '' XFSZ; ulimit -f 100; exec '{}' index .", env!("CARGO_BIN_EXE_alike"));
    let output =
        std::process::Command::new("bash").args(["-c", &limited]).current_dir(gallery.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error: "));
    assert_eq!(gallery.alike(&["search", "a.png", "--json", "-k", "2"]).exits(0).hits()[0], "a.png");
    gallery.alike(&["index", "."]).exits(0);
    assert_eq!(gallery.alike(&["info", "--json"]).json()["pictures"], 62);
}

/// Killed at any moment, the collection opens, and the next run finishes the work.
#[cfg(unix)]
#[test]
fn a_killed_run_is_resumed() {
    let gallery = Gallery::new();
    for i in 0..150u8 {
        gallery.draw(&format!("{i:03}.png"), i, 2 + u32::from(i % 20));
    }
    let index = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_alike"));
        command.args(["index", ".", "--jobs", "1"]).current_dir(gallery.path(""));
        command.stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    for delay in [5, 20, 60, 150] {
        let mut child = index();
        let until = std::time::Instant::now() + std::time::Duration::from_millis(delay);
        while std::time::Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        drop(child.kill());
        child.wait().unwrap();
        if gallery.path(".alike/collection.sqlite").exists() {
            let info = gallery.alike(&["info", "--json"]);
            assert_eq!(info.code, Some(0), "{}", info.stderr);
        }
    }
    gallery.alike(&["index", "."]).exits(0);
    assert_eq!(gallery.alike(&["info", "--json"]).exits(0).json()["pictures"], 150);
    assert_eq!(gallery.alike(&["search", "077.png", "--json"]).exits(0).hits()[0], "077.png");
}

#[test]
fn all_awkward_files_among_good_pictures_index_to_the_end() {
    let Some(odd) = data("all_awkward_files", "odd") else { return };
    let gallery = two();
    let run = gallery.alike(&["index", &odd, ".", "-c", "kept"]).exits(0).says("12 skipped, 2 not pictures");
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("skipped: ")).count(), 14, "{}", run.stderr);
    gallery.alike(&["index", &odd, "-c", "kept", "--strict"]).exits(2);
}
