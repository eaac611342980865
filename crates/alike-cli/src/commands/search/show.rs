//! Pictures, where somebody wants to look: files that were asked for, and a terminal that can show them.

use super::Asked;
use crate::look::{self, HITS_IN_A_ROW, Page, Ranking, Search, Shown, Terminal};
use crate::output::shown_path;
use alike::engine::Hit;
use alike::store::Label;
use std::io::stdout;
use std::path::PathBuf;
use std::time::Duration;

/// A query that is about to be shown with its hits.
pub(super) struct Pictures<'a> {
    asked: &'a Asked<'a>,
    query: Shown,
    terminal: Option<Terminal>,
    took: Duration,
}

impl Asked<'_> {
    /// Calls `write` if anything is to be shown: only then the pictures of hits are read. `hits` are all of them.
    pub(super) fn show<'h>(
        &self,
        took: Duration,
        hits: impl IntoIterator<Item = &'h Hit>,
        write: impl FnOnce(&Pictures<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let hits: Vec<&Hit> = hits.into_iter().collect();
        if !self.shows_pictures() {
            return Ok(());
        }
        let terminal = self.terminal().filter(|_| !hits.is_empty());
        let own_label = || hits.iter().find(|hit| self.own == Some(hit.record.id))?.record.label.clone();
        let query = self.shown_query(self.query.label.clone().or_else(own_label));
        write(&Pictures { asked: self, query, terminal, took })
    }

    /// Whether pictures are to be seen anywhere.
    pub(super) fn shows_pictures(&self) -> bool {
        self.args.strip.is_some() || self.args.html.is_some() || self.terminal().is_some()
    }

    fn terminal(&self) -> Option<Terminal> {
        if self.args.json { None } else { Terminal::found() }
    }

    fn shown_query(&self, label: Option<Label>) -> Shown {
        let path = self.query.path.clone().unwrap_or_else(|| PathBuf::from("stdin"));
        let picture = self.query.picture().map(look::thumbnail);
        Shown { picture, path, label, is_query: true, ..Shown::default() }
    }

    /// A hit, with its picture read anew.
    pub(super) fn shown(&self, hit: &Hit) -> Shown {
        Shown::of_hit(hit, self.own == Some(hit.record.id))
    }
}

impl Pictures<'_> {
    /// Shows the rankings wherever they are wanted.
    pub(super) fn write(&self, rankings: &[Ranking<'_>]) -> anyhow::Result<()> {
        let Asked { args, printer, .. } = self.asked;
        if let Some(terminal) = self.terminal {
            terminal.show(&mut stdout().lock(), &self.query, rankings)?;
        }
        if let Some(path) = &args.strip {
            look::save_png(&look::strip(&self.query, rankings, HITS_IN_A_ROW), path)?;
            printer.status(format_args!("strip: {}", shown_path(path)));
        }
        if let Some(path) = &args.html {
            fs_err::write(path, self.page(rankings))?;
            printer.status(format_args!("page: {}", shown_path(path)));
        }
        Ok(())
    }

    fn page(&self, rankings: &[Ranking<'_>]) -> String {
        look::results_page(&Page {
            title: "Pictures that look alike",
            recipes: &self.asked.recipes(),
            collection: &shown_path(self.asked.first().collection().dir()),
            facts: &[],
            searches: &[Search { query: &self.query, rankings, took: self.took }],
        })
    }
}
