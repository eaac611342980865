//! Run and qrels files as trec_eval and pytrec_eval read them.

use crate::truth::{Item, Truth};
use std::io::{self, Write};

/// Writes the ranking of one query: `query Q0 picture rank score tag`. `ranking` holds positions in the gallery, best
/// first. The score counts down to 1, because trec_eval ignores the rank, keeps scores in single precision and would put
/// equal ones in an order of its own.
pub fn write_run(out: &mut dyn Write, query: &Item, gallery: &[Item], ranking: &[u32], tag: &str) -> io::Result<()> {
    let (query, tag) = (token(&query.name), token(tag));
    for (rank, &picture) in (1..).zip(ranking) {
        let score = ranking.len() + 1 - rank;
        writeln!(out, "{query} Q0 {} {rank} {score} {tag}", token(&gallery[picture as usize].name))?;
    }
    Ok(())
}

/// Writes what is relevant to each query: `query 0 picture 1`.
pub fn write_qrels(out: &mut dyn Write, queries: &[Item], gallery: &[Item], truth: &Truth) -> io::Result<()> {
    for (position, query) in queries.iter().enumerate() {
        for picture in truth.relevant(position) {
            writeln!(out, "{} 0 {} 1", token(&query.name), token(&gallery[picture as usize].name))?;
        }
    }
    Ok(())
}

/// Fields are separated by blanks: those of a name, and the sign that escapes them, are written as in a URL.
fn token(name: &str) -> String {
    let escape = |c: char| match c {
        '%' => "%25".to_owned(),
        c if c.is_whitespace() => c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
        c => c.to_string(),
    };
    name.chars().map(escape).collect()
}
