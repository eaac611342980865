//! Isotonic regression: the best fit that never rises.

/// The non-increasing numbers nearest to `values` by weighted squares, found by pooling adjacent violators (Ayer et al.,
/// *An empirical distribution function for sampling with incomplete information*, 1955; Barlow et al., *Statistical
/// inference under order restrictions*, 1972). Gives the runs of equal numbers: how many values each takes, and its
/// number. Weights are positive, one for each value.
pub fn non_increasing(values: &[f64], weights: &[f64]) -> Vec<(usize, f64)> {
    let mut blocks: Vec<Block> = Vec::new();
    for (&value, &weight) in values.iter().zip(weights) {
        let mut block = Block { count: 1, weight, sum: value * weight };
        while let Some(before) = blocks.pop_if(|before| before.mean() <= block.mean()) {
            block = before.with(&block);
        }
        blocks.push(block);
    }
    blocks.iter().map(|block| (block.count, block.mean())).collect()
}

/// A run of values that share their weighted mean.
struct Block {
    count: usize,
    weight: f64,
    sum: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    fn with(&self, next: &Self) -> Self {
        Self { count: self.count + next.count, weight: self.weight + next.weight, sum: self.sum + next.sum }
    }
}
