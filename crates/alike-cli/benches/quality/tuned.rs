//! What `alike tune` chooses by the gallery's labels alone, and what that finds for queries it never saw.

use crate::data::{data, network};
use crate::evaluation::{Evaluation, Gallery};
use crate::table::{features, head, line};
use serde::Deserialize;
use std::process::Command;
use std::time::Instant;

const SETS: [&str; 2] = ["corel1k", "zodiac-like"];

/// The answer of `alike tune --json`, as far as it is wanted here.
#[derive(Deserialize)]
struct Answer {
    recipe: String,
    tried: usize,
    choosing: Side,
    confirming: Side,
}

#[derive(Deserialize)]
struct Side {
    gain: f64,
    ci95: [f64; 2],
}

/// `None` where the test data aren't at hand.
pub(crate) fn table() -> Option<String> {
    let sets: Vec<&str> = SETS.into_iter().filter(|set| data().join(set).is_dir()).collect();
    if sets.is_empty() {
        return None;
    }
    let mut text = head("Tuned on each set's gallery, and asked once about its queries, which had no part in it.");
    for set in sets {
        let started = Instant::now();
        // Describes what has no rows yet.
        tuned(set, &["--time", "0"]);
        let (described, searched) = (started.elapsed(), Instant::now());
        let answer = tuned(set, &[]);
        let gain = |side: &Side| format!("{:+.4} ({:+.4} to {:+.4})", side.gain, side.ci95[0], side.ci95[1]);
        let words = format!(
            "`{set}`: {} recipes in {:.0} s, once the pictures were described ({:.0} s or less). Gain in mAP where it chose: {}; where it confirmed: {}.\n",
            answer.tried,
            searched.elapsed().as_secs_f64(),
            described.as_secs_f64(),
            gain(&answer.choosing),
            gain(&answer.confirming),
        );
        line(&mut text, &words);
        let evaluation = Evaluation::of(Gallery::Lists(set), &["deep".to_owned(), answer.recipe])?;
        line(&mut text, &features(&["the network's pooled features", "the answer"], &evaluation));
    }
    Some(text)
}

fn tuned(set: &str, more: &[&str]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alike"));
    command.args(["tune", "--json", "--gallery"]).arg(data().join(set).join("trainval.txt"));
    command.arg("--model").arg(network()).args(more);
    let output = command.output().expect("the program was just built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it answers in JSON")
}
