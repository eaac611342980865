//! One threshold for each dimension, learnt from the gallery.

/// The mean of each dimension; sums run in f64 and in the order of the vectors, of which there is at least one.
pub(super) fn means(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0_f64; vectors[0].len()];
    for vector in vectors {
        sums.iter_mut().zip(vector).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums.iter().map(|sum| (sum / vectors.len() as f64) as f32).collect()
}

/// The median of each dimension; of an even number of vectors the mean of the two in the middle.
pub(super) fn medians(vectors: &[Vec<f32>]) -> Vec<f32> {
    let median = |dimension: usize| {
        let mut values: Vec<f32> = vectors.iter().map(|vector| vector[dimension]).collect();
        values.sort_unstable_by(f32::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        (f64::midpoint(low.into(), high.into())) as f32
    };
    (0..vectors[0].len()).map(median).collect()
}
