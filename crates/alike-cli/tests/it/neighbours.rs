//! Recipes that end in steps which look at neighbours.

use crate::gallery::Gallery;
use rusqlite::Connection;
use serde_json::Value;

/// Draws pictures that all differ, with these numbers.
fn draw(gallery: &Gallery, numbers: std::ops::Range<u32>) {
    for i in numbers {
        gallery.draw(&format!("pictures/{i:03}.png"), (i * 37 % 251) as u8, 2 + i % 11);
    }
}

fn indexed(count: u32, recipe: &str) -> Gallery {
    let gallery = Gallery::new();
    draw(&gallery, 0..count);
    gallery.alike(&["index", "pictures", "--recipe", recipe]).exits(0);
    gallery
}

/// Names and scores of the hits of one picture, best first.
fn hits(gallery: &Gallery, more: &[&str]) -> Vec<(String, Value)> {
    let args = ["search", "pictures/007.png", "-c", "pictures", "-k", "20", "--json"];
    let run = gallery.alike(&[&args[..], more].concat()).exits(0);
    let json = run.json();
    let scores = json["hits"].as_array().unwrap().iter().map(|hit| hit["score"].clone());
    run.hits().into_iter().zip(scores).collect()
}

fn segments(gallery: &Gallery) -> Vec<i64> {
    let database = Connection::open(gallery.path("pictures/.alike/collection.sqlite")).unwrap();
    let mut rows = database.prepare("SELECT number FROM segments WHERE owner LIKE 'recipe %' ORDER BY number").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Each picture has a part in the descriptors of others, so that they follow the gallery as if it had been indexed at once.
#[test]
fn augmented_descriptors_follow_the_gallery() {
    let recipe = "color | augment(5)";
    let gallery = indexed(30, recipe);
    let kept = segments(&gallery);
    gallery.alike(&["index", "pictures"]).exits(0).says("30 unchanged");
    assert_eq!(segments(&gallery), kept, "nothing came or went");
    let before = hits(&gallery, &[]);

    draw(&gallery, 30..50);
    std::fs::remove_file(gallery.path("pictures/003.png")).unwrap();
    gallery.alike(&["index", "pictures"]).exits(0);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0);
    let after = hits(&gallery, &[]);
    assert_ne!(before, after);

    let at_once = indexed(50, "color");
    std::fs::remove_file(at_once.path("pictures/003.png")).unwrap();
    at_once.alike(&["index", "pictures"]).exits(0);
    assert_eq!(hits(&at_once, &["--recipe", recipe]), after, "made for the search");
}

#[test]
fn what_was_removed_by_hand_has_a_part_until_the_next_run() {
    let gallery = indexed(30, "color | augment(5)");
    let before = segments(&gallery);
    gallery.alike(&["remove", "pictures/003.png", "-c", "pictures"]).exits(0);
    gallery.alike(&["verify", "-c", "pictures"]).exits(0).says("`alike index` does so anew");
    std::fs::remove_file(gallery.path("pictures/003.png")).unwrap();
    gallery.alike(&["index", "pictures"]).exits(0);
    assert_ne!(segments(&gallery), before);
    let run = gallery.alike(&["verify", "-c", "pictures"]).exits(0);
    assert!(!run.stderr.contains("anew") && !run.stdout.contains("anew"), "{} {}", run.stdout, run.stderr);
}

/// A search gives what an evaluation ranks: the same steps over the same pictures.
#[test]
fn searches_and_evaluations_rank_alike() {
    let gallery = indexed(40, "color");
    let list = |name: &str, numbers: &[u32]| {
        let lines = numbers.iter().map(|i| format!("pictures/{i:03}.png\t{}\n", i % 2)).collect::<String>();
        std::fs::write(gallery.path(name), lines).unwrap();
    };
    // The query is another file than the one in the gallery, so that it isn't left out of the ranking.
    std::fs::copy(gallery.path("pictures/007.png"), gallery.path("query.png")).unwrap();
    list("gallery.txt", &(0..40).collect::<Vec<_>>());
    std::fs::write(gallery.path("query.txt"), "query.png\t1\n").unwrap();
    for steps in ["expand(4, 1)", "augment(6) | expand", "reciprocal(5, 3)", "augment(4) | diffuse(5, 0.5)"] {
        let recipe = format!("color | {steps}");
        let searched: Vec<String> = hits(&gallery, &["--recipe", &recipe]).into_iter().map(|(name, _)| name).collect();
        let args = ["eval", "--gallery", "gallery.txt", "--query", "query.txt", "-c", "evaluated", "--recipe", &recipe];
        let run = gallery.alike(&[&args[..], &["--trec-run", "run.trec"]].concat()).exits(0);
        let written = std::fs::read_to_string(gallery.path("run.trec")).unwrap();
        let ranked: Vec<&str> = written.lines().map(|line| line.split(' ').nth(2).unwrap()).collect();
        assert_eq!(ranked.len(), 40, "{}", run.stderr);
        let ranked: Vec<&str> = ranked.iter().map(|name| name.trim_start_matches("pictures/")).take(20).collect();
        assert_eq!(searched, ranked, "{recipe}");
    }
}

#[test]
fn recipes_that_differ_in_what_queries_become_are_compared() {
    let gallery = indexed(20, "color");
    let labelled = (0..20).map(|i| format!("pictures/{i:03}.png\t{}\n", i % 3)).collect::<String>();
    std::fs::write(gallery.path("all.txt"), labelled).unwrap();
    let args = ["eval", "--gallery", "all.txt", "--recipe", "color", "--recipe", "color | expand(3)", "--json"];
    let json = gallery.alike(&args).exits(0).json();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[1]["recipe_canonical"], "color/1 | expand/1(3, 3)");
    assert_ne!(results[0]["metrics"]["mAP"], results[1]["metrics"]["mAP"]);
    let args = ["eval", "--gallery", "all.txt", "--recipe", "color | augment(3)"];
    gallery.alike(&args).exits(0).says("augments the gallery by its own pictures, queries among them");
}

#[test]
fn scores_that_others_have_a_part_in_are_not_taken_apart() {
    let gallery = indexed(12, "color + shape");
    let args = ["search", "pictures/001.png", "-c", "pictures", "--explain", "--recipe", "color + shape | expand(3)"];
    gallery.alike(&args).exits(0).says("can't be taken apart: other pictures have a part in the scores");
}

#[test]
fn steps_in_the_wrong_place_are_refused_with_advice() {
    let gallery = indexed(5, "color");
    for (recipe, why) in [
        ("color | expand | augment", "`augment` at column 18 stands too late: the order is `augment`, `expand`"),
        ("color | expand | expand", "each at most once"),
        ("color | reciprocal | diffuse", "with one of the last two"),
        ("color | expand | center", "stand at the end of a recipe"),
        ("(color | augment) + shape", "stand at the end of a recipe"),
        ("color | hash(mean) | expand", "stands behind a code"),
        ("color | expand(0)", "takes nothing, or a number of neighbours from 1 to 1000"),
        ("color | expand(5, -1)", "an exponent from 0 to 100"),
        ("color | reciprocal(20, 6, 2)", "a weight from 0 to 1"),
        ("color | diffuse(candidates=5000)", "candidates=N up to 1000"),
        ("color | expend(5)", "known are center, pca"),
    ] {
        gallery.alike(&["search", "pictures/001.png", "-c", "pictures", "--recipe", recipe]).exits(2).says(why);
    }
}
