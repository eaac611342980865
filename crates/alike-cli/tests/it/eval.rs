//! `alike eval` as its users run it.

mod traps;

use crate::gallery::{Gallery, Run, data, metric, two_classes};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const LISTS: [&str; 5] = ["eval", "--gallery", "trainval.txt", "--query", "test.txt"];

fn eval(gallery: &Gallery, more: &[&str]) -> Run {
    gallery.alike(&[&LISTS[..], more].concat())
}

#[track_caller]
fn near(got: f64, wanted: f64, within: f64, what: &str) {
    assert!((got - wanted).abs() <= within, "{what}: got {got}, wanted {wanted} within {within}");
}

#[test]
fn lists_give_the_numbers_of_each_recipe() {
    let gallery = two_classes(4);
    let run = eval(&gallery, &["--recipe", "color", "--recipe", "color | hash(mean)", "-k", "2,1", "--json"]).exits(0);
    let json = run.json();
    assert_eq!(
        (&json["gallery"], &json["queries"], &json["excluded"], &json["no_relevant"]),
        (&8.into(), &2.into(), &0.into(), &0.into())
    );
    assert_eq!(json["results"][1]["recipe"], "color | hash(mean)");
    assert_eq!(json["results"][0]["recipe_canonical"], "color/1");
    for (name, wanted) in
        [("P@1", 1.0), ("P@2", 1.0), ("R@2", 0.5), ("F1@2", 2.0 / 3.0), ("mAP", 1.0), ("mAP@2/R", 0.5)]
    {
        near(metric(&json, 0, name), wanted, 1e-12, name);
    }
    assert_eq!(json["results"][0]["ci95"]["mAP"], serde_json::json!([1.0, 1.0]));
    assert_eq!(json["results"][0]["pr_curve"]["recall"].as_array().unwrap().len(), 101);
    assert!(json["results"][0]["latency_ms"]["median"].as_f64().unwrap() > 0.0);
    assert_eq!(json["classes"], serde_json::json!(["虎", "sea lion"]));
    assert_eq!(json["comparisons"][0]["a"], 0);
}

/// Two classes of six queries that differ in colour, and hardly in shape.
#[test]
fn the_best_recipe_of_each_class_is_said() {
    let gallery = two_classes(4);
    let mut test = String::new();
    for (label, hue) in [("0", 20), ("1", 200)] {
        for i in 0..6u8 {
            gallery.draw(&format!("images/q{label}_{i}.png"), hue + 10 + i, u32::from(i) + 6);
            test += &format!("images/q{label}_{i}.png\t{label}\n");
        }
    }
    gallery.write("test.txt", test);
    let recipes = ["--recipe", "shape", "--recipe", "color"];
    let json = eval(&gallery, &[&recipes[..], &["--json"]].concat()).exits(0).json();
    for class in 0..2 {
        let winner = &json["class_winners"][class];
        assert_eq!((&winner["class"], &winner["queries"]), (&class.into(), &6.into()));
        assert_eq!((&winner["metric"], &winner["a"], &winner["b"]), (&"mAP".into(), &1.into(), &0.into()));
        let of_class = |recipe: usize| json["results"][recipe]["per_class"][class]["metrics"]["mAP"].as_f64().unwrap();
        near(winner["mean"].as_f64().unwrap(), of_class(1), 1e-12, "mean");
        near(winner["difference"].as_f64().unwrap(), of_class(1) - of_class(0), 1e-12, "lead");
        assert!(winner["difference"].as_f64().unwrap() > 0.0 && winner["supported"] == true, "{winner}");
    }
    let table = eval(&gallery, &recipes).exits(0).stdout;
    let line = table.lines().find(|line| line.starts_with("sea lion ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[2..6], ["6", "color", "1.0000*", "shape"], "{table}");
    assert!(!eval(&gallery, &recipes[..2]).exits(0).stdout.contains("best recipe of each class"));
}

#[test]
fn a_second_run_with_another_recipe_decodes_nothing() {
    let gallery = two_classes(4);
    eval(&gallery, &["--recipe", "color + shape"]).exits(0).says("8 pictures described").says("2 pictures described");
    let second = eval(&gallery, &["--recipe", "shape | hash(mean)", "--recipe", "color"]).exits(0);
    assert!(!second.stderr.contains("described"), "{}", second.stderr);
    eval(&gallery, &["--recipe", "texture"]).exits(0).says("8 pictures described");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let gallery = two_classes(4);
    let files = ["report.json", "per_query.csv", "qrels.trec", "run-1.trec", "run-2.trec", "report.html"];
    let run = |jobs: &str| -> Vec<String> {
        let recipes = ["--recipe", "color", "--recipe", "shape | hash(mean)"];
        let more = ["--report", "report", "--no-timing", "--jobs", jobs, "--json"];
        let run = eval(&gallery, &[&recipes[..], &more[..]].concat()).exits(0);
        let written = files.map(|name| std::fs::read_to_string(gallery.path("report").join(name)).unwrap());
        // The command, which holds the number of jobs, is part of the protocol.
        [run.stdout].into_iter().chain(written).map(|text| text.replace(&format!("--jobs {jobs}"), "")).collect()
    };
    let first = run("1");
    assert!(first.iter().all(|text| text.len() > 50));
    assert!(first == run("1"));
    let last = files.len(); // the page sets the words of the command apart
    assert!(first[..last] == run("2")[..last]);
}

#[test]
fn queries_that_are_the_gallery_are_a_loud_warning() {
    let gallery = two_classes(4);
    let run =
        gallery.alike(&["eval", "--gallery", "trainval.txt", "--query", "trainval.txt", "--recipe", "color", "--json"]);
    let json = run.exits(0).says("THE QUERIES ARE THE GALLERY").json();
    assert_eq!((&json["queries"], &json["excluded"]), (&8.into(), &8.into()));
    near(metric(&json, 0, "mAP"), 1.0, 1e-12, "mAP without the query itself");
    let alone = gallery.alike(&["eval", "--gallery", "trainval.txt", "--recipe", "color", "--json"]).exits(0);
    assert!(!alone.stderr.contains("THE QUERIES"), "{}", alone.stderr);
    assert_eq!(metric(&alone.json(), 0, "R-precision"), metric(&json, 0, "R-precision"));
}

#[test]
fn leaks_and_contradictions_are_listed() {
    let gallery = two_classes(4);
    std::fs::copy(gallery.path("images/q0.png"), gallery.path("images/copy.png")).unwrap();
    let list = std::fs::read_to_string(gallery.path("trainval.txt")).unwrap() + "images/copy.png\t1\n";
    gallery.write("trainval.txt", list);
    let json = eval(&gallery, &["--recipe", "color", "--json"])
        .exits(0)
        .says("images/q0.png (虎) = images/copy.png (sea lion)")
        .says("different labels")
        .json();
    assert_eq!((json["leaks"].as_array().unwrap().len(), json["conflicts"].as_array().unwrap().len()), (1, 1));
    near(metric(&json, 0, "P@1"), 0.5, 1e-12, "the copy of another class comes first");
    let without = eval(&gallery, &["--recipe", "color", "--exclude-identical", "--json"]).exits(0).json();
    near(metric(&without, 0, "P@1"), 1.0, 1e-12, "without the copy");
}

#[test]
fn a_query_without_anything_relevant_is_left_out_and_counted() {
    let gallery = two_classes(4);
    gallery.draw("images/q9.png", 100, 3);
    let list = std::fs::read_to_string(gallery.path("test.txt")).unwrap() + "images/q9.png\t9\n";
    gallery.write("test.txt", list);
    let json = eval(&gallery, &["--recipe", "color", "--json"]).exits(0).json();
    assert_eq!((&json["queries"], &json["no_relevant"]), (&2.into(), &1.into()));
    near(metric(&json, 0, "mAP"), 1.0, 1e-12, "mAP");
    gallery.write("test.txt", "images/q9.png\t9\n");
    eval(&gallery, &["--recipe", "color"]).exits(2).says("none of the 1 queries has a relevant picture");
}

#[test]
fn ties_have_an_expectation_between_their_extremes() {
    let gallery = Gallery::new();
    // Equal pictures have equal descriptors: one right and three wrong ones share all ranks.
    for name in ["a", "b", "c", "d", "q"] {
        gallery.draw(&format!("{name}.png"), 50, 3);
    }
    gallery.write("gallery.txt", "a.png\t1\nb.png\t2\nc.png\t2\nd.png\t2\n");
    gallery.write("query.txt", "q.png\t1\n");
    let with = |ties: &str| {
        let args = [
            "eval",
            "--gallery",
            "gallery.txt",
            "--query",
            "query.txt",
            "--recipe",
            "color | hash(mean)",
            "--ties",
            ties,
            "--json",
        ];
        gallery.alike(&args).exits(0).json()
    };
    let expected = with("expected");
    near(metric(&expected, 0, "mAP"), (1.0 + 0.5 + 1.0 / 3.0 + 0.25) / 4.0, 1e-12, "expected");
    near(metric(&expected, 0, "P@1"), 0.25, 1e-12, "P@1");
    assert_eq!(
        (&expected["results"][0]["min"]["mAP"], &expected["results"][0]["max"]["mAP"]),
        (&0.25.into(), &1.0.into())
    );
    near(metric(&with("index"), 0, "mAP"), 1.0, 1e-12, "index");
    near(metric(&with("min"), 0, "mAP"), 0.25, 1e-12, "min");
    near(metric(&with("max"), 0, "mAP"), 1.0, 1e-12, "max");
}

#[test]
fn folders_are_classes_and_each_picture_a_query() {
    let gallery = Gallery::new();
    for (class, hue) in [("red", 10), ("blue", 220)] {
        for i in 1..4u8 {
            gallery.draw(&format!("pictures/{class}/{i}.png"), hue + i, u32::from(i) + 2);
        }
    }
    let args = ["eval", "--gallery", "pictures", "--labels-from-folders", "--recipe", "color", "--json"];
    let json = gallery.alike(&args).exits(0).json();
    assert_eq!((&json["gallery"], &json["queries"], &json["excluded"]), (&6.into(), &6.into(), &6.into()));
    near(metric(&json, 0, "R-precision"), 1.0, 1e-12, "R-precision");
    gallery.alike(&["eval", "--gallery", "pictures"]).exits(2).says("--labels-from-folders");
    assert!(!gallery.path("pictures/.alike").exists(), "an evaluation leaves nothing in the pictures' folder");
}

#[test]
fn near_duplicates_come_from_a_file_of_lists_with_junk_and_distractors() {
    let gallery = two_classes(4);
    gallery.write("truth.txt", "images/q0.png\timages/0_1.png\timages/0_2.png\t|\timages/0_3.png\timages/0_4.png\n");
    gallery.write("distractors.txt", "images/1_1.png\nimages/1_2.png\n");
    let args = ["eval", "--ground-truth", "truth.txt", "--recipe", "color", "--json"];
    let json = gallery.alike(&args).exits(0).json();
    assert_eq!((&json["gallery"], &json["queries"], &json["excluded"]), (&7.into(), &1.into(), &1.into()));
    for (name, wanted) in [("mAP", 1.0), ("P@5", 0.4), ("R@5", 1.0), ("mAP (Oxford)", 1.0)] {
        near(metric(&json, 0, name), wanted, 1e-12, name);
    }
    assert_eq!(json["classes"], serde_json::json!([]));
    gallery.alike(&["eval", "--ground-truth", "none.txt"]).exits(2).says("query TAB relevant");
}

#[test]
fn mistakes_are_answered_with_advice() {
    let gallery = two_classes(4);
    gallery.alike(&["eval"]).exits(2).says("no collection");
    gallery.alike(&["eval", "--gallery", "nowhere.txt", "--query", "test.txt"]).exits(2).says("nothing at nowhere.txt");
    eval(&gallery, &["--recipe", "colour"]).exits(2).says("unknown source `colour`");
    gallery.write("unlabelled.txt", "images/q0.png\n");
    gallery.alike(&["eval", "--gallery", "unlabelled.txt"]).exits(2).says("path TAB label");
    std::fs::write(gallery.path("images/0_1.png"), "no picture").unwrap();
    eval(&gallery, &["--recipe", "color"]).exits(0).says("1 files have no descriptors").says("skipped");
}

/// The Python that has pytrec_eval.
fn python(test: &str) -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("ALIKE_PYTHON").unwrap_or_else(|| "python3".into()));
    let works = Command::new(&python).args(["-c", "import pytrec_eval"]).output().is_ok_and(|out| out.status.success());
    if works {
        return Some(python);
    }
    assert!(std::env::var_os("ALIKE_PYTHON").is_none(), "{test}: {} has no pytrec_eval", python.display());
    writeln!(std::io::stderr(), "skipped {test}: no Python with pytrec_eval (set ALIKE_PYTHON)").unwrap();
    None
}

#[test]
fn trec_eval_reads_our_files_and_finds_the_same() {
    let Some(python) = python("trec_eval_reads_our_files") else { return };
    let gallery = two_classes(4);
    gallery.draw("images/with blank.png", 21, 9);
    let list = std::fs::read_to_string(gallery.path("trainval.txt")).unwrap() + "images/with blank.png\t1\n";
    gallery.write("trainval.txt", list);
    let more = ["--recipe", "shape", "--ties", "index", "--trec-run", "run.txt", "--qrels", "qrels.txt", "--json"];
    let json = eval(&gallery, &more).exits(0).json();
    let script = "
import json, sys, pytrec_eval
qrel = pytrec_eval.parse_qrel(open('qrels.txt'))
run = pytrec_eval.parse_run(open('run.txt'))
assert all(len(ranking) == 9 for ranking in run.values())
measures = {'map', 'Rprec', 'recip_rank', 'P.1,5', 'recall.5', 'map_cut.5', 'ndcg_cut.5', 'iprec_at_recall'}
found = pytrec_eval.RelevanceEvaluator(qrel, measures).evaluate(run)
print(json.dumps({name: sum(q[name] for q in found.values()) / len(found) for name in next(iter(found.values()))}))
";
    let output = Command::new(python).args(["-c", script]).current_dir(gallery.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pairs = [
        ("map", "mAP"),
        ("Rprec", "R-precision"),
        ("recip_rank", "MRR"),
        ("P_1", "P@1"),
        ("P_5", "P@5"),
        ("recall_5", "R@5"),
        ("map_cut_5", "mAP@5/R"),
        ("ndcg_cut_5", "nDCG@5"),
    ];
    for (their_name, our_name) in pairs {
        near(metric(&json, 0, our_name), theirs[their_name].as_f64().unwrap(), 1e-9, our_name);
    }
    for level in 0..=10 {
        let theirs = theirs[&format!("iprec_at_recall_{:.2}", f64::from(level) / 10.0)].as_f64().unwrap();
        near(json["results"][0]["pr_curve"]["eleven_points"][level as usize].as_f64().unwrap(), theirs, 1e-9, "curve");
    }
    assert!(metric(&json, 0, "mAP") < 1.0, "a ranking without mistakes tests little");
}

/// ONNX Runtime for the binary, where the tests know one: the networks run four times faster.
fn runtime() -> Option<(&'static str, PathBuf)> {
    Some(("ORT_DYLIB_PATH", PathBuf::from(std::env::var_os("ALIKE_TEST_ONNXRUNTIME")?)))
}

fn eval_with_network(gallery: &Gallery, args: &[&str]) -> Value {
    let runtime = runtime();
    let environment: Vec<(&str, &Path)> = runtime.iter().map(|(name, path)| (*name, path.as_path())).collect();
    gallery.alike_with(args, &environment, "").exits(0).json()
}

#[test]
fn corel_reaches_the_reference_figures() {
    let Some(model) = data("corel_reaches_the_reference_figures", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(trainval) = data("corel_reaches_the_reference_figures", "corel1k/trainval.txt") else { return };
    let test = trainval.replace("trainval.txt", "test.txt");
    let gallery = Gallery::new();
    let recipes = ["--recipe", "deep", "--recipe", "semantic", "--recipe", "deep | hash(mean)"];
    let recipes = [&recipes[..], &["--recipe", "deep | hash(itq, 64)"]].concat();
    let lists = ["eval", "--gallery", &trainval, "--query", &test, "--model", &model, "--ties", "index", "--json"];
    let json = eval_with_network(&gallery, &[&lists[..], &recipes[..]].concat());
    let wanted = [
        (0, "P@1", 0.9650),
        (0, "P@5", 0.9650),
        (0, "P@10", 0.9585),
        (0, "mAP@10", 0.9462),
        (0, "mAP", 0.8765),
        (1, "P@10", 0.9290),
        (1, "mAP", 0.8645),
        (2, "P@10", 0.9455),
        (2, "mAP", 0.8444),
    ];
    for (recipe, name, reference) in wanted {
        let got = metric(&json, recipe, name);
        println!("corel1k, {}: {name} {got:.4} (reference {reference:.4})", json["results"][recipe]["recipe"]);
        near(got, reference, if name == "P@1" { 0.010 } else { 0.004 }, name);
    }
    // It depends on the start of the rotation, by a hundredth.
    let got = metric(&json, 3, "mAP");
    println!("corel1k, deep | hash(itq, 64): mAP {got:.4} (field's implementations .883 to .892)");
    near(got, 0.885, 0.015, "mAP of ITQ");
}

#[test]
fn near_duplicates_reach_the_reference_figure() {
    let Some(model) = data("near_duplicates_reach", "weights/mobilenet_v2_1.0.onnx") else { return };
    let Some(truth) = data("near_duplicates_reach", "neardup/groundtruth.txt") else { return };
    let gallery = Gallery::new();
    let json = eval_with_network(&gallery, &["eval", "--ground-truth", &truth, "--model", &model, "--json"]);
    assert_eq!((&json["gallery"], &json["queries"], &json["excluded"]), (&641.into(), &62.into(), &62.into()));
    let got = metric(&json, 0, "mAP");
    println!("neardup, deep: mAP {got:.4} (reference .9796)");
    near(got, 0.9796, 0.005, "mAP");
    near(metric(&json, 0, "P@1"), 1.0, 1e-12, "P@1");
}
