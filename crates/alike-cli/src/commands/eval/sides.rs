//! The two sides of an evaluation as the user named them: files with their labels.

use super::EvalArgs;
use crate::described::sides::{self, Naming, Side};
use crate::output::shown_path;
use alike::engine::Input;
use alike::gallery::Candidate;
use alike_eval::truth::{self, Lists};
use std::collections::HashSet;
use std::path::Path;

pub(super) fn naming(args: &EvalArgs) -> Naming<'_> {
    args.gallery.naming(args.ground_truth.is_none())
}

/// The gallery as named; `None` where the collection is the gallery.
pub(super) fn gallery(args: &EvalArgs, lists: Option<&Lists>) -> anyhow::Result<Option<Side>> {
    match (&args.gallery.gallery, &args.ground_truth, lists) {
        (Some(path), _, _) => Ok(Some(sides::named(&naming(args), path)?)),
        (None, Some(path), Some(lists)) => Ok(Some(listed(args, path, lists)?)),
        _ => Ok(None),
    }
}

/// All that a ground-truth file names, and its distractors.
fn listed(args: &EvalArgs, path: &Path, lists: &Lists) -> anyhow::Result<Side> {
    let path = sides::absolute(path)?;
    let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut files = lists.pictures();
    let mut words = format!("all pictures that {} names", shown_path(&path));
    let beside = base.join("distractors.txt");
    let distractors = match &args.distractors {
        Some(named) => Some(std::path::absolute(named)?),
        None => beside.is_file().then_some(beside),
    };
    if let Some(distractors) = distractors {
        let more = truth::read_distractors(&sides::canonical(&distractors))?;
        words = format!("{words}, and {} of {}", more.len(), shown_path(&distractors));
        files.extend(more);
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    let candidates = files.iter().map(|path| Candidate { path: path.clone(), label: None }).collect();
    Ok(Side { input: Some(Input::Files(files)), files: candidates, base, words })
}
