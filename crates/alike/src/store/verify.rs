//! Looking for damage: every byte that the database vouches for, and the database itself.

use super::learned::Learner;
use super::records::{Database, is_key};
use super::segment::{Layout, Place, Segment, SegmentEntry, map};
use super::snapshot::{recipe_place, source_place};
use super::writer::{is_orphan, names};
use super::{Collection, DescriptorKind, RecipeEntry, RecordId, StoreError};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What a check of a collection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Segment files read.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong, in the order of sources and recipes.
    pub damages: Vec<Damage>,
    /// What could not be checked, and why.
    pub notes: Vec<String>,
}

/// Something that isn't as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What was got and what was wanted.
    pub what: String,
    /// What it belongs to, which says how it can be mended.
    pub place: DamagePlace,
}

/// What damaged data belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DamagePlace {
    /// The records. Nothing here can mend them.
    Records,
    /// Rows of a source: the ground state, made again from the pictures.
    Source {
        /// Its key.
        key: String,
        /// The segment.
        segment: u64,
    },
    /// Descriptors of a recipe, derived again from the rows of its sources.
    Recipe {
        /// Its key.
        key: String,
        /// The segment.
        segment: u64,
    },
    /// The index of a recipe, made again from its descriptors.
    Index {
        /// Its key.
        key: String,
    },
    /// What a step of a recipe learnt, learnt again from the rows.
    Learned {
        /// Key of the recipe.
        key: String,
    },
    /// The copy of a file that a recipe names. Nothing here can mend it, and nothing can be derived without it: the recipe is
    /// struck, to be indexed by again.
    Trained {
        /// Key of the recipe.
        key: String,
    },
    /// What scores of a recipe mean: calibrated again by whoever has the labels.
    Calibration {
        /// Key of the recipe.
        key: String,
    },
    /// A file that no transaction named, left by a crash: harmless, removed by the next writer.
    Stray,
}

impl Collection {
    /// Reads the database and all segments, and compares sizes, headers, checksums, ids and counts with what is recorded.
    /// Fails only where the database can't be opened at all. `on_file` is told of each segment before it is read.
    pub fn verify(&self, on_file: &mut dyn FnMut(&Path, u64)) -> Result<Verification, StoreError> {
        let (database, _) = Database::open_to_read(&self.database())?;
        database.error(database.connection.execute_batch("BEGIN"))?;
        let mut check = Check { collection: self, database: &database, found: Verification::default(), on_file };
        check.records()?;
        for source in database.sources()? {
            let place = source_place(self.dir(), &source);
            check.segments("source", &source.key, &place)?;
        }
        for recipe in database.recipes()? {
            let place = recipe_place(self.dir(), &recipe);
            check.segments("recipe", &recipe.key, &place)?;
            check.index(&recipe)?;
            check.learned(&recipe);
            check.trained(&recipe);
            check.calibration(&recipe);
        }
        check.strays()?;
        Ok(check.found)
    }
}

impl Collection {
    /// Bytes of all segments on record, as far as they are there.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let (database, _) = Database::open_to_read(&self.database())?;
        let sources = database
            .sources()?
            .into_iter()
            .map(|entry| ("source", entry.key.clone(), source_place(self.dir(), &entry)));
        let recipes = database
            .recipes()?
            .into_iter()
            .map(|entry| ("recipe", entry.key.clone(), recipe_place(self.dir(), &entry)));
        let mut bytes = 0;
        for (kind, key, place) in sources.chain(recipes) {
            for number in database.segment_numbers(&format!("{kind} {key}"))? {
                bytes += place.file(number).metadata().map_or(0, |metadata| metadata.len());
            }
        }
        for recipe in database.recipes()? {
            for (path, _) in index_files(&database, self.dir(), &recipe)? {
                bytes += path.metadata().map_or(0, |metadata| metadata.len());
            }
        }
        Ok(bytes)
    }
}

/// The files of a recipe's index, and their hashes.
fn index_files(database: &Database, dir: &Path, recipe: &RecipeEntry) -> Result<Vec<(PathBuf, [u8; 32])>, StoreError> {
    let DescriptorKind::Vector(dims) = recipe.kind else { return Ok(Vec::new()) };
    let centres = database.index(&recipe.key)?.and_then(|index| index.centres);
    let quantised = database.quantised(&recipe.key)?.into_iter().map(|file| (file.number, file.sha256));
    let at = |layout, number| Place { dir: recipe_place(dir, recipe).dir, layout }.file(number);
    let centres = centres.into_iter().map(|(number, sha256)| (at(Layout::Centres(dims), number), sha256));
    let quantised = quantised.map(|(number, sha256)| (at(Layout::Bytes(dims), number), sha256));
    Ok(centres.chain(quantised).collect())
}

const CHANGED: &str = "its bytes have changed: the SHA-256 is another than the one recorded";

struct Check<'a> {
    collection: &'a Collection,
    database: &'a Database,
    found: Verification,
    on_file: &'a mut dyn FnMut(&std::path::Path, u64),
}

impl Check<'_> {
    fn damage(&mut self, path: PathBuf, what: impl Into<String>, place: DamagePlace) {
        self.found.damages.push(Damage { path, what: what.into(), place });
    }

    fn records(&mut self) -> Result<(), StoreError> {
        let path = self.collection.database();
        for what in self.database.integrity()? {
            self.damage(path.clone(), what, DamagePlace::Records);
        }
        let next = self.database.meta("next_id")?.cast_unsigned();
        let highest = self.database.record_ids()?.last().copied().unwrap_or(0);
        if highest >= next {
            let what = format!("there is a record {highest}, but the first id never given is recorded as {next}");
            self.damage(path, what, DamagePlace::Records);
        }
        Ok(())
    }

    fn segments(&mut self, kind: &str, key: &str, place: &Place) -> Result<(), StoreError> {
        let mut owners: HashSet<RecordId> = HashSet::new();
        for entry in self.database.segments(&format!("{kind} {key}"))? {
            let (number, path) = (entry.number, place.file(entry.number));
            let at = || match kind {
                "source" => DamagePlace::Source { key: key.to_owned(), segment: number },
                _ => DamagePlace::Recipe { key: key.to_owned(), segment: number },
            };
            if !entry.ids.is_sorted_by(|a, b| a < b) {
                self.damage(path.clone(), "the recorded ids of its rows are not ascending", at());
            }
            if let Some(id) = entry.ids.iter().find(|id| !owners.insert(**id)) {
                self.damage(path.clone(), format!("record {id} has a row in another segment, too"), at());
            }
            if let Some(what) = self.file(place, entry) {
                self.damage(path, what, at());
            }
        }
        Ok(())
    }

    /// What is wrong with a segment's file.
    fn file(&mut self, place: &Place, entry: SegmentEntry) -> Option<String> {
        let wanted = entry.sha256;
        let path = place.file(entry.number);
        let segment = match Segment::open(place, entry) {
            Ok(segment) => segment,
            Err(StoreError::Damaged { what, .. }) => return Some(what),
            Err(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Some("the file is missing".to_owned());
            }
            Err(error) => return Some(format!("can't be read: {error}")),
        };
        (self.on_file)(&path, segment.file_bytes());
        self.found.files += 1;
        self.found.bytes += segment.file_bytes();
        (segment.sha256() != wanted).then(|| CHANGED.to_owned())
    }

    /// Files that make a search quick: rows in bytes, and the centres of their lists.
    fn index(&mut self, recipe: &RecipeEntry) -> Result<(), StoreError> {
        for (path, sha256) in index_files(self.database, self.collection.dir(), recipe)? {
            let damage = match fs_err::File::open(&path).map_err(StoreError::from).and_then(|file| map(&file)) {
                Ok(map) => {
                    (self.on_file)(&path, map.len() as u64);
                    self.found.files += 1;
                    self.found.bytes += map.len() as u64;
                    (Sha256::digest(&map)[..] != sha256).then(|| CHANGED.to_owned())
                }
                Err(error) if error.is_not_found() => Some("the file is missing".to_owned()),
                Err(error) => Some(format!("can't be read: {error}")),
            };
            if let Some(what) = damage {
                self.damage(path, what, DamagePlace::Index { key: recipe.key.clone() });
            }
        }
        Ok(())
    }

    fn learned(&mut self, recipe: &RecipeEntry) {
        for learner in [Learner::Steps, Learner::Augment] {
            if let Err(error) = self.database.learned(recipe, learner) {
                self.damaged_table(error, DamagePlace::Learned { key: recipe.key.clone() });
            }
        }
    }

    fn trained(&mut self, recipe: &RecipeEntry) {
        if let Err(error) = self.database.trained(&recipe.key) {
            let what = if let StoreError::Damaged { what, .. } = error { what } else { error.to_string() };
            let what = format!("{what}; to mend it, index by `{}` again", recipe.text);
            self.damage(self.collection.database(), what, DamagePlace::Trained { key: recipe.key.clone() });
        }
    }

    fn calibration(&mut self, recipe: &RecipeEntry) {
        if let Err(error) = self.database.calibration(recipe) {
            self.damaged_table(error, DamagePlace::Calibration { key: recipe.key.clone() });
        }
    }

    fn damaged_table(&mut self, error: StoreError, place: DamagePlace) {
        let what = if let StoreError::Damaged { what, .. } = error { what } else { error.to_string() };
        self.damage(self.collection.database(), what, place);
    }

    fn strays(&mut self) -> Result<(), StoreError> {
        for (folder, kind) in [("sources", "source"), ("recipes", "recipe")] {
            let dir = self.collection.dir().join(folder);
            for key in names(&dir)?.into_iter().filter(|name| is_key(name)) {
                let known = self.database.files(kind, &key)?;
                for name in names(&dir.join(&key))?.iter().filter(|name| is_orphan(name, &known)) {
                    let what = "left by a writer that was interrupted; the next one removes it";
                    self.damage(dir.join(&key).join(name), what, DamagePlace::Stray);
                }
            }
        }
        Ok(())
    }
}
