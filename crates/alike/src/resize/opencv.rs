//! OpenCV's `INTER_LINEAR`: two taps along each side, without antialiasing, weights in 1/2048, columns before rows.
//!
//! Where both sides are halved OpenCV takes the mean of 2 x 2 pixels, and where they stay it copies: with weights of
//! 1024 and 1024, or 2048 and 0, nothing is cut off before the last rounding, so that the taps give the same.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod columns;

use super::{interleaved, with_margin};
use crate::picture::Picture;
use columns::Group;
use pulp::{Arch, Simd, WithSimd};

/// `cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)`, bit by bit. No antialiasing.
/// A target side of 0 counts as 1.
pub fn opencv_bilinear(picture: &Picture, width: u32, height: u32) -> Picture {
    let (width, height) = (width.max(1), height.max(1));
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    Bilinear::new((picture.width(), picture.height()), (width, height))
        .each_row(picture, |_, planes| rgb.extend(interleaved(planes)));
    picture.with_pixels(width, height, rgb)
}

/// Two neighbours on one axis and their weights.
struct Taps {
    first: i64,
    weights: [i16; 2],
}

fn taps(from: u32, to: u32) -> impl Iterator<Item = Taps> {
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    (0..to).map(move |at| {
        let position = ((f64::from(at) + 0.5) * scale - 0.5) as f32;
        let floor = position.floor();
        let fraction = position - floor;
        let fixed = |weight: f32| (weight * 2048.0).round_ties_even() as i16;
        Taps { first: floor as i64, weights: [fixed(1.0 - fraction), fixed(fraction)] }
    })
}

/// How pictures of one size come to another. What depends on the sizes alone is kept, and the memory that it takes.
pub(crate) struct Bilinear {
    from: (u32, u32),
    to: (u32, u32),
    columns: Vec<Group>,
    rows: Vec<Taps>,
    upper: Blended,
    lower: Blended,
    /// Of a row of the result: three planes, each padded to whole groups.
    levels: Vec<u8>,
    /// A copy of a row that ends too near to the picture's end.
    last: Vec<u8>,
}

/// A row of the source whose columns are those of the result.
struct Blended {
    /// `None` at first.
    row: Option<usize>,
    /// Levels times 128, in three planes as in [`Bilinear::levels`].
    planes: Vec<i16>,
}

impl Bilinear {
    /// Sizes are width and height, at least 1.
    pub(crate) fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let columns = columns::groups(from.0, to.0);
        let rows = taps(from.1, to.1).collect();
        let length = columns.len() * columns::GROUP * 3;
        let [upper, lower] = [0; 2].map(|level| Blended { row: None, planes: vec![level; length] });
        let last = vec![0; from.0 as usize * 3 + columns::MARGIN];
        Self { from, to, columns, rows, upper, lower, levels: vec![0; length], last }
    }

    /// Whether it is for these sizes.
    pub(crate) fn is_for(&self, from: (u32, u32), to: (u32, u32)) -> bool {
        (self.from, self.to) == (from, to)
    }

    /// Hands out each row of the resized picture, and which it is, as levels of red, of green and of blue.
    pub(crate) fn each_row(&mut self, picture: &Picture, mut take: impl FnMut(usize, [&[u8]; 3])) {
        assert_eq!((picture.width(), picture.height()), self.from, "a picture of the size that this was made for");
        (self.upper.row, self.lower.row) = (None, None);
        for y in 0..self.rows.len() {
            self.blend(picture, y);
            let (width, plane) = (self.to.0 as usize, self.levels.len() / 3);
            take(y, [0, 1, 2].map(|channel| &self.levels[channel * plane..][..width]));
        }
    }

    /// Makes the levels of a row of the result. Beyond an edge of the picture its last row counts, with the weights kept:
    /// that isn't the same as dropping the fraction, because each product is cut off by itself.
    fn blend(&mut self, picture: &Picture, y: usize) {
        let Taps { first, weights } = self.rows[y];
        let bottom = i64::from(self.from.1) - 1;
        let [upper, lower] = [first, first + 1].map(|row| row.clamp(0, bottom) as usize);
        if self.lower.row == Some(upper) {
            std::mem::swap(&mut self.upper, &mut self.lower);
        }
        for (blended, row) in [(&mut self.upper, upper), (&mut self.lower, lower)] {
            if blended.row != Some(row) {
                let source = with_margin(picture.rgb(), row, self.from.0 as usize * 3, &mut self.last);
                columns::blend(source, &self.columns, &mut blended.planes);
                blended.row = Some(row);
            }
        }
        let (upper, lower) = (&self.upper.planes, &self.lower.planes);
        Arch::new().dispatch(Rows { upper, lower, weights, levels: &mut self.levels });
    }
}

/// The second pass: levels from two rows of columns.
struct Rows<'a> {
    upper: &'a [i16],
    lower: &'a [i16],
    weights: [i16; 2],
    levels: &'a mut [u8],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    /// Sums of 16 bits are enough, which instructions for the upper half of a product give. They end at 4 * 255.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [a, b] = self.weights;
        for ((level, &upper), &lower) in self.levels.iter_mut().zip(self.upper).zip(self.lower) {
            *level = ((share(upper, a) + share(lower, b) + 2) >> 2) as u8;
        }
    }
}

#[inline(always)]
fn share(sample: i16, weight: i16) -> i16 {
    ((i32::from(sample) * i32::from(weight)) >> 16) as i16
}
