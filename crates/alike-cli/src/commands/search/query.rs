//! What is searched for.

use super::SearchArgs;
use crate::output::{Printer, path_fields, shown_path};
use crate::pick;
use alike::picture::{DecodeOptions, Picture};
use alike::store::Label;
use anyhow::{Context, bail};
use serde_json::json;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

/// The picture asked about.
pub(super) struct Query {
    /// Absolute; `None` for stdin.
    pub(super) path: Option<PathBuf>,
    pub(super) picture: Picture,
    pub(super) label: Option<Label>,
}

impl Query {
    /// From a file, from stdin, or from a line of a list.
    pub(super) fn read(args: &SearchArgs, printer: &Printer) -> anyhow::Result<Self> {
        let options = DecodeOptions { lenient: args.lenient, ..DecodeOptions::default() };
        if let (Some(list), Some(pick)) = (&args.list, &args.pick) {
            let picked = pick::from_list(list, args.root.as_deref(), *pick, args.seed)?;
            printer.status(format_args!("query: line {} of the list, {}", picked.line, shown_path(&picked.path)));
            let picture = open(&picked.path, &options)?;
            return Ok(Self { path: Some(picked.path), picture, label: picked.label });
        }
        let Some(image) = &args.image else { bail!("wanted a picture, or --list with --pick") };
        if image == Path::new("-") {
            let mut bytes = Vec::new();
            stdin().lock().take(options.limits.max_bytes).read_to_end(&mut bytes).context("can't read stdin")?;
            let picture = Picture::decode(&bytes, None, &options).context("the picture on stdin")?;
            return Ok(Self { path: None, picture, label: None });
        }
        let picture = open(image, &options)?;
        Ok(Self { path: Some(std::path::absolute(image)?), picture, label: None })
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        let mut shown = json!({
            "label": self.label.as_ref().map(|l| &l.id), "label_name": self.label.as_ref().and_then(|l| l.name.as_ref()),
            "width": self.picture.width(), "height": self.picture.height(),
        });
        path_fields(&mut shown, self.path.as_deref().unwrap_or(Path::new("-")));
        shown
    }
}

fn open(path: &Path, options: &DecodeOptions) -> anyhow::Result<Picture> {
    Picture::open(path, options).with_context(|| shown_path(path))
}
