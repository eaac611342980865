//! How many requests `alike serve` answers, beside FAISS behind FastAPI and uvicorn on the same descriptors, and what memory
//! that takes. Writes its tables into `docs/performance.md`: `ALIKE_PYTHON=python cargo bench -p alike-cli --bench serving`
//! (behind `--`: the number of pictures, to print tables alone). Wants `wrk`, a Python with `faiss-cpu`, `fastapi` and
//! `uvicorn[standard]`, and the test data beside the project, or where `ALIKE_DATA` points.
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

#[path = "../../../alike/benches/data.rs"]
mod data;
#[path = "../../../alike/benches/filling.rs"]
mod filling;
mod gallery;
mod http;
mod load;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../../../alike/benches/page.rs"]
mod page;
mod recall;
mod server;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../../../alike/benches/synthetic.rs"]
mod synthetic;
mod table;
mod uploads;

use alike::store::ScanChoice;
use gallery::Gallery;
use load::Load;
use server::{Peer, Server};

const PICTURES: usize = 100_000;
const CLIENTS: [usize; 3] = [1, 8, 64];
/// Which of the contestants has the truth.
const EXACT: usize = 2;
const ROUNDS: usize = 3;

/// Requests after which memory is looked at again.
const MANY: usize = 50_000;

/// What answers, and how it did with each number of clients.
struct Contestant {
    what: &'static str,
    server: Server,
    recall: f64,
    loads: Vec<Load>,
}

fn main() {
    let pictures = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let (whole, pictures) = (pictures.is_none(), pictures.map_or(PICTURES, |n| n.parse().expect("a number")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(gallery::photos().len() > 20, "the test data aren't at hand");
    let gallery = Gallery::make(&folder.path().join("chosen"), pictures, ScanChoice::Auto);
    let exact = Gallery::make(&folder.path().join("exact"), pictures, ScanChoice::Exact);
    let mut contestants = contestants(&gallery, &exact);
    for _ in 0..ROUNDS {
        for (place, clients) in CLIENTS.into_iter().enumerate() {
            for contestant in &mut contestants {
                let load = load::by_id(&contestant.server, clients, &gallery);
                contestant.loads[place] = contestant.loads[place].better(load);
            }
        }
    }
    let mut text = table::of_loads(pictures, &contestants);
    drop(contestants);
    text.push_str(&memory(&gallery));
    text.push_str(&uploads::measure(&gallery));
    println!("{text}");
    if whole {
        page::write("performance", "serving", &text);
    }
}

fn contestants(gallery: &Gallery, exact: &Gallery) -> Vec<Contestant> {
    let rows = gallery.export();
    let servers = [
        ("alike, as it is", Server::ours(gallery, &[])),
        ("alike, `--recall 1`: bounds in int8", Server::ours(gallery, &["--recall", "1"])),
        ("alike, `index --scan exact`: float32", Server::ours(exact, &["--recall", "1"])),
        ("FAISS IndexFlatIP, one process", Server::peer(&rows, Peer { index: "flat", processes: 1 })),
        ("FAISS IndexFlatIP, two processes", Server::peer(&rows, Peer { index: "flat", processes: 2 })),
        ("FAISS IVF512,SQ8 + refine 32, two processes", Server::peer(&rows, Peer { index: "ivf", processes: 2 })),
    ];
    let truth = recall::hits(&servers[EXACT].1, exact);
    let contestant = |(what, server): (&'static str, Server)| {
        let recall = recall::recall(&recall::hits(&server, gallery), &truth);
        Contestant { what, server, recall, loads: vec![Load::default(); CLIENTS.len()] }
    };
    servers.into_iter().map(contestant).collect()
}

/// Whether a server's memory grows with the requests that it answered.
fn memory(gallery: &Gallery) -> String {
    let server = Server::ours(gallery, &[]);
    let answer = |least: usize| {
        let mut answered = 0;
        while answered < least {
            answered += load::by_id(&server, 8, gallery).requests;
        }
        answered
    };
    let warm = answer(MANY / 10);
    let before = server.memory_kib("RssAnon");
    let answered = answer(MANY);
    let after = server.memory_kib("RssAnon");
    format!(
        "\nMemory of a fresh server without its mapped files, of which the system takes back what it needs: after {warm} requests \
         {before} kB, after {answered} more {after} kB.\n"
    )
}
