//! How fast searches are, beside FAISS and beside what the machine can do. Writes its tables into `docs/performance.md`:
//! `ALIKE_PYTHON=python cargo bench -p alike --bench search` (with sets to measure behind `--`: A, B, C, D, corel1k,
//! zodiac-like).
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../data.rs"]
mod data;
mod limits;
mod ours;
#[path = "../page.rs"]
mod page;
mod peer;
mod sets;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../synthetic.rs"]
mod synthetic;
mod table;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../timing.rs"]
mod timing;

use alike::index::ScoredId;
use ours::{K, Ours, Search};
use peer::{Done, Peer};
use sets::Set;
use timing::Time;

/// Each program runs so often, in turn; the best time counts, because others use the machine as well.
const ROUNDS: usize = 5;
/// The same for sets of so many numbers that a round takes minutes.
const FEW_ROUNDS: usize = 2;
const LARGE: usize = 1 << 28;

fn main() {
    let mut names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    if names.is_empty() {
        names = ["A", "B", "C", "D", "corel1k", "zodiac-like"].map(str::to_owned).to_vec();
    }
    page::write("performance", "search", &table::begin());
    for name in &names {
        let set = if name.len() > 1 { Set::of_photos(name) } else { Some(Set::named(name)) };
        let Some(set) = set else {
            println!("{name}: skipped, the test data aren't at hand");
            continue;
        };
        let table = measure(&set);
        println!("{table}");
        page::write("performance", &format!("search {name}"), &table);
    }
}

/// A search of ours and what FAISS is asked for beside it.
struct Task {
    name: String,
    search: Search,
    peer: String,
}

fn tasks(set: &Set, ours: &Ours<'_>) -> Vec<Task> {
    let task = |name: String, search, peer: &str| Task { name, search, peer: peer.to_owned() };
    let lists = || format!("{} of {} lists", ours.probes, set.lists);
    let count = set.queries().len();
    vec![
        task("f32, one query at a time".into(), Search::ExactOne, "flat one"),
        task(format!("f32, {count} queries at once"), Search::ExactBatch, "flat batch"),
        task("bounds in int8, one query at a time".into(), Search::BytesOne, "flat one"),
        task(format!("bounds in int8, {count} queries at once"), Search::BytesBatch, "flat batch"),
        task(lists(), Search::Lists, "ivf"),
        task(lists(), Search::Lists, "hnsw"),
        task(format!("codes of {} bits", set.dims), Search::Codes, "codes"),
        task(
            format!("codes, {} scored again", set.rescored),
            Search::CodesRescored,
            &format!("codes {}", set.rescored),
        ),
    ]
}

/// The best time of each task, ours and FAISS's.
struct Best {
    time: Time,
    queries: usize,
    recall: f64,
    peer: Option<Done>,
}

impl Best {
    fn or(self, other: Self) -> Self {
        let quicker = |a: Done, b: Done| if b.wall < a.wall { b } else { a };
        let peer = self.peer.zip(other.peer).map(|(a, b)| quicker(a, b));
        Self { time: self.time.best(other.time), peer, ..other }
    }
}

fn measure(set: &Set) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ours = Ours::build(set, cores);
    let truth: Vec<i64> =
        ours.run(Search::ExactBatch, cores).iter().flatten().map(|hit| hit.id.cast_signed()).collect();
    let mut peer = Peer::start(set, &truth);
    let mut lines = table::Lines::new(set, peer.as_ref().map(|peer| peer.version.as_str()));
    let tasks = tasks(set, &ours);
    let rounds = if set.base().len() < LARGE { ROUNDS } else { FEW_ROUNDS };
    for threads in 1..=cores.min(2) {
        let (mut bandwidth, mut multiplied) = (0.0f64, 0.0f64);
        let mut best: Vec<Option<Best>> = tasks.iter().map(|_| None).collect();
        for _ in 0..rounds {
            bandwidth = bandwidth.max(limits::bandwidth(set.base(), set.few, threads));
            multiplied = multiplied.max(limits::multiply_add().unwrap_or(f64::NAN));
            for (best, task) in best.iter_mut().zip(&tasks) {
                let now = once(task, &ours, peer.as_mut(), &truth, threads);
                *best = Some(match best.take() {
                    Some(before) => before.or(now),
                    None => now,
                });
            }
        }
        lines.limits(threads, bandwidth, multiplied);
        for (task, best) in tasks.iter().zip(best.into_iter().flatten()) {
            lines.row(&task.name, &best, threads);
        }
    }
    if let Some(peer) = &mut peer {
        lines.builds(&ours, &peer.run("build ivf", cores), &peer.run("build hnsw", cores));
    }
    lines.finish()
}

fn once(task: &Task, ours: &Ours<'_>, peer: Option<&mut Peer>, truth: &[i64], threads: usize) -> Best {
    let (time, found) = Time::with(|| ours.run(task.search, threads));
    let peer = peer.map(|peer| peer.run(&task.peer, threads));
    Best { time, queries: found.len(), recall: recall(&found, truth), peer }
}

/// Share of the true ten nearest.
fn recall(found: &[Vec<ScoredId>], truth: &[i64]) -> f64 {
    let hits = |(found, truth): (&Vec<ScoredId>, &[i64])| {
        truth.iter().filter(|id| found.iter().any(|hit| hit.id.cast_signed() == **id)).count()
    };
    let hits: usize = found.iter().zip(truth.chunks_exact(K)).map(hits).sum();
    hits as f64 / (K * found.len()) as f64
}
