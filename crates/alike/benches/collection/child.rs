//! What is measured in a process of its own, which has nothing but the collection in its memory.

use crate::RECIPE;
use alike::recipe::{Descriptor, DescriptorKind};
use alike::store::{Collection, Search};
use std::path::Path;
use std::time::Instant;

#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Measured {
    pub(crate) open_ms: f64,
    pub(crate) first_ms: f64,
    /// The median.
    pub(crate) search_ms: f64,
    pub(crate) memory_mib: f64,
    pub(crate) how: String,
}

/// Prints a [`Measured`] as JSON.
pub(crate) fn run(folder: &Path, recall: f64) {
    let start = Instant::now();
    let collection = Collection::open(&folder.join(".alike")).expect("it was just made");
    let snapshot = collection.snapshot().expect("it was just made");
    let open_ms = start.elapsed().as_secs_f64() * 1e3;
    let DescriptorKind::Vector(dims) = snapshot.recipes()[0].kind else { panic!("vectors were made") };
    let queries = fs_err::read(folder.join("queries")).expect("it was just made");
    let queries: Vec<f32> = bytemuck::pod_collect_to_vec(&queries);
    let queries: Vec<Descriptor> = queries.chunks_exact(dims).map(|row| Descriptor::Vector(row.to_vec())).collect();
    let search = |queries| Search {
        recipe: RECIPE,
        kind: DescriptorKind::Vector(dims),
        queries,
        k: 10,
        only: None,
        extra: &[],
        threads: 1,
        recall,
    };
    let mut times: Vec<f64> = Vec::new();
    for query in queries.chunks(1) {
        let start = Instant::now();
        let found = snapshot.search(&search(query)).expect("the query fits");
        assert_eq!(found[0].len(), 10);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let first_ms = times[0];
    times.sort_unstable_by(f64::total_cmp);
    let scan = snapshot.scan(&search(&queries[..1]));
    let (search_ms, memory_mib) = (times[times.len() / 2], memory());
    let measured = Measured { open_ms, first_ms, search_ms, memory_mib, how: scan.to_string() };
    println!("{}", serde_json::to_string(&measured).expect("numbers"));
}

/// What the process has in memory.
fn memory() -> f64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
