//! The collection on disk: what was acknowledged stays, readers see whole states, the scan is exact.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![allow(clippy::explicit_write, reason = "eprintln is captured, and a skipped test must be seen")]

use alike::index::ScoredId;
use alike::recipe::{Descriptor, DescriptorKind};
use alike::store::*;
use fs_err as fs;
use proptest::prelude::*;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) const SOURCE: &str = "00112233445566778899aabbccddeeff";
pub(crate) const VECTORS: &str = "aa";
pub(crate) const CODES: &str = "bb";

fn source(dims: usize) -> SourceEntry {
    SourceEntry { key: SOURCE.into(), text: "color/1".into(), dims, model_sha256: None }
}

pub(crate) fn recipe(key: &str, kind: DescriptorKind) -> RecipeEntry {
    let (text, canonical) = ("color".to_owned(), "color/1".to_owned());
    RecipeEntry { key: key.into(), text, canonical, sources: vec![SOURCE.into()], kind }
}

pub(crate) fn record(id: RecordId, root: u64, path: &str) -> Record {
    let path = PathBuf::from(path);
    Record { id, root, path, size: 5, mtime_ns: -7, content: [id as u8; 32], width: 3, height: 2, label: None }
}

/// An empty collection with a root, a source of `dims`, and a recipe of unit vectors over it.
fn collection(folder: &Path, dims: usize) -> Collection {
    let collection = Collection::create(&folder.join(".alike")).unwrap();
    let mut writer = collection.write("test").unwrap();
    writer.add_root(&RootKind::Folder { labels_from_folders: false }, Path::new("")).unwrap();
    writer.add_source(&source(dims)).unwrap();
    writer.add_recipe(&recipe(VECTORS, DescriptorKind::Vector(dims))).unwrap();
    collection
}

pub(crate) fn fresh(dims: usize) -> (TempDir, Collection) {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), dims);
    (folder, collection)
}

pub(crate) fn add(writer: &mut Writer, rows: &[Vec<f32>]) -> Vec<RecordId> {
    let first = writer.reserve_ids(rows.len() as u64).unwrap();
    let ids: Vec<RecordId> = (first..).take(rows.len()).collect();
    writer.commit(batch(&ids, rows)).unwrap();
    ids
}

pub(crate) fn batch(ids: &[RecordId], rows: &[Vec<f32>]) -> Batch {
    let upserts = ids.iter().map(|&id| record(id, 1, &format!("{id}.png"))).collect();
    let rows = SourceRowsToAdd { source_key: SOURCE.into(), ids: ids.to_vec(), rows: rows.concat() };
    Batch { upserts, rows: vec![rows], ..Batch::default() }
}

pub(crate) fn unit(rows: &[&[f32]]) -> Option<Descriptor> {
    let norm = rows[0].iter().map(|v| v * v).sum::<f32>().sqrt();
    (norm > 0.0).then(|| Descriptor::Vector(rows[0].iter().map(|v| v / norm).collect()))
}

/// For recipes that the collection keeps, `kind` is the collection's.
fn width(queries: &[Descriptor]) -> usize {
    if let Some(Descriptor::Vector(values)) = queries.first() { values.len() } else { 1 }
}

pub(crate) fn search(queries: &[Descriptor], k: usize) -> Search<'_> {
    Search {
        recipe: VECTORS,
        kind: DescriptorKind::Vector(width(queries)),
        queries,
        k,
        only: None,
        extra: &[],
        threads: 2,
        recall: 1.0,
    }
}

pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn gives_back_what_was_written() {
    let (_folder, collection) = fresh(3);
    let mut writer = collection.write("test").unwrap();
    let first = writer.reserve_ids(2).unwrap();
    let mut batch = batch(&[first + 1, first], &[vec![4.0, 5.0, 6.0], vec![1.0, 2.0, 3.0]]);
    batch.upserts[0].label = Some(Label { id: "7".into(), name: Some("猫".into()) });
    batch.upserts[0].path = "子/a b\n.png".into();
    let written = batch.upserts.clone();
    writer.commit(batch).unwrap();

    let snapshot = Collection::open(collection.dir()).unwrap().snapshot().unwrap();
    assert_eq!(snapshot.records().unwrap(), [written[1].clone(), written[0].clone()]);
    assert_eq!(snapshot.find_path(Path::new("子/a b\n.png")).unwrap().as_ref(), Some(&written[0]));
    assert_eq!(snapshot.ids_of_label("猫").unwrap(), [first + 1]);
    assert_eq!(snapshot.records_of(&[first + 1, 99]).unwrap(), written[..1]);
    let rows = snapshot.source_rows(SOURCE).unwrap();
    assert_eq!(
        (rows.row(first), rows.row(first + 1), rows.row(99)),
        (Some(&[1.0, 2.0, 3.0][..]), Some(&[4.0, 5.0, 6.0][..]), None)
    );
    assert_eq!(snapshot.sources(), [source(3)]);
    assert_eq!(snapshot.recipes(), [recipe(VECTORS, DescriptorKind::Vector(3))]);
    assert_eq!(snapshot.sizes().sources[0].live_rows, 2);
}

#[cfg(unix)]
#[test]
fn keeps_paths_that_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let mut record = record(writer.reserve_ids(1).unwrap(), 1, "");
    record.path = std::ffi::OsStr::from_bytes(b"\xff\xfe.jpg").into();
    writer.commit(Batch { upserts: vec![record.clone()], ..Batch::default() }).unwrap();
    assert_eq!(collection.snapshot().unwrap().find_path(&record.path).unwrap(), Some(record));
}

#[test]
fn ids_and_roots_are_never_given_twice() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![1.0], vec![2.0]]);
    let root = writer.add_root(&RootKind::Files, Path::new("")).unwrap();
    writer.remove_root(root).unwrap();
    writer.commit(Batch { removed: ids.clone(), ..Batch::default() }).unwrap();
    drop(writer);
    let mut writer = collection.write("test").unwrap();
    assert!(writer.reserve_ids(1).unwrap() > ids[1]);
    assert!(writer.add_root(&RootKind::Files, Path::new("")).unwrap() > root);
}

#[test]
fn a_record_moves_without_new_rows_and_not_with_them() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![1.0]]);
    writer.commit(Batch { upserts: vec![record(ids[0], 1, "moved.png")], ..Batch::default() }).unwrap();
    let again = writer.commit(batch(&ids, &[vec![2.0]]));
    assert!(matches!(again, Err(StoreError::RowExists { .. })), "{again:?}");
    let snapshot = collection.snapshot().unwrap();
    assert_eq!(snapshot.record(ids[0]).unwrap().unwrap().path, Path::new("moved.png"));
    assert_eq!(snapshot.source_rows(SOURCE).unwrap().row(ids[0]), Some(&[1.0][..]));
}

#[test]
fn refuses_batches_that_dont_fit_together() {
    let (_folder, collection) = fresh(2);
    let mut writer = collection.write("test").unwrap();
    let id = writer.reserve_ids(1).unwrap();
    for (bad, why) in [
        (batch(&[id + 1], &[vec![1.0, 2.0]]), "id not reserved"),
        (batch(&[id], &[vec![1.0]]), "length"),
        (batch(&[id], &[vec![1.0, f32::NAN]]), "not finite"),
        (batch(&[id, id], &[vec![1.0, 2.0], vec![1.0, 2.0]]), "twice"),
        (Batch { upserts: vec![record(id, 1, "../x.png")], ..Batch::default() }, "leads out"),
        (Batch { upserts: vec![record(id, 77, "x.png")], ..Batch::default() }, "no such root"),
        (Batch { upserts: vec![], ..batch(&[id], &[vec![1.0, 2.0]]) }, "row without record"),
        (Batch { replaced: vec![(id, id + 1)], ..Batch::default() }, "replaced by nothing"),
        (Batch { replaced: vec![(id, id)], ..batch(&[id], &[vec![1.0, 2.0]]) }, "replaced by itself"),
    ] {
        assert!(writer.commit(bad).is_err(), "{why}");
    }
    assert!(collection.snapshot().unwrap().records().unwrap().is_empty());
    assert!(matches!(
        writer.add_source(&SourceEntry { key: "../x".into(), ..source(1) }),
        Err(StoreError::Invalid { .. })
    ));
}

#[test]
fn tags_pass_to_what_replaces_a_record_and_go_with_it() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![1.0], vec![2.0], vec![3.0]]);
    let (red, blue): (Tag, Tag) = ("red".parse().unwrap(), "blue".parse().unwrap());
    writer.tag(&red, &ids).unwrap();
    writer.tag(&red, &ids[..1]).unwrap();
    writer.tag(&blue, &ids[..1]).unwrap();
    writer.untag(&red, &ids[2..]).unwrap();
    writer.untag(&blue, &ids[2..]).unwrap();
    assert!(writer.tag(&blue, &[ids[1], 99]).is_err(), "there is no record 99");
    let before = collection.snapshot().unwrap();
    assert_eq!(before.ids_of_tag("red").unwrap(), ids[..2]);

    let new = writer.reserve_ids(1).unwrap();
    writer.commit(Batch { replaced: vec![(ids[0], new)], ..batch(&[new], &[vec![4.0]]) }).unwrap();
    writer.commit(Batch { removed: vec![ids[1]], ..Batch::default() }).unwrap();
    let snapshot = collection.snapshot().unwrap();
    assert_eq!(snapshot.ids(), [ids[2], new]);
    let count = |tag: &str| TagCount { tag: tag.into(), records: 1 };
    assert_eq!(snapshot.tags().unwrap(), [count("blue"), count("red")]);
    assert_eq!((snapshot.ids_of_tag("red").unwrap(), snapshot.ids_of_tag("blue").unwrap()), (vec![new], vec![new]));
    assert_eq!(before.ids_of_tag("red").unwrap(), ids[..2], "a snapshot keeps its tags");
}

#[test]
fn refuses_what_is_no_tag() {
    let refused = |text: &str| text.parse::<Tag>().unwrap_err();
    assert_eq!([refused(""), refused(" \t")], [TagError::Empty, TagError::Empty]);
    assert_eq!(refused(" red"), TagError::Blank { tag: " red".into() });
    assert!(refused("a\nb").to_string().contains(r#"the tag "a\nb" has a control character"#));
    assert!(refused(&"虎".repeat(101)).to_string().contains("101 characters: wanted at most 100"));
    for good in ["red", "a day out", "虎", &"虎".repeat(100)] {
        assert_eq!(good.parse::<Tag>().unwrap().as_str(), good);
    }
}

#[test]
fn a_snapshot_outlives_later_writers() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![1.0], vec![2.0]]);
    let snapshot = collection.snapshot().unwrap();
    add(&mut writer, &[vec![3.0]]);
    writer.commit(Batch { removed: ids.clone(), ..Batch::default() }).unwrap();
    writer.finish().unwrap();
    assert_eq!(snapshot.records().unwrap().len(), 2);
    assert_eq!(snapshot.source_rows(SOURCE).unwrap().row(ids[1]), Some(&[2.0][..]));
    let sizes = collection.snapshot().unwrap().sizes();
    assert_eq!((sizes.records, sizes.sources[0].segments, sizes.sources[0].dead_rows), (1, 1, 0));
}

#[test]
fn finish_merges_in_id_order_and_drops_the_dead() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    let first = writer.reserve_ids(6).unwrap();
    for ids in [[first + 4, first], [first + 1, first + 5], [first + 3, first + 2]] {
        writer.commit(batch(&ids, &ids.map(|id| vec![id as f32]))).unwrap();
    }
    writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
    writer.commit(Batch { removed: vec![first + 1, first + 2], ..Batch::default() }).unwrap();
    writer.finish().unwrap();
    let snapshot = collection.snapshot().unwrap();
    let rows = snapshot.source_rows(SOURCE).unwrap();
    let live = [first, first + 3, first + 4, first + 5];
    assert_eq!(rows.ids(), live);
    assert!(live.iter().all(|&id| rows.row(id) == Some(&[id as f32][..])));
    let sizes = snapshot.sizes();
    assert_eq!(
        [sizes.sources[0].segments, sizes.sources[0].dead_rows, sizes.recipes[0].live_rows, sizes.recipes[0].dead_rows],
        [1, 0, 4, 0]
    );
    assert_eq!(files(&collection.dir().join("sources").join(SOURCE)).len(), 1);
    assert_eq!(sizes.sources[0].bytes, 128 + 4 * 4);
}

#[test]
fn source_files_are_plain_npy() {
    let (_folder, collection) = fresh(3);
    add(&mut collection.write("test").unwrap(), &[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, -6.5]]);
    let file = files(&collection.dir().join("sources").join(SOURCE)).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    assert!(bytes[10..].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   "));
    assert_eq!(bytes[127], b'\n');
    let values: Vec<f32> = bytes[128..].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, -6.5]);

    let python = std::env::var("ALIKE_PYTHON").unwrap_or_else(|_| "python3".into());
    let program = "import sys, numpy as n; a = n.load(sys.argv[1], mmap_mode='r'); print(a.shape, a.dtype, a.tolist())";
    let run = |args: &[&str]| Command::new(&python).args(["-I", "-c"]).args(args).output();
    if !run(&["import numpy"]).is_ok_and(|output| output.status.success()) {
        writeln!(std::io::stderr(), "skipped the half of source_files_are_plain_npy that needs numpy").unwrap();
        return;
    }
    let output = run(&[program, file.to_str().unwrap()]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.trim(), "(2, 3) float32 [[1.0, 2.0, 3.0], [4.0, 5.0, -6.5]]");
}

#[test]
fn one_writer_at_a_time_and_the_message_says_who() {
    let (_folder, collection) = fresh(1);
    fs::write(collection.dir().join("writer.lock"), "process 1 (long gone)").unwrap();
    let writer = collection.write("alike index").unwrap();
    let message = collection.write("other").unwrap_err().to_string();
    assert!(message.contains(&format!("process {} (alike index) since 20", std::process::id())), "{message}");
    collection.snapshot().unwrap();
    drop(writer);
    collection.write("other").unwrap();
}

#[test]
fn refuses_what_is_no_collection() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join(".alike");
    assert!(matches!(Collection::open(&dir), Err(StoreError::Missing { .. })));
    assert!(Collection::find_upward(folder.path()).unwrap().is_none());
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("collection.sqlite"), "").unwrap();
    assert!(matches!(Collection::open(&dir), Err(StoreError::NotACollection { .. })));
    Collection::create(&dir).unwrap();
    assert!(matches!(Collection::create(&dir), Err(StoreError::Exists { .. })));
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    let found = Collection::find_upward(&folder.path().join("a/b")).unwrap().unwrap();
    assert_eq!(found.dir(), fs::canonicalize(&dir).unwrap());
    fs::write(dir.join("collection.sqlite"), [7; 9000]).unwrap();
    let error = Collection::open(&dir).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(error.to_string().lines().count(), 1);
}

pub(crate) fn sql(collection: &Collection, sql: &str) {
    let database = collection.dir().join("collection.sqlite");
    rusqlite::Connection::open(database).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn refuses_a_newer_format_and_says_both() {
    let (_folder, collection) = fresh(1);
    sql(&collection, "UPDATE meta SET value = 9 WHERE key = 'format_version'");
    let message = Collection::open(collection.dir()).unwrap_err().to_string();
    assert!(
        message.contains("format 9") && message.contains("up to 3") && message.contains("update alike"),
        "{message}"
    );
}

/// The tables that each format added, and the format before it.
const ADDED: [(u32, &[&str]); 2] =
    [(1, &["tags", "learned", "indexes", "quantised"]), (2, &["trained", "calibrations"])];

#[test]
fn reads_older_formats_and_brings_them_up_to_date_when_writing() {
    for (oldest, _) in ADDED {
        let (_folder, collection) = fresh(2);
        let query = [Descriptor::Vector(vec![1.0, 0.0])];
        let found = collection.snapshot().unwrap().search(&search(&query, 9)).unwrap();
        let later: Vec<&str> =
            ADDED.iter().filter(|(before, _)| *before >= oldest).flat_map(|(_, t)| *t).copied().collect();
        let each = |statement: &str| later.iter().map(|table| format!("{statement} {table}; ")).collect::<String>();
        sql(
            &collection,
            &format!("{}UPDATE meta SET value = {oldest} WHERE key = 'format_version'", each("DROP TABLE")),
        );
        assert_eq!(
            Collection::open(collection.dir()).unwrap().snapshot().unwrap().search(&search(&query, 9)).unwrap(),
            found
        );
        collection.write("test").unwrap().finish().unwrap();
        sql(&collection, &each("SELECT * FROM"));
        assert_eq!(collection.snapshot().unwrap().search(&search(&query, 9)).unwrap(), found);
    }
}

#[test]
fn survives_hostile_records() {
    for change in [
        "UPDATE sources SET key = '../../x'",
        "UPDATE sources SET dims = 4611686018427387904",
        "UPDATE segments SET ids = x'0102'",
        "UPDATE segments SET ids = zeroblob(80)",
        "UPDATE segments SET number = -1",
        "UPDATE segments SET number = 77",
    ] {
        let (_folder, collection) = fresh(2);
        add(&mut collection.write("test").unwrap(), &[vec![1.0, 2.0]]);
        sql(&collection, change);
        let error = collection.snapshot().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error}");
    }
    let (_folder, collection) = fresh(1);
    add(&mut collection.write("test").unwrap(), &[vec![1.0]]);
    sql(&collection, "UPDATE records SET path = x'2e2e2f78'");
    assert!(collection.snapshot().unwrap().records().is_err());
}

#[test]
fn a_short_or_missing_source_file_is_named() {
    let (_folder, collection) = fresh(2);
    add(&mut collection.write("test").unwrap(), &[vec![1.0, 2.0]]);
    let file = files(&collection.dir().join("sources").join(SOURCE)).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let short = collection.snapshot().unwrap_err().to_string();
    assert!(short.contains("135 bytes, the 1 rows recorded take 136") && short.contains("000001.npy"), "{short}");
    fs::remove_file(&file).unwrap();
    let missing = collection.snapshot().unwrap_err().to_string();
    assert!(missing.contains("000001.npy"), "{missing}");
}

#[test]
fn derived_files_may_vanish() {
    let (_folder, collection) = fresh(2);
    let mut writer = collection.write("test").unwrap();
    let ids = add(&mut writer, &[vec![3.0, 4.0], vec![0.0, 0.0], vec![0.0, 2.0]]);
    assert_eq!(collection.snapshot().unwrap().missing(VECTORS).unwrap(), ids);
    assert_eq!(writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap(), 3);
    assert_eq!(writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap(), 0, "the zero row is not tried again");
    let query = [Descriptor::Vector(vec![0.0, 1.0])];
    let found = collection.snapshot().unwrap().search(&search(&query, 9)).unwrap();
    assert_eq!(found, [[ScoredId { id: ids[2], score: 1.0 }, ScoredId { id: ids[0], score: 0.8 }]]);

    fs::remove_dir_all(collection.dir().join("recipes")).unwrap();
    let snapshot = collection.snapshot().unwrap();
    assert_eq!(snapshot.missing(VECTORS).unwrap(), [ids[0], ids[2]]);
    let rows = snapshot.source_rows(SOURCE).unwrap();
    let extra: Vec<_> = [ids[0], ids[2]].map(|id| (id, unit(&[rows.row(id).unwrap()]).unwrap())).into();
    assert_eq!(snapshot.search(&Search { extra: &extra, ..search(&query, 9) }).unwrap(), found);
    let foreign = Search { recipe: "cc", extra: &extra, ..search(&query, 9) };
    assert_eq!(snapshot.search(&foreign).unwrap(), found, "a recipe that isn't kept is searched in extra alone");
    drop(snapshot);
    assert_eq!(writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap(), 2);
    writer.finish().unwrap();
    assert_eq!(collection.snapshot().unwrap().search(&search(&query, 9)).unwrap(), found);
}

#[test]
fn the_next_writer_sweeps_up() {
    let (_folder, collection) = fresh(1);
    add(&mut collection.write("test").unwrap(), &[vec![1.0]]);
    let dir = collection.dir().join("sources").join(SOURCE);
    for name in ["000009.npy", "000002.npy.tmp", "notes.txt"] {
        fs::write(dir.join(name), "x").unwrap();
    }
    collection.snapshot().unwrap();
    drop(collection.write("test").unwrap());
    assert_eq!(files(&dir), [dir.join("000001.npy"), dir.join("notes.txt")]);
}

#[test]
fn paths_below_the_base_are_relative_and_stay_there() {
    let (_folder, collection) = fresh(1);
    let base = collection.base().to_owned();
    assert_eq!(collection.stored_path(&base.join("a/b.png")), Path::new("a/b.png"));
    assert_eq!(collection.absolute_path(Path::new("a/b.png")), base.join("a/b.png"));
    assert_eq!(collection.stored_path(&base.join("../b.png")), base.join("../b.png"));
    assert_eq!(collection.stored_path(Path::new("/elsewhere/b.png")), Path::new("/elsewhere/b.png"));
    assert_eq!(collection.absolute_path(Path::new("../../b.png")), base.join("b.png"));
}

#[test]
fn codes_are_ranked_by_hamming_distance() {
    let (_folder, collection) = fresh(2);
    let mut writer = collection.write("test").unwrap();
    writer.add_recipe(&recipe(CODES, DescriptorKind::Code(70))).unwrap();
    let ids = add(&mut writer, &[vec![1.0, 0.0], vec![2.0, 0.0], vec![3.0, 0.0]]);
    let code = |rows: &[&[f32]]| Some(Descriptor::Code(vec![(1 << rows[0][0] as u32) - 1, 0b11]));
    writer.derive(CODES, &mut |_, rows| code(rows)).unwrap();
    let queries = [Descriptor::Code(vec![0b11, 0b10])];
    let snapshot = collection.snapshot().unwrap();
    let found = snapshot.search(&Search { recipe: CODES, ..search(&queries, 3) }).unwrap();
    let score = |distance: f64| (1.0 - distance / 70.0) as f32;
    let wanted = [(ids[1], score(1.0)), (ids[0], score(2.0)), (ids[2], score(2.0))];
    assert_eq!(found, [wanted.map(|(id, score)| ScoredId { id, score })]);
    for wrong in [Descriptor::Code(vec![1]), Descriptor::Vector(vec![1.0, 0.0])] {
        let error = snapshot.search(&Search { recipe: CODES, ..search(&[wrong], 3) }).unwrap_err();
        assert!(matches!(error, StoreError::WrongDescriptor { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Rows on a coarse grid give many ties and duplicates; the reference is a plain f64 scan over all pairs.
    #[test]
    fn the_scan_is_exact(
        rows in prop::collection::vec(prop::collection::vec(-2i8..=2, 19), 1..60),
        query in prop::collection::vec(-2i8..=2, 19),
        cuts in prop::collection::vec(1usize..20, 1..8),
        removed in prop::collection::btree_set(0usize..60, 0..8),
        k in 1usize..70,
        filtered: bool,
    ) {
        let float = |row: &Vec<i8>| row.iter().map(|&v| f32::from(v)).collect::<Vec<f32>>();
        let (_folder, collection) = fresh(19);
        let mut writer = collection.write("test").unwrap();
        let (mut ids, mut rest) = (Vec::new(), &rows[..]);
        for &cut in cuts.iter().chain([&usize::MAX]) {
            let (head, tail) = rest.split_at(cut.min(rest.len()));
            if !head.is_empty() {
                ids.extend(add(&mut writer, &head.iter().map(float).collect::<Vec<_>>()));
                writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
            }
            rest = tail;
        }
        let removed: Vec<RecordId> = removed.into_iter().filter_map(|i| ids.get(i).copied()).collect();
        writer.commit(Batch { removed: removed.clone(), ..Batch::default() }).unwrap();
        let Some(query) = unit(&[&float(&query)]) else { return Ok(()) };
        let Descriptor::Vector(q) = &query else { unreachable!() };
        let only: Vec<RecordId> = ids.iter().copied().filter(|id| id % 2 == 0).collect();
        let mut wanted: Vec<(f64, RecordId)> = ids.iter().zip(&rows)
            .filter(|(id, _)| !removed.contains(id) && (!filtered || only.contains(id)))
            .filter_map(|(&id, row)| match unit(&[&float(row)])? {
                Descriptor::Vector(r) => Some((q.iter().zip(&r).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum(), id)),
                Descriptor::Code(_) => None,
            }).collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let wanted: Vec<ScoredId> = wanted.into_iter().take(k).map(|(score, id)| ScoredId { id, score: score as f32 }).collect();
        let queries = vec![query.clone(); 9];
        let check = |threads| {
            let only = filtered.then_some(&only[..]);
            let found = collection.snapshot().unwrap().search(&Search { only, threads, ..search(&queries, k) }).unwrap();
            assert!(found.iter().all(|found| *found == wanted), "{found:?} instead of {wanted:?}");
        };
        [0, 1, 3].into_iter().for_each(check);
        writer.finish().unwrap();
        [1, 5].into_iter().for_each(check);
    }
}

const CRASH_DIR: &str = "ALIKE_TEST_CRASH_DIR";

fn crash_row(id: RecordId) -> Vec<f32> {
    (0..40).map(|i| (id * 40 + i) as f32).collect()
}

/// The child of the test below: commits until killed, and says each commit once it has returned.
#[test]
#[ignore = "run by a_killed_writer_loses_nothing"]
fn crash_child() {
    let Some(dir) = std::env::var_os(CRASH_DIR) else { return };
    let collection = Collection::open(Path::new(&dir)).unwrap();
    loop {
        let mut writer = collection.write("crash test").unwrap();
        // Enough for merges on the way.
        for _ in 0..20 {
            let first = writer.reserve_ids(5).unwrap();
            let ids: Vec<RecordId> = (first..first + 5).collect();
            writer.commit(batch(&ids, &ids.iter().map(|&id| crash_row(id)).collect::<Vec<_>>())).unwrap();
            writeln!(std::io::stdout(), "\nacknowledged {first}").unwrap();
        }
        writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
        writer.finish().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing() {
    let (_folder, collection) = fresh(40);
    let mut acknowledged: Vec<RecordId> = Vec::new();
    for round in 0..30u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["store::crash_child", "--exact", "--ignored", "--nocapture"])
            .env(CRASH_DIR, collection.dir())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut firsts =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        acknowledged.extend(firsts.by_ref().take(1 + round as usize * 7 % 22));
        // Lets the child run on by a varying number of steps into its next commit or merge.
        (0..round * 997 % 2000).for_each(|_| std::thread::yield_now());
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(firsts);

        let snapshot = Collection::open(collection.dir()).unwrap().snapshot().unwrap();
        let rows = snapshot.source_rows(SOURCE).unwrap();
        assert_eq!(snapshot.ids(), rows.ids());
        assert!(snapshot.ids().len().is_multiple_of(5), "part of a batch");
        assert!(snapshot.ids().iter().all(|&id| rows.row(id).unwrap() == crash_row(id)));
        let lost = acknowledged.iter().find(|first| (**first..**first + 5).any(|id| rows.row(id).is_none()));
        assert_eq!(lost, None);
    }
    assert!(acknowledged.len() >= 30);
}

/// On Linux as root: a file system of 1 MB.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).output());
    }
}

#[test]
fn a_read_only_disk_is_read() {
    let Some(disk) = SmallDisk::mount() else {
        writeln!(std::io::stderr(), "skipped a_read_only_disk_is_read: can't mount a tmpfs").unwrap();
        return;
    };
    let made = collection(disk.0.path(), 2);
    let mut writer = made.write("test").unwrap();
    let ids = add(&mut writer, &[vec![3.0, 4.0]]);
    writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
    writer.finish().unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.0.path()).status().unwrap();
    assert!(remounted.success());
    let collection = Collection::open(made.dir()).unwrap();
    assert!(collection.notes()[0].contains("read-only"), "{:?}", collection.notes());
    let found = collection.snapshot().unwrap().search(&search(&[Descriptor::Vector(vec![1.0, 0.0])], 1)).unwrap();
    assert_eq!(found, [[ScoredId { id: ids[0], score: 0.6 }]]);
    assert!(collection.write("test").is_err());
}

#[test]
fn a_full_disk_leaves_the_former_state() {
    let Some(disk) = SmallDisk::mount() else {
        writeln!(std::io::stderr(), "skipped a_full_disk_leaves_the_former_state: can't mount a tmpfs").unwrap();
        return;
    };
    let collection = collection(disk.0.path(), 1000);
    let mut writer = collection.write("test").unwrap();
    let mut kept = 0;
    let error = loop {
        let first = writer.reserve_ids(25).unwrap();
        let ids: Vec<RecordId> = (first..first + 25).collect();
        match writer.commit(batch(&ids, &vec![vec![1.5; 1000]; 25])) {
            Ok(()) => kept += 25,
            Err(error) => break error.to_string(),
        }
        assert!(kept < 1000, "the disk is never full");
    };
    assert!(error.contains("No space left") || error.contains("full"), "{error}");
    drop(writer);
    let snapshot = Collection::open(collection.dir()).unwrap().snapshot().unwrap();
    assert_eq!((snapshot.ids().len(), snapshot.source_rows(SOURCE).unwrap().ids().len()), (kept, kept));
}
