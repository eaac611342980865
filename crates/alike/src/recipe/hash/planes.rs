//! Codes by the side of hyperplanes on which a vector lies.

use super::random::Random;
use super::words;

/// Bit `b` is set where `(x - centre) . direction_b` is positive.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::recipe) struct Planes {
    /// A number for each dimension.
    pub(super) centre: Vec<f32>,
    /// `dims x bits`, row by row: for each dimension its part in all directions.
    pub(super) directions: Vec<f32>,
}

impl Planes {
    /// Directions of normal variates through the origin: the codes of two vectors differ in a share of angle / pi of their
    /// bits, as expected (Charikar, STOC 2002). The numbers are drawn dimension by dimension from a seed that is
    /// `dims * 2^32 + bits`. The length of a vector doesn't matter.
    pub(super) fn random(dims: usize, bits: usize) -> Self {
        let mut random = Random::new(((dims as u64) << 32) + bits as u64);
        let directions = (0..dims * bits).map(|_| random.normal() as f32).collect();
        Self { centre: vec![0.0; dims], directions }
    }

    /// Sums run in f64 and in the order of the dimensions.
    pub(super) fn code(&self, vector: &[f32]) -> Vec<u64> {
        let bits = self.directions.len() / self.centre.len();
        let mut sums = vec![0.0_f64; bits];
        for ((x, centre), parts) in vector.iter().zip(&self.centre).zip(self.directions.chunks_exact(bits)) {
            let x = f64::from(*x) - f64::from(*centre);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += x * f64::from(*part));
        }
        words(sums.iter().map(|sum| *sum > 0.0))
    }
}
