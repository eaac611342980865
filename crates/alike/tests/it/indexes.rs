//! The index of a recipe on disk: searches by it find what is promised, it follows the collection, and it may be lost.

use crate::index::clusters;
use crate::store::{VECTORS, add, files, fresh, search, sql, unit};
use alike::index::ScoredId;
use alike::recipe::Descriptor;
use alike::store::{
    Batch, Collection, DamagePlace, RecordId, Scan, ScanChoice, ScanKind, Search, Snapshot, StoreError, Writer,
};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const DIMS: usize = 16;
/// Enough for lists: below 100 for each result the exact scan is taken.
const ROWS: usize = 3000;

/// Rows from the `from`-th on, of a sequence without end.
fn rows(from: usize, count: usize) -> Vec<Vec<f32>> {
    clusters(from + count, DIMS).chunks(DIMS).skip(from).map(<[f32]>::to_vec).collect()
}

/// Rows in places where no others are.
fn rows_elsewhere(count: usize) -> Vec<Vec<f32>> {
    rows(0, count).into_iter().map(|row| row.iter().map(|x| -x).collect()).collect()
}

/// Rows of the same kind that no collection here has.
fn queries() -> Vec<Descriptor> {
    rows(10_000, 60).into_iter().map(Descriptor::Vector).collect()
}

fn write(collection: &Collection) -> Writer {
    collection.write("test").unwrap().with_threads(2)
}

/// A run that adds these.
fn extend(collection: &Collection, rows: &[Vec<f32>]) -> Vec<RecordId> {
    let mut writer = write(collection);
    let ids = add(&mut writer, rows);
    writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
    writer.finish().unwrap();
    ids
}

fn choose(collection: &Collection, choice: ScanChoice) {
    let mut writer = write(collection);
    writer.choose_scan(choice).unwrap();
    writer.finish().unwrap();
}

fn indexed(choice: ScanChoice, count: usize) -> (TempDir, Collection, Vec<RecordId>) {
    let (folder, collection) = fresh(DIMS);
    let ids = extend(&collection, &rows(0, count));
    choose(&collection, choice);
    (folder, collection, ids)
}

/// With lists.
fn two_segments() -> (TempDir, Collection) {
    // A merge leaves a segment alone that is large enough, and not outgrown by what comes after it.
    let (folder, collection, _) = indexed(ScanChoice::Lists, 1100);
    extend(&collection, &rows(1100, 200));
    assert_eq!(index_files(&collection, "i8").len(), 2);
    (folder, collection)
}

/// What is enough for most.
fn quick(queries: &[Descriptor]) -> Search<'_> {
    Search { recall: 0.99, ..search(queries, 10) }
}

fn scan(collection: &Collection) -> Scan {
    collection.snapshot().unwrap().scan(&quick(&[]))
}

fn has_lists(collection: &Collection) -> bool {
    matches!(scan(collection).kind, ScanKind::Lists { .. })
}

/// The share of the true hits that a search finds, all of whose hits have their true scores.
#[track_caller]
fn recall(snapshot: &Snapshot, search: &Search<'_>) -> f64 {
    let everything = Search { recall: 1.0, k: snapshot.ids().len(), ..*search };
    let (found, all) = (snapshot.search(search).unwrap(), snapshot.search(&everything).unwrap());
    let (mut hits, mut wanted) = (0, 0);
    for (found, all) in found.iter().zip(&all) {
        assert!(found.iter().all(|hit| all.contains(hit)), "each score is the exact one");
        let truth = &all[..search.k.min(all.len())];
        hits += truth.iter().filter(|hit| found.contains(hit)).count();
        wanted += truth.len();
    }
    if wanted == 0 { 1.0 } else { hits as f64 / wanted as f64 }
}

#[track_caller]
fn assert_finds_enough(collection: &Collection) {
    let share = recall(&collection.snapshot().unwrap(), &quick(&queries()));
    assert!(share >= 0.97, "found {share}");
}

/// Files of the index with this extension.
fn index_files(collection: &Collection, extension: &str) -> Vec<PathBuf> {
    let mut files = files(&collection.dir().join("recipes").join(VECTORS));
    files.retain(|file| file.extension().is_some_and(|has| has == extension));
    files
}

/// Name and content of the file of the centres.
fn centres(collection: &Collection) -> (PathBuf, Vec<u8>) {
    let file = index_files(collection, "centres").remove(0);
    let bytes = fs::read(&file).unwrap();
    (file, bytes)
}

#[test]
fn a_search_finds_what_its_scan_promises() {
    for choice in [ScanChoice::Bytes, ScanChoice::Lists] {
        let (_folder, collection) = fresh(DIMS);
        extend(&collection, &rows(0, ROWS));
        let queries = queries();
        let before = collection.snapshot().unwrap().search(&search(&queries, 10)).unwrap();
        choose(&collection, choice);
        let snapshot = collection.snapshot().unwrap();
        let scan = snapshot.scan(&quick(&queries));
        match (choice, scan.kind) {
            (ScanChoice::Bytes, ScanKind::Bytes) => {}
            (_, ScanKind::Lists { probes, lists, .. }) => assert!(probes < lists / 2, "{scan}"),
            _ => panic!("{choice:?} gives {scan}"),
        }
        assert!(scan.recall >= 0.99, "{scan}");
        let share = recall(&snapshot, &quick(&queries));
        assert!(share >= 0.97, "{scan}: found {share}");
        let all = search(&queries, 10);
        assert_eq!(snapshot.scan(&all).kind, ScanKind::Bytes);
        assert_eq!(snapshot.search(&all).unwrap(), before);
    }
}

#[test]
fn the_more_is_wanted_the_more_is_looked_at() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    let (snapshot, queries) = (collection.snapshot().unwrap(), queries());
    let probes = |recall| match snapshot.scan(&Search { recall, ..quick(&[]) }).kind {
        ScanKind::Lists { probes, .. } => probes,
        ScanKind::Bytes | ScanKind::Exact => usize::MAX,
    };
    let efforts = [0.5, 0.9, 0.99, 1.0].map(probes);
    assert!(efforts.is_sorted() && efforts[0] < efforts[2], "{efforts:?}");
    let more = Search { k: ROWS / 100, ..quick(&queries) };
    let (ten, thirty) = (snapshot.scan(&quick(&[])), snapshot.scan(&more));
    assert_eq!((ten.results, thirty.results), (10, 100), "what recall was measured for");
    assert!(recall(&snapshot, &more) >= 0.98, "{thirty}");
    let many = snapshot.scan(&Search { k: ROWS / 50, ..quick(&[]) });
    assert_eq!((many.kind, &many.why[..]), (ScanKind::Exact, "a large part of all is wanted"));
}

#[test]
fn the_choice_is_remembered_and_taken_back() {
    let (_folder, collection) = fresh(DIMS);
    extend(&collection, &rows(0, ROWS));
    let few = scan(&collection);
    assert!(few.kind == ScanKind::Exact && few.why.contains("so few vectors"), "{few:?}");
    write(&collection).choose_scan(ScanChoice::Lists).unwrap();
    let later = scan(&collection);
    assert!(later.kind == ScanKind::Exact && later.why.contains("isn't made yet"), "{later:?}");
    write(&collection).finish().unwrap();
    assert!(has_lists(&collection));
    choose(&collection, ScanChoice::Exact);
    let exact = scan(&collection);
    assert!(exact.kind == ScanKind::Exact && exact.why.contains("chosen"), "{exact:?}");
    assert!(index_files(&collection, "i8").is_empty() && index_files(&collection, "centres").is_empty());
    extend(&collection, &rows(ROWS, 10));
    assert_eq!(scan(&collection), exact);
}

#[test]
fn rows_are_added_to_the_lists_there_are() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    let (before, files_before) = (centres(&collection), index_files(&collection, "i8"));
    let added = rows(ROWS, ROWS / 10);
    let ids = extend(&collection, &added);
    assert!(centres(&collection) == before);
    let files = index_files(&collection, "i8");
    assert!(files.len() == 2 && files.starts_with(&files_before), "{files:?}");
    assert!(has_lists(&collection));
    assert_finds_enough(&collection);
    let queries: Vec<Descriptor> = added.into_iter().map(Descriptor::Vector).collect();
    let found = collection.snapshot().unwrap().search(&Search { k: 1, ..quick(&queries) }).unwrap();
    let itself = found.iter().zip(&ids).filter(|(found, id)| found[0].id == **id).count();
    assert!(itself * 100 >= ids.len() * 99, "{itself} of {} find themselves", ids.len());
    write(&collection).finish().unwrap();
    assert!(centres(&collection) == before && index_files(&collection, "i8") == files, "nothing to do");
}

#[test]
fn centres_are_learnt_anew_when_the_collection_has_outgrown_them() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, 1000);
    let before = centres(&collection);
    extend(&collection, &rows(1000, 3000));
    assert!(centres(&collection) == before, "four times as many");
    extend(&collection, &rows(4000, 1));
    assert_ne!(centres(&collection).0, before.0, "more than four times as many");
    assert_eq!(index_files(&collection, "centres").len(), 1, "the old ones are gone");
    assert_finds_enough(&collection);
}

#[test]
fn centres_are_learnt_anew_when_new_rows_lie_elsewhere() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    let before = centres(&collection);
    extend(&collection, &rows(ROWS, ROWS / 2));
    assert!(centres(&collection) == before, "rows of the same kind");
    extend(&collection, &rows_elsewhere(ROWS / 2));
    let after = centres(&collection);
    assert_ne!(after.0, before.0);
    assert_finds_enough(&collection);
    write(&collection).finish().unwrap();
    assert!(centres(&collection) == after, "they are as near as they get");
}

/// Of rows that nobody looks for any more.
#[test]
fn removed_rows_that_lie_elsewhere_dont_bring_new_centres_again_and_again() {
    let (_folder, collection) = fresh(DIMS);
    extend(&collection, &rows(0, ROWS));
    let ids = extend(&collection, &rows_elsewhere(ROWS / 4));
    let mut writer = write(&collection);
    writer.commit(Batch { removed: ids, ..Batch::default() }).unwrap();
    drop(writer);
    choose(&collection, ScanChoice::Lists);
    let before = centres(&collection);
    write(&collection).finish().unwrap();
    assert!(centres(&collection) == before);
}

#[test]
fn recall_is_measured_again_when_the_number_of_rows_has_changed_by_a_quarter() {
    let measured_rows = |collection: &Collection| -> i64 {
        let database = rusqlite::Connection::open(collection.dir().join("collection.sqlite")).unwrap();
        database.query_row("SELECT measured_rows FROM indexes", [], |row| row.get(0)).unwrap()
    };
    let (_folder, collection, ids) = indexed(ScanChoice::Lists, 2000);
    extend(&collection, &rows(2000, 500));
    assert_eq!(measured_rows(&collection), 2000);
    extend(&collection, &rows(2500, 1));
    assert_eq!(measured_rows(&collection), 2501);
    let mut writer = write(&collection);
    writer.commit(Batch { removed: ids[..520].to_vec(), ..Batch::default() }).unwrap();
    writer.finish().unwrap();
    assert_eq!(measured_rows(&collection), 1981);
}

#[test]
fn removed_records_are_never_found() {
    for choice in [ScanChoice::Bytes, ScanChoice::Lists] {
        let (_folder, collection, _) = indexed(choice, ROWS);
        let queries = queries();
        let found = |collection: &Collection| -> Vec<RecordId> {
            let found = collection.snapshot().unwrap().search(&quick(&queries)).unwrap();
            assert!(found.iter().all(|hits| hits.len() == 10));
            found.iter().flatten().map(|hit| hit.id).collect()
        };
        let removed = found(&collection);
        let mut writer = write(&collection);
        writer.commit(Batch { removed: removed.clone(), ..Batch::default() }).unwrap();
        assert!(!found(&collection).iter().any(|id| removed.contains(id)), "{choice:?}, at once");
        writer.finish().unwrap();
        assert_ne!(scan(&collection).kind, ScanKind::Exact);
        assert!(!found(&collection).iter().any(|id| removed.contains(id)), "{choice:?}, after a merge");
        assert_finds_enough(&collection);
    }
}

#[test]
fn a_filter_leaves_nothing_out() {
    for choice in [ScanChoice::Bytes, ScanChoice::Lists] {
        let (_folder, collection, ids) = indexed(choice, ROWS);
        let (snapshot, queries) = (collection.snapshot().unwrap(), queries());
        let every = |n: usize| ids.iter().copied().step_by(n).collect::<Vec<_>>();
        let filters = [vec![], ids[7..8].to_vec(), every(20), every(2), ids[1..].to_vec()];
        let kinds = filters.map(|only| {
            let search = Search { only: Some(&only), ..quick(&queries) };
            let (scan, share) = (snapshot.scan(&search), recall(&snapshot, &search));
            let wanted = if scan.kind == ScanKind::Exact { 1.0 } else { 0.99 };
            assert!(share >= wanted, "{choice:?}, {} of {ROWS}: {scan} found {share}", only.len());
            let found = snapshot.search(&search).unwrap();
            assert!(found.iter().all(|hits| hits.len() == only.len().min(10)));
            assert!(found.iter().flatten().all(|hit| only.binary_search(&hit.id).is_ok()));
            scan.kind == ScanKind::Exact
        });
        assert_eq!(kinds, [true, true, true, false, false], "few are looked at one by one");
    }
}

/// Ways to lose a file.
const LOSSES: [fn(&Path); 4] = [
    |file| fs::remove_file(file).unwrap(),
    |file| fs::write(file, "").unwrap(),
    |file| fs::write(file, &fs::read(file).unwrap()[1..]).unwrap(),
    |file| fs::write(file, vec![0xff; fs::read(file).unwrap().len()]).unwrap(),
];

fn damages(collection: &Collection) -> Vec<(PathBuf, DamagePlace)> {
    let found = collection.verify(&mut |_, _| {}).unwrap();
    found.damages.into_iter().map(|damage| (damage.path, damage.place)).collect()
}

#[test]
fn a_lost_file_is_named_and_done_without_until_it_is_made_anew() {
    let (_folder, collection) = two_segments();
    for (loss, extension) in LOSSES.into_iter().flat_map(|loss| [(loss, "i8"), (loss, "centres")]) {
        for strikes in [false, true] {
            let files = index_files(&collection, extension);
            files.iter().for_each(|file| loss(file));
            assert_finds_enough(&collection);
            let place = DamagePlace::Index { key: VECTORS.into() };
            let named: Vec<_> = files.into_iter().map(|file| (file, place.clone())).collect();
            assert_eq!(damages(&collection), named);
            let mut writer = write(&collection);
            if strikes {
                writer.strike(&collection.verify(&mut |_, _| {}).unwrap().damages).unwrap();
                assert_eq!(damages(&collection), []);
                assert_finds_enough(&collection);
            }
            writer.finish().unwrap();
            assert_eq!(damages(&collection), []);
            assert!(has_lists(&collection));
        }
    }
}

/// Part of the file is what was written, so that not all of this can be seen without reading it. Until it is read, hits may
/// be missing; those that are found have their true scores.
#[test]
fn changed_bytes_are_survived_and_named() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    for file in [index_files(&collection, "i8").remove(0), centres(&collection).0] {
        let whole = fs::read(&file).unwrap();
        for part in 0..16 {
            let mut bytes = whole.clone();
            let at = (bytes.len() / 16 * part).next_multiple_of(4);
            bytes[at..at + 64].fill(if part % 2 == 0 { 0xff } else { 0x7f });
            fs::write(&file, bytes).unwrap();
            let snapshot = collection.snapshot().unwrap();
            recall(&snapshot, &quick(&queries()));
            recall(&snapshot, &search(&queries(), 10));
            assert_eq!(damages(&collection)[0].0, file);
        }
        fs::write(&file, whole).unwrap();
    }
}

#[test]
fn survives_hostile_entries() {
    let queries = &queries()[..20];
    let (_folder, collection) = two_segments();
    let huge = r#"'[{"probes": 18446744073709551615, "recall": 1, "at_least": 1}]'"#;
    let zero = r#"'[{"probes": 0, "recall": 1e300, "at_least": 1}]'"#;
    for change in [
        "indexes SET lists = 9223372036854775807",
        "indexes SET lists = 1",
        "indexes SET lists = lists * 2",
        "indexes SET centres = 777",
        "indexes SET centres = -1",
        "indexes SET centres = 9223372036854775807",
        "indexes SET centres = NULL",
        "indexes SET centres = NULL, lists = 1",
        "indexes SET centres = NULL, lists = 9223372036854775807",
        "indexes SET sha256 = NULL",
        "indexes SET closeness = 9e999",
        "indexes SET closeness = -9e999",
        "indexes SET trained_rows = 9223372036854775807, measured_rows = 9223372036854775807",
        "indexes SET trained_rows = 0, measured_rows = 0",
        "indexes SET measured = 'no JSON'",
        "indexes SET measured = '[]'",
        &format!("indexes SET measured = {huge}"),
        &format!("indexes SET measured = {zero}"),
        "quantised SET segment = segment + 100",
        "quantised SET segment = 9223372036854775807 WHERE segment = (SELECT min(segment) FROM quantised)",
        "quantised SET number = -1",
        "quantised SET number = 9223372036854775807",
        "quantised SET number = (SELECT min(number) FROM quantised)",
        "quantised SET closeness = -9e999",
        "meta SET value = 77 WHERE key = 'scan'",
    ] {
        sql(&collection, &format!("UPDATE {change}"));
        let look = || {
            let snapshot = collection.snapshot()?;
            // Where the entry lies, little may be found, but nothing else.
            recall(&snapshot, &quick(queries));
            assert_eq!(recall(&snapshot, &search(queries, 10)), 1.0, "{change}");
            Ok(())
        };
        let wrote = look().and_then(|()| collection.write("test")).and_then(Writer::finish).and_then(|()| look());
        if let Err(error) = wrote {
            assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error}");
        }
        sql(&collection, "DELETE FROM quantised; DELETE FROM indexes");
        choose(&collection, ScanChoice::Lists);
        assert!(has_lists(&collection), "{change}: nothing of it stays");
    }
}

#[test]
fn an_open_snapshot_answers_as_before_when_centres_are_learnt_anew() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    let queries = queries();
    let snapshot = collection.snapshot().unwrap();
    let answer = |snapshot: &Snapshot| (snapshot.scan(&quick(&queries)), snapshot.search(&quick(&queries)).unwrap());
    let (before, file) = (answer(&snapshot), centres(&collection).0);
    extend(&collection, &rows_elsewhere(2 * ROWS));
    assert!(!file.exists());
    assert_eq!(answer(&snapshot), before);
    choose(&collection, ScanChoice::Exact);
    assert_eq!(answer(&snapshot), before);
}

#[test]
fn readers_never_fail_while_a_writer_learns_anew() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, 1200);
    let queries = &queries()[..5];
    let truth = collection.snapshot().unwrap().search(&search(queries, 1200)).unwrap();
    let done = AtomicBool::new(false);
    let is_true = |(found, truth): (&Vec<ScoredId>, &Vec<ScoredId>)| {
        found.len() == 10 && found.iter().all(|hit| truth.contains(hit))
    };
    let read = || {
        while !done.load(Ordering::Relaxed) {
            let snapshot = collection.snapshot().unwrap();
            let found = snapshot.search(&quick(queries)).unwrap();
            assert!(found.iter().zip(&truth).all(is_true));
        }
    };
    std::thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        for round in 0..21 {
            choose(&collection, [ScanChoice::Bytes, ScanChoice::Lists, ScanChoice::Exact][round % 3]);
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn descriptors_that_are_no_numbers_are_survived() {
    for (choice, spoilt) in [ScanChoice::Bytes, ScanChoice::Lists].into_iter().flat_map(|c| [(c, 1), (c, 1200)]) {
        let (_folder, collection, _) = indexed(choice, 1200);
        let file = index_files(&collection, "f32").remove(0);
        let mut bytes = fs::read(&file).unwrap();
        bytes[..spoilt * DIMS * 4].fill(0xff);
        fs::write(&file, bytes).unwrap();
        let queries = queries();
        let find = |recall| collection.snapshot().unwrap().search(&Search { recall, ..quick(&queries) }).unwrap();
        [find(0.99), find(1.0)].iter().flatten().flatten().for_each(|hit| assert!(hit.score.is_finite()));
        // Rows in bytes, centres and recall are made of them, too.
        choose(&collection, ScanChoice::Exact);
        choose(&collection, choice);
        [find(0.99), find(1.0)].iter().flatten().flatten().for_each(|hit| assert!(hit.score.is_finite()));

        let mut writer = write(&collection);
        writer.strike(&collection.verify(&mut |_, _| {}).unwrap().damages).unwrap();
        writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
        writer.finish().unwrap();
        assert_eq!(damages(&collection), []);
        assert_ne!(scan(&collection).kind, ScanKind::Exact);
        assert_finds_enough(&collection);
    }
}

#[test]
fn queries_that_are_no_numbers_are_refused() {
    let (_folder, collection, _) = indexed(ScanChoice::Lists, ROWS);
    let snapshot = collection.snapshot().unwrap();
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let queries = [Descriptor::Vector([vec![number], vec![0.5; DIMS - 1]].concat())];
        for recall in [0.99, 1.0] {
            let refused = snapshot.search(&Search { recall, ..quick(&queries) });
            assert!(matches!(refused, Err(StoreError::WrongDescriptor { .. })), "{refused:?}");
        }
    }
}
