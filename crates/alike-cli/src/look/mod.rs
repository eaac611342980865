//! What people look at: a query and its hits as a strip, as a page, in the terminal.

mod heat;
mod html;
mod lettering;
mod sixel;
mod strip;
mod terminal;
mod why;

pub(crate) use heat::{brightest, heated};
pub(crate) use html::{Facts, Page, Search, data_uri_of_file, results_page};
pub(crate) use strip::strip;
pub(crate) use terminal::Terminal;

use alike::engine::Hit;
use alike::picture::{DecodeOptions, Picture, Views};
use alike::store::Label;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use std::fmt;
use std::path::{Path, PathBuf};

/// A query or a hit, ready to be looked at.
#[derive(Default)]
pub(crate) struct Shown {
    /// Best a [`thumbnail`], so that many hits fit in memory; `None` if the file can't be read any more.
    pub(crate) picture: Option<Picture>,
    pub(crate) path: PathBuf,
    pub(crate) label: Option<Label>,
    /// `None` for the query.
    pub(crate) score: Option<Score>,
    /// From 1; 0 for the query.
    pub(crate) rank: usize,
    /// This is the query, or a hit that is the query's own file.
    pub(crate) is_query: bool,
    /// What else there is to say of a hit: how other recipes see it.
    pub(crate) note: String,
    /// Of a hit that is explained: each term's name and share of the score.
    pub(crate) shares: Vec<(String, f64)>,
    pub(crate) agreement: Option<Agreement>,
}

/// Where the query agrees with a hit that is explained; the hit's own picture has its heat drawn over it.
pub(crate) struct Agreement {
    /// The query's thumbnail with heat.
    pub(crate) query: Picture,
    /// From how much on that a place adds to the score it is drawn brightest.
    pub(crate) brightest: f64,
}

/// A score, and the best that a hit can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    pub(crate) value: f32,
    pub(crate) greatest: f32,
}

impl fmt::Display for Score {
    /// Sums of reciprocal ranks are small, and differ in the fourth decimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.greatest < 0.5 { 4 } else { 3 };
        write!(f, "{:.decimals$}", self.value)
    }
}

/// What one search found, best first.
#[derive(Clone, Copy)]
pub(crate) struct Ranking<'a> {
    /// Stands above the hits where there are several rankings.
    pub(crate) heading: Option<&'a str>,
    pub(crate) hits: &'a [Shown],
}

impl<'a> Ranking<'a> {
    /// The only one.
    pub(crate) fn alone(hits: &'a [Shown]) -> Self {
        Self { heading: None, hits }
    }

    /// So many hits at most.
    fn first(&self, most: usize) -> Self {
        Self { hits: &self.hits[..self.hits.len().min(most)], ..*self }
    }

    /// How many hits are of the query's class, and of how many that can be said.
    fn right(&self, query: &Shown) -> (usize, usize) {
        let count = |wanted| self.hits.iter().filter(|hit| Verdict::of(query, hit) == wanted).count();
        let right = count(Verdict::Right);
        (right, right + count(Verdict::Wrong))
    }
}

impl Shown {
    /// A hit, with its picture read anew.
    pub(crate) fn of_hit(hit: &Hit, is_query: bool) -> Self {
        let (path, label) = (hit.path.clone(), hit.record.label.clone());
        let score = Some(Score { value: hit.score, greatest: 1.0 });
        Self { picture: read(&hit.path), path, label, score, rank: hit.rank, is_query, ..Self::default() }
    }

    /// A query, with its picture read anew.
    pub(crate) fn of_query(path: &Path, label: Option<Label>) -> Self {
        Self { picture: read(path), path: path.to_path_buf(), label, is_query: true, ..Self::default() }
    }
}

/// A file's thumbnail; `None` if it can't be read any more, which is shown as such.
fn read(path: &Path) -> Option<Picture> {
    Views::open(path, &DecodeOptions::default()).ok()?.at_least(Some(THUMBNAIL)).ok().map(thumbnail)
}

/// Hits in a row of a strip.
pub(crate) const HITS_IN_A_ROW: usize = 10;

/// Longest side of what is drawn anywhere, in pixels.
pub(crate) const THUMBNAIL: u32 = 320;

/// The picture, made small enough to be kept for each of many hits.
pub(crate) fn thumbnail(picture: &Picture) -> Picture {
    picture.fitted(THUMBNAIL, THUMBNAIL)
}

/// Writes a picture as PNG.
pub(crate) fn save_png(picture: &RgbImage, path: &Path) -> anyhow::Result<()> {
    fs_err::write(path, png(picture)?)?;
    Ok(())
}

fn png(picture: &RgbImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes).write_image(picture, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

/// The picture, made smaller to fit into a box where it is larger, for drawing.
fn fitted(picture: &Picture, width: u32, height: u32) -> Option<RgbImage> {
    let small = picture.fitted(width, height);
    RgbImage::from_raw(small.width(), small.height(), small.rgb().to_vec())
}

/// What can be said of a hit when labels are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The query's own file: neither right nor wrong.
    Itself,
    /// Of the query's class.
    Right,
    /// Of another class.
    Wrong,
    /// One of the two labels isn't known.
    Unknown,
}

impl Verdict {
    fn of(query: &Shown, hit: &Shown) -> Self {
        match (&query.label, &hit.label) {
            _ if hit.is_query => Self::Itself,
            (Some(wanted), Some(got)) if wanted.id == got.id => Self::Right,
            (Some(_), Some(_)) => Self::Wrong,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn shown(rank: usize, label: Option<(&str, Option<&str>)>) -> Shown {
        let label = label.map(|(id, name)| Label { id: id.to_owned(), name: name.map(str::to_owned) });
        let picture = Picture::from_rgb(40, 20, vec![(rank * 20) as u8; 40 * 20 * 3]);
        let score = (rank > 0).then(|| Score { value: 1.0 / rank as f32, greatest: 1.0 });
        let path = format!("pictures/{rank}.png").into();
        Shown { picture, path, label, score, rank, is_query: rank == 0, ..Shown::default() }
    }

    #[test]
    fn thumbnails_keep_proportions_and_never_grow() {
        let wide = Picture::from_rgb(2000, 3, vec![9; 2000 * 3 * 3]).unwrap();
        let small = thumbnail(&wide);
        assert_eq!((small.width(), small.height()), (320, 1));
        let tiny = Picture::from_rgb(4, 2, (0..24).collect()).unwrap();
        assert_eq!(thumbnail(&tiny), tiny);
    }

    #[test]
    fn verdicts_need_both_labels() {
        let query = shown(0, Some(("3", Some("cat"))));
        assert_eq!(Verdict::of(&query, &shown(1, Some(("3", None)))), Verdict::Right);
        assert_eq!(Verdict::of(&query, &shown(1, Some(("4", Some("cat"))))), Verdict::Wrong);
        assert_eq!(Verdict::of(&query, &shown(1, None)), Verdict::Unknown);
        assert_eq!(Verdict::of(&query, &Shown { is_query: true, ..shown(1, None) }), Verdict::Itself);
    }
}
