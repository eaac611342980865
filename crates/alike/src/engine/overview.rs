//! A gallery as a map: its descriptors along the two axes in which they differ most (Pearson 1901).

use super::Searcher;
use crate::recipe::{Descriptor, DescriptorKind, plane};
use crate::store::{RecordId, StoreError};

/// Pictures as points, near each other where their descriptors are.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Share of the variance that lies along each of the two axes, among the pictures that tell them.
    pub explained: [f64; 2],
    /// In the order of ids.
    pub points: Vec<Point>,
}

/// A picture on the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Its record.
    pub id: RecordId,
    /// -1 to 1.
    pub x: f32,
    /// -1 to 1, in the same scale as `x`.
    pub y: f32,
}

/// A map of at most `most` pictures, spread evenly over the gallery. Codes count as vectors of 0 and 1.
pub fn overview(searcher: &Searcher, most: usize) -> Result<Overview, StoreError> {
    let all = searcher.snapshot().ids();
    let ids: Vec<RecordId> = spread(all.len(), most).map(|at| all[at]).collect();
    let described = ids.iter().zip(searcher.descriptors(&ids)?);
    let (ids, vectors): (Vec<RecordId>, Vec<Vec<f32>>) =
        described.filter_map(|(id, descriptor)| Some((*id, numbers(descriptor?, searcher.kind())))).unzip();
    let (explained, places) = plane(&vectors);
    let largest = places.iter().flatten().fold(0.0_f64, |largest, place| largest.max(place.abs()));
    let scale = if largest > 0.0 { 1.0 / largest } else { 1.0 };
    let point = |(id, [x, y]): (RecordId, [f64; 2])| Point { id, x: (x * scale) as f32, y: (y * scale) as f32 };
    Ok(Overview { explained, points: ids.into_iter().zip(places).map(point).collect() })
}

/// At most `most` positions of `count`.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let wanted = count.min(most);
    (0..wanted).map(move |i| i * count / wanted)
}

fn numbers(descriptor: Descriptor, kind: DescriptorKind) -> Vec<f32> {
    match (descriptor, kind) {
        (Descriptor::Vector(values), _) => values,
        (Descriptor::Code(words), DescriptorKind::Code(bits) | DescriptorKind::Vector(bits)) => {
            (0..bits).map(|i| f32::from(u8::from(words[i / 64] >> (i % 64) & 1 == 1))).collect()
        }
    }
}
