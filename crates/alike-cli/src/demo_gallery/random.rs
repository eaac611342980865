//! Numbers from a seed, equal on every machine: no libm, whose last bits differ between systems.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for each pair of seed and stream.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(mixed(seed ^ mixed(stream.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// Any 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// In `[0, 1)`, in steps of 2^-24.
    pub(super) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    /// In `[low, high)`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// In `low..=high`.
    pub(super) fn count(&mut self, low: usize, high: usize) -> usize {
        low + (self.bits() % (high - low + 1) as u64) as usize
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of `items`, of which there is at least one.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.count(0, items.len() - 1)]
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In `[0, 1)`, fixed for a lattice point.
pub(super) fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
    h = (h ^ (h >> 15)).wrapping_mul(0x846c_a68b);
    ((h ^ (h >> 16)) >> 8) as f32 / (1 << 24) as f32
}

/// Smooth noise in `[0, 1)` with one feature per unit of length.
pub(super) fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (smooth(x - left), smooth(y - top));
    let (i, j) = (left as i32, top as i32);
    let row = |j: i32| lattice(i, j, seed) * (1.0 - u) + lattice(i + 1, j, seed) * u;
    row(j) * (1.0 - v) + row(j + 1) * v
}

/// Three octaves of [`noise`], in `[0, 1)`.
pub(super) fn clouds(x: f32, y: f32, seed: u32) -> f32 {
    (noise(x, y, seed) * 4.0 + noise(x * 2.1, y * 2.1, seed ^ 1) * 2.0 + noise(x * 4.3, y * 4.3, seed ^ 2)) / 7.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's first outputs for seed 1234567 (prng.di.unimi.it/splitmix64.c).
    #[test]
    fn is_splitmix64() {
        let mut random = Random(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.bits(), random.bits(), random.bits()], expected);
    }

    #[test]
    fn noise_stays_in_range_and_is_smooth() {
        let mut random = Random::new(7, 7);
        for _ in 0..2000 {
            let (x, y) = (random.between(-50.0, 50.0), random.between(-50.0, 50.0));
            let value = clouds(x, y, 3);
            assert!((0.0..1.0).contains(&value));
            assert!((clouds(x + 0.001, y, 3) - value).abs() < 0.02);
        }
    }
}
