//! What each recipe finds on labelled pictures, with intervals. Runs `alike eval` itself, and writes its tables into
//! `docs/evaluation.md`: `cargo bench -p alike-cli --bench quality` (with tables to make behind `--`: corel1k, zodiac-like,
//! neardup, codes, ..). It takes the test data beside the project, or where `ALIKE_DATA` points.
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

mod calibration;
#[path = "../../../alike/benches/data.rs"]
mod data;
mod decoding;
mod evaluation;
mod int8;
mod kinds;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../../../alike/benches/page.rs"]
mod page;
mod recipes;
mod table;
mod trained;
mod tuned;

use evaluation::{Evaluation, Gallery};

/// A table of the page.
struct Table {
    name: &'static str,
    about: &'static str,
    gallery: Gallery<'static>,
    /// What each recipe is there for, and the recipe.
    recipes: fn() -> Vec<(&'static str, String)>,
}

const TABLES: [Table; 6] = [
    Table {
        name: "corel1k",
        about: "Corel-1k, ten classes of photos: 200 queries, gallery of 800.",
        gallery: Gallery::Lists("corel1k"),
        recipes: recipes::features,
    },
    Table {
        name: "zodiac-like",
        about: "Twelve classes of animals, 32 x 32 pixels: 300 queries, gallery of 1800. Hard: the network knows photos.",
        gallery: Gallery::Lists("zodiac-like"),
        recipes: recipes::features,
    },
    Table {
        name: "neighbours-corel1k",
        about: "Corel-1k, 200 queries, gallery of 800.",
        gallery: Gallery::Lists("corel1k"),
        recipes: recipes::neighbours,
    },
    Table {
        name: "neighbours-zodiac-like",
        about: "Small pictures, 300 queries, gallery of 1800.",
        gallery: Gallery::Lists("zodiac-like"),
        recipes: recipes::neighbours,
    },
    Table {
        name: "neardup",
        about: "Photos and edits of them: 62 queries, 563 edits among 641 pictures.",
        gallery: Gallery::Relevant("neardup"),
        recipes: recipes::near_duplicates,
    },
    Table {
        name: "codes",
        about: "Codes on Corel-1k. Those that are learnt from a random start are the mean of five seeds.",
        gallery: Gallery::Lists("corel1k"),
        recipes: recipes::codes,
    },
];

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for table in TABLES.iter().filter(|table| is_wanted(table.name)) {
        write(table.name, made(table));
    }
    let run = |name: &str, table: fn() -> Option<String>| {
        if is_wanted(name) {
            write(name, table());
        }
    };
    run("calibration", calibration::table);
    run("tuned", tuned::table);
    run("trained", trained::table);
    run("int8", int8::table);
    run("decoding", decoding::table);
}

fn write(name: &str, text: Option<String>) {
    let Some(text) = text else {
        println!("{name}: skipped, what it needs isn't at hand");
        return;
    };
    println!("{text}");
    page::write("evaluation", &format!("quality {name}"), &text);
}

fn made(table: &Table) -> Option<String> {
    let (why, recipes): (Vec<_>, Vec<_>) = (table.recipes)().into_iter().unzip();
    let evaluation = Evaluation::of(table.gallery, &recipes)?;
    let mut text = table::head(table.about);
    match table.name {
        "codes" => text.push_str(&table::codes(&why, &evaluation)),
        "neardup" => {
            text.push_str(&table::features(&why, &evaluation));
            text.push_str(&kinds::table(&evaluation));
        }
        _ => text.push_str(&table::features(&why, &evaluation)),
    }
    Some(text)
}
