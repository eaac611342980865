//! `alike train`, and what it learnt in recipes, as its users do.

use crate::gallery::{Gallery, data, metric, two_classes};
use rusqlite::Connection;
use std::fs;
use std::path::Path;

const TRAIN: [&str; 5] = ["train", "--list", "trainval.txt", "--recipe", "color"];

#[test]
fn a_head_is_learnt_from_a_list_and_evaluated_without_decoding_anew() {
    let gallery = two_classes(5);
    let run = gallery.alike(&[&TRAIN[..], &["-o", "a.head"]].concat()).exits(0).says("10 pictures described");
    for wanted in ["softmax on `color`: 10 pictures of 2 classes", "虎", "sea lion", "semantic(\"a.head\")"] {
        assert!(run.stdout.contains(wanted), "wanted `{wanted}` in: {}", run.stdout);
    }
    let json = gallery.alike(&[&TRAIN[..], &["-o", "b.head", "--json"]].concat()).exits(0).json();
    assert_eq!(fs::read(gallery.path("a.head")).unwrap(), fs::read(gallery.path("b.head")).unwrap());
    assert_eq!(json["held_out"]["confusion"], serde_json::json!([[5, 0], [0, 5]]));
    assert_eq!(json["classes"][0], serde_json::json!({"id": "0", "name": "虎"}));
    let args = ["eval", "--gallery", "trainval.txt", "--query", "test.txt", "--json", "--recipe"];
    let eval = gallery.alike(&[&args[..], &["semantic(\"a.head\")", "--recipe", "color"]].concat()).exits(0);
    assert!(!eval.stderr.contains("10 pictures described"), "{}", eval.stderr);
    assert!((metric(&eval.json(), 0, "mAP") - 1.0).abs() < 1e-12);
    let canonical = eval.json()["results"][0]["recipe_canonical"].as_str().unwrap().to_owned();
    assert_eq!(canonical, format!("semantic(#{})", &json["sha256"].as_str().unwrap()[..8]));
}

#[test]
fn projections_are_learnt_from_folders_and_from_collections() {
    let gallery = two_classes(5);
    for label in ["0", "1"] {
        for stripes in 1..=5 {
            let name = format!("{label}_{stripes}.png");
            fs::create_dir_all(gallery.path(&format!("folders/{label}"))).unwrap();
            fs::copy(gallery.path(&format!("images/{name}")), gallery.path(&format!("folders/{label}/{name}")))
                .unwrap();
        }
    }
    let folders =
        ["train", "folders", "--labels-from-folders", "--recipe", "moments", "--method", "lda", "-o", "a.lda"];
    gallery.alike(&folders).exits(0);
    gallery.alike(&["index", "--list", "trainval.txt", "-c", "c", "--recipe", "moments"]).exits(0);
    let whitening =
        ["train", "-c", "c", "--recipe", "moments", "--method", "whitening", "--dims", "3", "-o", "a.white"];
    let json = gallery.alike(&[&whitening[..], &["--json"]].concat()).exits(0).json();
    assert_eq!((&json["outputs"], &json["pictures"]), (&3.into(), &10.into()));
    for (recipe, dims) in [("moments | project(\"a.lda\")", 1), ("moments | project(\"a.white\")", 3)] {
        let args = ["eval", "--gallery", "trainval.txt", "--query", "test.txt", "--json", "--recipe", recipe];
        let json = gallery.alike(&args).exits(0).json();
        assert_eq!(json["results"][0]["dims"], dims, "{recipe}");
        assert!((metric(&json, 0, "mAP") - 1.0).abs() < 1e-12, "{recipe}");
    }
    gallery.alike(&["search", "images/q0.png", "-c", "c", "--recipe", "lab | project(\"a.white\")"]).exits(2);
}

#[test]
fn a_collection_keeps_the_files_its_recipes_name() {
    let gallery = two_classes(5);
    gallery.alike(&[&TRAIN[..], &["-o", "a.head"]].concat()).exits(0);
    let recipe = "semantic(\"a.head\")";
    gallery.alike(&["index", "--list", "trainval.txt", "-c", "c", "--recipe", recipe]).exits(0);
    let search = ["search", "images/q1.png", "-c", "c", "--json", "-k", "5"];
    let before = gallery.alike(&search).exits(0);
    assert!(before.hits().iter().all(|hit| hit.starts_with("1_")), "{:?}", before.hits());

    // What lies at the path now is another head: recipes of the collection don't look there.
    fs::remove_file(gallery.path("a.head")).unwrap();
    assert_eq!(gallery.alike(&search).exits(0).hits(), before.hits());
    let named = gallery.alike(&[&search[..], &["--recipe", "semantic(\"a.head\") | power(0.5)"]].concat()).exits(0);
    assert_eq!(named.hits().len(), 5);
    gallery.write("a.head", "no head");
    assert_eq!(gallery.alike(&search).exits(0).hits(), before.hits());
    gallery.alike(&[&search[..], &["--recipe", recipe]].concat()).exits(2).says("a.head: not a sound safetensors file");
    gallery.draw("images/1_9.png", 205, 9);
    gallery.alike(&["index", "images/1_9.png", "-c", "c"]).exits(0).says("1 added");
    gallery.alike(&["verify", "-c", "c"]).exits(0);
}

#[test]
fn a_damaged_copy_is_found_and_its_recipe_struck() {
    let gallery = two_classes(5);
    gallery.alike(&[&TRAIN[..], &["-o", "a.head"]].concat()).exits(0);
    let index = ["index", "--list", "trainval.txt", "-c", "c"];
    let recipes = ["--recipe", "color", "--recipe", "semantic(\"a.head\")"];
    gallery.alike(&[&index[..], &recipes[..]].concat()).exits(0);
    let database = gallery.path("c/.alike/collection.sqlite");
    let count = |table: &str| {
        let database = Connection::open(&database).unwrap();
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("recipes"), count("trained")), (2, 1));
    let damage = "UPDATE trained SET content = zeroblob(length(content))";
    Connection::open(&database).unwrap().execute(damage, []).unwrap();
    let found = gallery.alike(&["verify", "-c", "c"]).exits(2);
    assert!(found.stdout.contains("the copy of `a.head`") && found.stdout.contains("index by"), "{}", found.stdout);
    gallery.alike(&["verify", "-c", "c", "--repair"]).exits(0);
    assert_eq!((count("recipes"), count("trained")), (1, 0));
    gallery.alike(&[&index[..], &recipes[..]].concat()).exits(0);
    assert_eq!((count("recipes"), count("trained")), (2, 1));
    gallery.alike(&["search", "images/q1.png", "-c", "c", "--recipe", "semantic(\"a.head\")"]).exits(0);
}

#[test]
fn mistakes_are_explained() {
    let gallery = two_classes(5);
    gallery.write("bare.txt", "images/0_1.png\nimages/1_1.png\n");
    gallery.write("one.txt", "images/0_1.png\t0\nimages/0_2.png\t0\n");
    gallery.write("lone.txt", "images/0_1.png\t0\nimages/0_2.png\t0\nimages/1_1.png\t1\n");
    fs::create_dir(gallery.path("folder")).unwrap();
    let refused = |args: &[&str], words: &str| {
        let run = gallery.alike(&[&["train", "-o", "x"], args].concat()).exits(2).says(words);
        assert!(!gallery.path("x").exists(), "{}", run.stderr);
    };
    refused(&["--list", "bare.txt"], "no label: got `images/0_1.png`");
    gallery.alike(&["index", "images", "-c", "unlabelled"]).exits(0);
    refused(&["-c", "unlabelled"], "have no labels: add --labels-from-folders");
    refused(&["--list", "one.txt"], "two classes at least are wanted");
    refused(&["--list", "lone.txt"], "`sea lion` with one picture");
    refused(&["--list", "trainval.txt", "--recipe", "color | hash(mean)"], "gives a code");
    refused(&["--list", "trainval.txt", "--recipe", "color | center", "--method", "lda"], "learns from the gallery");
    refused(&["--list", "trainval.txt", "--dims", "2"], "--dims and --shrinkage are of projections");
    refused(&["--list", "trainval.txt", "--method", "lda", "--dims", "2"], "gives from 1 to 1");
    refused(&["images"], "--labels-from-folders");
    refused(&["--list", "no such list"], "no such list");
    let list = ["train", "--list", "trainval.txt", "-o"];
    gallery.alike(&[&list[..], &["folder"]].concat()).exits(2).says("folder is a folder");
    gallery.alike(&[&list[..], &["nowhere/a.head"]].concat()).exits(2).says("no folder nowhere");
    gallery.alike(&[&TRAIN[..], &["-o", "a.head"]].concat()).exits(0);
    refused(&["--list", "trainval.txt", "--recipe", "semantic(\"a.head\")"], "stands on `a.head`");
}

/// As plain softmax regression in scikit-learn does on the reference features: mAP .9890, P@10 .9850.
#[test]
fn a_head_on_a_network_finds_classes() {
    let test = "a_head_on_a_network_finds_classes";
    let (Some(model), Some(lists)) = (data(test, "weights/mobilenet_v2_1.0.onnx"), data(test, "corel1k")) else {
        return;
    };
    let gallery = Gallery::new();
    let runtime = std::env::var_os("ALIKE_TEST_ONNXRUNTIME");
    let environment: Vec<(&str, &Path)> = runtime.iter().map(|path| ("ORT_DYLIB_PATH", Path::new(path))).collect();
    let [trainval, queries] = ["trainval", "test"].map(|name| format!("{lists}/{name}.txt"));
    let train = ["train", "--list", &trainval, "--model", &model, "-o", "corel.head"];
    gallery.alike_with(&train, &environment, "").exits(0);
    let recipe = "semantic(\"corel.head\")";
    let eval = ["eval", "--gallery", &trainval, "--query", &queries, "--json", "--recipe", recipe];
    // The network is remembered; without it the head says which one it wants.
    gallery.draw("a.png", 10, 2);
    let index = ["index", "a.png", "-c", "c", "--recipe", recipe];
    let nowhere = gallery.path("nowhere");
    let elsewhere = gallery.alike_with(&index, &[("ALIKE_CACHE", &nowhere)], "").exits(2);
    elsewhere.says("was learnt on `deep@mobilenet_v2_1.0#").says("needs a network");
    gallery.alike_with(&index, &environment, "").exits(0).says("1 added");
    let json = gallery.alike_with(&eval, &environment, "").exits(0).json();
    let (precision, map) = (metric(&json, 0, "P@10"), metric(&json, 0, "mAP"));
    assert!(precision >= 0.985 - 1e-9 && map >= 0.9885, "P@10 {precision}, mAP {map}");
}
