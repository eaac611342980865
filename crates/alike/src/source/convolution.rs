//! Filters along one axis of a square plane. Beyond the edge its outermost pixels repeat.

/// Each pixel becomes the sum of its neighbours in the row, times `taps` from left to right, the middle one on itself.
pub(super) fn along_rows(plane: &[f32], side: usize, taps: &[f32]) -> Vec<f32> {
    let radius = taps.len() / 2;
    let mut filtered = vec![0.0; plane.len()];
    let mut padded = vec![0.0; side + 2 * radius];
    for (row, out) in plane.chunks_exact(side).zip(filtered.chunks_exact_mut(side)) {
        padded[..radius].fill(row[0]);
        padded[radius..radius + side].copy_from_slice(row);
        padded[radius + side..].fill(row[side - 1]);
        for (shift, tap) in taps.iter().enumerate() {
            add_scaled(out, &padded[shift..shift + side], *tap);
        }
    }
    filtered
}

/// The same from top to bottom.
pub(super) fn along_columns(plane: &[f32], side: usize, taps: &[f32]) -> Vec<f32> {
    let radius = taps.len() / 2;
    let mut filtered = vec![0.0; plane.len()];
    for (y, out) in filtered.chunks_exact_mut(side).enumerate() {
        for (shift, tap) in taps.iter().enumerate() {
            let from = (y + shift).saturating_sub(radius).min(side - 1) * side;
            add_scaled(out, &plane[from..from + side], *tap);
        }
    }
    filtered
}

/// Half the size, each pixel the mean of four.
pub(super) fn halved(plane: &[f32], side: usize) -> Vec<f32> {
    let half = side / 2;
    let pixel = |i: usize| {
        let at = i / half * 2 * side + i % half * 2;
        (plane[at] + plane[at + 1] + plane[at + side] + plane[at + side + 1]) / 4.0
    };
    (0..half * half).map(pixel).collect()
}

fn add_scaled(sum: &mut [f32], row: &[f32], factor: f32) {
    sum.iter_mut().zip(row).for_each(|(s, x)| *s += x * factor);
}
