//! Any sequence of operations, against a model that keeps everything in plain lists and looks at all of it.

use crate::store::{CODES, SOURCE, VECTORS, batch, fresh, recipe, unit};
use alike::index::ScoredId;
use alike::recipe::{Descriptor, DescriptorKind};
use alike::store::{
    Batch, Collection, Label, Record, RecordId, RootKind, ScanChoice, Search, Snapshot, Tag, TagCount, Writer,
};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

const DIMS: usize = 3;
const BITS: usize = 5;
const NAMES: [&str; 3] = ["red", "green", "blue"];

/// Few values, so that rows and scores are often equal; all zeros have no descriptor.
type Row = [i8; DIMS];

#[derive(Debug, Clone)]
enum Operation {
    Add {
        rows: Vec<Row>,
        root: Index,
    },
    /// A batch for each row: enough for a merge on the way.
    AddOneByOne(Vec<Row>, Index),
    AddRoot,
    RemoveRoot(Index),
    Remove(Vec<Index>),
    /// Another path and label.
    Change(Index, u8),
    /// Another content: a new record takes the place of the old one.
    Replace(Index, Row),
    Tag(Vec<Index>, usize),
    Untag(Vec<Index>, usize),
    Derive,
    LoseDerivedFiles,
    /// What the next end of a writer makes an index for.
    Choose(ScanChoice),
    Finish,
    Reopen,
    /// To be asked again at the end.
    Hold,
}

fn row() -> impl Strategy<Value = Row> {
    prop::array::uniform3(-1i8..=1)
}

fn operation() -> impl Strategy<Value = Operation> {
    let some = || prop::collection::vec(any::<Index>(), 1..6);
    let rows = prop::collection::vec(row(), 1..8);
    prop_oneof![
        6 => (rows, any::<Index>()).prop_map(|(rows, root)| Operation::Add { rows, root }),
        1 => (prop::collection::vec(row(), 18), any::<Index>()).prop_map(|(rows, root)| Operation::AddOneByOne(rows, root)),
        1 => Just(Operation::AddRoot),
        1 => any::<Index>().prop_map(Operation::RemoveRoot),
        2 => some().prop_map(Operation::Remove),
        2 => (any::<Index>(), 0u8..4).prop_map(|(which, what)| Operation::Change(which, what)),
        2 => (any::<Index>(), row()).prop_map(|(which, row)| Operation::Replace(which, row)),
        2 => (some(), 0..NAMES.len()).prop_map(|(which, name)| Operation::Tag(which, name)),
        1 => (some(), 0..NAMES.len()).prop_map(|(which, name)| Operation::Untag(which, name)),
        3 => Just(Operation::Derive),
        1 => Just(Operation::LoseDerivedFiles),
        2 => prop::sample::select(vec![ScanChoice::Exact, ScanChoice::Bytes, ScanChoice::Lists]).prop_map(Operation::Choose),
        2 => Just(Operation::Finish),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::Hold),
    ]
}

/// What the model knows of a picture.
#[derive(Debug, Clone)]
struct Known {
    record: Record,
    row: Row,
    tags: Vec<usize>,
    /// Whether its descriptors are on disk.
    derived: bool,
}

/// The naive collection: in the order of ids.
#[derive(Debug, Clone, Default)]
struct Model {
    known: Vec<Known>,
    roots: Vec<u64>,
}

impl Model {
    fn pick(&self, which: &[Index]) -> Vec<RecordId> {
        if self.known.is_empty() {
            return Vec::new();
        }
        which.iter().map(|index| index.get(&self.known).record.id).collect()
    }

    fn get(&mut self, id: RecordId) -> &mut Known {
        self.known.iter_mut().find(|known| known.record.id == id).unwrap()
    }

    fn ids(&self, is_wanted: impl Fn(&Known) -> bool) -> Vec<RecordId> {
        self.known.iter().filter(|known| is_wanted(known)).map(|known| known.record.id).collect()
    }

    fn search(&self, query: &Descriptor, k: usize, only: Option<&[RecordId]>) -> Vec<ScoredId> {
        let is_wanted = |known: &&Known| known.derived && only.is_none_or(|only| only.contains(&known.record.id));
        let wanted = self.known.iter().filter(is_wanted);
        let mut scored: Vec<(f64, RecordId)> =
            wanted.filter_map(|known| Some((score(query, known.row)?, known.record.id))).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().take(k).map(|(score, id)| ScoredId { id, score: score as f32 }).collect()
    }
}

fn score(query: &Descriptor, row: Row) -> Option<f64> {
    let row = floats(row);
    match query {
        Descriptor::Vector(query) => match unit(&[&row])? {
            Descriptor::Vector(row) => Some(query.iter().zip(&row).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()),
            Descriptor::Code(_) => None,
        },
        Descriptor::Code(query) => match code(&[&row])? {
            Descriptor::Code(row) => Some(1.0 - f64::from((query[0] ^ row[0]).count_ones()) / BITS as f64),
            Descriptor::Vector(_) => None,
        },
    }
}

fn floats(row: Row) -> Vec<f32> {
    row.map(f32::from).to_vec()
}

/// A bit for each number above zero, and one for each of the first two below.
fn code(rows: &[&[f32]]) -> Option<Descriptor> {
    let signs = rows[0].iter().map(|&v| v > 0.0).chain(rows[0][..2].iter().map(|&v| v < 0.0));
    let word = signs.enumerate().fold(0, |word, (bit, is_set)| word | u64::from(is_set) << bit);
    unit(rows).map(|_| Descriptor::Code(vec![word]))
}

/// The collection and its model.
struct Both {
    _folder: TempDir,
    collection: Collection,
    writer: Option<Writer>,
    model: Model,
    held: Vec<(Snapshot, Model)>,
}

impl Both {
    fn new() -> Self {
        let (folder, collection) = fresh(DIMS);
        let mut writer = collection.write("test").unwrap();
        writer.add_recipe(&recipe(CODES, DescriptorKind::Code(BITS))).unwrap();
        let model = Model { known: Vec::new(), roots: vec![1] };
        Self { _folder: folder, collection, writer: Some(writer), model, held: Vec::new() }
    }

    fn writer(&mut self) -> &mut Writer {
        self.writer.get_or_insert_with(|| self.collection.write("test").unwrap())
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Add { rows, root } => self.add(rows, *root),
            Operation::AddOneByOne(rows, root) => rows.iter().for_each(|&row| self.add(&[row], *root)),
            Operation::AddRoot => {
                let kind = RootKind::Folder { labels_from_folders: false };
                let root = self.writer().add_root(&kind, Path::new("")).unwrap();
                self.model.roots.push(root);
            }
            Operation::RemoveRoot(which) => self.remove_root(*which),
            Operation::Remove(which) => {
                let removed = self.model.pick(which);
                self.model.known.retain(|known| !removed.contains(&known.record.id));
                self.writer().commit(Batch { removed, ..Batch::default() }).unwrap();
            }
            Operation::Change(which, what) => self.change(*which, *what),
            Operation::Replace(which, row) => self.replace(*which, *row),
            Operation::Tag(which, name) => {
                let ids = self.model.pick(which);
                self.writer().tag(&tag(*name), &ids).unwrap();
                self.retag(&ids, |tags| tags.push(*name));
            }
            Operation::Untag(which, name) => {
                let ids = self.model.pick(which);
                self.writer().untag(&tag(*name), &ids).unwrap();
                self.retag(&ids, |tags| tags.retain(|tag| tag != name));
            }
            Operation::Derive => {
                self.writer().derive(VECTORS, &mut |_, rows| unit(rows)).unwrap();
                self.writer().derive(CODES, &mut |_, rows| code(rows)).unwrap();
                self.model.known.iter_mut().for_each(|known| known.derived = true);
            }
            Operation::LoseDerivedFiles => {
                drop(fs_err::remove_dir_all(self.collection.dir().join("recipes")));
                self.model.known.iter_mut().for_each(|known| known.derived = false);
            }
            Operation::Choose(choice) => self.writer().choose_scan(*choice).unwrap(),
            Operation::Finish => {
                self.writer();
                self.writer.take().unwrap().finish().unwrap();
            }
            Operation::Reopen => self.writer = None,
            Operation::Hold => self.held.push((self.collection.snapshot().unwrap(), self.model.clone())),
        }
    }

    fn add(&mut self, rows: &[Row], root: Index) {
        let Some(&root) = self.model.roots.get(root.index(self.model.roots.len().max(1))) else { return };
        let first = self.writer().reserve_ids(rows.len() as u64).unwrap();
        // Not in the order of ids.
        let ids: Vec<RecordId> = (first..first + rows.len() as u64).rev().collect();
        let mut batch = batch(&ids, &rows.iter().map(|&row| floats(row)).collect::<Vec<_>>());
        batch.upserts.iter_mut().for_each(|record| record.root = root);
        let known =
            |(record, &row): (&Record, &Row)| Known { record: record.clone(), row, tags: vec![], derived: false };
        self.model.known.extend(batch.upserts.iter().zip(rows).map(known));
        self.model.known.sort_by_key(|known| known.record.id);
        self.writer().commit(batch).unwrap();
    }

    fn remove_root(&mut self, which: Index) {
        let Some(&root) = self.model.roots.get(which.index(self.model.roots.len().max(1))) else { return };
        self.writer().remove_root(root).unwrap();
        self.model.roots.retain(|&other| other != root);
        self.model.known.retain(|known| known.record.root != root);
    }

    fn change(&mut self, which: Index, what: u8) {
        let Some(&id) = self.model.pick(&[which]).first() else { return };
        let known = self.model.get(id);
        known.record.path = format!("moved/{what}/{id}.png").into();
        known.record.label = (what > 0).then(|| Label { id: what.to_string(), name: None });
        let upserts = vec![known.record.clone()];
        self.writer().commit(Batch { upserts, ..Batch::default() }).unwrap();
    }

    fn replace(&mut self, which: Index, row: Row) {
        let Some(&old) = self.model.pick(&[which]).first() else { return };
        let new = self.writer().reserve_ids(1).unwrap();
        let mut batch = Batch { replaced: vec![(old, new)], ..batch(&[new], &[floats(row)]) };
        let known = self.model.get(old);
        batch.upserts[0].root = known.record.root;
        let known = Known { record: batch.upserts[0].clone(), row, tags: known.tags.clone(), derived: false };
        self.model.known.retain(|known| known.record.id != old);
        self.model.known.push(known);
        self.writer().commit(batch).unwrap();
    }

    fn retag(&mut self, ids: &[RecordId], change: impl Fn(&mut Vec<usize>)) {
        for &id in ids {
            let tags = &mut self.model.get(id).tags;
            change(tags);
            tags.sort_unstable();
            tags.dedup();
        }
    }
}

fn tag(name: usize) -> Tag {
    NAMES[name].parse().unwrap()
}

/// Everything that a reader can ask.
fn compare(snapshot: &Snapshot, model: &Model) {
    let records: Vec<Record> = model.known.iter().map(|known| known.record.clone()).collect();
    assert_eq!(snapshot.records().unwrap(), records);
    assert_eq!(snapshot.roots().iter().map(|root| root.id).collect::<Vec<_>>(), model.roots);
    let rows = snapshot.source_rows(SOURCE).unwrap();
    assert_eq!(rows.ids(), model.ids(|_| true));
    assert!(model.known.iter().all(|known| rows.row(known.record.id) == Some(&floats(known.row)[..])));
    compare_tags(snapshot, model);
    let searchable = model.ids(|known| known.derived && known.row != [0; DIMS]);
    for size in snapshot.sizes().recipes {
        assert_eq!(size.live_rows, searchable.len());
    }
    let labelled = snapshot.ids_of_label("1").unwrap();
    assert_eq!(labelled, model.ids(|known| known.record.label.as_ref().is_some_and(|label| label.id == "1")));
    let odd = model.ids(|known| known.record.id % 2 == 1);
    for only in [None, Some(&labelled[..]), Some(&snapshot.ids_of_tag("red").unwrap()), Some(&odd)] {
        compare_searches(snapshot, model, only);
    }
}

fn compare_tags(snapshot: &Snapshot, model: &Model) {
    let mut counts = BTreeMap::new();
    for (name, text) in NAMES.into_iter().enumerate() {
        let ids = model.ids(|known| known.tags.contains(&name));
        assert_eq!(snapshot.ids_of_tag(text).unwrap(), ids);
        if !ids.is_empty() {
            counts.insert(text, ids.len() as u64);
        }
    }
    let counts: Vec<TagCount> =
        counts.into_iter().map(|(tag, records)| TagCount { tag: tag.into(), records }).collect();
    assert_eq!(snapshot.tags().unwrap(), counts);
}

fn compare_searches(snapshot: &Snapshot, model: &Model, only: Option<&[RecordId]>) {
    let rows = [[1, 0, -1], [0, 1, 1]].map(floats);
    let vectors = rows.each_ref().map(|row| unit(&[row]).unwrap());
    let codes = rows.each_ref().map(|row| code(&[row]).unwrap());
    let kinds = [(VECTORS, DescriptorKind::Vector(DIMS), vectors), (CODES, DescriptorKind::Code(BITS), codes)];
    for ((recipe, kind, queries), k) in kinds.iter().flat_map(|kind| [1, 4, 100].map(|k| (kind, k))) {
        let search = Search { recipe, kind: *kind, queries, k, only, extra: &[], threads: 1, recall: 1.0 };
        let wanted: Vec<_> = queries.iter().map(|query| model.search(query, k, only)).collect();
        assert_eq!(snapshot.search(&search).unwrap(), wanted, "the {k} best by {recipe} of {only:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_collection_is_what_a_list_would_be(operations in prop::collection::vec(operation(), 1..40)) {
        let mut both = Both::new();
        for operation in &operations {
            both.apply(operation);
            compare(&both.collection.snapshot().unwrap(), &both.model);
        }
        for (snapshot, model) in &both.held {
            compare(snapshot, model);
        }
        for last in [Operation::Derive, Operation::Finish, Operation::Reopen] {
            both.apply(&last);
            compare(&both.collection.snapshot().unwrap(), &both.model);
        }
        assert_eq!(both.collection.verify(&mut |_, _| {}).unwrap().damages, []);
    }
}
