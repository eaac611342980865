//! Segments are merged while a writer goes on: few of them, whole at any time, and nothing lost.

use crate::store::{SOURCE, VECTORS, batch, files, fresh, search, unit};
use alike::recipe::Descriptor;
use alike::store::{Batch, Collection, RecordId, Snapshot, Writer};

/// More than may wait for a merge, so that there is one however slow its thread is.
const BATCHES: usize = 120;

const ROWS: u64 = 30;

fn row(id: RecordId) -> Vec<f32> {
    vec![id as f32, 1.0, 2.0]
}

fn add_batch(writer: &mut Writer) -> Vec<RecordId> {
    let first = writer.reserve_ids(ROWS).unwrap();
    let ids: Vec<RecordId> = (first..first + ROWS).collect();
    writer.commit(batch(&ids, &ids.iter().map(|&id| row(id)).collect::<Vec<_>>())).unwrap();
    ids
}

fn assert_whole(collection: &Collection, wanted: &[RecordId]) {
    let snapshot = collection.snapshot().unwrap();
    let rows = snapshot.source_rows(SOURCE).unwrap();
    assert_eq!((snapshot.ids(), &rows.ids()[..]), (wanted, wanted));
    assert!(wanted.iter().all(|&id| rows.row(id) == Some(&row(id)[..])));
}

fn segments(collection: &Collection) -> usize {
    collection.snapshot().unwrap().sizes().sources[0].segments
}

fn found(snapshot: &Snapshot) -> Vec<alike::index::ScoredId> {
    let query = [Descriptor::Vector(vec![1.0, 0.0, 0.0])];
    snapshot.search(&search(&query, 50)).unwrap().remove(0)
}

#[test]
fn a_long_run_leaves_few_segments_at_any_time() {
    let (_folder, collection) = fresh(3);
    let mut writer = collection.write("test").unwrap();
    let (mut alive, mut most) = (Vec::new(), 0);
    for number in 0..BATCHES {
        let mut ids = add_batch(&mut writer);
        if number % 7 == 0 {
            // Some die while their rows are being merged.
            let removed = ids.split_off(20);
            writer.commit(Batch { removed, ..Batch::default() }).unwrap();
        }
        alive.extend(ids);
        most = most.max(segments(&collection));
    }
    assert!(most < 100, "{most} segments");
    assert_whole(&collection, &alive);
    writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
    writer.finish().unwrap();
    assert_whole(&collection, &alive);
    let verification = collection.verify(&mut |_, _| {}).unwrap();
    assert_eq!(verification.damages, []);
    let left = segments(&collection);
    assert!(left <= 8, "{left} segments after the end");
    assert_eq!(files(&collection.dir().join("sources").join(SOURCE)).len(), left);
}

#[test]
fn large_batches_are_merged_too() {
    let (_folder, collection) = fresh(1);
    let mut writer = collection.write("test").unwrap();
    for _ in 0..5 {
        let first = writer.reserve_ids(1500).unwrap();
        let ids: Vec<RecordId> = (first..first + 1500).collect();
        writer.commit(batch(&ids, &vec![vec![1.0]; 1500])).unwrap();
    }
    assert_eq!(segments(&collection), 5);
    writer.finish().unwrap();
    assert_eq!(segments(&collection), 1);
    let mut writer = collection.write("test").unwrap();
    let first = writer.reserve_ids(1500).unwrap();
    let ids: Vec<RecordId> = (first..first + 1500).collect();
    writer.commit(batch(&ids, &vec![vec![1.0]; 1500])).unwrap();
    writer.finish().unwrap();
    assert_eq!(segments(&collection), 2, "7500 rows are not written again for 1500");
}

#[test]
fn a_reader_sees_the_same_before_during_and_after_a_merge() {
    let (_folder, collection) = fresh(3);
    let mut writer = collection.write("test").unwrap();
    let ids: Vec<RecordId> = (0..3).flat_map(|_| add_batch(&mut writer)).collect();
    writer.derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
    let before = collection.snapshot().unwrap();
    let answer = found(&before);
    let mut all = ids.clone();
    for _ in 0..50 {
        all.extend(add_batch(&mut writer));
        assert_eq!(found(&collection.snapshot().unwrap()), answer, "new rows are not derived yet");
    }
    assert_whole(&collection, &all);
    writer.finish().unwrap();
    assert_eq!(found(&before), answer);
    let rows = before.source_rows(SOURCE).unwrap();
    assert!(ids.iter().all(|&id| rows.row(id) == Some(&row(id)[..])));
    assert_eq!(rows.ids(), ids);
}

#[test]
fn a_writer_that_ends_half_way_leaves_nothing_to_trip_over() {
    let (_folder, collection) = fresh(3);
    let mut all = Vec::new();
    for batches in 16..22 {
        let mut writer = collection.write("test").unwrap();
        all.extend((0..batches).flat_map(|_| add_batch(&mut writer)).collect::<Vec<_>>());
        drop(writer);
        assert_whole(&collection, &all);
    }
    collection.write("test").unwrap().finish().unwrap();
    assert_whole(&collection, &all);
    assert_eq!(collection.verify(&mut |_, _| {}).unwrap().damages, []);
}
