//! What is written down of it.

use crate::gallery::DIMS;
use crate::{CLIENTS, Contestant, ROUNDS, page};
use std::fmt::Write;

/// Those after the first so many are peers, compared with the first of them or the second, whichever is faster.
const OURS: usize = 3;
const FLAT: std::ops::Range<usize> = OURS..OURS + 2;

pub(crate) fn of_loads(pictures: usize, contestants: &[Contestant]) -> String {
    let mut text = format!(
        "Machine: {}.\nCommand: `ALIKE_PYTHON=python cargo bench -p alike-cli --bench serving`.\nTen hits for each of random ids \
         among {pictures} x {DIMS} descriptors; `wrk` asks, on the same machine, and takes its part of it. The best of {ROUNDS} \
         rounds of 5 s in which the servers take turns. The last column: as many requests a second as the faster of the two with \
         IndexFlatIP.\n\n| server | clients | requests/s | p50, ms | p99, ms | recall | beside IndexFlatIP |\n|---|---|---|---|---|---|---|\n",
        page::machine()
    );
    for contestant in contestants {
        for (place, clients) in CLIENTS.into_iter().enumerate() {
            let load = contestant.loads[place];
            let flat = contestants[FLAT].iter().map(|peer| peer.loads[place].per_second()).fold(0.0, f64::max);
            writeln!(
                text,
                "| {} | {clients} | {:.0} | {:.2} | {:.2} | {:.4} | {:.2} |",
                contestant.what,
                load.per_second(),
                load.p50_ms,
                load.p99_ms,
                contestant.recall,
                load.per_second() / flat
            )
            .expect("text takes text");
        }
    }
    text
}
