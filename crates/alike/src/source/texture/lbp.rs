//! Local binary patterns: uniform, rotation-invariant, 8 points, each with the variance of its points.

use super::super::reduce::SIDE;

const PATTERNS: usize = 10;
const RADII: [usize; 2] = [1, 3];
/// Part 0 is the whole picture, 1 to 4 are its quarters.
const PARTS: usize = 5;
const CHANNELS: usize = 3;
/// Between the bins of variance (grey levels in 0..=1): about one, three, six, ten, sixteen and twenty-five of 255 levels
/// as standard deviations.
const VARIANCES: [f32; 6] = [3e-5, 1.5e-4, 5e-4, 1.5e-3, 4e-3, 1e-2];
const BINS: usize = PATTERNS * (VARIANCES.len() + 1);
pub(super) const DIMS: usize = CHANNELS * RADII.len() * PARTS * BINS;

/// A point counts as darker if it is so by this much at least: flat areas aren't noise.
const TOLERANCE: f32 = 1e-4;

/// For each channel and radius the histogram of the whole and of the four quarters; everything together sums to 1, half
/// of it for the whole pictures.
pub(super) fn histograms(channels: &[Vec<f32>; CHANNELS]) -> Vec<f32> {
    channels.iter().flat_map(|channel| RADII.iter().flat_map(|radius| of_radius(channel, *radius))).collect()
}

fn of_radius(channel: &[f32], radius: usize) -> Vec<f32> {
    let circle = Circle::new(radius);
    let mut counts = [[0_u32; BINS]; PARTS];
    for y in radius..SIDE - radius {
        for x in radius..SIDE - radius {
            let bin = circle.bin(channel, y * SIDE + x);
            counts[0][bin] += 1;
            counts[1 + y * 2 / SIDE * 2 + x * 2 / SIDE][bin] += 1;
        }
    }
    let total = (SIDE - 2 * radius).pow(2) as f32 * 2.0 * (RADII.len() * CHANNELS) as f32;
    counts.into_iter().flatten().map(|n| n as f32 / total).collect()
}

/// Eight points about a pixel. The four diagonal ones lie between pixels.
struct Circle {
    radius: usize,
    /// The diagonal points' distance along each axis: whole pixels and the fraction beyond.
    near: usize,
    fraction: f32,
}

impl Circle {
    fn new(radius: usize) -> Self {
        let offset = radius as f32 * std::f32::consts::FRAC_1_SQRT_2;
        Self { radius, near: offset as usize, fraction: offset.fract() }
    }

    fn bin(&self, channel: &[f32], centre: usize) -> usize {
        let points = self.points(channel, centre);
        let mean = points.iter().sum::<f32>() / 8.0;
        let variance = points.iter().map(|p| (p - mean) * (p - mean)).sum::<f32>() / 8.0;
        let level: usize = VARIANCES.iter().map(|limit| usize::from(variance >= *limit)).sum();
        pattern(&points, channel[centre]) * (VARIANCES.len() + 1) + level
    }

    /// Right, then on counterclockwise.
    fn points(&self, channel: &[f32], centre: usize) -> [f32; 8] {
        let (r, up) = (self.radius, self.radius * SIDE);
        [
            channel[centre + r],
            self.diagonal(channel, centre, 1, -1),
            channel[centre - up],
            self.diagonal(channel, centre, -1, -1),
            channel[centre - r],
            self.diagonal(channel, centre, -1, 1),
            channel[centre + up],
            self.diagonal(channel, centre, 1, 1),
        ]
    }

    /// Interpolated from the four pixels about it.
    fn diagonal(&self, channel: &[f32], centre: usize, right: isize, down: isize) -> f32 {
        let (near, step) = (self.near as isize, down * SIDE as isize);
        let at = |x: isize, y: isize| channel[centre.wrapping_add_signed(y * step + x * right)];
        let mix = |a: f32, b: f32| a * (1.0 - self.fraction) + b * self.fraction;
        let inner = mix(at(near, near), at(near + 1, near));
        mix(inner, mix(at(near, near + 1), at(near + 1, near + 1)))
    }
}

/// The number of points no darker than the centre where they lie together, else 9.
fn pattern(points: &[f32; 8], centre: f32) -> usize {
    let bits = points.iter().fold(0_u8, |bits, p| bits << 1 | u8::from(*p >= centre - TOLERANCE));
    if (bits ^ bits.rotate_left(1)).count_ones() <= 2 { bits.count_ones() as usize } else { PATTERNS - 1 }
}
