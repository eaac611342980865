//! What an evaluation could get wrong in silence.

use super::{eval, near};
use crate::gallery::{Gallery, data};
use crate::gallery::{metric, two_classes};

#[test]
fn a_collection_is_evaluated_as_it_is_and_stays_so() {
    let gallery = two_classes(4);
    gallery.alike(&["index", "--list", "trainval.txt", "-c", "lesson", "--recipe", "color"]).exits(0);
    let before = gallery.alike(&["info", "-c", "lesson", "--json"]).exits(0).stdout;
    let json = gallery.alike(&["eval", "-c", "lesson", "--query", "test.txt", "--json"]).exits(0).json();
    assert_eq!((&json["gallery"], &json["queries"]), (&8.into(), &2.into()));
    assert_eq!(json["results"][0]["recipe"], "color");
    // A list of other pictures and labels, by -c and by the environment: neither adds to the collection.
    gallery.write("other.txt", "images/0_1.png\tX\nimages/0_2.png\tX\nimages/q0.png\tX\n");
    let found = gallery.alike(&["eval", "-c", "lesson", "--gallery", "other.txt", "--json"]).exits(0).json();
    assert_eq!(found["gallery"], 2, "{}", found["warnings"]);
    let lesson = gallery.path("lesson");
    let environment = [("ALIKE_COLLECTION", lesson.as_path())];
    let args = ["eval", "--gallery", "other.txt", "--recipe", "shape", "--json"];
    assert_eq!(gallery.alike_with(&args, &environment, "").exits(0).json()["gallery"], 3);
    gallery.alike_with(&["eval", "--query", "test.txt"], &environment, "").exits(0);
    assert_eq!(gallery.alike(&["info", "-c", "lesson", "--json"]).exits(0).stdout, before);
    let lacking = gallery.alike(&["eval", "-c", "lesson", "--query", "test.txt", "--recipe", "shape"]).exits(2);
    let lacking = lacking.says("alike index --recipe");
    assert!(!lacking.stderr.contains("described"), "queries were described for nothing: {}", lacking.stderr);
}

#[test]
fn folders_of_a_collection_may_be_its_classes() {
    let gallery = Gallery::new();
    for (class, hue) in [("red", 10), ("blue", 220)] {
        for i in 1..4u8 {
            gallery.draw(&format!("pictures/{class}/{i}.png"), hue + i, u32::from(i) + 2);
        }
    }
    gallery.alike(&["index", "pictures", "--recipe", "color"]).exits(0);
    gallery.alike(&["eval", "-c", "pictures"]).exits(2).says("--labels-from-folders");
    let json = gallery.alike(&["eval", "-c", "pictures", "--labels-from-folders", "--json"]).exits(0).json();
    assert_eq!((&json["queries"], &json["classes"]), (&6.into(), &serde_json::json!(["blue", "red"])));
}

#[test]
fn a_collection_of_a_network_is_evaluated_without_naming_it() {
    let Some(model) = data("a_collection_of_a_network", "weights/mobilenet_v2_1.0.onnx") else { return };
    let gallery = two_classes(4);
    gallery.alike(&["index", "--list", "trainval.txt", "-c", "lesson", "--model", &model]).exits(0);
    let recipes = ["--recipe", "deep", "--recipe", "deep | hash(mean)"];
    let args = ["eval", "-c", "lesson", "--query", "test.txt", "--json"];
    let json = gallery.alike(&[&args[..], &recipes[..]].concat()).exits(0).json();
    assert_eq!((&json["gallery"], &json["queries"]), (&8.into(), &2.into()));
    assert!(json["protocol"]["models"][0][0].as_str().unwrap().starts_with("mobilenet_v2_1.0#"));
    assert!(json["protocol"]["runtime"].is_string());
}

#[test]
fn two_networks_are_not_mixed_up() {
    let Some(first) = data("two_networks", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(second) = data("two_networks", "weights/mobilenet_v2_1.0_tf.onnx") else { return };
    let gallery = two_classes(4);
    let deep = |model: &str| {
        let json = eval(&gallery, &["--model", model, "--recipe", "deep", "--no-timing", "--json"]).exits(0).json();
        (json["results"][0]["recipe_canonical"].as_str().unwrap().to_owned(), json["results"][0]["metrics"].clone())
    };
    let (one, other) = (deep(&first), deep(&second));
    assert!(one.0.starts_with("deep@mobilenet_v2_1.0#") && other.0.starts_with("deep@mobilenet_v2_1.0_tf#"));
    assert_eq!(deep(&first), one);
    assert_eq!(deep(&second), other);
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_one_picture() {
    let gallery = two_classes(4);
    std::os::unix::fs::symlink("0_1.png", gallery.path("images/best.png")).unwrap();
    let list = std::fs::read_to_string(gallery.path("trainval.txt")).unwrap() + "images/best.png\t1\n";
    gallery.write("trainval.txt", list);
    let run = gallery.alike(&["eval", "--gallery", "trainval.txt", "--recipe", "color", "--json"]).exits(0);
    let run = run.says("1 files are links to others").says("another label");
    let json = run.json();
    assert_eq!((&json["gallery"], &json["leaks"]), (&8.into(), &serde_json::json!([])));
}

#[test]
fn what_has_no_descriptor_is_said() {
    let gallery = two_classes(4);
    image::RgbImage::from_pixel(64, 48, image::Rgb([9, 9, 9])).save(gallery.path("images/flat.png")).unwrap();
    for list in ["trainval.txt", "test.txt"] {
        let text = std::fs::read_to_string(gallery.path(list)).unwrap();
        gallery.write(list, text + "images/flat.png\t1\nno-label.png\n");
    }
    let run = eval(&gallery, &["--recipe", "color", "--recipe", "shape", "--json"]).exits(0);
    let run = run.says("1 pictures of the gallery have nothing to compare").says("1 queries have nothing to compare");
    let json = run.json();
    assert_eq!((&json["gallery"], &json["queries"]), (&8.into(), &2.into()));
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("no-label.png"), "bad lines are in the report, too: {warnings}");
    gallery.write("truth.txt", "images/q0.png\timages/0_1.png\timages/gone.png\nimages/gone2.png\timages/0_1.png\n");
    let run = gallery.alike(&["eval", "--ground-truth", "truth.txt", "--recipe", "color", "--json"]).exits(0);
    run.says("1 queries of the ground truth are not in the gallery").says("1 pictures that the ground truth names");
}

#[test]
fn ties_share_the_places_of_the_confusion_map() {
    let gallery = Gallery::new();
    let mut list = String::new();
    for class in ["a", "b", "c"] {
        for i in 0..12 {
            gallery.draw(&format!("{class}{i}.png"), 50, 3);
            list += &format!("{class}{i}.png\t{class}\n");
        }
    }
    gallery.write("list.txt", list);
    for recipe in ["color | hash(mean)", "color"] {
        let json = gallery.alike(&["eval", "--gallery", "list.txt", "--recipe", recipe, "--json"]).exits(0).json();
        for (row, class) in ["a", "b", "c"].iter().enumerate() {
            for column in 0..3 {
                let share = json["results"][0]["confusion"][row][column].as_f64().unwrap();
                near(share, if row == column { 11.0 / 35.0 } else { 12.0 / 35.0 }, 1e-12, class);
            }
        }
    }
}

#[test]
fn what_cannot_be_written_is_said_before_the_work() {
    let gallery = two_classes(4);
    let run =
        eval(&gallery, &["--recipe", "color", "--trec-run", "nowhere/run.txt"]).exits(2).says("no folder nowhere");
    assert!(!run.stderr.contains("described"), "{}", run.stderr);
    eval(&gallery, &["--recipe", "colour", "-c", "new"]).exits(2);
    eval(&gallery, &["--recipe", "deep", "-c", "new"]).exits(2).says("--model");
    assert!(!gallery.path("new/.alike").exists(), "an evaluation that failed leaves no empty collection");
    eval(&gallery, &["--recipe", "color", "--recipe", "shape", "--report", "report"]).exits(0);
    eval(&gallery, &["--recipe", "color", "--report", "report"]).exits(0);
    assert!(gallery.path("report/run.trec").exists() && !gallery.path("report/run-2.trec").exists());
}

#[test]
fn an_emptied_folder_loses_nothing() {
    let gallery = Gallery::new();
    for name in ["a/1.png", "a/2.png", "b/1.png"] {
        gallery.draw(&format!("pictures/{name}"), name.as_bytes()[2], 3);
    }
    let args = ["eval", "--gallery", "pictures", "--labels-from-folders", "--recipe", "color"];
    gallery.alike(&args).exits(0).says("3 pictures described");
    std::fs::rename(gallery.path("pictures"), gallery.path("elsewhere")).unwrap();
    std::fs::create_dir(gallery.path("pictures")).unwrap();
    gallery.alike(&args).exits(2).says("is a disk not mounted?");
    std::fs::remove_dir(gallery.path("pictures")).unwrap();
    std::fs::rename(gallery.path("elsewhere"), gallery.path("pictures")).unwrap();
    assert!(!gallery.alike(&args).exits(0).stderr.contains("described"));
}

#[cfg(unix)]
#[test]
fn names_that_are_no_utf8_stay_apart() {
    use std::os::unix::ffi::OsStrExt;
    let gallery = Gallery::new();
    let mut list = Vec::new();
    for byte in [0xfe, 0xff] {
        let name = [&[byte][..], b"1.png"].concat();
        gallery.draw("drawn.png", 50, 3);
        std::fs::rename(gallery.path("drawn.png"), gallery.path("").join(std::ffi::OsStr::from_bytes(&name))).unwrap();
        list.extend([&name[..], b"\tx\n"].concat());
    }
    gallery.write("list.txt", list);
    gallery.alike(&["eval", "--gallery", "list.txt", "--recipe", "color", "--qrels", "qrels.txt"]).exits(0);
    let qrels = std::fs::read_to_string(gallery.path("qrels.txt")).unwrap();
    assert_eq!(qrels, "\\xfe1.png 0 \\xff1.png 1\n\\xff1.png 0 \\xfe1.png 1\n");
}

#[test]
fn the_notebooks_figures_stand_beside_the_right_ones() {
    let gallery = two_classes(4);
    let recipes = ["--recipe", "shape", "--recipe", "shape | hash(mean)"];
    let with = |more: &[&str]| eval(&gallery, &[&recipes[..], more].concat()).exits(0).json();
    let json = with(&["--notebook", "--json"]);
    assert_eq!(json["protocol"]["k"], serde_json::json!([1, 5, 10]));
    let by_index = with(&["-k", "1,2,5,10", "--ties", "index", "--json"]);
    for recipe in 0..2 {
        for (i, (k, read)) in [(1, 2), (5, 5), (10, 10)].into_iter().enumerate() {
            let figure = &json["results"][recipe]["notebook"][i];
            let number = |field: &str| figure[field].as_f64().unwrap();
            assert_eq!(figure["name"], format!("mAP@{k}"));
            near(number("printed"), metric(&by_index, recipe, &format!("P@{read}")), 1e-12, "what it prints");
            near(number("precision"), metric(&json, recipe, &format!("P@{k}")), 1e-12, "P@k");
            near(number("map"), metric(&json, recipe, &format!("mAP@{k}")), 1e-12, "mAP@k");
        }
    }
    let best = with(&["--notebook", "--ties", "max", "--json"]);
    for figure in best["results"][1]["notebook"].as_array().unwrap() {
        let name = figure["name"].as_str().unwrap();
        near(figure["map"].as_f64().unwrap(), metric(&best, 1, name), 1e-12, "by the rule that the table follows");
    }
    let printed = eval(&gallery, &["--recipe", "shape", "--notebook"]).exits(0).stdout;
    assert!(printed.contains("mean of P@2") && printed.contains("right: P@k, mAP@k"), "{printed}");
}

#[test]
fn a_report_folder_that_is_a_file_is_refused_at_once() {
    let gallery = two_classes(4);
    gallery.write("report", "");
    let run = eval(&gallery, &["--recipe", "color", "--report", "report"]).exits(2).says("report");
    assert!(!run.stderr.contains("described"), "{}", run.stderr);
}
