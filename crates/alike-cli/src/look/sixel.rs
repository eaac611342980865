//! Sixels (DEC STD 070): six rows of pixels at a time, one colour after the other.

use image::RgbImage;
use std::fmt::Write;

/// Levels of red, green and blue: 252 colours, as many as fit into a terminal's 256.
const LEVELS: [u32; 3] = [6, 7, 6];
const COLORS: usize = 252;

/// Thresholds of an ordered dither, which keeps flat areas quiet and runs long.
const BAYER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// The picture as a sixel sequence.
pub(super) fn sixels(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let mut text = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    for index in 0..COLORS as u32 {
        let [r, g, b] = levels(index);
        let percent = |level: u32, i: usize| level * 100 / (LEVELS[i] - 1);
        append(&mut text, format_args!("#{index};2;{};{};{}", percent(r, 0), percent(g, 1), percent(b, 2)));
    }
    for top in (0..height).step_by(6) {
        band(&mut text, picture, top);
    }
    text.push_str("\x1b\\");
    text
}

fn append(text: &mut String, arguments: std::fmt::Arguments) {
    text.write_fmt(arguments).expect("a string takes any text");
}

fn levels(index: u32) -> [u32; 3] {
    [index / (LEVELS[1] * LEVELS[2]), index / LEVELS[2] % LEVELS[1], index % LEVELS[2]]
}

/// The palette index for a pixel.
fn quantised(picture: &RgbImage, x: u32, y: u32) -> usize {
    let threshold = BAYER[y as usize % 4][x as usize % 4] * 2 + 1;
    let level =
        |i: usize| (u32::from(picture.get_pixel(x, y).0[i]) * (LEVELS[i] - 1) * 32 + threshold * 255) / (255 * 32);
    ((level(0) * LEVELS[1] + level(1)) * LEVELS[2] + level(2)) as usize
}

fn band(text: &mut String, picture: &RgbImage, top: u32) {
    let width = picture.width() as usize;
    let mut bits: Vec<Option<Vec<u8>>> = vec![None; COLORS];
    for y in top..(top + 6).min(picture.height()) {
        for x in 0..width {
            let column = bits[quantised(picture, x as u32, y)].get_or_insert_with(|| vec![0; width]);
            column[x] |= 1 << (y - top);
        }
    }
    for (index, columns) in bits.iter().enumerate() {
        if let Some(columns) = columns {
            append(text, format_args!("#{index}"));
            runs(text, columns);
            text.push('$');
        }
    }
    text.push('-');
}

fn runs(text: &mut String, columns: &[u8]) {
    for run in columns.chunk_by(|a, b| a == b) {
        let sixel = char::from(63 + run[0]);
        if run.len() > 3 {
            append(text, format_args!("!{}{sixel}", run.len()));
        } else {
            text.extend(std::iter::repeat_n(sixel, run.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Draws a sixel sequence as a terminal would: palette, runs, carriage returns, line feeds.
    fn decoded(text: &str, width: u32, height: u32) -> RgbImage {
        let body = text.strip_prefix("\x1bP0;1;0q").unwrap().strip_suffix("\x1b\\").unwrap();
        let mut picture = RgbImage::new(width, height);
        let mut palette = vec![[0_u8; 3]; 256];
        let (mut x, mut top, mut color, mut count) = (0, 0, 0, 1);
        let mut chars = body.chars().peekable();
        let number = |chars: &mut std::iter::Peekable<std::str::Chars>| -> Vec<u32> {
            let mut digits = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || *c == ';') {
                digits.push(c);
            }
            digits.split(';').map(|n| n.parse().unwrap()).collect()
        };
        while let Some(c) = chars.next() {
            match c {
                '"' => assert_eq!(number(&mut chars)[2..], [width, height]),
                '#' => {
                    let values = number(&mut chars);
                    color = values[0] as usize;
                    if let [_, 2, r, g, b] = values[..] {
                        palette[color] = [r, g, b].map(|v| (v * 255 / 100) as u8);
                    }
                }
                '!' => count = number(&mut chars)[0],
                '$' => x = 0,
                '-' => (x, top) = (0, top + 6),
                sixel => {
                    for _ in 0..std::mem::replace(&mut count, 1) {
                        (0..6).filter(|bit| (sixel as u32 - 63) >> bit & 1 == 1).for_each(|bit| {
                            picture.put_pixel(x, top + bit, Rgb(palette[color]));
                        });
                        x += 1;
                    }
                }
            }
        }
        picture
    }

    #[test]
    fn a_terminal_would_draw_the_picture() {
        let picture = RgbImage::from_fn(64, 50, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, 128]));
        let drawn = decoded(&sixels(&picture), 64, 50);
        let mean = |p: &RgbImage, c: usize| p.pixels().map(|p| f64::from(p.0[c])).sum::<f64>() / f64::from(64 * 50);
        for c in 0..3 {
            assert!((mean(&picture, c) - mean(&drawn, c)).abs() < 4.0, "channel {c}");
        }
        let furthest = |(a, b): (&Rgb<u8>, &Rgb<u8>)| (0..3).map(|c| a.0[c].abs_diff(b.0[c])).max();
        assert!(picture.pixels().zip(drawn.pixels()).filter_map(furthest).max().unwrap() <= 54);
    }
}
