//! What a ground-truth file says of described pictures.

use super::{Row, sides};
use crate::output::{Printer, escaped};
use alike_eval::truth::{self, Listed, Lists};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A ground-truth file; its bad lines are said.
pub(crate) fn read_lists(path: &Path, printer: &Printer) -> anyhow::Result<Lists> {
    let lists = truth::read_lists(&sides::canonical(&std::path::absolute(path)?))?;
    lists.skipped.iter().for_each(|skipped| printer.warning(escaped(&skipped.to_string())));
    Ok(lists)
}

/// What of a ground-truth file is in the gallery.
pub(crate) struct ListedQueries<'a> {
    pub(crate) queries: Vec<&'a Row>,
    pub(crate) listed: Vec<Listed>,
    lost_queries: usize,
    lost_pictures: usize,
}

pub(crate) fn listed_queries<'a>(lists: &Lists, gallery: &[&'a Row]) -> ListedQueries<'a> {
    let position: HashMap<&Path, u32> = (0..).zip(gallery).map(|(i, row)| (row.item.path.as_path(), i)).collect();
    let at = |path: &PathBuf| position.get(sides::canonical(path).as_path()).copied();
    let mut found = ListedQueries { queries: Vec::new(), listed: Vec::new(), lost_queries: 0, lost_pictures: 0 };
    for line in &lists.lines {
        let Some(query) = at(&line.query) else {
            found.lost_queries += 1;
            continue;
        };
        let [relevant, junk] =
            [&line.relevant, &line.junk].map(|paths| paths.iter().filter_map(at).collect::<Vec<u32>>());
        found.lost_pictures += line.relevant.len() + line.junk.len() - relevant.len() - junk.len();
        found.queries.push(gallery[query as usize]);
        found.listed.push(Listed { relevant, junk });
    }
    found
}

impl ListedQueries<'_> {
    pub(crate) fn warnings(&self) -> Vec<String> {
        let queries = self.lost_queries;
        let pictures = self.lost_pictures;
        let said = [
            (queries > 0).then(|| format!("{queries} queries of the ground truth are not in the gallery: left out")),
            (pictures > 0).then(|| {
                format!("{pictures} pictures that the ground truth names beside its queries are not in the gallery: they count neither as found nor as missed")
            }),
        ];
        said.into_iter().flatten().collect()
    }
}
