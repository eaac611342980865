//! What a search may find: as a filter that looks at each record by itself has it.

use crate::store::{VECTORS, add, batch, fresh, record, search, unit};
use alike::recipe::Descriptor;
use alike::store::{Batch, Collection, Record, RecordId, Search};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Which of some records are chosen, from none to all.
fn choice(records: usize) -> impl Strategy<Value = Vec<bool>> {
    let one_way = |chosen: bool| move |at: usize| (0..records).map(|i| (i == at) == chosen).collect::<Vec<bool>>();
    prop_oneof![
        Just(vec![false; records]),
        Just(vec![true; records]),
        (0..records).prop_map(one_way(true)),
        (0..records).prop_map(one_way(false)),
        prop::collection::vec(prop::bool::weighted(0.05), records),
        prop::collection::vec(any::<bool>(), records),
    ]
}

const RECORDS: usize = 90;

/// All rows are equal, so that hits come in the order of ids.
fn found(collection: &Collection, only: Option<&[RecordId]>) -> Vec<RecordId> {
    let query = [Descriptor::Vector(vec![1.0, 0.0])];
    let found = collection.snapshot().unwrap().search(&Search { only, ..search(&query, RECORDS) }).unwrap();
    found[0].iter().map(|hit| hit.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Segments interleave: the ids of a batch are not consecutive.
    #[test]
    fn a_search_finds_what_is_chosen_and_alive(
        batch_of in prop::collection::vec(0usize..4, RECORDS),
        in_order: bool,
        (alive, chosen) in (choice(RECORDS), choice(RECORDS)),
    ) {
        let (_folder, collection) = fresh(2);
        let mut writer = collection.write("test").unwrap();
        let first = writer.reserve_ids(RECORDS as u64).unwrap();
        let part = |i: usize| if in_order { i * 4 / RECORDS } else { batch_of[i] };
        for number in 0..4 {
            let ids: Vec<RecordId> = (first..).zip(0..RECORDS).filter(|&(_, i)| part(i) == number).map(|(id, _)| id).collect();
            writer.commit(batch(&ids, &vec![vec![1.0, 2.0]; ids.len()])).unwrap();
            writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
        }
        let those = |wanted: &dyn Fn(usize) -> bool| -> Vec<RecordId> {
            (0..RECORDS).filter(|&i| wanted(i)).map(|i| first + i as u64).collect()
        };
        writer.commit(Batch { removed: those(&|i| !alive[i]), ..Batch::default() }).unwrap();
        let (all, only) = (those(&|i| alive[i]), those(&|i| chosen[i]));
        let both = those(&|i| alive[i] && chosen[i]);
        prop_assert_eq!(found(&collection, None), &all[..]);
        prop_assert_eq!(found(&collection, Some(&only)), &both[..]);
        writer.finish().unwrap();
        prop_assert_eq!(found(&collection, None), &all[..]);
        prop_assert_eq!(found(&collection, Some(&only)), &both[..]);
    }

    /// Names that are prefixes of each other, and that sort on either side of the separator.
    #[test]
    fn a_folder_holds_what_begins_with_its_components(
        stored in prop::collection::vec(path(), 1..40),
        folder in path(),
        apart in prop_oneof![Just("/"), Just("//"), Just("/./")],
    ) {
        let (_temporary, collection) = fresh(1);
        let mut writer = collection.write("test").unwrap();
        let first = writer.reserve_ids(stored.len() as u64).unwrap();
        let place = |(place, names): &(Place, Vec<&str>)| place.path(&collection).join(names.join(apart));
        let paths: Vec<PathBuf> = stored.iter().map(place).collect();
        let stored = |path: &PathBuf| collection.stored_path(path);
        let upserts = (first..).zip(&paths).map(|(id, path)| Record { path: stored(path), ..record(id, 1, "") });
        writer.commit(Batch { upserts: upserts.collect(), ..Batch::default() }).unwrap();
        let snapshot = collection.snapshot().unwrap();
        let places = [Place::Base, Place::Above, Place::Elsewhere].map(|place| place.path(&collection));
        for folder in places.iter().chain([&place(&folder)]) {
            let wanted: Vec<RecordId> =
                (first..).zip(&paths).filter(|(_, path)| path.starts_with(folder)).map(|(id, _)| id).collect();
            prop_assert_eq!(snapshot.ids_below(&collection, folder).unwrap(), wanted, "{:?} of {:?}", folder, paths);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Base,
    Above,
    Elsewhere,
}

impl Place {
    fn path(self, collection: &Collection) -> PathBuf {
        match self {
            Self::Base => collection.base().to_owned(),
            Self::Above => collection.base().parent().unwrap().to_owned(),
            Self::Elsewhere => std::path::absolute(Path::new("/elsewhere")).unwrap(),
        }
    }
}

fn path() -> impl Strategy<Value = (Place, Vec<&'static str>)> {
    let place = prop_oneof![3 => Just(Place::Base), 1 => Just(Place::Above), 1 => Just(Place::Elsewhere)];
    let name = prop::sample::select(vec!["a", "ab", "a b", "a.", "a0", "b", "虎"]);
    (place, prop::collection::vec(name, 1..4))
}

#[cfg(unix)]
#[test]
fn folders_may_have_names_that_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![1.0], vec![2.0]]);
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let moved = Record { path: path(b"\xff/\xfe.jpg"), ..record(ids[1], 1, "") };
    writer.commit(Batch { upserts: vec![moved], ..Batch::default() }).unwrap();
    let below = |bytes| collection.snapshot().unwrap().ids_below(&collection, &collection.base().join(path(bytes)));
    assert_eq!(below(b"\xff").unwrap(), [ids[1]]);
    assert_eq!(below(b"\xff/\xfe.jpg").unwrap(), [ids[1]]);
    assert!(below(b"\xfe").unwrap().is_empty());
}
