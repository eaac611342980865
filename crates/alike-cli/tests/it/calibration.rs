//! What scores mean: `alike calibrate`, and searches for a wanted precision.

use crate::gallery::{Gallery, Run, data};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Four classes that differ in colour, six pictures each, in folders of their own.
fn classes() -> Gallery {
    let gallery = Gallery::new();
    for hue in [10u8, 90, 170, 250] {
        for stripes in 0..6u32 {
            gallery.draw(&format!("pictures/class{hue}/{stripes}.png"), hue + (stripes % 3) as u8, 4 + 2 * stripes);
        }
    }
    gallery.alike(&["index", "pictures", "--recipe", "color"]).exits(0);
    gallery
}

const BY_FOLDERS: [&str; 4] = ["calibrate", "-c", "pictures", "--labels-from-folders"];

fn calibrated() -> Gallery {
    let gallery = classes();
    gallery.alike(&BY_FOLDERS).exits(0);
    gallery
}

fn search(gallery: &Gallery, picture: &str, more: &[&str]) -> Run {
    gallery.alike(&[&["search", picture, "-c", "pictures"][..], more].concat())
}

/// A picture of random blocks, no two alike; `brighter` changes all by a little.
fn blocks(gallery: &Gallery, name: &str, seed: u32, brighter: u8) {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let values: Vec<u8> = (0..64).map(|_| random() / 2 + 40).collect();
    let picture = image::RgbImage::from_fn(64, 64, |x, y| {
        let value = values[(y / 8 * 8 + x / 8) as usize] + brighter;
        image::Rgb([value; 3])
    });
    let path = gallery.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// A hundred pictures that have nothing to do with each other, and copies of ten of them.
fn unlabelled() -> Gallery {
    let gallery = Gallery::new();
    for seed in 0..100 {
        blocks(&gallery, &format!("pictures/{seed}.png"), seed, 0);
    }
    for seed in 0..10 {
        blocks(&gallery, &format!("pictures/{seed}_copy.png"), seed, 20);
    }
    gallery.alike(&["index", "pictures", "--recipe", "phash(16)"]).exits(0);
    gallery
}

#[test]
fn labels_teach_what_scores_mean() {
    let gallery = classes();
    let run = gallery.alike(&[&BY_FOLDERS[..], &["--json"]].concat()).exits(0);
    let json = run.json();
    assert_eq!((&json["queries"], &json["photos"], &json["relevant"]), (&24.into(), &4.into(), &120.into()));
    assert_eq!(json["pairs"], 24 * 23);
    let row = &json["precisions"][3];
    assert_eq!((&row["wanted"], &row["recall"]), (&0.95.into(), &1.0.into()));
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    assert!(number(&row["precision"]) > 0.9 && number(&row["precision_ci95"][0]) > 0.8, "{row}");
    assert!(number(&row["cutoff"]) < number(&json["precisions"][4]["cutoff"]), "{json}");
    let table = gallery.alike(&BY_FOLDERS).exits(0).stdout;
    assert!(table.contains("  0.95  ") && table.contains("  1.000 (1.000 to 1.000)"), "{table}");
    let info = gallery.alike(&["info", "-c", "pictures"]).exits(0).stdout;
    assert!(info.contains("calibrated by 24 labelled queries in 24 pictures"), "{info}");
    let info = gallery.alike(&["info", "-c", "pictures", "--json"]).exits(0).json();
    assert_eq!(info["recipes"][0]["calibrated_in"], 24);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
}

#[test]
fn a_precision_leaves_what_is_similar() {
    let gallery = calibrated();
    let run = search(&gallery, "pictures/class10/0.png", &["--precision", "0.95", "-k", "24", "--json"]).exits(0);
    let run = run.says("by the calibration with 24 labelled queries in 24 pictures");
    let json = run.json();
    assert_eq!((&json["calibration"]["by"], &json["calibration"]["precision"]), (&"labels".into(), &0.95.into()));
    let hits = json["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 6);
    for hit in hits {
        assert!(hit["path"].as_str().unwrap().contains("class10/") && hit["verdict"] == "same", "{hit}");
        assert!(
            hit["probability"].as_f64().unwrap() >= 0.95
                && hit["score"].as_f64() >= json["calibration"]["cutoff"].as_f64()
        );
    }
}

#[test]
fn words_stand_beside_scores_once_they_are_known() {
    let gallery = classes();
    let before = search(&gallery, "pictures/class10/0.png", &["--json"]).exits(0).json();
    assert!(before["hits"][0].get("verdict").is_none() && before.get("calibration").is_none());
    gallery.alike(&BY_FOLDERS).exits(0);
    let table = search(&gallery, "pictures/class10/0.png", &["-k", "24", "--html", "hits.html"]).exits(0).stdout;
    let words: Vec<&str> = table.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(words, [vec!["same"; 6], vec!["unrelated"; 18]].concat());
    let page = std::fs::read_to_string(gallery.path("hits.html")).unwrap();
    assert_eq!(page.matches(">unrelated<").count(), 18, "{page}");
    // Scores of the vectors behind codes, and of several recipes at once, are others.
    let several = ["--recipe", "color", "--recipe", "color | center", "--fuse", "rrf", "--json"];
    let fused = search(&gallery, "pictures/class10/0.png", &several).exits(0).json();
    assert!(fused["hits"][0].get("verdict").is_none());
}

#[test]
fn nothing_similar_is_an_answer() {
    let gallery = calibrated();
    let other = gallery.draw("other.png", 130, 9);
    let run = search(&gallery, other.to_str().unwrap(), &["--precision", "0.99", "--json"]).exits(1);
    assert_eq!(run.json()["hits"].as_array().unwrap().len(), 0);
    run.says("nothing similar: the nearest is").says("whose probability of being right is");
    // A picture of the gallery finds itself, which is no news.
    gallery.draw("pictures/alone.png", 130, 9);
    gallery.alike(&["index", "pictures"]).exits(0);
    search(&gallery, "pictures/alone.png", &["--precision", "0.99"]).exits(1).says("nothing similar");
    search(&gallery, "pictures/alone.png", &[]).exits(0);
}

#[test]
fn without_labels_the_gallery_shows_its_background() {
    let gallery = unlabelled();
    let run = search(&gallery, "pictures/3.png", &["--precision", "0.9", "--json"]).exits(0);
    let run = run.says("estimated without labels, from 110 pictures of the gallery among themselves");
    assert_eq!(run.json()["calibration"]["by"], "estimate");
    assert_eq!(run.hits(), ["3.png", "3_copy.png"]);
    search(&gallery, "pictures/77.png", &["--precision", "0.9"]).exits(1).says("nothing similar");
    blocks(&gallery, "new.png", 12345, 0);
    search(&gallery, "new.png", &["--precision", "0.9"]).exits(1).says("nothing similar: the nearest is");
    let first = search(&gallery, "pictures/3.png", &["--precision", "0.9", "--json", "-j", "1"]).exits(0).json();
    assert_eq!(first["hits"], run.json()["hits"]);
}

#[test]
fn lists_of_what_is_relevant_teach_as_well() {
    let gallery = unlabelled();
    let lines: Vec<String> = (0..10).map(|seed| format!("pictures/{seed}.png\tpictures/{seed}_copy.png\n")).collect();
    gallery.write("groundtruth.txt", lines.concat());
    let args = ["calibrate", "-c", "pictures", "--ground-truth", "groundtruth.txt", "--json"];
    let json = gallery.alike(&args).exits(0).json();
    assert_eq!((&json["queries"], &json["photos"], &json["relevant"]), (&10.into(), &10.into(), &10.into()));
    assert_eq!(json["pairs"], 1090);
    // Nine pairs, or ten, tell .8 from 1, and not .99.
    assert!(json["precisions"][1]["recall"].as_f64().unwrap() >= 0.9, "{json}");
    assert_eq!(
        (&json["precisions"][4]["recall"], &json["precisions"][4]["cutoff"]),
        (&0.0.into(), &serde_json::Value::Null)
    );
    let run = search(&gallery, "pictures/3.png", &["--precision", "0.8", "--json"]).exits(0);
    assert_eq!(run.hits(), ["3.png", "3_copy.png"]);
}

#[test]
fn files_with_the_same_bytes_teach_nothing() {
    let gallery = classes();
    std::fs::copy(gallery.path("pictures/class10/0.png"), gallery.path("pictures/class90/copy.png")).unwrap();
    gallery.alike(&["index", "pictures"]).exits(0);
    let json = gallery.alike(&[&BY_FOLDERS[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(json["pairs"], 25 * 24 - 2);
}

#[test]
fn what_cannot_be_said_is_an_error() {
    let gallery = classes();
    for precision in ["0", "1", "1.5", "-0.5", "much"] {
        let run = search(&gallery, "pictures/class10/0.png", &[&format!("--precision={precision}")]).exits(2);
        run.says("wanted a number above 0 and below 1, such as 0.95");
    }
    for more in [&["--rescore", "10"][..], &["--compare", "color", "--compare", "color | center"]] {
        search(&gallery, "pictures/class10/0.png", &[&["--precision", "0.9"][..], more].concat())
            .exits(2)
            .says("cannot be used with");
    }
    gallery.alike(&["calibrate", "-c", "pictures"]).exits(2).says("have no labels: add --labels-from-folders");
    let unkept = [&BY_FOLDERS[..], &["--recipe", "color | center"]].concat();
    gallery.alike(&unkept).exits(2).says("add it with `alike index --recipe 'color | center'` first");
    gallery.write("one.txt", "pictures/class10/0.png\tpictures/class10/1.png\n");
    let one = ["calibrate", "-c", "pictures", "--ground-truth", "one.txt"];
    gallery.alike(&one).exits(2).says("got 1 relevant pairs of 1 photos");
    let few = Gallery::new();
    few.draw("pictures/a.png", 10, 3);
    few.alike(&["index", "pictures", "--recipe", "color"]).exits(0);
    search(&few, "pictures/a.png", &["--precision", "0.9"]).exits(2).says("too few or too much alike for an estimate");
}

#[test]
fn a_calibration_that_no_longer_fits_says_so() {
    let gallery = Gallery::new();
    let draw = |numbers: std::ops::Range<u32>| {
        for i in numbers {
            let hue = if i.is_multiple_of(2) { 20 } else { 220 };
            gallery.draw(&format!("pictures/{hue}/{i}.png"), hue + (i % 9) as u8, 2 + i % 11);
        }
    };
    draw(0..12);
    gallery.alike(&["index", "pictures", "--recipe", "color | center"]).exits(0);
    gallery.alike(&BY_FOLDERS).exits(0);
    draw(12..30);
    gallery.alike(&["index", "pictures"]).exits(0);
    search(&gallery, "pictures/20/0.png", &[]).exits(0).says("was calibrated in 12 pictures, now there are 30");
    draw(30..60);
    gallery.alike(&["index", "pictures"]).exits(0);
    let anew = search(&gallery, "pictures/20/0.png", &["--json"]).exits(0);
    let anew = anew.says("has learnt anew since it was calibrated");
    assert!(anew.json()["hits"][0].get("verdict").is_none());
    gallery.alike(&BY_FOLDERS).exits(0);
    let run = search(&gallery, "pictures/20/0.png", &["--json"]).exits(0);
    assert!(run.json()["hits"][0].get("verdict").is_some() && run.stderr.is_empty(), "{}", run.stderr);
}

#[test]
fn a_damaged_calibration_is_found_and_struck() {
    let gallery = calibrated();
    let database = Connection::open(gallery.path("pictures/.alike/collection.sqlite")).unwrap();
    database.execute("UPDATE calibrations SET content = '{}'", []).unwrap();
    search(&gallery, "pictures/class10/0.png", &[]).exits(2).says("is no calibration");
    let found = gallery.alike(&["verify", "-c", "pictures", "--json"]).exits(2).json();
    assert_eq!(found["damages"][0]["place"], "calibration");
    gallery.alike(&["verify", "-c", "pictures", "--repair"]).exits(0);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
    search(&gallery, "pictures/class10/0.png", &[]).exits(0);
}

/// By cross-validation: the measured precision is about the wanted one, and most of what is relevant is found.
#[test]
fn near_duplicates_are_found_at_the_wanted_precision() {
    const NAME: &str = "near_duplicates_are_found_at_the_wanted_precision";
    let Some(model) = data(NAME, "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(folder) = data(NAME, "neardup") else { return };
    let truth = format!("{folder}/groundtruth.txt");
    let lists = [&truth, &format!("{folder}/distractors.txt")].map(|path| std::fs::read_to_string(path).unwrap());
    let names = lists.iter().flat_map(|list| list.split(['\t', '\n'])).filter(|name| !name.is_empty());
    let paths: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
    let gallery = Gallery::new();
    let layer = r#"layer("features.17.conv.2", gem(3))"#;
    let recipes = ["deep", layer, &format!("{layer} + 0.3*shape | whiten(64)")];
    let mut index = vec!["index", "-", "-c", "kept", "--model", &model];
    recipes.iter().for_each(|recipe| index.extend(["--recipe", recipe]));
    let runtime = std::env::var_os("ALIKE_TEST_ONNXRUNTIME").map(PathBuf::from);
    let environment: Vec<(&str, &Path)> = runtime.iter().map(|path| ("ORT_DYLIB_PATH", path.as_path())).collect();
    gallery.alike_with(&index, &environment, paths.join("\n")).exits(0);
    for recipe in recipes {
        let args = ["calibrate", "-c", "kept", "--ground-truth", &truth, "--recipe", recipe, "--json"];
        let json = gallery.alike_with(&args, &environment, "").exits(0).json();
        let row = &json["precisions"][3];
        let [precision, recall] = ["precision", "recall"].map(|name| row[name].as_f64().unwrap());
        println!("neardup, {recipe}: precision {precision:.3} of {}, recall {recall:.3}", row["wanted"]);
        assert!((precision - 0.95).abs() <= 0.03 && recall >= 0.8, "{recipe}: {precision} and {recall}");
    }
}
