//! Vectors to codes.

/// The step `hash(mean)`: bit `i` is set where `sigmoid(x_i)` exceeds the mean of the sigmoids of the same vector. In f64
/// and in index order. The code has as many bits as the vector has numbers; layout as in
/// [`Descriptor::Code`](super::Descriptor::Code).
pub fn mean_hash(vector: &[f32]) -> Vec<u64> {
    let sigmoids: Vec<f64> = vector.iter().map(|x| 1.0 / (1.0 + (-f64::from(*x)).exp())).collect();
    let mean = sigmoids.iter().sum::<f64>() / sigmoids.len() as f64;
    let mut words = vec![0; vector.len().div_ceil(64)];
    for (i, _) in sigmoids.iter().enumerate().filter(|(_, s)| **s > mean) {
        words[i / 64] |= 1 << (i % 64);
    }
    words
}
