//! What is searched: rows in a mapped file, as a collection has them.

use crate::synthetic::{Shape, vectors};
use alike::index::lists;
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
            other => panic!("no set {other}: wanted A, B, C or D"),
        };
        let (mut base, _) = vectors(rows + QUERIES, Shape { dims, classes: 500, spread: 0.5 });
        let queries = base.split_off(rows * dims);
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs_err::write(folder.path().join("queries"), bytemuck::cast_slice(&queries)).expect("room for the data");
        let base = mapped(&folder.path().join("base"), |out| out.write_all(bytemuck::cast_slice(&base)));
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

#[allow(unsafe_code, reason = "mapping a file is unsafe by nature")]
fn mapped(path: &Path, write: impl FnOnce(&mut BufWriter<fs_err::File>) -> std::io::Result<()>) -> Mmap {
    let mut out = BufWriter::with_capacity(1 << 20, fs_err::File::create(path).expect("room for the data"));
    write(&mut out).and_then(|()| out.flush()).expect("room for the data");
    // SAFETY: nobody else knows the file, which stays as it is.
    unsafe { Mmap::map(&fs_err::File::open(path).expect("it was just written")) }.expect("files can be mapped")
}
