//! How a recipe is told from the others: a letter, a colour and a pattern of dashes, the same in every plot and table.

use super::shortened;
use crate::evaluation::RecipeResult;
use maud::{Markup, html};

/// `A` to `Z`, then `AA`, as the columns of a spreadsheet.
pub(super) fn letter(index: usize) -> String {
    let mut rest = index + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Classes for colour and dashes: eight colours and seven patterns, so that 56 recipes differ in one of them.
pub(super) fn class(index: usize) -> String {
    format!("s{} d{}", index % 8, index % 7)
}

/// Letter and recipe.
pub(super) fn key(index: usize, result: &RecipeResult) -> Markup {
    html! { span.key { (badge(index)) " " code title=(result.recipe) { (shortened(&result.recipe, 40)) } } }
}

/// The letter alone.
pub(super) fn badge(index: usize) -> Markup {
    html! { b class={ "letter s" (index % 8) } { (letter(index)) } }
}

/// A piece of the recipe's line.
pub(super) fn swatch(index: usize) -> Markup {
    html! {
        svg class={ "swatch " (class(index)) } viewBox="0 0 46 10" aria-hidden="true" {
            polyline points="0,5 46,5" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 1, 25, 26, 51, 52, 701, 702].map(letter), ["A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
