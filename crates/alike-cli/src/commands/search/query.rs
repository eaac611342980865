//! What is searched for.

use super::SearchArgs;
use crate::look;
use crate::output::{Printer, path_fields, shown_path};
use crate::pick;
use alike::engine::DescribeError;
use alike::picture::{DecodeOptions, Picture, Views};
use alike::store::Label;
use anyhow::{Context, bail};
use serde_json::json;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

/// The picture asked about.
pub(super) struct Query {
    /// Absolute; `None` for stdin.
    pub(super) path: Option<PathBuf>,
    pub(super) views: Views<'static>,
    pub(super) label: Option<Label>,
}

impl Query {
    /// From a file, from stdin, or from a line of a list.
    pub(super) fn read(args: &SearchArgs, printer: &Printer) -> anyhow::Result<Self> {
        let options = DecodeOptions { lenient: args.lenient, ..DecodeOptions::default() };
        if let (Some(list), Some(pick)) = (&args.list, &args.pick) {
            let picked = pick::from_list(list, args.root.as_deref(), *pick, args.seed)?;
            printer.status(format_args!("query: line {} of the list, {}", picked.line, shown_path(&picked.path)));
            let views = open(&picked.path, &options)?;
            return Ok(Self { path: Some(picked.path), views, label: picked.label });
        }
        let Some(image) = &args.image else { bail!("wanted a picture, or --list with --pick") };
        if image == Path::new("-") {
            let mut bytes = Vec::new();
            stdin().lock().take(options.limits.max_bytes).read_to_end(&mut bytes).context("can't read stdin")?;
            return Ok(Self { path: None, views: Views::of_file(bytes, None, &options), label: None });
        }
        let views = open(image, &options)?;
        Ok(Self { path: Some(std::path::absolute(image)?), views, label: None })
    }

    /// What is shown of it; `None` if it doesn't decode.
    pub(super) fn picture(&self) -> Option<&Picture> {
        self.views.at_least(Some(look::THUMBNAIL)).ok()
    }

    /// What was made of the picture, or why not, with its name.
    pub(super) fn described<T>(&self, made: Result<T, DescribeError>) -> anyhow::Result<T> {
        made.with_context(|| self.path.as_deref().map_or("the picture on stdin".to_owned(), shown_path))
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        let (width, height) = self.views.full_size().unwrap_or_default();
        let mut shown = json!({
            "label": self.label.as_ref().map(|l| &l.id), "label_name": self.label.as_ref().and_then(|l| l.name.as_ref()),
            "width": width, "height": height,
        });
        path_fields(&mut shown, self.path.as_deref().unwrap_or(Path::new("-")));
        shown
    }
}

fn open(path: &Path, options: &DecodeOptions) -> anyhow::Result<Views<'static>> {
    Views::open(path, options).with_context(|| shown_path(path))
}
