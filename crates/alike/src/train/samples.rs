//! Labelled vectors, and the parts of them that are held out.

use super::TrainError;
use crate::recipe::Random;
use crate::store::Label;
use std::collections::BTreeMap;

/// Of each class one picture in so many is held out.
const FOLDS: usize = 5;

/// Vectors of pictures with their classes.
#[derive(Debug, Clone)]
pub struct Samples {
    dims: usize,
    values: Vec<f32>,
    /// Of each vector, its place in `classes`.
    labels: Vec<usize>,
    classes: Vec<Label>,
}

impl Samples {
    /// `values` are vectors of `dims` finite numbers, one after the other, usually at unit length; `labels` has the label of
    /// each. There must be two classes at least, and of each two pictures: one to learn from, one to hold out.
    pub fn new(dims: usize, values: Vec<f32>, labels: &[Label]) -> Result<Self, TrainError> {
        if dims == 0 || labels.len().checked_mul(dims) != Some(values.len()) {
            return Err(TrainError::Shape { numbers: values.len(), dims, labels: labels.len() });
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(TrainError::NotFinite { row: at / dims });
        }
        let mut places: BTreeMap<Order<'_>, Vec<usize>> = BTreeMap::new();
        for (row, label) in labels.iter().enumerate() {
            places.entry(Order::of(label)).or_default().push(row);
        }
        let rows_of_classes: Vec<Vec<usize>> = places.into_values().collect();
        let classes: Vec<Label> = rows_of_classes.iter().map(|rows| labels[rows[0]].clone()).collect();
        if classes.len() < 2 {
            return Err(TrainError::OneClass { class: classes.first().map(ToString::to_string) });
        }
        let lone = rows_of_classes.iter().zip(&classes).filter(|(rows, _)| rows.len() < 2);
        let lone: Vec<String> = lone.map(|(_, class)| class.to_string()).collect();
        if !lone.is_empty() {
            return Err(TrainError::LonePicture { classes: lone });
        }
        let mut of_rows = vec![0; labels.len()];
        for (class, rows) in rows_of_classes.iter().enumerate() {
            rows.iter().for_each(|&row| of_rows[row] = class);
        }
        Ok(Self { dims, values, labels: of_rows, classes })
    }

    /// Length of a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// How many pictures there are.
    pub fn pictures(&self) -> usize {
        self.labels.len()
    }

    /// The classes: those whose ids are whole numbers in their order, then the others in that of the alphabet.
    pub fn classes(&self) -> &[Label] {
        &self.classes
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dims..(row + 1) * self.dims]
    }

    pub(super) fn labels_of(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|&row| self.labels[row]).collect()
    }

    /// The rows of each class.
    pub(super) fn by_class(&self, rows: &[usize]) -> Vec<Vec<usize>> {
        let mut by_class = vec![Vec::new(); self.classes.len()];
        rows.iter().for_each(|&row| by_class[self.labels[row]].push(row));
        by_class
    }

    /// The mean of these rows.
    pub(super) fn mean(&self, rows: &[usize]) -> Vec<f64> {
        let mut sums = vec![0.0; self.dims];
        for &row in rows {
            sums.iter_mut().zip(self.row(row)).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        sums.iter().map(|sum| sum / rows.len() as f64).collect()
    }

    /// Of each class a fifth of the pictures, but one at least, is held out, and another in each fold; drawn by the seed. So
    /// many folds at most.
    pub(super) fn folds(&self, seed: u64, most: usize) -> Vec<Fold> {
        let mut random = Random::new(seed);
        let mut classes = self.by_class(&(0..self.pictures()).collect::<Vec<_>>());
        for rows in &mut classes {
            // Fisher and Yates.
            for place in 0..rows.len() {
                let other = place + random.below(rows.len() - place);
                rows.swap(place, other);
            }
        }
        let fold = |fold: usize| {
            let dealt = classes.iter().flat_map(|rows| rows.iter().enumerate());
            let (held, kept): (Vec<_>, Vec<_>) = dealt.partition(|(place, _)| place % FOLDS == fold);
            let rows = |dealt: Vec<(usize, &usize)>| {
                let mut rows: Vec<usize> = dealt.into_iter().map(|(_, row)| *row).collect();
                rows.sort_unstable();
                rows
            };
            Fold { kept: rows(kept), held: rows(held) }
        };
        (0..FOLDS.min(most)).map(fold).collect()
    }
}

/// Rows to learn from and rows held out, both ascending.
pub(super) struct Fold {
    pub(super) kept: Vec<usize>,
    pub(super) held: Vec<usize>,
}

/// Whole numbers before names.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Order<'a> {
    Number(u64, &'a str),
    Name(&'a str),
}

impl<'a> Order<'a> {
    fn of(label: &'a Label) -> Self {
        label.id.parse().map_or(Self::Name(&label.id), |number| Self::Number(number, &label.id))
    }
}
