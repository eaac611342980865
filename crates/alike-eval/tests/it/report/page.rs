//! What the page says, read as text.

use super::sample::{self, FLOWERS, RECIPES, evaluation, flowers, look, unmeasured};
use alike_eval::evaluation::{Evaluation, Pair};
use alike_eval::report::html;

fn page(evaluation: &Evaluation) -> String {
    html(evaluation, &look)
}

/// The text between the tags of the first element that starts with `start`.
fn text_of(page: &str, start: &str, end: &str) -> String {
    let inside = page.split_once(start).unwrap().1.split_once(end).unwrap().0;
    let mut text = String::new();
    let mut in_tag = false;
    for c in inside.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text
}

fn sentence(evaluation: &Evaluation) -> String {
    text_of(&page(evaluation), "<h1>", "</h1>")
}

fn set(evaluation: &mut Evaluation, metric: &str, pair: (usize, usize), p: f64, ci95: (f64, f64)) {
    let comparison = evaluation.comparisons.iter_mut().find(|c| c.metric == metric && (c.a, c.b) == pair).unwrap();
    (comparison.p, comparison.ci95) = (p, ci95);
}

#[test]
fn the_sentence_names_a_winner_only_where_the_test_does() {
    let best = "deep finds most: mAP .877 [.861, .892], significantly better than each of the 3 others.";
    assert_eq!(sentence(&flowers()), best);

    let mut close = flowers();
    set(&mut close, "mAP", (0, 1), 0.07, (0.001, 0.07));
    let ahead = "deep is ahead with mAP .877 [.861, .892], but not significantly better than 0.7*deep + 0.3*color: \
                 its lead is +.035 [.001, .070], p = .070.";
    assert_eq!(sentence(&close), ahead, "p is too large");
    set(&mut close, "mAP", (0, 1), 0.04, (-0.001, 0.07));
    assert!(sentence(&close).contains("p = .040"), "the interval holds 0");

    let mut open = evaluation(&RECIPES[..2], &[]);
    set(&mut open, "mAP", (0, 1), 0.5, (-0.01, 0.08));
    let none = "No recipe is significantly better: deep is ahead with mAP .877 [.861, .892], but its lead over \
                0.7*deep + 0.3*color is +.035 [−.010, .080], p = .500.";
    assert_eq!(sentence(&open), none);

    let alone = evaluation(&RECIPES[..1], &[]);
    assert_eq!(sentence(&alone), "deep reaches mAP .877 [.861, .892].");
    let mut untested = flowers();
    untested.comparisons.clear();
    assert!(sentence(&untested).ends_with("Whether the difference is more than chance was not tested."));
    assert_eq!(sentence(&unmeasured()), "Nothing could be measured: no query has a relevant picture in the gallery.");
    assert_eq!(sentence(&evaluation(&[], &[])), "Nothing could be measured: no recipe was evaluated.");
}

#[test]
fn a_winner_that_comes_second_in_the_comparison_is_found() {
    let mut turned = flowers();
    turned.results.reverse();
    turned.comparisons = sample::compare(&turned.results);
    assert!(turned.comparisons.iter().all(|c| c.difference < 0.0));
    assert!(sentence(&turned).starts_with("deep finds most"));
}

#[test]
fn a_recipe_without_figures_is_left_out_of_the_comparison() {
    let mut partly = flowers();
    partly.results[3].metrics.0.iter_mut().for_each(|(_, value)| *value = f64::NAN);
    partly.comparisons.retain(|c| c.a != 3 && c.b != 3);
    let page = page(&partly);
    let best = "deep finds most: mAP .877 [.861, .892], significantly better than each of the 2 others.";
    assert_eq!(text_of(&page, "<h1>", "</h1>"), best);
    assert!(text_of(&page, "<p class=\"lede\">", "</p>").ends_with("Without figures, and left out of this: color."));
}

#[test]
fn stars_stand_where_the_test_supports_them() {
    let starred = |evaluation: &Evaluation, metric: usize| {
        let page = page(evaluation);
        let table = page.split("<table class=\"metrics\">").nth(1).unwrap().split("</table>").next().unwrap();
        let rows: Vec<&str> = table.split("<tr>").skip(2).collect();
        rows.iter().map(|row| row.split("<td").nth(1 + metric).unwrap().contains('★')).collect::<Vec<_>>()
    };
    let mut flowers = flowers();
    assert_eq!(starred(&flowers, 0), [true, false, false, false]);
    set(&mut flowers, "mAP", (0, 3), 0.06, (0.1, 0.9));
    assert_eq!(starred(&flowers, 0), [false; 4], "not better than the last one is not best");
    assert_eq!(starred(&flowers, 1), [true, false, false, false], "another metric has its own test");
    assert_eq!(starred(&evaluation(&RECIPES[..1], &[]), 0), [false], "alone is not better");
}

#[test]
fn text_of_others_is_escaped() {
    let evil = "<script>alert(1)</script>\" onerror=\"x";
    let mut hostile = evaluation(&RECIPES[..2], &[evil.to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()]);
    for text in [&mut hostile.protocol.command, &mut hostile.protocol.version, &mut hostile.protocol.gallery] {
        evil.clone_into(text);
    }
    hostile.protocol.models.push((evil.to_owned(), evil.to_owned()));
    hostile.protocol.ties = evil.to_owned();
    hostile.protocol.relevance = evil.to_owned();
    hostile.warnings.push(evil.to_owned());
    let pair = Pair { a: evil.to_owned(), b: evil.to_owned(), label_a: Some(evil.to_owned()), label_b: None };
    hostile.conflicts.push(pair);
    hostile.results[0].recipe = evil.to_owned();
    hostile.results[1].recipe_canonical = evil.to_owned();
    hostile.results[0].metrics.0[0].0 = evil.to_owned();
    hostile.results[0].kind = evil.to_owned();
    for query in &mut hostile.results[0].per_query {
        query.path = evil.to_owned();
        query.hits[0].path = evil.to_owned();
    }
    let page = html(&hostile, &|_| Some(format!("data:image/png,{evil}")));
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(!page.contains("\" onerror"));
    assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() > 10);
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = html(&flowers(), &|_| Some("https://elsewhere.example/a.jpg".to_owned()));
    assert!(!page.contains("elsewhere.example") && !page.contains("<img") && page.contains("no picture"));
    for word in ["http:", "https:", "url(", "<link", "@import", "src=\"//"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn each_picture_is_asked_for_once() {
    let asked = std::cell::RefCell::new(Vec::new());
    html(&flowers(), &|shown| {
        asked.borrow_mut().push(format!("{shown:?}"));
        None
    });
    let mut once = asked.borrow().clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), asked.borrow().len());
    assert!(once.len() > 50);
}

#[test]
fn the_same_evaluation_gives_the_same_bytes() {
    assert_eq!(page(&flowers()), page(&flowers()));
}

#[test]
fn no_number_is_nan() {
    let mut broken = flowers();
    for result in &mut broken.results {
        result.metrics.0.iter_mut().for_each(|(_, value)| *value = f64::NAN);
        result.ci95.values_mut().for_each(|interval| *interval = (f64::NAN, f64::INFINITY));
        result.min.values_mut().for_each(|value| *value = f64::NAN);
        result.pr_curve.precision[3] = f64::NAN;
        result.pr_curve.eleven_points[3] = f64::NAN;
        result.confusion[0][1] = f64::NAN;
        let timing = result.timing.as_mut().unwrap();
        (timing.median_ms, timing.exponent, timing.growth[1].1) = (f64::NAN, f64::NAN, f64::NAN);
        result.per_query[0].metrics.fill(f64::NAN);
        result.per_query[1].hits[0].score = f64::NAN;
    }
    broken
        .comparisons
        .iter_mut()
        .for_each(|c| (c.p, c.difference, c.ci95) = (f64::NAN, f64::NAN, (f64::NAN, f64::NAN)));
    for evaluation in [broken, unmeasured(), evaluation(&[], &[])] {
        let page = page(&evaluation);
        for word in ["NaN", "inf<", "inf,", "inf]", "inf "] {
            assert!(!page.contains(word), "{word}");
        }
    }
}

#[test]
fn long_lists_are_folded_and_longer_ones_cut() {
    let mut warned = flowers();
    let notes = |evaluation: &Evaluation| {
        let page = page(evaluation);
        page.split_once("<aside").unwrap().1.split_once("</aside>").unwrap().0.to_owned()
    };
    assert_eq!(notes(&warned).matches("<details").count(), 1, "17 leaks, 2 contradictions, 1 warning");
    warned.leaks.truncate(10);
    assert_eq!(notes(&warned).matches("<details").count(), 0);
    warned.warnings = (0..300).map(|i| format!("warning {i} of them")).collect();
    let long = notes(&warned);
    assert!(
        long.contains("warning 199 of them") && !long.contains("warning 200 of them") && long.contains("and 100 more")
    );
    (warned.warnings, warned.leaks, warned.conflicts) = (Vec::new(), Vec::new(), Vec::new());
    assert!(page(&warned).contains("No leak, no contradiction, no warning."));
}

#[test]
fn ties_are_shown_where_they_matter() {
    let page = page(&flowers());
    assert!(page.contains(".710 to .749"), "what the code's ties leave open");
    assert_eq!(page.matches("class=\"ties\"").count(), 27, "each metric of the one code");
    let mut same = flowers();
    same.results[2].min = same.results[2].metrics.0.iter().cloned().collect();
    same.results[2].max = same.results[2].min.clone();
    assert_eq!(html(&same, &look).matches("class=\"ties\"").count(), 0);
}

#[test]
fn one_query_is_shown_once() {
    let mut one = evaluation(&RECIPES[..1], &FLOWERS.map(str::to_owned));
    one.results[0].per_query.truncate(1);
    (one.queries, one.excluded, one.no_relevant) = (1, 1, 1);
    let page = page(&one);
    assert_eq!(page.matches("<article").count(), 1);
    assert!(
        page.contains("The only query")
            && page.contains("1 query that counts")
            && page.contains("the own file of 1 query")
    );
    let mut three = evaluation(&RECIPES[..1], &[]);
    three.results[0].per_query.truncate(3);
    assert_eq!(html(&three, &look).matches("<article").count(), 3, "none is both best and worst");
}

#[test]
fn the_best_recipe_of_a_class_is_named_where_the_test_supports_it() {
    let table = |evaluation: &Evaluation| {
        let page = page(evaluation);
        let start = page.find("The best recipe by class").unwrap_or_else(|| panic!("no table"));
        page[start..].split_once("</table>").unwrap().0.to_owned()
    };
    let twelve = table(&flowers());
    assert_eq!((twelve.matches("<tr>").count(), twelve.matches("★").count()), (1 + 12, 9));
    assert!(twelve.contains("water lily") && page(&flowers()).contains("not corrected for that"));
    let many: Vec<String> = (0..31).map(|i| format!("{} {i}", FLOWERS[i % 12])).collect();
    let many = evaluation(&RECIPES, &many);
    let shown = table(&many);
    assert_eq!((shown.matches("<tr>").count(), shown.matches("★").count()), (1 + 23, 23));
    assert!(page(&many).contains("better than every other for 8 classes"));
    assert!(!page(&evaluation(&RECIPES[..1], &FLOWERS.map(str::to_owned))).contains("The best recipe by class"));
}

#[test]
fn without_labels_or_times_the_page_does_without() {
    let mut lists = evaluation(&RECIPES, &[]);
    lists.results.iter_mut().for_each(|result| result.timing = None);
    let page = page(&lists);
    assert!(!page.contains("id=\"classes\"") && !page.contains("id=\"confusion\"") && !page.contains("growth-title"));
    assert!(page.contains("pictures that the ground truth lists") && page.contains("Times were not measured."));
}

#[test]
fn many_classes_become_a_list_of_pairs() {
    let named = |n: usize| (0..n).map(|i| format!("{} {i}", FLOWERS[i % 12])).collect::<Vec<_>>();
    let fifty = page(&evaluation(&RECIPES[..1], &named(50)));
    assert_eq!(fifty.matches(" same\">").count(), 50, "the diagonal");
    assert!(!fifty.contains("Mistaken most"));
    let more = page(&evaluation(&RECIPES[..1], &named(51)));
    let pairs = more.split_once("Mistaken most").unwrap().1.split_once("</table>").unwrap().0;
    assert_eq!(pairs.matches("<tr>").count(), 1 + 20);
}
