//! The field's picture: the query, then the hits in order, each with its class and score.

use super::lettering::{Lettering, Line};
use super::{Shown, Verdict, fitted};
use image::{Rgb, RgbImage, imageops};

/// Side of the square a picture is fitted into.
const SIDE: u32 = 160;
const FRAME: u32 = 4;
const GAP: u32 = 12;
const MARGIN: u32 = 16;
const TEXT: f32 = 17.0;
const SMALL: f32 = 14.0;
const CAPTION: u32 = 46;
const CELL_WIDTH: u32 = SIDE + 2 * FRAME + GAP;
const CELL_HEIGHT: u32 = SIDE + 2 * FRAME + CAPTION + GAP;

/// Hits that are drawn at most: a strip is for looking at, and its memory is bounded.
const MOST_HITS: usize = 500;

const PAPER: Rgb<u8> = Rgb([250, 250, 248]);
const MAT: Rgb<u8> = Rgb([232, 232, 229]);
const INK: Rgb<u8> = Rgb([32, 34, 38]);
const FAINT: Rgb<u8> = Rgb([104, 107, 114]);
const GREEN: Rgb<u8> = Rgb([26, 148, 78]);
const RED: Rgb<u8> = Rgb([208, 52, 52]);
const BLUE: Rgb<u8> = Rgb([44, 98, 200]);

/// Draws the query, and to its right the hits, `per_row` (at least 1) in a row. At most 500 hits are drawn; a line
/// says how many there are beyond.
pub(crate) fn strip(query: &Shown, hits: &[Shown], per_row: usize) -> RgbImage {
    let drawn = &hits[..hits.len().min(MOST_HITS)];
    let layout = Layout::of(drawn.len(), per_row.max(1), drawn.len() < hits.len());
    let mut picture = RgbImage::from_pixel(layout.width, layout.height, PAPER);
    let lettering = Lettering::new();
    draw_cell(&mut picture, &lettering, (MARGIN, MARGIN), &Cell::of_query(query, &lettering));
    for (i, hit) in drawn.iter().enumerate() {
        draw_cell(&mut picture, &lettering, layout.hit(i), &Cell::of_hit(query, hit, &lettering));
    }
    if drawn.is_empty() {
        let (x, y) = layout.hit(0);
        lettering.draw(&mut picture, "nothing found", line((x, y + SIDE / 2), SMALL, FAINT));
    }
    if drawn.len() < hits.len() {
        let text = format!("and {} more", hits.len() - drawn.len());
        lettering.draw(&mut picture, &text, line((layout.hit(0).0, layout.height - MARGIN - 16), SMALL, FAINT));
    }
    picture
}

/// Sizes in pixels.
struct Layout {
    width: u32,
    height: u32,
    per_row: u32,
}

impl Layout {
    fn of(hits: usize, per_row: usize, more: bool) -> Self {
        let per_row = per_row.min(hits.max(1)) as u32;
        let rows = (hits.max(1) as u32).div_ceil(per_row);
        let width = 2 * MARGIN + CELL_WIDTH * (per_row + 1);
        Self { width, height: 2 * MARGIN + CELL_HEIGHT * rows - GAP + if more { 24 } else { 0 }, per_row }
    }

    /// Top left corner of a hit's cell; the query's column is wider by a gap.
    fn hit(&self, index: usize) -> (u32, u32) {
        let (row, column) = (index as u32 / self.per_row, index as u32 % self.per_row);
        (MARGIN + CELL_WIDTH * (column + 1) + GAP, MARGIN + CELL_HEIGHT * row)
    }
}

/// A picture with what is written under it.
struct Cell<'a> {
    shown: &'a Shown,
    frame: Rgb<u8>,
    title: String,
    note: String,
}

impl<'a> Cell<'a> {
    fn of_query(query: &'a Shown, lettering: &Lettering) -> Self {
        Self { shown: query, frame: BLUE, title: title(query, lettering), note: "query".to_owned() }
    }

    fn of_hit(query: &Shown, hit: &'a Shown, lettering: &Lettering) -> Self {
        let (frame, mark) = match Verdict::of(query, hit) {
            Verdict::Itself => (BLUE, "  query itself"),
            Verdict::Right => (GREEN, "  ✓"),
            Verdict::Wrong => (RED, "  ✗"),
            Verdict::Unknown => (MAT, ""),
        };
        let score = hit.score.map(|score| format!("  {score:.3}")).unwrap_or_default();
        Self { shown: hit, frame, title: title(hit, lettering), note: format!("{}{score}{mark}", hit.rank) }
    }
}

/// The class, or the file's name where there is none.
fn title(shown: &Shown, lettering: &Lettering) -> String {
    let file = || shown.path.file_name().unwrap_or(shown.path.as_os_str()).to_string_lossy();
    shown.label.as_ref().map_or_else(|| lettering.drawable(&file()), |label| lettering.label(label))
}

fn draw_cell(picture: &mut RgbImage, lettering: &Lettering, (x, y): (u32, u32), cell: &Cell) {
    fill(picture, (x, y), SIDE + 2 * FRAME, cell.frame);
    fill(picture, (x + FRAME, y + FRAME), SIDE, MAT);
    if let Some(small) = cell.shown.picture.as_ref().and_then(|picture| fitted(picture, SIDE, SIDE)) {
        let (dx, dy) = ((SIDE - small.width()) / 2, (SIDE - small.height()) / 2);
        imageops::replace(picture, &small, i64::from(x + FRAME + dx), i64::from(y + FRAME + dy));
    } else {
        let text = "can't be read";
        let indent = (SIDE as f32 - lettering.width(text, SMALL)) / 2.0;
        lettering.draw(picture, text, line((x + FRAME + indent as u32, y + FRAME + SIDE / 2 - 8), SMALL, FAINT));
    }
    let below = y + SIDE + 2 * FRAME;
    let width = (SIDE + 2 * FRAME) as f32;
    lettering.draw(picture, &lettering.shortened(&cell.title, TEXT, width), line((x, below + 5), TEXT, INK));
    let color = if cell.frame == MAT { FAINT } else { cell.frame };
    lettering.draw(picture, &lettering.shortened(&cell.note, SMALL, width), line((x, below + 26), SMALL, color));
}

fn line((left, top): (u32, u32), size: f32, color: Rgb<u8>) -> Line {
    Line { left: left as f32, top: top as f32, size, color }
}

fn fill(picture: &mut RgbImage, (left, top): (u32, u32), side: u32, color: Rgb<u8>) {
    for y in top..top + side {
        for x in left..left + side {
            picture.put_pixel(x, y, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn hits(count: usize) -> Vec<Shown> {
        (1..=count).map(|rank| shown(rank, Some(("1", None)))).collect()
    }

    #[test]
    fn wraps_to_rows() {
        let query = shown(0, None);
        let size = |count, per_row| strip(&query, &hits(count), per_row).dimensions();
        let ((one, height), (ten, same)) = (size(1, 10), size(10, 10));
        assert_eq!((ten - one, same), (9 * CELL_WIDTH, height));
        assert_eq!(size(11, 10), (ten, height + CELL_HEIGHT));
        assert_eq!(size(0, 10), (one, height));
        assert_eq!(size(4, 0), size(4, 1));
    }

    #[test]
    fn frames_say_whether_a_hit_is_right() {
        let query = shown(0, Some(("1", None)));
        let mut hits = vec![shown(1, Some(("1", None))), shown(2, Some(("2", None))), shown(3, None)];
        hits.push(Shown { is_query: true, ..shown(4, Some(("1", None))) });
        let picture = strip(&query, &hits, 10);
        let layout = Layout::of(4, 10, false);
        let frame = |i| *picture.get_pixel(layout.hit(i).0 + 1, layout.hit(i).1 + 1);
        assert_eq!([frame(0), frame(1), frame(2), frame(3)], [GREEN, RED, MAT, BLUE]);
        let center = picture.get_pixel(layout.hit(1).0 + SIDE / 2, layout.hit(1).1 + SIDE / 2);
        assert_eq!(*center, Rgb([40; 3]), "the picture itself, in the middle of its frame");
    }

    #[test]
    fn an_unreadable_hit_leaves_a_note() {
        let gone = Shown { picture: None, ..shown(1, None) };
        let picture = strip(&shown(0, None), &[gone], 10);
        let (x, y) = Layout::of(1, 10, false).hit(0);
        let inked = |dx, dy| picture.get_pixel(x + FRAME + dx, y + FRAME + dy).0[0] < 180;
        assert!((20..140).any(|dx| (60..100).any(|dy| inked(dx, dy))));
    }

    #[test]
    fn many_hits_are_bounded() {
        let most = strip(&shown(0, None), &hits(MOST_HITS + 3), 10).dimensions();
        assert!(most.1 < 50 * CELL_HEIGHT + 100, "{most:?}");
    }
}
