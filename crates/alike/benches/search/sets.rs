//! What is searched: rows in a mapped file, as a collection has them.

use crate::synthetic::{Shape, vectors};
use alike::index::lists;
use alike::store::ScanChoice;
use memmap2::Mmap;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A gallery and queries.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) dims: usize,
    /// Lists of an index of inverted lists.
    pub(crate) lists: usize,
    /// Queries that slow programs are timed by, one by one.
    pub(crate) few: usize,
    /// Rows that are scored again after a search by codes.
    pub(crate) rescored: usize,
    pub(crate) queries: Vec<f32>,
    pub(crate) folder: tempfile::TempDir,
    base: Mmap,
}

const QUERIES: usize = 1000;

impl Set {
    pub(crate) fn named(name: &str) -> Self {
        let (rows, dims, lists, few, rescored) = match name {
            "A" => (200_000, 128, 1024, 300, 2000),
            "B" => (100_000, 1280, 512, 60, 300),
            "C" => (1_000_000, 128, 2048, 60, 2000),
            "D" => (1_000_000, 512, 2048, 20, 1000),
            other => panic!("no set {other}: wanted A, B, C, D, corel1k or zodiac-like"),
        };
        let (mut base, _) = vectors(rows + QUERIES, Shape { dims, classes: 500, spread: 0.5 });
        let queries = base.split_off(rows * dims);
        Self::new(name, dims, (lists, few, rescored), &base, queries)
    }

    /// Features of photos that a network saw; `None` where the test data aren't at hand.
    pub(crate) fn of_photos(name: &str) -> Option<Self> {
        let folder = crate::data::data();
        let (dims, base) = unit_rows(&folder.join(format!("reference_features_{name}_gallery.npy")))?;
        let (_, queries) = unit_rows(&folder.join(format!("reference_features_{name}_query.npy")))?;
        let lists = ScanChoice::Lists.lists(base.len() / dims, dims);
        let few = queries.len() / dims;
        Some(Self::new(name, dims, (lists, few, 100), &base, queries))
    }

    fn new(
        name: &str,
        dims: usize,
        (lists, few, rescored): (usize, usize, usize),
        base: &[f32],
        queries: Vec<f32>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs_err::write(folder.path().join("queries"), bytemuck::cast_slice(&queries)).expect("room for the data");
        let rows = base.len() / dims;
        let base = mapped(&folder.path().join("base"), |out| out.write_all(bytemuck::cast_slice(base)));
        Self { name: format!("{name}: {rows} x {dims}"), dims, lists, few, rescored, queries, folder, base }
    }

    pub(crate) fn base(&self) -> &[f32] {
        bytemuck::cast_slice(&self.base)
    }

    pub(crate) fn rows(&self) -> usize {
        self.base().len() / self.dims
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.base()[row * self.dims..][..self.dims]
    }

    pub(crate) fn queries(&self) -> Vec<&[f32]> {
        self.queries.chunks_exact(self.dims).collect()
    }

    /// The rows in bytes, in lists or all in one.
    pub(crate) fn quantise(&self, list_of: Option<&[u32]>) -> Mmap {
        let (name, lists) = if list_of.is_some() { ("lists", self.lists) } else { ("bytes", 1) };
        mapped(&self.folder.path().join(name), |out| {
            lists::write(self.rows(), self.dims, |row| self.row(row), (lists, list_of), |bytes| out.write_all(bytes))
        })
    }
}

/// The rows of a `.npy` matrix of float32, each at unit length, and how long they are.
fn unit_rows(path: &Path) -> Option<(usize, Vec<f32>)> {
    let bytes = fs_err::read(path).ok()?;
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).expect("a header in ASCII");
    let shape = text.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next()).expect("a shape");
    let dims: usize = shape.split(',').nth(1).and_then(|dims| dims.trim().parse().ok()).expect("two dimensions");
    let mut values: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes[10 + header..]);
    for row in values.chunks_exact_mut(dims) {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    }
    Some((dims, values))
}

#[allow(unsafe_code, reason = "mapping a file is unsafe by nature")]
fn mapped(path: &Path, write: impl FnOnce(&mut BufWriter<fs_err::File>) -> std::io::Result<()>) -> Mmap {
    let mut out = BufWriter::with_capacity(1 << 20, fs_err::File::create(path).expect("room for the data"));
    write(&mut out).and_then(|()| out.flush()).expect("room for the data");
    // SAFETY: nobody else knows the file, which stays as it is.
    unsafe { Mmap::map(&fs_err::File::open(path).expect("it was just written")) }.expect("files can be mapped")
}
