//! `alike tune` as its users run it.

use crate::gallery::Gallery;
use serde_json::Value;

/// Pictures of as many classes as there are hues, `each` of them, in a list.
fn classes(hues: &[u8], each: u8) -> Gallery {
    let gallery = Gallery::new();
    let mut list = String::new();
    for (label, hue) in hues.iter().enumerate() {
        for i in 0..each {
            let name = format!("images/{label}_{i}.png");
            gallery.draw(&name, hue + 2 * i, u32::from(i) + 2);
            list += &format!("{name}\t{label}\n");
        }
    }
    gallery.write("trainval.txt", list);
    gallery
}

const TUNE: [&str; 3] = ["tune", "--gallery", "trainval.txt"];
const MIX: &str = "0.2*color + 0.5*texture + 0.1*correlogram + 0.2*edges";

#[test]
fn the_answer_is_the_last_line_and_a_recipe_that_evaluates() {
    let gallery = classes(&[20, 60], 26);
    let run = gallery.alike(&[&TUNE[..], &["--bytes", "64", "-o", "recipe.txt"]].concat()).exits(0);
    let answer = run.stdout.lines().last().unwrap();
    assert_eq!(std::fs::read_to_string(gallery.path("recipe.txt")).unwrap(), format!("{answer}\n"));
    let again = gallery.alike(&[&TUNE[..], &["--bytes", "64", "--json", "--jobs", "1"]].concat()).exits(0);
    assert!(!again.stderr.contains("described"), "{}", again.stderr);
    let json = again.json();
    assert_eq!((&json["recipe"], &json["stopped"]), (&answer.into(), &false.into()));
    assert!(json["choice_bytes"].as_u64().unwrap() <= 64 && json["tried"].as_u64().unwrap() > 50, "{json}");
    let names: Vec<&Value> = json["stages"].as_array().unwrap().iter().map(|stage| &stage["name"]).collect();
    assert_eq!(names, ["sources", "axes", "codes", "neighbours", "refinement"]);
    let (choosing, confirming) = (&json["choosing"], &json["confirming"]);
    assert_eq!((&choosing["gallery"], &confirming["gallery"]), (&30.into(), &41.into()));
    assert_eq!(confirming["queries"].as_u64().unwrap() + choosing["queries"].as_u64().unwrap(), 52);
    gallery.alike(&["eval", "--gallery", "trainval.txt", "--recipe", answer]).exits(0);
}

#[test]
fn without_time_the_baseline_stays() {
    let gallery = classes(&[20, 120], 30);
    let run = gallery.alike(&[&TUNE[..], &["--time", "0"]].concat()).exits(0).says("stopped before the end");
    assert_eq!(run.stdout.lines().last(), Some(MIX));
    assert!(run.stdout.contains("nothing to be gained"), "{}", run.stdout);
    let small = gallery.alike(&[&TUNE[..], &["--time", "0", "--bytes", "8", "--baseline", "color", "--json"]].concat());
    let json = small.exits(0).json();
    assert_eq!((&json["recipe"], &json["baseline_bytes"]), (&"color | pca(2)".into(), &8.into()));
    assert_eq!((&json["tried"], &json["stopped"]), (&1.into(), &true.into()));
}

#[test]
fn a_collection_is_tuned_by_the_sources_it_has() {
    let gallery = classes(&[20, 120], 30);
    gallery.alike(&["index", "--list", "trainval.txt", "--recipe", "color", "-c", "lesson"]).exits(0);
    let run = gallery.alike(&["tune", "-c", "lesson", "--time", "0"]).exits(0).says("the collection has color;");
    assert_eq!(run.stdout.lines().last(), Some("color"));
    gallery.alike(&["tune", "-c", "lesson", "--recipe", "shape"]).exits(2).says("shape/1");
}

#[test]
fn what_cannot_be_tuned_is_said() {
    let gallery = classes(&[20, 120], 3);
    let fails = |args: &[&str], words: &str| {
        gallery.alike(&[&TUNE[..], args].concat()).exits(2).says(words);
    };
    fails(&[], "got 0 classes of 5 different pictures or more, 0 pictures in all, wanted at least 2 classes and 50");
    fails(&["--metric", "mAQ"], "unknown metric `mAQ`: known are P@1");
    fails(&["--bytes", "7"], "8..");
    fails(&["--recipe", "colour"], "unknown source `colour`");
    fails(&["-o", "nowhere/recipe.txt"], "no folder nowhere");
    gallery.alike(&["tune", "--gallery", "images"]).exits(2).says("--labels-from-folders");
    let one = classes(&[20], 60);
    one.alike(&TUNE).exits(2).says("got 1 classes of 5 different pictures or more, 60 pictures in all");
    one.alike(&["tune", "--gallery", "images", "--labels-from-folders"]).exits(2).says("got 1 classes");
}
