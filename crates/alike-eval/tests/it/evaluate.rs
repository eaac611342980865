//! From descriptors to metrics.

use alike_eval::measures::{Judged, Scheme};
use alike_eval::rank::{Depth, Rows, Ties, rank};
use alike_eval::truth::Truth;
use proptest::prelude::*;

const DIMS: usize = 7;

fn measured(gallery: &[[f32; DIMS]], relevant: &[bool], query: &[f32; DIMS]) -> Option<Vec<f64>> {
    let set = (0..).zip(relevant).filter(|(_, relevant)| **relevant).map(|(position, _)| position).collect();
    let truth = Truth { sets: vec![set], set_of_query: vec![0], ignored: vec![vec![]] };
    let rows = Rows::Vectors { dims: DIMS, values: gallery.as_flattened() };
    let queries = Rows::Vectors { dims: DIMS, values: query };
    let depth = (Depth::Full { top: 3 }, Ties::Group);
    let each = |_, ranked: alike_eval::rank::Ranked| {
        Scheme::new(&[1, 5]).measure(&Judged::new(ranked.groups, ranked.relevant))
    };
    rank(rows, queries, &truth, depth, 1, each).remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_gallery_changes_nothing(
        pictures in prop::collection::vec((prop::array::uniform7(-1.0f32..1.0), any::<bool>()), 1..40),
        query in prop::array::uniform7(-1.0f32..1.0),
        seed in any::<u64>(),
    ) {
        let mut shuffled = pictures.clone();
        shuffled.sort_by_key(|(row, _)| row.iter().fold(seed, |hash, x| (hash ^ u64::from(x.to_bits())).wrapping_mul(0x100_0000_01b3)));
        let (rows, relevant): (Vec<_>, Vec<_>) = pictures.into_iter().unzip();
        let (other_rows, other_relevant): (Vec<_>, Vec<_>) = shuffled.into_iter().unzip();
        prop_assert_eq!(measured(&rows, &relevant, &query), measured(&other_rows, &other_relevant, &query));
    }
}
