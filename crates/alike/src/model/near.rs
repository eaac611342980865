//! Names near a misspelt one, for messages.

use std::cmp::Reverse;

/// How many are shown.
const SHOWN: usize = 3;

/// Those of `known` that hold `name` or differ from it by few letters, the nearest first.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut found: Vec<(Reverse<bool>, usize, &str)> = known
        .filter(|known| !known.is_empty())
        .map(|known| (known.to_lowercase(), known))
        .map(|(lower, known)| (Reverse(lower.contains(&wanted)), edits(&wanted, &lower), known))
        .filter(|(holds, edits, _)| holds.0 || *edits <= wanted.len() / 4 + 1)
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(SHOWN).map(|(_, _, known)| format!("{known:?}")).collect()
}

/// The fewest letters to insert, delete or replace (Levenshtein 1966).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
