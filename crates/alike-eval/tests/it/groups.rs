//! Queries that show the same are in one group.

use alike_eval::groups::groups;
use alike_eval::truth::{self, Item, Listed, Split};
use std::path::Path;

fn item(number: u8, label: Option<&str>) -> Item {
    let label = label.map(|id| alike::store::Label { id: id.to_owned(), name: None });
    Item { path: Path::new("/p").join(number.to_string()), name: number.to_string(), content: [number; 32], label }
}

/// The groups of queries at these places of a gallery of ten, with these lists.
fn of_lists(queries: &[(u8, &[u32])]) -> Vec<u32> {
    let gallery: Vec<Item> = (0..10).map(|number| item(number, None)).collect();
    let items: Vec<Item> = queries.iter().map(|&(number, _)| item(number, None)).collect();
    let lists: Vec<Listed> =
        queries.iter().map(|(_, relevant)| Listed { relevant: relevant.to_vec(), junk: Vec::new() }).collect();
    let split = Split { gallery: &gallery, queries: &items, exclude_identical: false };
    groups(&truth::by_lists(split, &lists).truth, &items, &gallery)
}

#[test]
fn queries_share_a_group_by_what_is_relevant_to_them() {
    assert_eq!(of_lists(&[(0, &[1, 2]), (3, &[4]), (5, &[2])]), [0, 1, 0], "a picture in common");
    assert_eq!(of_lists(&[(0, &[1]), (2, &[0])]), [0, 0], "one is relevant to the other");
    assert_eq!(of_lists(&[(0, &[1]), (2, &[3]), (4, &[1, 3])]), [0, 0, 0], "by way of a third");
    assert_eq!(of_lists(&[(0, &[]), (1, &[]), (2, &[3])]), [0, 1, 2], "nothing in common");
    assert!(of_lists(&[]).is_empty());
}

#[test]
fn a_class_is_a_group() {
    let gallery: Vec<Item> =
        [Some("cat"), Some("dog"), Some("cat"), None, None].iter().zip(0..).map(|(label, i)| item(i, *label)).collect();
    let split = Split { gallery: &gallery, queries: &gallery, exclude_identical: false };
    assert_eq!(groups(&truth::by_labels(split).truth, &gallery, &gallery), [0, 1, 0, 2, 3]);
}
