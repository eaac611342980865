//! Ground truth from labels and lists, and the traps of a split.

use alike::store::Label;
use alike_eval::evaluate::Classes;
use alike_eval::truth::{self, Item, Line, Listed, Split};
use std::path::{Path, PathBuf};

/// A picture with a label, whose bytes are as the number says.
fn item(path: &str, label: &str, content: u8) -> Item {
    let label = (!label.is_empty()).then(|| Label { id: label.to_owned(), name: None });
    Item { path: Path::new("/p").join(path), name: path.to_owned(), content: [content; 32], label }
}

fn split<'a>(gallery: &'a [Item], queries: &'a [Item]) -> Split<'a> {
    Split { gallery, queries, exclude_identical: false }
}

fn names(pairs: &[(Item, Item)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(a, b)| (a.name.as_str(), b.name.as_str())).collect()
}

#[test]
fn pictures_with_the_querys_label_are_relevant() {
    let gallery = [item("a", "cat", 1), item("b", "dog", 2), item("c", "cat", 3), item("d", "", 4)];
    let queries = [item("q", "cat", 10), item("r", "fox", 11), item("s", "", 12)];
    let truth = truth::by_labels(split(&gallery, &queries)).truth;
    let relevant: Vec<Vec<u32>> = (0..3).map(|query| truth.relevant(query).collect()).collect();
    assert_eq!(relevant, [vec![0, 2], vec![], vec![]]);
    assert_eq!(alike_eval::evaluate::counted(&truth).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_query_doesnt_find_its_own_file() {
    let gallery = [item("a", "cat", 1), item("b", "cat", 2)];
    let judgement = truth::by_labels(split(&gallery, &gallery));
    assert_eq!((judgement.excluded, judgement.truth.ignored.clone()), (2, vec![vec![0], vec![1]]));
    assert_eq!(judgement.truth.relevant(0).collect::<Vec<_>>(), [1]);
    assert!(judgement.leaks.is_empty() && judgement.conflicts.is_empty());
}

#[test]
fn copies_are_listed_as_leaks_and_kept_unless_unwanted() {
    let gallery = [item("a", "cat", 1), item("copy", "cat", 9), item("other", "dog", 9)];
    let queries = [item("q", "cat", 9)];
    let kept = truth::by_labels(split(&gallery, &queries));
    assert_eq!(names(&kept.leaks), [("q", "copy"), ("q", "other")]);
    assert_eq!((kept.identical_excluded, kept.truth.relevant(0).count()), (0, 2));
    let dropped = truth::by_labels(Split { exclude_identical: true, ..split(&gallery, &queries) });
    assert_eq!((dropped.identical_excluded, &dropped.truth.ignored), (1, &vec![vec![1, 2]]));
    assert_eq!(names(&dropped.leaks), names(&kept.leaks));
}

#[test]
fn copies_that_a_list_says_are_relevant_are_no_leak() {
    let gallery = [item("q", "", 9), item("copy", "", 9), item("stray", "", 9)];
    let lists = [Listed { relevant: vec![1], junk: vec![] }];
    let judgement = truth::by_lists(Split { exclude_identical: true, ..split(&gallery, &gallery[..1]) }, &lists);
    assert_eq!(names(&judgement.leaks), [("q", "stray")]);
    assert_eq!((judgement.truth.ignored.clone(), judgement.excluded), (vec![vec![0, 2]], 1));
    assert_eq!(judgement.truth.relevant(0).collect::<Vec<_>>(), [1]);
}

#[test]
fn two_copies_within_the_gallery_are_one_pair() {
    let gallery = [item("a", "cat", 9), item("b", "cat", 9)];
    let judgement = truth::by_labels(split(&gallery, &gallery));
    assert_eq!(names(&judgement.leaks), [("a", "b")]);
}

#[test]
fn equal_bytes_with_different_labels_contradict_each_other() {
    let gallery = [item("a", "cat", 9), item("b", "dog", 9), item("c", "cat", 9), item("d", "", 9)];
    let queries = [item("q", "fox", 9)];
    let judgement = truth::by_labels(split(&gallery, &queries));
    assert_eq!(names(&judgement.conflicts), [("a", "b"), ("a", "q")]);
}

#[test]
fn junk_counts_neither_way() {
    let gallery = [item("a", "", 1), item("b", "", 2), item("c", "", 3)];
    let queries = [item("q", "", 4)];
    let lists = [Listed { relevant: vec![2, 0, 0], junk: vec![0] }];
    let truth = truth::by_lists(split(&gallery, &queries), &lists).truth;
    assert_eq!((truth.sets.clone(), truth.ignored.clone()), (vec![vec![0, 2]], vec![vec![0]]));
    assert_eq!(truth.relevant(0).collect::<Vec<_>>(), [2]);
}

#[test]
fn classes_are_in_the_order_of_their_numbers() {
    let gallery = [item("a", "10", 1), item("b", "9", 2), item("c", "x", 3), item("d", "", 4)];
    let classes = Classes::of(&gallery, &[item("q", "9", 5)]);
    assert_eq!(classes.names, ["9", "10", "x"]);
    assert_eq!(classes.of_gallery, [Some(1), Some(0), Some(2), None]);
    assert_eq!(classes.of_queries, [Some(0)]);
}

#[test]
fn a_ground_truth_file_has_queries_relevant_and_junk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("truth.txt");
    let text = "\u{feff}q.jpg\ta b.jpg\tsub\\c.jpg\t|\tj.jpg\r\n\nalone.jpg\nq.jpg\tx.jpg\n";
    std::fs::write(&path, text).unwrap();
    let lists = truth::read_lists(&path).unwrap();
    let at = |name: &str| dir.path().join(name);
    let first = Line { query: at("q.jpg"), relevant: vec![at("a b.jpg"), at("sub/c.jpg")], junk: vec![at("j.jpg")] };
    assert_eq!(lists.lines, [first, Line { query: at("alone.jpg"), relevant: vec![], junk: vec![] }]);
    assert_eq!(lists.skipped.len(), 1);
    assert_eq!(lists.skipped[0].line, Some(4));
    assert_eq!(lists.pictures(), ["q.jpg", "a b.jpg", "sub/c.jpg", "j.jpg", "alone.jpg"].map(at));
}

#[test]
fn a_missing_or_empty_ground_truth_is_an_error_that_says_what_was_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let missing = truth::read_lists(&dir.path().join("none.txt")).unwrap_err().to_string();
    assert!(missing.contains("query TAB relevant"), "{missing}");
    let empty: PathBuf = dir.path().join("empty.txt");
    std::fs::write(&empty, "\n\n").unwrap();
    assert!(truth::read_lists(&empty).is_err());
    assert!(truth::read_distractors(&dir.path().join("none.txt")).is_err());
}
