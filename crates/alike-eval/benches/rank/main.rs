//! How long rankings take, beside the product of matrices that they need at least and beside numpy's. Writes its table
//! into `docs/performance.md`: `ALIKE_PYTHON=python cargo bench -p alike-eval --bench rank`.
#![allow(clippy::print_stdout, reason = "a benchmark talks")]

mod data;
#[allow(dead_code, reason = "shared with the library, of which a benchmark sees the public part alone")]
#[path = "../../src/rank/deal.rs"]
mod deal;
#[path = "../../../alike/benches/page.rs"]
mod document;
mod page;
mod peer;
#[allow(dead_code, reason = "shared with the library, of which a benchmark sees the public part alone")]
#[path = "../../src/rank/product.rs"]
mod product;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../../../alike/benches/synthetic.rs"]
mod synthetic;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../../../alike/benches/timing.rs"]
mod timing;

use alike::store::Label;
use alike_eval::bootstrap::Bootstrap;
use alike_eval::evaluate::{Classes, Setup, Subject, TieRule, evaluate};
use alike_eval::measures::{Judged, Scheme};
use alike_eval::rank::{Depth, Ranked, Rows, Ties, rank};
use alike_eval::truth::Item;
use data::Set;
use peer::Peer;
use timing::Time;

/// Each program runs so often, in turn; the best time counts, because others use the machine as well.
const ROUNDS: usize = 5;

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sets = [
        data::vectors("100,000 x 128, 100 classes", (100_000, 10_000), 128, 100),
        data::vectors("100,000 x 128, 12 classes", (100_000, 10_000), 128, 12),
        data::vectors("7,840 x 1,280, 12 classes", (7_840, 660), 1280, 12),
    ];
    let mut page = page::Page::new(threads);
    for set in &sets {
        page.add(set, &measure(set, threads));
    }
    page.whole(whole(&sets[2], threads));
    page.codes(codes(&sets[0], threads));
    page.write();
}

/// Times of the programs of [`page::ROWS`].
pub(crate) type Times = [Time; page::ROWS.len()];

fn measure(set: &Set, threads: usize) -> Times {
    let peer = Peer::new(set);
    let mut best = [Time::NEVER; page::ROWS.len()];
    for round in 0..ROUNDS {
        let [numpy_product, numpy] = peer.as_ref().map_or([Time::NEVER; 2], Peer::run);
        let times = [
            Time::of(|| bare::<f32>(set, deal::TOP_BLOCK, threads)),
            Time::of(|| bare::<f64>(set, deal::FULL_BLOCK, threads)),
            Time::of(|| ranking(set, Depth::Top(10), threads)),
            Time::of(|| ranking(set, Depth::Full { top: 10 }, threads)),
            Time::of(|| metrics(set, threads)),
            numpy_product,
            numpy,
        ];
        println!("{}, round {round}: {times:.3?}", set.name);
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.best(time);
        }
    }
    best
}

fn bare<N: product::Number>(set: &Set, most: usize, threads: usize) -> Vec<()> {
    let order: Vec<usize> = (0..set.queries.len() / set.dims).collect();
    let worker = || product::Product::<N>::new(set.dims);
    deal::deal(&order, deal::block(order.len(), threads, most), threads, worker, |product, block, done| {
        let packed = product.block(block.iter().map(|&query| &set.queries[query * set.dims..][..set.dims]));
        let rows = set.gallery.len() / set.dims;
        product.run(
            &packed,
            rows,
            |i| &set.gallery[i * set.dims..][..set.dims],
            |_, _, scores| {
                std::hint::black_box(scores);
            },
        );
        block.iter().for_each(|&query| done(query, ()));
    })
}

fn ranking(set: &Set, depth: Depth, threads: usize) -> Vec<f64> {
    let (gallery, queries) = set.rows();
    rank(gallery, queries, &set.truth, (depth, Ties::Group), threads, |_, ranked| precision(&ranked))
}

/// All metrics of each query.
fn metrics(set: &Set, threads: usize) -> Vec<Option<Vec<f64>>> {
    let (gallery, queries) = set.rows();
    let scheme = Scheme::new(&[1, 5, 10]);
    let measure = |_, ranked: Ranked| scheme.measure(&Judged::new(ranked.groups, ranked.relevant));
    rank(gallery, queries, &set.truth, (Depth::Full { top: 10 }, Ties::Group), threads, measure)
}

/// All that `alike eval` computes of one recipe, from descriptors to intervals.
fn whole(set: &Set, threads: usize) -> Time {
    let items = |count: usize, what: &str| -> Vec<Item> {
        (0..count)
            .map(|i| Item {
                path: format!("{what}{i}").into(),
                name: format!("{what}{i}"),
                content: [0; 32],
                label: Some(Label { id: (i % 12).to_string(), name: None }),
            })
            .collect()
    };
    let (gallery, queries) = (items(set.gallery.len() / set.dims, "g"), items(set.truth.queries(), "q"));
    let (classes, scheme) = (Classes::of(&gallery, &queries), Scheme::new(&[1, 5, 10]));
    let setup = Setup {
        gallery: &gallery,
        queries: &queries,
        truth: &set.truth,
        classes: &classes,
        scheme: &scheme,
        ties: TieRule::Expected,
        bootstrap: Bootstrap { seed: 0, resamples: 10_000, threads },
    };
    let (gallery, queries) = set.rows();
    let subject = Subject { recipe: "", canonical: "", gallery, queries, reranked: None };
    (0..ROUNDS).fold(Time::NEVER, |best, _| Time::of(|| evaluate(&setup, &subject)).best(best))
}

/// Average precision of a ranking without mixed groups, as an evaluation would make of it.
fn precision(ranked: &Ranked) -> f64 {
    let (mut seen, mut relevant, mut sum) = (0.0, 0.0, 0.0);
    for group in &ranked.groups {
        for _ in 0..group.relevant {
            seen += 1.0;
            relevant += 1.0;
            sum += relevant / seen;
        }
        seen += f64::from(group.other);
    }
    sum / f64::from(ranked.relevant.max(1))
}

/// Codes of the signs of a set: the best 10, and all.
fn codes(set: &Set, threads: usize) -> [Time; 2] {
    let (gallery, queries) = (data::signs(&set.gallery, set.dims), data::signs(&set.queries, set.dims));
    let (gallery, queries) =
        (Rows::Codes { bits: set.dims, words: &gallery }, Rows::Codes { bits: set.dims, words: &queries });
    let time = |depth| {
        Time::of(|| rank(gallery, queries, &set.truth, (depth, Ties::Group), threads, |_, ranked| precision(&ranked)))
    };
    (0..ROUNDS).fold([Time::NEVER; 2], |[top, full], _| {
        [time(Depth::Top(10)).best(top), time(Depth::Full { top: 10 }).best(full)]
    })
}
