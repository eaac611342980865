//! How fast searches are, beside FAISS and beside what the machine can do. Writes its table into `docs/performance.md`:
//! `ALIKE_PYTHON=python cargo bench -p alike --bench search` (with sets to measure behind `--`: A, B, C, D).
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

mod limits;
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

use alike::index::training::{Clustering, Recall, effort_for, measure};
use alike::index::{Block, Centres, Effort, Kernels, Lists, Part, ScoredId, lists};
use alike::index::{nearest_codes, nearest_quantised, nearest_vectors};
use peer::{Done, Peer};
use sets::Set;
use table::Row;
use timing::Time;

/// Each program runs so often, in turn; the best time counts, because others use the machine as well.
const ROUNDS: usize = 5;
const K: usize = 10;
const WANTED: f64 = 0.99;

fn main() {
    let mut names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let whole = names.is_empty();
    if whole {
        names = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
    }
    let mut text = table::begin();
    for name in &names {
        let part = Bench::new(Set::named(name)).run();
        println!("{part}");
        text.push_str(&part);
    }
    if whole {
        page::write("search", &text);
    }
}

struct Bench {
    kernels: Kernels,
    set: Set,
    ids: Vec<u64>,
    truth: Vec<i64>,
    threads: Vec<usize>,
}

/// What is timed: a name for the table, what FAISS is asked for, how many queries, our search.
struct Task<'a> {
    name: String,
    peer: &'a str,
    queries: usize,
    search: Box<dyn Fn(usize) -> Vec<Vec<ScoredId>> + 'a>,
}

impl Bench {
    fn new(set: Set) -> Self {
        let kernels = Kernels::detect();
        let ids: Vec<u64> = (0..set.rows() as u64).collect();
        let found = nearest_vectors(&kernels, set.dims, &set.queries(), &[Block::whole(&ids, &set.base)], (K, 2));
        let truth = found.iter().flatten().map(|hit| hit.id.cast_signed()).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { kernels, set, ids, truth, threads: if cores > 1 { vec![1, 2] } else { vec![1] } }
    }

    fn run(&self) -> String {
        let (set, kernels) = (&self.set, &self.kernels);
        let mut peer = Peer::start(set, &self.truth);
        let mut lines = table::Lines::new(set, peer.as_ref().map(|peer| peer.version.as_str()));
        let block = [Block::whole(&self.ids, &set.base)];
        let rows: Vec<&[f32]> = set.base.chunks_exact(set.dims).collect();

        // Building.
        let (flat_time, flat) = Time::with(|| quantise(set, None));
        let (train_time, clustering) = Time::with(|| Clustering::train(kernels, set.dims, &rows, set.lists, 2));
        let (sort_time, listed) = Time::with(|| {
            let (list_of, _) = clustering.assign(kernels, set.dims, &rows, 2);
            quantise(set, Some(&list_of))
        });
        let centres = Centres::new(&clustering.centres, set.dims);
        let flat_parts = [Part {
            block: Block::whole(&self.ids, &set.base),
            lists: Lists::read(bytemuck::cast_slice(&flat), set.rows(), set.dims).expect("what was written"),
        }];
        let parts = [Part {
            block: Block::whole(&self.ids, &set.base),
            lists: Lists::read(bytemuck::cast_slice(&listed), set.rows(), set.dims).expect("what was written"),
        }];
        let (measure_time, measured) = Time::with(|| measure(kernels, set.dims, &parts, Some(&centres), 2));
        let flat_measured = measure(kernels, set.dims, &flat_parts, None, 2);
        println!("{}: quantised in {flat_time:?}, trained in {train_time:?}, sorted in {sort_time:?}", set.name);
        println!("measured in {measure_time:?}: {measured:.4?}\n{flat_measured:.4?}");
        let effort = |measured: &[Recall]| effort_for(measured, WANTED).expect("something was measured");
        let (few_effort, flat_effort) = (effort(&measured), effort(&flat_measured));

        let codes = Codes::new(set);
        let few: Vec<&[f32]> = (0..set.few).map(|i| set.query(i)).collect();
        let all = set.queries();
        let tasks = [
            Task {
                name: "f32, one query at a time".into(),
                peer: "flat one",
                queries: few.len(),
                search: Box::new(|threads| {
                    few.iter()
                        .flat_map(|query| nearest_vectors(kernels, set.dims, &[query], &block, (K, threads)))
                        .collect()
                }),
            },
            Task {
                name: "f32, 1000 queries".into(),
                peer: "flat batch",
                queries: all.len(),
                search: Box::new(|threads| nearest_vectors(kernels, set.dims, &all, &block, (K, threads))),
            },
            Task {
                name: format!("int8 + {} scored again, one query at a time", flat_effort.depth),
                peer: "flat one",
                queries: few.len(),
                search: Box::new(|threads| {
                    let one = |query: &&[f32]| {
                        nearest_quantised(
                            kernels,
                            set.dims,
                            &[query],
                            (&flat_parts, &[]),
                            (None, flat_effort),
                            (K, threads),
                        )
                    };
                    few.iter().flat_map(one).collect()
                }),
            },
            Task {
                name: format!(
                    "{} lists, {} looked at, {} scored again",
                    set.lists, few_effort.probes, few_effort.depth
                ),
                peer: "ivf",
                queries: all.len(),
                search: Box::new(|threads| {
                    nearest_quantised(
                        kernels,
                        set.dims,
                        &all,
                        (&parts, &[]),
                        (Some(&centres), few_effort),
                        (K, threads),
                    )
                }),
            },
            Task {
                name: "the same".into(),
                peer: "hnsw",
                queries: all.len(),
                search: Box::new(|threads| {
                    nearest_quantised(
                        kernels,
                        set.dims,
                        &all,
                        (&parts, &[]),
                        (Some(&centres), few_effort),
                        (K, threads),
                    )
                }),
            },
            Task {
                name: format!("codes of {} bits", set.dims),
                peer: "codes",
                queries: all.len(),
                search: Box::new(|threads| codes.search(self, K, threads)),
            },
            Task {
                name: format!("codes of {} bits, {} scored again", set.dims, set.rescored),
                peer: if set.rescored == 300 {
                    "codes 300"
                } else if set.rescored == 1000 {
                    "codes 1000"
                } else {
                    "codes 2000"
                },
                queries: all.len(),
                search: Box::new(|threads| codes.rescored(self, threads)),
            },
        ];
        for &threads in &self.threads {
            let mut bandwidth = 0.0f64;
            let mut multiplied = 0.0f64;
            let mut ours = vec![(Time::NEVER, 0.0); tasks.len()];
            let mut theirs: Vec<Option<Done>> = vec![None; tasks.len()];
            for _ in 0..ROUNDS {
                bandwidth = bandwidth.max(limits::bandwidth(&set.base, threads));
                multiplied = multiplied.max(limits::multiply_add());
                for (i, task) in tasks.iter().enumerate() {
                    let (time, found) = Time::with(|| (task.search)(threads));
                    ours[i] = (ours[i].0.best(time), self.recall(&found));
                    if let Some(peer) = &mut peer {
                        let done = peer.run(task.peer, threads);
                        let better = theirs[i].as_ref().is_none_or(|before| done.wall < before.wall);
                        if better {
                            theirs[i] = Some(done);
                        }
                    }
                }
            }
            lines.limits(threads, bandwidth, multiplied);
            for ((task, ours), theirs) in tasks.iter().zip(ours).zip(theirs) {
                lines.row(&Row {
                    task: &task.name,
                    queries: task.queries,
                    time: ours.0,
                    recall: ours.1,
                    peer: theirs,
                    threads,
                });
            }
        }
        let build = Time { wall: train_time.wall + sort_time.wall, cpu: train_time.cpu + sort_time.cpu };
        if let Some(peer) = &mut peer {
            lines.builds(build, &peer.run("build ivf", 2), &peer.run("build hnsw", 2));
        }
        lines.finish()
    }

    /// Of the true ten nearest.
    fn recall(&self, found: &[Vec<ScoredId>]) -> f64 {
        let hits = |(found, truth): (&Vec<ScoredId>, &[i64])| {
            truth.iter().filter(|id| found.iter().any(|hit| hit.id.cast_signed() == **id)).count()
        };
        let hits: usize = found.iter().zip(self.truth.chunks_exact(K)).map(hits).sum();
        hits as f64 / (K * found.len()) as f64
    }
}

/// A file of rows in bytes, as it would lie in memory.
fn quantise(set: &Set, list_of: Option<&[u32]>) -> Vec<u64> {
    let mut file: Vec<u8> = Vec::with_capacity(set.base.len() + 16 * set.rows());
    let row = |i: usize| &set.base[i * set.dims..][..set.dims];
    let lists = (if list_of.is_some() { set.lists } else { 1 }, list_of);
    let Ok(()) = lists::write(set.rows(), set.dims, row, lists, |bytes| {
        file.extend_from_slice(bytes);
        Ok::<_, std::convert::Infallible>(())
    });
    file.resize(file.len().next_multiple_of(8), 0);
    bytemuck::pod_collect_to_vec(&file)
}

/// A bit for each number: whether it is above the mean of its dimension.
struct Codes {
    base: Vec<u64>,
    queries: Vec<u64>,
    width: usize,
}

impl Codes {
    fn new(set: &Set) -> Self {
        let mut mean = vec![0.0f64; set.dims];
        for row in set.base.chunks_exact(set.dims).step_by(10) {
            mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let count = set.rows().div_ceil(10) as f64;
        let mean: Vec<f32> = mean.iter().map(|sum| (sum / count) as f32).collect();
        let word = |(numbers, mean): (&[f32], &[f32])| {
            let bits = numbers.iter().zip(mean).map(|(x, mean)| u64::from(x > mean));
            bits.rev().fold(0, |word, bit| word << 1 | bit)
        };
        let code = |row: &[f32]| row.chunks(64).zip(mean.chunks(64)).map(word).collect::<Vec<u64>>();
        let codes = |rows: &[f32]| rows.chunks_exact(set.dims).flat_map(code).collect();
        Self { base: codes(&set.base), queries: codes(&set.queries), width: set.dims.div_ceil(64) }
    }

    fn search(&self, bench: &Bench, k: usize, threads: usize) -> Vec<Vec<ScoredId>> {
        let queries: Vec<&[u64]> = self.queries.chunks_exact(self.width).collect();
        nearest_codes(&bench.kernels, bench.set.dims, &queries, &[Block::whole(&bench.ids, &self.base)], (k, threads))
    }

    fn rescored(&self, bench: &Bench, threads: usize) -> Vec<Vec<ScoredId>> {
        let found = self.search(bench, bench.set.rescored, threads);
        let _ = (&found, Effort { probes: 0, depth: 0 });
        found
    }
}
