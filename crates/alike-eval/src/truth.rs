//! Ground truth: which pictures of the gallery are relevant to which query, by labels or by lists; and what is wrong
//! with a split: leaks, contradictions, queries that search themselves.

use alike::gallery::{self, Separator, Skipped};
use alike::store::{ContentHash, Label};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Which pictures of the gallery are relevant to each query, and which don't count for it. Pictures of the gallery are
/// named by their position, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Sets of relevant pictures, each ascending. Queries share them: with labels, a class is one set.
    pub sets: Vec<Vec<u32>>,
    /// For each query the position of its set in `sets`.
    pub set_of_query: Vec<usize>,
    /// For each query, ascending, the pictures that are taken out of the gallery before ranking: its own file, junk.
    /// They may occur in its set, and don't count there either.
    pub ignored: Vec<Vec<u32>>,
}

impl Truth {
    /// Number of queries.
    pub fn queries(&self) -> usize {
        self.set_of_query.len()
    }

    /// The relevant pictures of a query, ascending, without those that are ignored.
    pub fn relevant(&self, query: usize) -> impl Iterator<Item = u32> + '_ {
        let ignored = &self.ignored[query];
        let set = &self.sets[self.set_of_query[query]];
        set.iter().copied().filter(|picture| ignored.binary_search(picture).is_err())
    }
}

/// A picture of the gallery, or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it lies, links resolved: one file has one path.
    pub path: PathBuf,
    /// How it is named in results: as the list has it.
    pub name: String,
    /// Hash of its bytes.
    pub content: ContentHash,
    /// Its class, where one is known.
    pub label: Option<Label>,
}

/// Gallery and queries.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// The pictures searched.
    pub gallery: &'a [Item],
    /// The pictures asked about.
    pub queries: &'a [Item],
    /// Take byte-identical copies of a query out of the gallery it searches, unless a list says they are relevant.
    pub exclude_identical: bool,
}

/// Ground truth for a split, and what deserves a word about it. Pairs are in the order of their first pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What is relevant.
    pub truth: Truth,
    /// Queries whose own file stood in the gallery and is taken out for them.
    pub excluded: usize,
    /// Queries for which an identical file is taken out.
    pub identical_excluded: usize,
    /// Byte-identical files, a query and another picture of the gallery that no list says is relevant; each pair once.
    pub leaks: Vec<(Item, Item)>,
    /// Byte-identical files with different labels; each pair once.
    pub conflicts: Vec<(Item, Item)>,
}

/// What a line of a ground-truth file says: positions in the gallery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Relevant pictures.
    pub relevant: Vec<u32>,
    /// Pictures that count neither way.
    pub junk: Vec<u32>,
}

/// Pictures with the query's label are relevant. A query without a label has nothing relevant.
pub fn by_labels(split: Split<'_>) -> Judgement {
    let mut classes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (position, item) in (0..).zip(split.gallery) {
        if let Some(label) = &item.label {
            classes.entry(&label.id).or_default().push(position);
        }
    }
    let (names, mut sets): (Vec<&str>, Vec<Vec<u32>>) = classes.into_iter().unzip();
    sets.push(Vec::new());
    let set = |query: &Item| {
        let class = query.label.as_ref().and_then(|label| names.binary_search(&label.id.as_str()).ok());
        class.unwrap_or(names.len())
    };
    let set_of_query = split.queries.iter().map(set).collect();
    judge(split, Truth { sets, set_of_query, ignored: vec![Vec::new(); split.queries.len()] }, |_, _| false)
}

/// The listed pictures are relevant; `lists[q]` is the line of query `q`. What is both relevant and junk is junk.
pub fn by_lists(split: Split<'_>, lists: &[Listed]) -> Judgement {
    let ascending = |positions: &[u32]| BTreeSet::from_iter(positions).into_iter().copied().collect();
    let truth = Truth {
        sets: lists.iter().map(|list| ascending(&list.relevant)).collect(),
        set_of_query: (0..lists.len()).collect(),
        ignored: lists.iter().map(|list| ascending(&list.junk)).collect(),
    };
    judge(split, truth, |query, picture| lists[query].relevant.contains(&picture))
}

fn judge(split: Split<'_>, mut truth: Truth, is_listed: impl Fn(usize, u32) -> bool) -> Judgement {
    let (mut by_path, mut by_content) = (HashMap::new(), HashMap::<&ContentHash, Vec<u32>>::new());
    for (position, item) in (0u32..).zip(split.gallery) {
        by_path.insert(&item.path, position);
        by_content.entry(&item.content).or_default().push(position);
    }
    let mut judgement = Judgement { conflicts: conflicts(split), ..Judgement::default() };
    let mut known: HashSet<(&Path, &Path)> = HashSet::new();
    for (q, query) in split.queries.iter().enumerate() {
        let own = by_path.get(&query.path).copied();
        judgement.excluded += usize::from(own.is_some());
        truth.ignored[q].extend(own);
        let identical = by_content.get(&query.content).into_iter().flatten().copied();
        let copies: Vec<u32> = identical.filter(|&copy| Some(copy) != own && !is_listed(q, copy)).collect();
        for &copy in &copies {
            let other = &split.gallery[copy as usize];
            let (first, second) = (query.path.as_path().min(&other.path), query.path.as_path().max(&other.path));
            if known.insert((first, second)) {
                judgement.leaks.push((query.clone(), other.clone()));
            }
        }
        if split.exclude_identical && !copies.is_empty() {
            judgement.identical_excluded += 1;
            truth.ignored[q].extend(copies);
        }
        truth.ignored[q].sort_unstable();
        truth.ignored[q].dedup();
    }
    judgement.truth = truth;
    judgement
}

/// Of files with the same bytes, each whose label differs from the first one's, with that first one.
fn conflicts(split: Split<'_>) -> Vec<(Item, Item)> {
    let mut first: HashMap<&ContentHash, &Item> = HashMap::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for item in split.gallery.iter().chain(split.queries).filter(|item| item.label.is_some()) {
        if !seen.insert(&item.path) {
            continue;
        }
        let original = *first.entry(&item.content).or_insert(item);
        let id = |item: &Item| item.label.as_ref().map(|label| label.id.clone());
        if id(original) != id(item) {
            found.push((original.clone(), item.clone()));
        }
    }
    found
}

/// Why ground truth can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TruthError {
    /// Reading failed; the message names the file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// There is no such file.
    #[error("no file at {path}: wanted {wanted}; check the path", path = path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// It has no lines.
    #[error("got an empty file, wanted {LINES}: {path}", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The form of a ground-truth file.
const LINES: &str = "lines of `query TAB relevant TAB relevant ..`";

/// A line of a ground-truth file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The query.
    pub query: PathBuf,
    /// What should be found.
    pub relevant: Vec<PathBuf>,
    /// What counts neither way.
    pub junk: Vec<PathBuf>,
}

/// A ground-truth file: its lines, and what was wrong with the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Queries, each once.
    pub lines: Vec<Line>,
    /// Lines left out.
    pub skipped: Vec<Skipped>,
}

impl Lists {
    /// All pictures it names, each once, in the order of the file.
    pub fn pictures(&self) -> Vec<PathBuf> {
        let named =
            self.lines.iter().flat_map(|line| [&line.query].into_iter().chain(&line.relevant).chain(&line.junk));
        let mut seen = HashSet::new();
        named.filter(|path| seen.insert(*path)).cloned().collect()
    }
}

/// Reads `query TAB relevant TAB relevant ..` lines. Fields after one that is just `|` are junk: they count neither way,
/// as in the Oxford protocol. Paths are relative to the file's folder; absolute ones and `\` as separator are accepted.
pub fn read_lists(path: &Path) -> Result<Lists, TruthError> {
    let bytes = read(path, LINES)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let (mut lists, mut known) = (Lists::default(), HashMap::new());
    for (number, line) in (1..).zip(text.split(|&b| b == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let line = parse_line(line, base);
        let earlier = *known.entry(line.query.clone()).or_insert(number);
        if earlier == number {
            lists.lines.push(line);
        } else {
            let reason =
                format!("got the query of line {earlier} again, wanted one line for each query: the first one counts");
            lists.skipped.push(Skipped { path: path.to_path_buf(), line: Some(number), reason });
        }
    }
    if lists.lines.is_empty() {
        return Err(TruthError::Empty { path: path.to_path_buf() });
    }
    Ok(lists)
}

fn parse_line(line: &[u8], base: &Path) -> Line {
    let mut fields = line.split(|&b| b == b'\t').map(<[u8]>::trim_ascii).filter(|field| !field.is_empty());
    let resolve = |field: &[u8]| gallery::resolve(base, field);
    let query = fields.next().map(resolve).unwrap_or_default();
    let relevant = fields.by_ref().take_while(|field| *field != b"|").map(resolve).collect();
    Line { query, relevant, junk: fields.map(resolve).collect() }
}

/// Reads a file of distractors, pictures that are relevant to no query: a path on each line.
pub fn read_distractors(path: &Path) -> Result<Vec<PathBuf>, TruthError> {
    let bytes = read(path, "a path on each line")?;
    Ok(gallery::read_paths(&bytes, Separator::Newline, path.parent().unwrap_or(Path::new(""))))
}

fn read(path: &Path, wanted: &'static str) -> Result<Vec<u8>, TruthError> {
    if path.is_file() { Ok(fs_err::read(path)?) } else { Err(TruthError::Missing { path: path.to_path_buf(), wanted }) }
}
