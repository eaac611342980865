//! The field's picture: the query, then the hits in order, each with its class and score.

use super::lettering::{Lettering, Line};
use super::why::Below;
use super::{Ranking, Shown, Verdict, fitted};
use image::{Rgb, RgbImage, imageops};

/// Side of the square a picture is fitted into.
const SIDE: u32 = 160;
const FRAME: u32 = 4;
const GAP: u32 = 12;
const MARGIN: u32 = 16;
const TEXT: f32 = 17.0;
const SMALL: f32 = 14.0;
const HEADING: f32 = 20.0;
const HEADING_HEIGHT: u32 = 32;
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

/// Draws the query, and to its right the hits, `per_row` (at least 1) in a row; of several rankings one below the other.
/// At most 500 hits are drawn; a line says how many there are beyond.
pub(crate) fn strip(query: &Shown, rankings: &[Ranking<'_>], per_row: usize) -> RgbImage {
    let explained = Below::of(rankings, SIDE + 2 * FRAME);
    let mut layout = Layout::of(rankings, per_row.max(1), explained.height());
    let top = layout.blocks.first().map_or(MARGIN, |block| block.hits_top);
    layout.height = layout.height.max(below((0, top)).1 + explained.legend_height() + MARGIN);
    let mut picture = RgbImage::from_pixel(layout.width, layout.height, PAPER);
    let lettering = Lettering::new();
    draw_cell(&mut picture, &lettering, (MARGIN, top), &Cell::of_query(query, &lettering));
    explained.draw_legend(&mut picture, &lettering, below((MARGIN, top)));
    for (ranking, block) in rankings.iter().zip(&layout.blocks) {
        draw_ranking(&mut picture, &lettering, query, ranking, &layout, block);
        for (i, hit) in ranking.hits[..block.drawn].iter().enumerate() {
            explained.draw(&mut picture, &lettering, below(layout.hit(block, i)), hit);
        }
    }
    picture
}

/// Where what explains a hit begins, below its cell.
fn below((left, top): (u32, u32)) -> (u32, u32) {
    (left, top + CELL_HEIGHT - GAP)
}

fn draw_ranking(
    picture: &mut RgbImage,
    lettering: &Lettering,
    query: &Shown,
    ranking: &Ranking<'_>,
    layout: &Layout,
    block: &Block,
) {
    let (left, top) = layout.hit(block, 0);
    if let Some(heading) = ranking.heading {
        draw_heading(picture, lettering, (left, block.top), heading, ranking.right(query));
    }
    for (i, hit) in ranking.hits[..block.drawn].iter().enumerate() {
        draw_cell(picture, lettering, layout.hit(block, i), &Cell::of_hit(query, hit, lettering));
    }
    if ranking.hits.is_empty() {
        lettering.draw(picture, "nothing found", line((left, top + SIDE / 2), SMALL, FAINT));
    }
    if block.drawn < ranking.hits.len() {
        let text = format!("and {} more", ranking.hits.len() - block.drawn);
        lettering.draw(picture, &text, line((left, block.bottom - GAP - 16), SMALL, FAINT));
    }
}

/// The recipe, and at the right end how many of its hits are of the query's class.
fn draw_heading(
    picture: &mut RgbImage,
    lettering: &Lettering,
    (left, top): (u32, u32),
    heading: &str,
    (right, judged): (usize, usize),
) {
    let outcome = if judged > 0 { format!("{right} of {judged} right") } else { String::new() };
    let end = (picture.width() - MARGIN) as f32;
    let outcome_left = end - lettering.width(&outcome, TEXT);
    let room = outcome_left - left as f32 - GAP as f32;
    let heading = lettering.shortened(&lettering.drawable(heading), HEADING, room.max(0.0));
    lettering.draw(picture, &heading, line((left, top), HEADING, INK));
    lettering.draw(picture, &outcome, Line { left: outcome_left, ..line((left, top + 2), TEXT, FAINT) });
}

/// Sizes in pixels.
struct Layout {
    width: u32,
    height: u32,
    per_row: u32,
    /// From a row of hits to the next.
    row: u32,
    blocks: Vec<Block>,
}

/// Where a ranking is drawn.
struct Block {
    top: u32,
    /// Below the heading.
    hits_top: u32,
    bottom: u32,
    /// Hits that are drawn.
    drawn: usize,
}

impl Layout {
    /// `more`: pixels below each cell.
    fn of(rankings: &[Ranking<'_>], per_row: usize, more: u32) -> Self {
        let most = MOST_HITS / rankings.len().max(1);
        let longest = rankings.iter().map(|ranking| ranking.hits.len().min(most)).max().unwrap_or(0);
        let per_row = per_row.min(longest.max(1)) as u32;
        let row = CELL_HEIGHT + more;
        let mut blocks: Vec<Block> = Vec::new();
        for ranking in rankings {
            let top = blocks.last().map_or(MARGIN, |block| block.bottom);
            blocks.push(Block::of(ranking, most, (per_row, row), top));
        }
        let bottom = blocks.last().map_or(MARGIN + row, |block| block.bottom);
        Self { width: 2 * MARGIN + CELL_WIDTH * (per_row + 1), height: bottom + MARGIN - GAP, per_row, row, blocks }
    }

    /// Top left corner of a hit's cell; the query's column is wider by a gap.
    fn hit(&self, block: &Block, index: usize) -> (u32, u32) {
        let (row, column) = (index as u32 / self.per_row, index as u32 % self.per_row);
        (MARGIN + CELL_WIDTH * (column + 1) + GAP, block.hits_top + self.row * row)
    }
}

impl Block {
    fn of(ranking: &Ranking<'_>, most: usize, (per_row, row): (u32, u32), top: u32) -> Self {
        let drawn = ranking.hits.len().min(most);
        let rows = (drawn.max(1) as u32).div_ceil(per_row);
        let hits_top = top + if ranking.heading.is_some() { HEADING_HEIGHT } else { 0 };
        let more = if drawn < ranking.hits.len() { 24 } else { 0 };
        Self { top, hits_top, bottom: hits_top + row * rows + more, drawn }
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
        let score = hit.score.map(|score| format!("  {score}")).unwrap_or_default();
        let note = format!("{}{score}{mark}  {}", hit.rank, hit.note);
        Self { shown: hit, frame, title: title(hit, lettering), note: note.trim_end().to_owned() }
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

    fn strip_of(query: &Shown, hits: &[Shown], per_row: usize) -> RgbImage {
        strip(query, &[Ranking::alone(hits)], per_row)
    }

    fn cell_of(hits: &[Shown], index: usize) -> (u32, u32) {
        let layout = Layout::of(&[Ranking::alone(hits)], 10, 0);
        layout.hit(&layout.blocks[0], index)
    }

    #[test]
    fn wraps_to_rows() {
        let query = shown(0, None);
        let size = |count, per_row| strip_of(&query, &hits(count), per_row).dimensions();
        let ((one, height), (ten, same)) = (size(1, 10), size(10, 10));
        assert_eq!((ten - one, same), (9 * CELL_WIDTH, height));
        assert_eq!(size(11, 10), (ten, height + CELL_HEIGHT));
        assert_eq!(size(0, 10), (one, height));
        assert_eq!(size(4, 0), size(4, 1));
    }

    #[test]
    fn rankings_stand_below_each_other_with_headings() {
        let (query, few, many) = (shown(0, Some(("1", None))), hits(2), hits(12));
        let ranking = |heading, hits| Ranking { heading: Some(heading), hits };
        let both = strip(&query, &[ranking("A  color", &few), ranking("B  shape", &many)], 10);
        let alone = strip_of(&query, &many, 10).dimensions();
        assert_eq!(both.dimensions(), (alone.0, alone.1 + CELL_HEIGHT + 2 * HEADING_HEIGHT));
        let other = strip(&query, &[ranking("A  color", &few), ranking("B  texture", &many)], 10);
        let differs = |y: u32| (0..both.width()).any(|x| both.get_pixel(x, y) != other.get_pixel(x, y));
        let second = MARGIN + HEADING_HEIGHT + CELL_HEIGHT;
        let rows: Vec<u32> = (0..both.height()).filter(|&y| differs(y)).collect();
        assert!(!rows.is_empty() && rows.iter().all(|y| (second..second + HEADING_HEIGHT).contains(y)), "{rows:?}");
    }

    #[test]
    fn frames_say_whether_a_hit_is_right() {
        let query = shown(0, Some(("1", None)));
        let mut hits = vec![shown(1, Some(("1", None))), shown(2, Some(("2", None))), shown(3, None)];
        hits.push(Shown { is_query: true, ..shown(4, Some(("1", None))) });
        let picture = strip_of(&query, &hits, 10);
        let at = |i, (dx, dy)| *picture.get_pixel(cell_of(&hits, i).0 + dx, cell_of(&hits, i).1 + dy);
        assert_eq!([0, 1, 2, 3].map(|i| at(i, (1, 1))), [GREEN, RED, MAT, BLUE]);
        assert_eq!(at(1, (SIDE / 2, SIDE / 2)), Rgb([40; 3]), "the picture itself, in the middle of its frame");
    }

    #[test]
    fn an_unreadable_hit_leaves_a_note() {
        let gone = [Shown { picture: None, ..shown(1, None) }];
        let picture = strip_of(&shown(0, None), &gone, 10);
        let (x, y) = cell_of(&gone, 0);
        let inked = |dx, dy| picture.get_pixel(x + FRAME + dx, y + FRAME + dy).0[0] < 180;
        assert!((20..140).any(|dx| (60..100).any(|dy| inked(dx, dy))));
    }

    #[test]
    fn many_hits_are_bounded() {
        let most = strip_of(&shown(0, None), &hits(MOST_HITS + 3), 10).dimensions();
        assert!(most.1 < 50 * CELL_HEIGHT + 100, "{most:?}");
    }
}
