//! Several recipes for one query: fused into one ranking, or side by side.

use crate::gallery::Gallery;
use crate::search::indexed;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

const RECIPES: [&str; 3] = ["color", "edges", "texture | hash(mean)"];

fn search(gallery: &Gallery, more: &[&str]) -> Value {
    gallery.alike(&[&["search", "b.png", "--json"], more].concat()).exits(0).json()
}

/// Id and score of the hits of each recipe by itself, best first.
fn rankings(gallery: &Gallery) -> Vec<Vec<(u64, f64)>> {
    let hit = |hit: &Value| (hit["id"].as_u64().unwrap(), hit["score"].as_f64().unwrap());
    let hits = |recipe| search(gallery, &["--recipe", recipe])["hits"].as_array().unwrap().iter().map(hit).collect();
    RECIPES.map(hits).to_vec()
}

fn fused(gallery: &Gallery, fuse: &str, more: &[&str]) -> Value {
    let recipes = RECIPES.map(|recipe| ["--recipe", recipe]).concat();
    search(gallery, &[&recipes[..], &["--fuse", fuse], more].concat())
}

/// Adds up what each recipe gives to a record, and ranks by the sums.
fn by_hand(rankings: &[Vec<(u64, f64)>], part: impl Fn(&[(u64, f64)], usize) -> f64) -> Vec<(u64, f64)> {
    let mut sums = BTreeMap::<u64, f64>::new();
    for ranking in rankings {
        for (place, (id, _)) in ranking.iter().enumerate() {
            *sums.entry(*id).or_default() += part(ranking, place);
        }
    }
    let mut all: Vec<(u64, f64)> = sums.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

#[track_caller]
fn check(json: &Value, wanted: &[(u64, f64)]) {
    let hits = json["hits"].as_array().unwrap();
    assert_eq!(hits.len(), wanted.len());
    for (hit, (id, score)) in hits.iter().zip(wanted) {
        assert_eq!(hit["id"], *id, "{json}");
        assert!((hit["score"].as_f64().unwrap() - score).abs() < 1e-6, "{hit}, wanted {score}");
    }
}

#[test]
fn ranks_and_scores_are_fused_as_by_hand() {
    let gallery = indexed();
    let rankings = rankings(&gallery);
    let json = fused(&gallery, "rrf", &[]);
    check(&json, &by_hand(&rankings, |_, place| 1.0 / (61.0 + place as f64)));
    assert_eq!(json["fuse"], "rrf");
    let recipes: Vec<&Value> = json["recipes"].as_array().unwrap().iter().map(|recipe| &recipe["recipe"]).collect();
    assert_eq!(recipes, RECIPES);
    for hit in json["hits"].as_array().unwrap() {
        for (recipe, ranking) in rankings.iter().enumerate() {
            let place = ranking.iter().position(|(id, _)| hit["id"] == *id).unwrap();
            assert_eq!((&hit["ranks"][recipe], &hit["scores"][recipe]), (&json!(place + 1), &json!(ranking[place].1)));
        }
    }
    let min_max = |ranking: &[(u64, f64)], place: usize| {
        let (high, low) = (ranking[0].1, ranking[ranking.len() - 1].1);
        (ranking[place].1 - low) / (high - low) / 3.0
    };
    check(&fused(&gallery, "scores", &[]), &by_hand(&rankings, min_max));
}

#[test]
fn filters_come_before_the_ranks_and_the_least_score_after() {
    let gallery = indexed();
    let many = fused(&gallery, "rrf", &["--label", "many"]);
    assert_eq!(many["hits"].as_array().unwrap().len(), 3);
    let mut ranks: Vec<u64> =
        many["hits"].as_array().unwrap().iter().map(|hit| hit["ranks"][0].as_u64().unwrap()).collect();
    ranks.sort_unstable();
    assert_eq!(ranks, [1, 2, 3]);
    // First under all three: 3 / 61.
    let best = fused(&gallery, "rrf", &["--min-score", "0.0491"]);
    assert_eq!((best["hits"].as_array().unwrap().len(), &best["hits"][0]["is_query"]), (1, &json!(true)));
}

/// More than 100 pictures of the query's colours, and as many with its stripes: no recipe has both.
#[test]
fn what_one_recipe_does_not_find_is_null() {
    let gallery = Gallery::new();
    gallery.draw("pictures/query.png", 100, 8);
    for i in 0..105u8 {
        gallery.draw(&format!("pictures/colours{i}.png"), 100, 2 + u32::from(i % 2));
        gallery.draw(&format!("pictures/stripes{i}.png"), 130 + 70 * (i % 2), 8);
    }
    gallery.alike(&["index", "pictures", "--recipe", "color", "--recipe", "edges"]).exits(0);
    let args = ["search", "pictures/query.png", "-c", "pictures", "--recipe", "color", "--recipe", "edges", "--fuse"];
    let run = gallery.alike(&[&args[..], &["rrf", "-k", "9", "--json"]].concat()).exits(0);
    assert!(run.hits()[0] == "query.png" && run.hits()[1..].iter().any(|name| name.starts_with("colours")));
    assert!(run.hits()[1..].iter().any(|name| name.starts_with("stripes")));
    let json = run.json();
    assert_eq!(json["hits"][0]["ranks"], json!([1, 1]));
    for hit in &json["hits"].as_array().unwrap()[1..] {
        let nulls = |key: &str| [0, 1].map(|recipe| hit[key][recipe].is_null());
        assert!(nulls("ranks") == nulls("scores") && nulls("ranks")[0] != nulls("ranks")[1], "{hit}");
    }
    let all = gallery.alike(&[&args[..], &["rrf", "-k", "200", "--json"]].concat()).exits(0).json();
    assert_eq!(all["hits"][199]["ranks"].as_array().unwrap().iter().filter(|rank| rank.is_null()).count(), 0);

    let table = gallery.alike(&[&args[..], &["rrf", "-k", "2"]].concat()).exits(0).stdout;
    let words = |line: usize| table.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["rrf", "color", "edges"]);
    assert_eq!(words(1)[..4], ["1", "0.0328", "1", "1"]);
    assert!(words(2)[2..4].contains(&"–"), "{table}");
}

#[test]
fn recipes_stand_side_by_side() {
    let gallery = indexed();
    let compared = search(&gallery, &["--compare", "color", "--compare", RECIPES[2], "-k", "3"]);
    let columns = compared["compare"].as_array().unwrap();
    for (column, recipe) in columns.iter().zip(["color", RECIPES[2]]) {
        assert_eq!(column["recipe"], recipe);
        assert!(column["took_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(column["hits"], search(&gallery, &["--recipe", recipe, "-k", "3"])["hits"]);
    }
    assert_eq!(columns.len(), 2);
    assert!(compared["query"]["path"].as_str().unwrap().ends_with("b.png"));
    let ids = |column: &Value| -> Vec<u64> {
        column["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
    };
    let (first, second) = (ids(&columns[0]), ids(&columns[1]));
    let common: Vec<u64> = first.into_iter().filter(|id| second.contains(id)).collect();
    assert_eq!(compared["common"], json!(common));

    let table = gallery.alike(&["search", "b.png", "--compare", "color", RECIPES[2], "-k", "3"]).exits(0).stdout;
    assert!(table.starts_with("A  color\n  1  1.0000  AB  "), "{table}");
    assert!(table.contains("\nB  texture | hash(mean)\n  1  1.0000  AB  "), "{table}");
    assert!(table.ends_with(&format!("{} of 3 hits are common to all 2 recipes\n", common.len())), "{table}");
}

#[test]
fn rankings_are_drawn_below_each_other() {
    let gallery = indexed();
    let draw = |args: &[&str], name: &str| {
        let (strip, page) = (format!("{name}.png"), format!("{name}.html"));
        gallery.alike(&[&["search", "a.png", "--strip", &strip, "--html", &page], args].concat()).exits(0);
        (image::open(gallery.path(&strip)).unwrap(), fs::read_to_string(gallery.path(&page)).unwrap())
    };
    let (one, _) = draw(&["--recipe", "color"], "one");
    let (two, page) = draw(&["--compare", "color", "--compare", "edges"], "two");
    assert_eq!(two.width(), one.width());
    assert!(two.height() > 2 * one.height() - 60, "a row for each recipe");
    assert_eq!(page.matches("<img").count(), 11, "the query once, five hits of each recipe");
    assert!(page.contains("<code>A  color</code>") && page.contains("<code>B  edges</code>"));
    let (_, fused) = draw(&["--recipe", "color", "--recipe", "edges", "--fuse", "rrf"], "fused");
    assert_eq!(fused.matches("<img").count(), 6);
    assert!(fused.contains("width:100.0%"), "the greatest fused score fills its bar");
}

#[test]
fn mistakes_are_answered_with_advice() {
    let gallery = indexed();
    let fails = |more: &[&str], words: &str| {
        gallery.alike(&[&["search", "a.png"], more].concat()).exits(2).says(words);
    };
    fails(&["--recipe", "color", "--recipe", "edges"], "add --fuse rrf or --fuse scores");
    fails(&["--recipe", "color", "--recipe", "edges"], "--compare 'color' --compare 'edges'");
    fails(&["--recipe", "color", "--fuse", "rrf"], "name two or more recipes");
    fails(&["--fuse", "rrf"], "got no --recipe");
    fails(&["--compare", "color"], "name another with --compare");
    fails(&["--recipe", "color", "--recipe", "edges", "--fuse", "rrf", "--rescore", "5"], "cannot be used with");
    fails(&["--compare", "color", "edges", "--recipe", "texture"], "cannot be used with");
    fails(&["--compare", "color", "colour"], "unknown source `colour`");
}
