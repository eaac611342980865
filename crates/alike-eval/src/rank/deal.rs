//! Work for several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Queries of a block, at most. More of them make less of the work of laying out the gallery, and take more memory.
pub(super) const TOP_BLOCK: usize = 256;
/// The same where each has to know where its relevant pictures stand.
pub(super) const FULL_BLOCK: usize = 128;

/// Deals `queries` in blocks to threads, each with a worker of its own. A worker is handed a block and a function that
/// takes what came out for each of its queries. Returns that in the order of the queries, which are all below
/// `queries.len()`.
pub(crate) fn deal<T: Send, W>(
    queries: &[usize],
    block: usize,
    threads: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &[usize], &mut dyn FnMut(usize, T)) + Sync,
) -> Vec<T> {
    let blocks: Vec<&[usize]> = queries.chunks(block.max(1)).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        let (mut worker, mut done) = (worker(), Vec::new());
        while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(&mut worker, block, &mut |query, result| done.push((query, result)));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(blocks.len())).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|&(query, _)| query);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many queries make a block: few enough that the threads end together, and no more than `most`.
pub(super) fn block(queries: usize, threads: usize, most: usize) -> usize {
    queries.div_ceil(threads * 4).next_multiple_of(8).min(most)
}
