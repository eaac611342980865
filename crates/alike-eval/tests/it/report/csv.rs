//! `per_query.csv` as another program reads it.

use super::sample::{FLOWERS, RECIPES, evaluation, flowers};
use alike_eval::report::per_query_csv;

/// RFC 4180, strictly: CRLF ends a record, a quote inside quotes is doubled.
fn parse(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let record = records.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => record.last_mut().unwrap().push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'));
                records.push(vec![String::new()]);
            }
            c => record.last_mut().unwrap().push(c),
        }
    }
    assert!(!quoted);
    assert_eq!(records.pop(), Some(vec![String::new()]), "the last record is ended, too");
    records
}

#[test]
fn a_row_for_each_query_and_recipe() {
    let evaluation = flowers();
    let records = parse(&per_query_csv(&evaluation));
    let names: Vec<&str> = evaluation.results[0].metrics.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(records[0][..5], ["query", "path", "label", "relevant", "recipe"]);
    assert_eq!(records[0][5..], names);
    assert_eq!(records.len(), 1 + 24 * 4);
    assert!(records.iter().all(|record| record.len() == 5 + names.len()));
    for (i, record) in records[1..].iter().enumerate() {
        let (query, recipe) = (i / 4, i % 4);
        let from = &evaluation.results[recipe].per_query[query];
        let label = from.label.clone().unwrap();
        assert_eq!(
            record[..5],
            [query.to_string(), from.path.clone(), label, "40".into(), RECIPES[recipe].recipe.into()]
        );
        let values: Vec<f64> = record[5..].iter().map(|value| value.parse().unwrap()).collect();
        assert_eq!(values, from.metrics, "with all digits");
    }
}

#[test]
fn hostile_names_and_missing_values_survive() {
    let mut evaluation = evaluation(&RECIPES[..1], &FLOWERS.map(str::to_owned));
    let queries = &mut evaluation.results[0].per_query;
    queries[0].path = "a, \"b\"\r\nc.jpg".to_owned();
    queries[0].label = None;
    queries[1].path = " 花 ".to_owned();
    queries[1].metrics.clear();
    queries[2].metrics[0] = f64::NAN;
    let records = parse(&per_query_csv(&evaluation));
    assert_eq!(records[1][1..3], ["a, \"b\"\r\nc.jpg", ""]);
    assert_eq!(records[2][1], " 花 ");
    assert!(records[2][5..].iter().all(String::is_empty), "nothing relevant: no value, not 0");
    assert_eq!(records[3][5], "");
    assert!(!records[3][6].is_empty());
}

#[test]
fn nothing_evaluated_is_a_header_alone() {
    let empty = evaluation(&[], &[]);
    assert_eq!(per_query_csv(&empty), "query,path,label,relevant,recipe\r\n");
}
