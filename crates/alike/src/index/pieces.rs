//! Blocks cut into pieces that fit a cache, dealt to threads.

use super::Block;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows of a block that follow each other.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a, W> {
    /// The row that the first one is among all rows of all blocks.
    pub(super) first: usize,
    pub(super) rows: &'a [W],
    pub(super) wanted: Option<&'a [bool]>,
}

/// Bytes of a piece: a part of a usual second-level cache.
const BYTES: usize = 256 << 10;

/// What all kernels multiply at once is a part of so many rows. Rows that are left over are multiplied one by one, which
/// takes several times as long for each.
const WHOLE: usize = 12;

/// Rows of a piece of about so many bytes.
pub(super) fn rows_of(bytes: usize, row_bytes: usize) -> usize {
    (bytes / row_bytes.max(1)).next_multiple_of(WHOLE).max(WHOLE)
}

/// Pieces of rows of `width` words, in order; those of which no row is wanted are left out.
pub(super) fn pieces<'a, W>(width: usize, blocks: &'a [Block<'_, W>]) -> Vec<Piece<'a, W>> {
    let step = rows_of(BYTES, size_of::<W>() * width);
    let mut pieces = Vec::new();
    let mut before = 0;
    for block in blocks {
        for start in (0..block.ids.len()).step_by(step) {
            let end = block.ids.len().min(start + step);
            let wanted = block.wanted.as_ref().map(|wanted| &wanted[start..end]);
            if wanted.is_none_or(|wanted| wanted.contains(&true)) {
                pieces.push(Piece { first: before + start, rows: &block.rows[start * width..end * width], wanted });
            }
        }
        before += block.ids.len();
    }
    pieces
}

/// Where a row among all rows of all blocks lies.
pub(super) struct Places<'a, W> {
    blocks: &'a [Block<'a, W>],
    ranges: Vec<Range<usize>>,
    width: usize,
}

impl<'a, W> Places<'a, W> {
    pub(super) fn new(width: usize, blocks: &'a [Block<'a, W>]) -> Self {
        let mut end = 0;
        let range = |block: &Block<'_, W>| {
            let start = end;
            end += block.ids.len();
            start..end
        };
        Self { blocks, ranges: blocks.iter().map(range).collect(), width }
    }

    /// The block of a row, and which of its rows it is.
    fn find(&self, position: usize) -> (usize, usize) {
        let block = self.ranges.partition_point(|range| range.end <= position);
        (block, position - self.ranges[block].start)
    }

    /// The record of a row.
    pub(super) fn id(&self, position: usize) -> u64 {
        let (block, row) = self.find(position);
        self.blocks[block].ids[row]
    }

    /// The record of a row, and the row.
    pub(super) fn row(&self, position: usize) -> (u64, &'a [W]) {
        let (block, row) = self.find(position);
        (self.blocks[block].ids[row], &self.blocks[block].rows[row * self.width..][..self.width])
    }
}

/// Threads that are worth the time it takes to start them, for so many pieces, each for one query. A piece takes some ten
/// microseconds, and a thread a few tens.
pub(super) fn worth(threads: usize, pieces: usize) -> usize {
    threads.min(pieces / PIECES).max(1)
}

/// For each thread.
const PIECES: usize = 32;

/// Where there are few pieces and many queries, each thread gets queries of its own: `None` where that isn't so.
pub(super) fn by_query<Q: Sync, R: Send>(
    queries: &[Q],
    (pieces, threads): (usize, usize),
    run: impl Fn(&[Q]) -> Vec<R> + Sync,
) -> Option<Vec<R>> {
    let threads = worth(threads, pieces * queries.len()).min(queries.len() / QUERIES);
    if threads < 2 || pieces > PIECES * threads {
        return None;
    }
    let shares: Vec<&[Q]> = queries.chunks(queries.len().div_ceil(threads)).collect();
    let done = deal(&shares, threads, |turns| turns.map(|(i, share)| (i, run(share))).collect::<Vec<_>>());
    Some(in_order(done).into_iter().flatten().collect())
}

/// So many queries for each thread, at least: fewer would leave panels half empty.
const QUERIES: usize = 64;

/// Lets threads take the next of `items` until none is left; gives what each of them made.
pub(crate) fn deal<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(Turns<'_, T>) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = threads.clamp(1, items.len().max(1));
    let run = (items.len() / (threads * RUNS)).clamp(1, RUN);
    let turns = || Turns { items, next: &next, run, mine: 0..0 };
    if threads == 1 {
        return vec![work(turns())];
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(turns()))).collect();
        let mut made = vec![work(turns())];
        for other in others {
            match other.join() {
                Ok(result) => made.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    })
}

/// Items that a thread takes at once, at most: memory is read faster in long runs.
const RUN: usize = 8;
/// Runs for each thread, at least, so that all are done at about the same time.
const RUNS: usize = 16;

/// The items that a thread gets.
pub(crate) struct Turns<'a, T> {
    items: &'a [T],
    next: &'a AtomicUsize,
    run: usize,
    /// Those taken, and not yet looked at.
    mine: Range<usize>,
}

impl<'a, T> Iterator for Turns<'a, T> {
    type Item = (usize, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        if self.mine.is_empty() {
            let start = self.next.fetch_add(self.run, Ordering::Relaxed);
            self.mine = start..start + self.run;
        }
        let index = self.mine.next()?;
        Some((index, self.items.get(index)?))
    }
}

/// What threads made of the items they got, in the order of the items.
pub(crate) fn in_order<T>(parts: Vec<Vec<(usize, T)>>) -> Vec<T> {
    let mut all: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    all.sort_unstable_by_key(|part| part.0);
    all.into_iter().map(|part| part.1).collect()
}
