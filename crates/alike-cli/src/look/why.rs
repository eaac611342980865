//! Below a hit of a strip: the shares of the score, and the query with the places that agree; below the query a legend.

use super::heat::color;
use super::lettering::{Lettering, Line};
use super::{Ranking, Shown, fitted};
use image::{Rgb, RgbImage, imageops};

/// Colours of the terms, told apart with any kind of sight (Okabe and Ito 2008); used again where there are more terms.
pub(super) const TERMS: [[u8; 3]; 7] =
    [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0], [128, 128, 128]];

const SMALL: f32 = 14.0;
const LINE: u32 = 18;
/// Bar and numbers.
const SHARES: u32 = 34;
const BAR: u32 = 8;
const RAMP: u32 = 12;
/// Two lines, ramp and numbers.
const HEAT_LEGEND: u32 = 3 * LINE + RAMP + 10;
const GAP: u32 = 4;
const INK: Rgb<u8> = Rgb([32, 34, 38]);
const FAINT: Rgb<u8> = Rgb([104, 107, 114]);

/// What is explained of the hits.
pub(super) struct Explained<'a> {
    /// Names of the terms, where there are several.
    pub(super) terms: Vec<&'a str>,
    /// From how much on that a place adds to a score it is drawn brightest; `None` where no hit has heat.
    pub(super) brightest: Option<f64>,
}

impl<'a> Explained<'a> {
    pub(super) fn of(rankings: &[Ranking<'a>]) -> Self {
        let hits = || rankings.iter().flat_map(|ranking| ranking.hits);
        let shares = hits().map(|hit| hit.shares.as_slice()).find(|shares| shares.len() > 1).unwrap_or_default();
        let brightest = hits().find_map(|hit| Some(hit.agreement.as_ref()?.brightest));
        Self { terms: shares.iter().map(|(name, _)| name.as_str()).collect(), brightest }
    }
}

/// Draws it below the cells of a strip.
pub(super) struct Below<'a> {
    explained: Explained<'a>,
    /// Of a cell.
    width: u32,
    /// Height of the query below a hit.
    picture: u32,
}

impl<'a> Below<'a> {
    pub(super) fn of(rankings: &[Ranking<'a>], width: u32) -> Self {
        let mut hits = rankings.iter().flat_map(|ranking| ranking.hits);
        let query = hits.find_map(|hit| fitted(&hit.agreement.as_ref()?.query, width, width));
        let picture = query.map_or(0, |query| query.height() + GAP);
        Self { explained: Explained::of(rankings), width, picture }
    }

    fn shares_height(&self) -> u32 {
        if self.explained.terms.is_empty() { 0 } else { SHARES }
    }

    /// Pixels below a hit: none where nothing is explained.
    pub(super) fn height(&self) -> u32 {
        self.shares_height() + self.picture
    }

    /// Pixels below the query.
    pub(super) fn legend_height(&self) -> u32 {
        LINE * self.explained.terms.len() as u32 + if self.explained.brightest.is_some() { HEAT_LEGEND } else { 0 }
    }

    /// Below a hit.
    pub(super) fn draw(&self, picture: &mut RgbImage, lettering: &Lettering, (left, top): (u32, u32), hit: &Shown) {
        if !self.explained.terms.is_empty() {
            bar(picture, (left, top), self.width, &hit.shares);
            let numbers: Vec<String> = hit.shares.iter().map(|(_, share)| format!("{:.0}%", share * 100.0)).collect();
            let text = lettering.shortened(&numbers.join("  "), SMALL, self.width as f32);
            lettering.draw(picture, &text, line((left, top + BAR + 4), FAINT));
        }
        let top = top + self.shares_height();
        let query = hit.agreement.as_ref().map(|agreement| &agreement.query);
        if let Some(small) = query.and_then(|query| fitted(query, self.width, self.width)) {
            imageops::replace(picture, &small, i64::from(left + (self.width - small.width()) / 2), i64::from(top));
        }
    }

    /// Below the query.
    pub(super) fn draw_legend(&self, picture: &mut RgbImage, lettering: &Lettering, (left, mut top): (u32, u32)) {
        for (name, color) in self.explained.terms.iter().zip(TERMS.iter().cycle()) {
            fill(picture, (left, top + 3), (10, 10), Rgb(*color));
            let name = lettering.shortened(&lettering.drawable(name), SMALL, self.width as f32 - 16.0);
            lettering.draw(picture, &name, line((left + 16, top), INK));
            top += LINE;
        }
        if let Some(brightest) = self.explained.brightest {
            self.draw_ramp(picture, lettering, (left, top + 6), brightest);
        }
    }

    fn draw_ramp(&self, picture: &mut RgbImage, lettering: &Lettering, (left, mut top): (u32, u32), brightest: f64) {
        for text in ["below a hit: the query,", "bright where they agree"] {
            lettering.draw(picture, text, line((left, top), FAINT));
            top += LINE;
        }
        for x in 0..self.width {
            let color = color(f64::from(x) / f64::from(self.width - 1)).map(|channel| channel.round() as u8);
            fill(picture, (left + x, top + 2), (1, RAMP), Rgb(color));
        }
        let most = format!("{brightest:.3} or more");
        let indent = self.width - lettering.width(&most, SMALL) as u32;
        lettering.draw(picture, "0", line((left, top + RAMP + 4), FAINT));
        lettering.draw(picture, &most, line((left + indent, top + RAMP + 4), FAINT));
    }
}

/// What each term has of the score; terms below 0 have no width.
fn bar(picture: &mut RgbImage, (left, top): (u32, u32), width: u32, shares: &[(String, f64)]) {
    let mut x = f64::from(left);
    for (width, color) in widths(shares).zip(TERMS.iter().cycle()).map(|(part, color)| (part * f64::from(width), color))
    {
        let (from, to) = (x.round() as u32, (x + width).round() as u32);
        fill(picture, (from, top), (to - from, BAR), Rgb(*color));
        x += width;
    }
}

/// Shares of a bar, which add up to 1 or are all 0.
pub(super) fn widths(shares: &[(String, f64)]) -> impl Iterator<Item = f64> {
    let positive = |share: &f64| if share.is_finite() { share.max(0.0) } else { 0.0 };
    let total: f64 = shares.iter().map(|(_, share)| positive(share)).sum();
    shares.iter().map(move |(_, share)| if total > 0.0 { positive(share) / total } else { 0.0 })
}

fn line((left, top): (u32, u32), color: Rgb<u8>) -> Line {
    Line { left: left as f32, top: top as f32, size: SMALL, color }
}

fn fill(picture: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), color: Rgb<u8>) {
    for y in top..top + height {
        for x in left..left + width {
            picture.put_pixel(x, y, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::widths;

    #[test]
    fn bars_are_full_and_terms_below_nothing_have_no_width() {
        let of = |shares: &[f64]| {
            let shares: Vec<_> = shares.iter().map(|share| (String::new(), *share)).collect();
            widths(&shares).collect::<Vec<f64>>()
        };
        assert_eq!(of(&[0.25, 0.75]), [0.25, 0.75]);
        assert_eq!(of(&[1.5, -1.0, 0.5]), [0.75, 0.0, 0.25]);
        assert_eq!(of(&[f64::NEG_INFINITY, f64::NAN]), [0.0, 0.0], "shares of a score of 0");
    }
}
