//! Heat over pictures: dark where a place adds nothing to the score, bright where it adds much.

use super::thumbnail;
use alike::engine::HeatMap;
use alike::picture::Picture;

/// From nothing to most, each a like step lighter than the one before, so that the order is seen without telling hues apart.
pub(super) const RAMP: [[u8; 3]; 6] =
    [[8, 6, 24], [66, 16, 104], [144, 38, 105], [214, 72, 66], [249, 144, 24], [250, 240, 140]];

/// How much of a pixel is heat; the rest is the picture, without its colours.
const COVER: f64 = 0.55;

/// Of so many places above 0 one is as bright as can be, so that a single peak doesn't leave all else in the dark.
const BRIGHT: usize = 100;

/// From which value on places of some maps are drawn brightest; `None` if there is none above 0.
pub(crate) fn brightest<'a>(maps: impl Iterator<Item = &'a HeatMap>) -> Option<f64> {
    let mut values: Vec<f64> = maps.flat_map(|map| &map.values).copied().filter(|value| *value > 0.0).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values.get(values.len() / BRIGHT).copied()
}

/// A thumbnail with heat over what the map covers; the rest stays as it is. What is below 0 counts as nothing.
pub(crate) fn heated(picture: &Picture, map: &HeatMap, brightest: f64) -> Option<Picture> {
    let small = thumbnail(picture);
    let (width, height) = (small.width(), small.height());
    let mut rgb = small.rgb().to_vec();
    for (i, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (i as u32 % width, i as u32 / width);
        let across = (f64::from(x) + 0.5) / f64::from(width) - map.seen.left;
        let down = (f64::from(y) + 0.5) / f64::from(height) - map.seen.top;
        let (across, down) = (across / map.seen.width, down / map.seen.height);
        if (0.0..=1.0).contains(&across) && (0.0..=1.0).contains(&down) {
            cover(pixel, color(value(map, across, down) / brightest));
        }
    }
    Picture::from_rgb(width, height, rgb)
}

/// Between the centres of places, of which each covers its share of the map: bilinear.
fn value(map: &HeatMap, across: f64, down: f64) -> f64 {
    let (columns, rows) = (map.width, map.values.len() / map.width);
    let ((left, right, x), (upper, lower, y)) = (between(across, columns), between(down, rows));
    let row = |row: usize| {
        let at = |column: usize| map.values[row * columns + column];
        at(left) * (1.0 - x) + at(right) * x
    };
    row(upper) * (1.0 - y) + row(lower) * y
}

/// The two places whose centres are around a position in 0..=1, and how far it is on the way from one to the other.
fn between(position: f64, count: usize) -> (usize, usize, f64) {
    let last = count - 1;
    let at = (position * count as f64 - 0.5).clamp(0.0, last as f64);
    (at as usize, (at as usize + 1).min(last), at.fract())
}

/// Of a share of the brightest value.
pub(super) fn color(share: f64) -> [f64; 3] {
    let (from, to, way) =
        between(share.clamp(0.0, 1.0) * (1.0 - 1.0 / RAMP.len() as f64) + 0.5 / RAMP.len() as f64, RAMP.len());
    std::array::from_fn(|c| f64::from(RAMP[from][c]) * (1.0 - way) + f64::from(RAMP[to][c]) * way)
}

fn cover(pixel: &mut [u8], heat: [f64; 3]) {
    // Rec. 601 luma.
    let grey = 0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2]);
    for (channel, heat) in pixel.iter_mut().zip(heat) {
        *channel = (COVER * heat + (1.0 - COVER) * grey).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alike::model::Seen;

    const ALL: Seen = Seen { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

    fn grey() -> Picture {
        Picture::from_rgb(80, 40, vec![100; 80 * 40 * 3]).unwrap()
    }

    /// Brightness of the pixels of a row.
    fn row(picture: &Picture, y: usize) -> Vec<u32> {
        let row = &picture.rgb()[y * 80 * 3..][..80 * 3];
        row.chunks_exact(3).map(|pixel| pixel.iter().map(|x| u32::from(*x)).sum()).collect()
    }

    /// CIE L* of sRGB.
    fn lightness(color: [f64; 3]) -> f64 {
        let linear = color
            .map(|c| if c / 255.0 <= 0.04045 { c / 255.0 / 12.92 } else { ((c / 255.0 + 0.055) / 1.055).powf(2.4) });
        let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        if y <= 0.008856 { 903.3 * y } else { 116.0 * y.cbrt() - 16.0 }
    }

    #[test]
    fn the_ramp_becomes_lighter_in_like_steps() {
        let ramp: Vec<f64> = (0..=20).map(|i| lightness(color(f64::from(i) / 20.0))).collect();
        let steps: Vec<f64> = ramp.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (2.0..8.0).contains(step)), "{steps:?}");
        assert!(ramp[0] < 5.0 && ramp[20] > 90.0, "{ramp:?}");
        assert_eq!((color(-1.0), color(2.0)), (color(0.0), color(1.0)));
    }

    #[test]
    fn a_place_is_brightest_in_its_middle() {
        let map = HeatMap { width: 4, values: vec![0.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0], seen: ALL };
        let made = heated(&grey(), &map, 0.5).unwrap();
        let upper = row(&made, 10);
        let brightest = (0..80).max_by_key(|x| upper[*x]).unwrap();
        assert!((48..52).contains(&brightest), "{upper:?}");
        assert_eq!(upper[5], row(&made, 35)[5], "below 0 is as dark as nothing");
        assert_eq!(upper[30], upper[5]);
    }

    #[test]
    fn what_the_network_does_not_see_stays_as_it_is() {
        let seen = Seen { left: 0.25, width: 0.5, ..ALL };
        let made = row(&heated(&grey(), &HeatMap { width: 1, values: vec![1.0], seen }, 1.0).unwrap(), 20);
        assert!(made[..20].iter().chain(&made[60..]).all(|x| *x == 300), "{made:?}");
        assert!(made[20..60].iter().all(|x| *x != 300), "{made:?}");
    }

    #[test]
    fn one_peak_does_not_set_the_scale() {
        let map = |values| HeatMap { width: 1, values, seen: ALL };
        let mut many = map(vec![1.0; 200]);
        many.values[7] = 50.0;
        assert_eq!(brightest([&many].into_iter()), Some(1.0));
        assert_eq!(brightest([&map(vec![-1.0, 0.0]), &map(vec![0.25])].into_iter()), Some(0.25));
        assert_eq!(brightest([&map(vec![-1.0, 0.0])].into_iter()), None);
    }
}
