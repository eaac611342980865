//! Flags that name a labelled gallery, and where its rows are kept.

use crate::collection::CollectionArgs;
use crate::decoding::DecodingArgs;
use crate::described::sides::Naming;
use crate::networks::NetworkArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct GalleryArgs {
    /// Pictures searched: a list file (`path TAB label`) or a folder [default: the collection]
    #[arg(long, value_name = "LIST|DIR")]
    pub(crate) gallery: Option<PathBuf>,

    /// The label of a picture is the name of its folder
    #[arg(long)]
    pub(crate) labels_from_folders: bool,

    /// What the paths of lists are relative to [default: the list's folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,

    #[command(flatten)]
    pub(crate) collection: CollectionArgs,

    #[command(flatten)]
    pub(crate) decoding: DecodingArgs,
}

impl GalleryArgs {
    /// `by_labels`: pictures need them.
    pub(crate) fn naming(&self, by_labels: bool) -> Naming<'_> {
        Naming { labels_from_folders: self.labels_from_folders, root: self.root.as_deref(), by_labels }
    }
}
