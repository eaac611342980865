//! OpenCV's `INTER_LINEAR`.

use crate::picture::Picture;

/// `cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)`, bit by bit. No antialiasing.
/// A target side of 0 counts as 1.
pub fn opencv_bilinear(picture: &Picture, width: u32, height: u32) -> Picture {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == (picture.width(), picture.height()) {
        return picture.clone();
    }
    let halves = |from: u32, to: u32| u64::from(from) == 2 * u64::from(to);
    let rgb = if halves(picture.width(), width) && halves(picture.height(), height) {
        mean_of_2x2(picture, width as usize)
    } else {
        two_taps(picture, width as usize, height as usize)
    };
    picture.with_pixels(width, height, rgb)
}

/// OpenCV takes its area filter where both sides are exactly halved.
fn mean_of_2x2(picture: &Picture, width: usize) -> Vec<u8> {
    let stride = picture.width() as usize * 3;
    let mut out = Vec::with_capacity(picture.rgb().len() / 4);
    for rows in picture.rgb().chunks_exact(2 * stride) {
        let (upper, lower) = rows.split_at(stride);
        for x in 0..width {
            let mean = |c: usize| {
                let (a, b) = (x * 6 + c, x * 6 + 3 + c);
                (u16::from(upper[a]) + u16::from(upper[b]) + u16::from(lower[a]) + u16::from(lower[b]) + 2) >> 2
            };
            out.extend([mean(0) as u8, mean(1) as u8, mean(2) as u8]);
        }
    }
    out
}

/// Two neighbours on one axis and their weights, in 1/2048.
struct Taps {
    first: i64,
    weights: [i32; 2],
}

fn taps(from: usize, to: usize) -> impl Iterator<Item = Taps> {
    let scale = 1.0 / (to as f64 / from as f64);
    (0..to).map(move |at| {
        let position = ((at as f64 + 0.5) * scale - 0.5) as f32;
        let floor = position.floor();
        let fraction = position - floor;
        let fixed = |weight: f32| (weight * 2048.0).round_ties_even() as i32;
        Taps { first: floor as i64, weights: [fixed(1.0 - fraction), fixed(fraction)] }
    })
}

/// Horizontally the fraction is dropped at the edges; vertically it is kept and the rows are clamped. The two differ
/// because rounding does: OpenCV's vertical pass shifts each product by itself.
fn two_taps(picture: &Picture, width: usize, height: usize) -> Vec<u8> {
    let (from_w, from_h) = (picture.width() as usize, picture.height() as usize);
    let columns: Vec<_> = taps(from_w, width).map(|t| clamped(&t, from_w)).collect();
    let source_row = |y: usize| &picture.rgb()[y * from_w * 3..][..from_w * 3];
    let mut out = vec![0; width * height * 3];
    let (mut upper, mut lower) = (vec![0; width * 3], vec![0; width * 3]);
    let mut held = [usize::MAX; 2];
    for (tap, out_row) in taps(from_h, height).zip(out.chunks_exact_mut(width * 3)) {
        let rows = [tap.first, tap.first + 1].map(|y| y.clamp(0, from_h as i64 - 1) as usize);
        if held[1] == rows[0] {
            std::mem::swap(&mut upper, &mut lower);
            held.swap(0, 1);
        }
        for (side, buffer) in [&mut upper, &mut lower].into_iter().enumerate() {
            if held[side] != rows[side] {
                blend_columns(source_row(rows[side]), &columns, buffer);
                held[side] = rows[side];
            }
        }
        blend_rows(&upper, &lower, tap.weights, out_row);
    }
    out
}

/// Offsets in bytes of the two neighbours of a column, and their weights.
type Column = ([usize; 2], [i32; 2]);

fn clamped(tap: &Taps, size: usize) -> Column {
    let last = size - 1;
    match usize::try_from(tap.first) {
        Err(_) => ([0, 0], [2048, 0]),
        Ok(first) if first >= last => ([last * 3, last * 3], [2048, 0]),
        Ok(first) => ([first * 3, first * 3 + 3], tap.weights),
    }
}

fn blend_columns(row: &[u8], columns: &[Column], out: &mut [i32]) {
    for (&([left, right], [a, b]), out) in columns.iter().zip(out.chunks_exact_mut(3)) {
        let (p, q) = (&row[left..left + 3], &row[right..right + 3]);
        for c in 0..3 {
            out[c] = i32::from(p[c]) * a + i32::from(q[c]) * b;
        }
    }
}

fn blend_rows(upper: &[i32], lower: &[i32], [a, b]: [i32; 2], out: &mut [u8]) {
    for ((out, p), q) in out.iter_mut().zip(upper).zip(lower) {
        let sum = ((a * (p >> 4)) >> 16) + ((b * (q >> 4)) >> 16);
        *out = ((sum + 2) >> 2).clamp(0, 255) as u8;
    }
}
