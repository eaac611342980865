//! The first pass: the columns of one row.

use super::{Taps, taps};

/// Columns that one step makes: as many as a vector of 32 bytes holds, of two bytes each.
pub(super) const GROUP: usize = 16;

/// What is read of a row beyond its end: the two neighbours of a column are read as eight bytes.
pub(super) const MARGIN: usize = 5;

/// The taps of some columns, in quarters, because vector instructions work in halves that these are dealt to.
#[derive(Clone, Copy, Default)]
pub(super) struct Group {
    /// At which byte of the row the left neighbour begins; the right one follows it.
    pub(super) offsets: [[usize; 4]; 4],
    /// Of the left one and the right one.
    pub(super) weights: [[[i16; 2]; 4]; 4],
}

/// A channel's columns of a row, one step after the other: levels times 128.
pub(super) type Plane<'a> = &'a mut [[i16; GROUP]];

/// The taps of all columns. Those that fill the last group are of no weight.
pub(super) fn groups(from: usize, to: usize) -> Vec<Group> {
    let mut groups = vec![Group::default(); to.div_ceil(GROUP)];
    let places = groups
        .iter_mut()
        .flat_map(|group| group.offsets.as_flattened_mut().iter_mut().zip(group.weights.as_flattened_mut()));
    for ((offset, weights), tap) in places.zip(taps(from, to)) {
        (*offset, *weights) = clamped(&tap, from - 1);
    }
    groups
}

/// At the edges the fraction is dropped.
fn clamped(tap: &Taps, last: usize) -> (usize, [i16; 2]) {
    match usize::try_from(tap.first) {
        Err(_) => (0, [2048, 0]),
        Ok(first) if first >= last => (last * 3, [2048, 0]),
        Ok(first) => (first * 3, tap.weights),
    }
}

/// `row`: RGB, with [`MARGIN`] bytes after its end. `planes`: three, one after the other.
pub(super) fn blend(row: &[u8], groups: &[Group], planes: &mut [i16]) {
    let (red, rest) = planes.as_chunks_mut().0.split_at_mut(groups.len());
    let (green, blue) = rest.split_at_mut(groups.len());
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return super::avx2::blend(simd, row, groups, [red, green, blue]);
    }
    portable(row, groups, [red, green, blue]);
}

fn portable(row: &[u8], groups: &[Group], [red, green, blue]: [Plane<'_>; 3]) {
    let steps = groups.iter().zip(red).zip(green).zip(blue);
    for (((group, red), green), blue) in steps {
        let taps = group.offsets.as_flattened().iter().zip(group.weights.as_flattened());
        for (x, (&offset, weights)) in taps.enumerate() {
            let pixels = &row[offset..offset + 6];
            let [a, b] = weights.map(i32::from);
            let sum = |channel: usize| (i32::from(pixels[channel]) * a + i32::from(pixels[3 + channel]) * b) >> 4;
            (red[x], green[x], blue[x]) = (sum(0) as i16, sum(1) as i16, sum(2) as i16);
        }
    }
}
