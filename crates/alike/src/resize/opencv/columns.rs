//! The first pass: the columns of one row.

use super::{Taps, taps};

/// Columns that one step makes: as many as a vector of 32 bytes holds, of two bytes each.
pub(super) const GROUP: usize = 16;

/// What is read of a row beyond its end: the two neighbours of a column are read as eight bytes.
pub(super) const MARGIN: usize = 5;

/// The taps of some columns, in quarters, because vector instructions work in halves that these are dealt to.
#[derive(Clone, Copy, Default)]
pub(super) struct Group {
    /// The left one of two neighbours.
    pub(super) first: [[u32; 4]; 4],
    /// Of the left one and of the right one.
    pub(super) weights: [[[i16; 2]; 4]; 4],
}

/// A channel's columns of a row, one step after the other: levels times 128.
pub(super) type Plane<'a> = &'a mut [[i16; GROUP]];

/// The taps of all columns. Those that fill the last group are of no weight.
pub(super) fn groups(from: u32, to: u32) -> Vec<Group> {
    let mut groups = vec![Group::default(); (to as usize).div_ceil(GROUP)];
    let places = groups
        .iter_mut()
        .flat_map(|group| group.first.as_flattened_mut().iter_mut().zip(group.weights.as_flattened_mut()));
    for ((first, weights), tap) in places.zip(taps(from, to)) {
        (*first, *weights) = clamped(&tap, from - 1);
    }
    groups
}

/// At the edges the fraction is dropped.
fn clamped(tap: &Taps, last: u32) -> (u32, [i16; 2]) {
    match u32::try_from(tap.first) {
        Err(_) => (0, [2048, 0]),
        Ok(first) if first >= last => (last, [2048, 0]),
        Ok(first) => (first, tap.weights),
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
        let taps = group.first.as_flattened().iter().zip(group.weights.as_flattened());
        for (x, (&first, weights)) in taps.enumerate() {
            let pixels = &row[first as usize * 3..][..6];
            let [a, b] = weights.map(i32::from);
            let sum = |channel: usize| (i32::from(pixels[channel]) * a + i32::from(pixels[3 + channel]) * b) >> 4;
            (red[x], green[x], blue[x]) = (sum(0) as i16, sum(1) as i16, sum(2) as i16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tests run the loop of this processor alone.
    #[test]
    fn the_portable_loop_gives_the_same() {
        let row: Vec<u8> = (0..97 * 3 + MARGIN as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for to in [1, 16, 33, 97, 200] {
            let groups = groups(97, to);
            let [mut planes, mut portably] = [0; 2].map(|zero| vec![zero; groups.len() * GROUP * 3]);
            blend(&row, &groups, &mut planes);
            let (red, rest) = portably.as_chunks_mut().0.split_at_mut(groups.len());
            let (green, blue) = rest.split_at_mut(groups.len());
            portable(&row, &groups, [red, green, blue]);
            assert_eq!(portably, planes, "97 to {to}");
        }
    }
}
