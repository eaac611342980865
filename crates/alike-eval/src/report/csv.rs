//! Each query under each recipe as a line of a table, for spreadsheets and notebooks.

use crate::evaluation::{Evaluation, QueryResult, RecipeResult};
use std::borrow::Cow;

/// The text of `per_query.csv` (RFC 4180: commas, CRLF, quotes where needed): a row for each query and recipe, by query,
/// then in the order of the recipes. A query with nothing relevant has empty metrics.
pub fn per_query_csv(evaluation: &Evaluation) -> String {
    let names = evaluation.metric_names();
    let mut text = String::new();
    record(&mut text, ["query", "path", "label", "relevant", "recipe"].into_iter().chain(names.iter().copied()));
    let mut rows: Vec<(&QueryResult, &RecipeResult)> = evaluation
        .results
        .iter()
        .flat_map(|result| result.per_query.iter().map(move |query| (query, result)))
        .collect();
    rows.sort_by_key(|(query, _)| query.query); // stable: recipes keep their order
    for (query, result) in rows {
        let fixed = [
            Cow::Owned(query.query.to_string()),
            Cow::Borrowed(query.path.as_str()),
            Cow::Borrowed(query.label.as_deref().unwrap_or("")),
            Cow::Owned(query.relevant.to_string()),
            Cow::Borrowed(result.recipe.as_str()),
        ];
        let metrics = names.iter().map(|name| Cow::Owned(value(result, query, name)));
        record(&mut text, fixed.into_iter().chain(metrics));
    }
    text
}

/// With all its digits, so that whoever reads it back has the same number; nothing where there is none.
fn value(result: &RecipeResult, query: &QueryResult, name: &str) -> String {
    let place = result.metrics.0.iter().position(|(known, _)| known == name);
    let value = place.and_then(|place| query.metrics.get(place)).filter(|value| value.is_finite());
    value.map_or_else(String::new, f64::to_string)
}

fn record<T: AsRef<str>>(text: &mut String, fields: impl Iterator<Item = T>) {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&quoted(field.as_ref()));
    }
    text.push_str("\r\n");
}

fn quoted(field: &str) -> Cow<'_, str> {
    // Blanks at the ends are quoted, too: some readers strip them otherwise.
    let blank_end = field.starts_with(' ') || field.ends_with(' ');
    if blank_end || field.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_only_what_needs_them() {
        assert_eq!(quoted("plain 花.jpg"), "plain 花.jpg");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(quoted("two\nlines"), "\"two\nlines\"");
        assert_eq!(quoted(" blank"), "\" blank\"");
        assert_eq!(quoted(""), "");
    }
}
