//! Vectors to fewer numbers, each along a direction.

/// Coordinate `j` is `(x - centre) . direction_j`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Projection {
    /// A number for each dimension.
    pub(super) centre: Vec<f32>,
    /// `dims x directions`, row by row: for each dimension its part in all directions.
    pub(super) directions: Vec<f32>,
}

impl Projection {
    /// From a centre of `dims` numbers, and the directions behind it.
    pub(super) fn new(dims: usize, numbers: &[f32]) -> Self {
        let (centre, directions) = numbers.split_at(dims);
        Self { centre: centre.to_vec(), directions: directions.to_vec() }
    }

    /// The coordinates of a vector.
    pub(super) fn apply(&self, vector: &[f32]) -> Vec<f64> {
        coordinates(&self.centre, &self.directions, vector)
    }

    /// The numbers that [`new`](Self::new) takes.
    pub(super) fn numbers(&self) -> Vec<f32> {
        [&self.centre[..], &self.directions].concat()
    }
}

/// What [`Projection::apply`] gives, of numbers that are kept elsewhere. Sums run in f64 and in the order of the dimensions.
pub(super) fn coordinates(centre: &[f32], directions: &[f32], vector: &[f32]) -> Vec<f64> {
    let count = directions.len() / centre.len();
    let mut sums = vec![0.0_f64; count];
    for ((x, centre), parts) in vector.iter().zip(centre).zip(directions.chunks_exact(count)) {
        let x = f64::from(*x) - f64::from(*centre);
        sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += x * f64::from(*part));
    }
    sums
}
