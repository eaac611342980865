//! Numbers from a seed, equal on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number below `end`, all about equally likely.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Near a standard normal variate: the sum of twelve uniform ones, less its mean (Irwin-Hall). The sum is one of
    /// whole numbers, the halves of six draws, so that nothing depends on a machine's logarithm.
    pub(super) fn normal(&mut self) -> f64 {
        let halves = (0..6).map(|_| self.bits()).map(|bits| (bits >> 32) + (bits & 0xffff_ffff));
        let sum = halves.sum::<u64>().cast_signed();
        (sum - 6 * 0xffff_ffff) as f64 / (1_u64 << 32) as f64
    }
}
