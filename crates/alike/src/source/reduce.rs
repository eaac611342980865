//! The fixed working size of the hand-crafted sources, so that they don't depend on the picture's size.
//!
//! An axis that shrinks is averaged over areas, one that grows is interpolated linearly. This isn't one of the exact
//! resamplings of [`crate::resize`]: it keeps fractions of a grey level, and memory is that of the result alone.

use crate::picture::Picture;

/// Width and height of a [`Reduced`] picture.
pub(super) const SIDE: usize = 128;

/// For [`Source::least`](super::Source::least): what is averaged over areas afterwards may be averaged by the decoder
/// before.
pub(super) const LEAST: Option<u32> = Some(SIDE as u32 * 5 / 2);

/// `SIDE * SIDE` pixels, row by row; red, green and blue in 0..=1.
#[derive(Debug)]
pub(super) struct Reduced {
    pub(super) pixels: Vec<[f32; 3]>,
}

/// The pixels of one axis that make one pixel of the result: those within `first..=last`, the outermost with the
/// weights `head` and `tail`, the others with 1.
struct Span {
    first: usize,
    last: usize,
    head: f32,
    tail: f32,
}

impl Span {
    fn weight(&self, i: usize) -> f32 {
        match i {
            _ if i == self.first => self.head,
            _ if i == self.last => self.tail,
            _ => 1.0,
        }
    }

    fn total(&self) -> f32 {
        let inner = self.last.saturating_sub(self.first + 1) as f32;
        self.head + inner + if self.last > self.first { self.tail } else { 0.0 }
    }
}

impl Reduced {
    /// Stretches the picture to the working size.
    pub(super) fn new(picture: &Picture) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let columns = spans(width);
        let mut pixels = Vec::with_capacity(SIDE * SIDE);
        let mut line = vec![[0.0_f32; 3]; SIDE];
        for span in spans(height) {
            let mut sum = vec![[0.0_f32; 3]; SIDE];
            for y in span.first..=span.last {
                reduce_row(&picture.rgb()[y * width * 3..][..width * 3], &columns, &mut line);
                let weight = span.weight(y) / (span.total() * 255.0);
                sum.iter_mut().flatten().zip(line.iter().flatten()).for_each(|(s, x)| *s += x * weight);
            }
            pixels.extend(sum);
        }
        Self { pixels }
    }

    /// Grey, red against green and yellow against blue, each with differences at most as large as grey's.
    pub(super) fn opponents(&self) -> [Vec<f32>; 3] {
        let red_green = self.pixels.iter().map(|[r, g, _]| (r - g) / 2.0).collect();
        let yellow_blue = self.pixels.iter().map(|[r, g, b]| (r + g - 2.0 * b) / 4.0).collect();
        [self.grey(), red_green, yellow_blue]
    }

    /// Luma by the weights of ITU-R BT.601, in 0..=1.
    pub(super) fn grey(&self) -> Vec<f32> {
        self.pixels.iter().map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b).collect()
    }
}

fn reduce_row(row: &[u8], columns: &[Span], line: &mut [[f32; 3]]) {
    for (span, out) in columns.iter().zip(line) {
        let pixels = &row[span.first * 3..=span.last * 3 + 2];
        let edge = |at: usize, weight: f32| [0, 1, 2].map(|c| f32::from(pixels[at + c]) * weight);
        let mut sum = edge(0, span.head);
        if span.last > span.first {
            for pixel in pixels[3..pixels.len() - 3].chunks_exact(3) {
                (0..3).for_each(|c| sum[c] += f32::from(pixel[c]));
            }
            let tail = edge(pixels.len() - 3, span.tail);
            (0..3).for_each(|c| sum[c] += tail[c]);
        }
        *out = sum.map(|s| s / span.total());
    }
}

fn spans(length: usize) -> Vec<Span> {
    (0..SIDE).map(|i| if length >= SIDE { area(length, i) } else { linear(length, i) }).collect()
}

/// Pixel `i` covers `i * length / SIDE ..= (i + 1) * length / SIDE`; counted in 1/SIDE pixels to stay exact.
fn area(length: usize, i: usize) -> Span {
    let (start, end) = (i * length, (i + 1) * length);
    let (first, last) = (start / SIDE, (end - 1) / SIDE);
    let head = ((first + 1) * SIDE).min(end) - start;
    let tail = end - last * SIDE;
    Span { first, last, head: head as f32 / SIDE as f32, tail: tail as f32 / SIDE as f32 }
}

/// Centres of pixels on centres of pixels, edges repeated.
fn linear(length: usize, i: usize) -> Span {
    let centre = ((i as f32 + 0.5) * length as f32 / SIDE as f32 - 0.5).clamp(0.0, (length - 1) as f32);
    let first = centre as usize;
    let last = (first + 1).min(length - 1);
    let fraction = if last > first { centre - first as f32 } else { 0.0 };
    Span { first, last, head: 1.0 - fraction, tail: fraction }
}
