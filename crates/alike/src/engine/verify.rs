//! Looking for damage in a collection, and mending what can be mended.

use super::{Engine, SyncError, augment, learn, sync};
use crate::recipe::{Draft, Plan};
use crate::store::{Damage, DamagePlace, RecipeEntry, Snapshot, StoreError, Verification};
use std::collections::BTreeMap;
use std::path::Path;

impl Engine {
    /// Reads everything and compares it with what is recorded (see
    /// [`Collection::verify`](crate::store::Collection::verify)), then derives all descriptors anew and compares them
    /// with those on disk. Recipes whose networks aren't at hand can't be derived; they are named in
    /// [`Verification::notes`]. `on_file` is told of each file before it is read, with its bytes.
    pub fn verify(&self, on_file: &mut dyn FnMut(&Path, u64)) -> Result<Verification, StoreError> {
        let mut found = self.collection().verify(on_file)?;
        if found.damages.iter().any(|damage| !matches!(damage.place, DamagePlace::Stray)) {
            // Descriptors are compared with rows that are what they were.
            return Ok(found);
        }
        let snapshot = self.collection().snapshot()?;
        for entry in snapshot.recipes() {
            match self.draft_entry(&snapshot, entry) {
                Ok(draft) => self.check_derived(&snapshot, entry, &draft, &mut found)?,
                Err(error) => found.notes.push(format!("descriptors of `{}` are not compared: {error}", entry.text)),
            }
        }
        Ok(found)
    }

    fn check_derived(
        &self,
        snapshot: &Snapshot,
        entry: &RecipeEntry,
        draft: &Draft,
        found: &mut Verification,
    ) -> Result<(), StoreError> {
        match learn::stored(snapshot, draft) {
            Ok(Some(plan)) if plan.ranking().augment.is_some() && !augment::is_current(snapshot, &plan)? => {
                let text = &entry.text;
                found
                    .notes
                    .push(format!("pictures came or went since `{text}` was augmented: `alike index` does so anew"));
            }
            Ok(Some(plan)) => found.damages.extend(self.stale(snapshot, entry, &plan)?),
            Ok(None) => found.notes.push(format!("`{}` has learnt nothing from the gallery yet", entry.text)),
            Err(StoreError::Damaged { what, path }) => {
                found.damages.push(Damage { path, what, place: DamagePlace::Learned { key: entry.key.clone() } });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Segments whose descriptors aren't what the rows give.
    fn stale(&self, snapshot: &Snapshot, entry: &RecipeEntry, plan: &Plan) -> Result<Vec<Damage>, StoreError> {
        let sources = plan.sources().iter().map(|source| snapshot.source_rows(source.id().key()));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let augmented = match plan.ranking().augment {
            Some(neighbours) => Some(augment::augmented(snapshot, plan, neighbours, 1)?),
            None => None,
        };
        let mut wrong: BTreeMap<u64, usize> = BTreeMap::new();
        for (segment, id, stored) in snapshot.stored_descriptors(&entry.key)? {
            let rows = || sources.iter().map(|rows| rows.row(id)).collect::<Option<Vec<&[f32]>>>();
            let given = match &augmented {
                Some(augmented) => augmented.get(&id).cloned(),
                None => rows().and_then(|rows| plan.describe(&rows)),
            };
            if given != Some(stored) {
                *wrong.entry(segment).or_default() += 1;
            }
        }
        let damage = |(segment, count): (u64, usize)| Damage {
            path: snapshot.recipe_file(self.collection(), &entry.key, segment),
            what: format!("{count} descriptors of `{}` differ from what the rows of its sources give", entry.text),
            place: DamagePlace::Recipe { key: entry.key.clone(), segment },
        };
        Ok(wrong.into_iter().map(damage).collect())
    }

    /// Strikes what is damaged, and derives descriptors anew. Rows of sources that were struck have to be described
    /// again from the pictures: the next [`sync`](Self::sync) does that, and `true` says that it is needed.
    pub fn repair(&self, damages: &[Damage], who: &str) -> Result<bool, SyncError> {
        let mut writer = self.collection().write(who)?;
        writer.strike(damages)?;
        drop(writer);
        let needs_pictures = damages.iter().any(|damage| matches!(damage.place, DamagePlace::Source { .. }));
        if !needs_pictures {
            sync::rederive(self, who)?;
        }
        Ok(needs_pictures)
    }
}
