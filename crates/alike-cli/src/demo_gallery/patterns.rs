//! Six classes that fill the picture: checkers, bricks, waves, dots, stars, wood.

use super::paint::{Color, Point, at, inside, mix, ramp, shade, sine, to_box, to_star};
use super::random::{Random, clouds, lattice, noise};
use super::{Colors, Scene};

pub(super) fn checkers(random: &mut Random, colors: &Colors) -> Scene {
    let (count, seed) = (random.between(1.6, 3.6), random.bits() as u32);
    let (figure, ground) = (colors.figure, colors.ground);
    Box::new(move |p| {
        let cell = p * count;
        let edge = |v: f32| inside(((v - v.floor() - 0.5).abs() - 0.25) / count * 2.0);
        let (a, b) = (edge(cell.x * 0.5), edge(cell.y * 0.5));
        let worn = 0.85 + 0.3 * clouds(p.x * 5.0, p.y * 5.0, seed);
        shade(mix(ground, figure, a + b - 2.0 * a * b), worn)
    })
}

pub(super) fn bricks(random: &mut Random, colors: &Colors) -> Scene {
    let (rows, seed) = (random.between(2.2, 4.2), random.bits() as u32);
    let (joint, long) = (random.between(0.05, 0.09), random.between(1.9, 2.6));
    let (figure, mortar) = (colors.figure, mix(colors.ground, [0.75, 0.73, 0.7], 0.6));
    Box::new(move |p| {
        let row = (p.y * rows).floor();
        let along = p.x * rows / long + 0.5 * (row - 2.0 * (row * 0.5).floor());
        let column = along.floor();
        let local = at((along - column - 0.5) * long, p.y * rows - row - 0.5);
        let ragged = 0.04 * noise(p.x * 20.0, p.y * 20.0, seed);
        let distance = to_box(local, at(long / 2.0 - joint - ragged, 0.5 - joint - ragged));
        let tone = 0.7 + 0.5 * lattice(column as i32, row as i32, seed);
        let grain = 0.8 + 0.4 * clouds(p.x * 14.0, p.y * 14.0, seed ^ 5);
        let lit = 1.0 - 0.35 * ramp(-0.12, 0.0, distance) * ramp(-0.1, 0.5, local.y);
        mix(shade(mortar, 0.75 + 0.3 * grain - 0.1), shade(figure, tone * grain * lit), inside(distance / rows))
    })
}

/// Radius of a fan and distance of two rows of them; fans of a row are 1 apart.
const FAN: f32 = 0.5;
const ROW: f32 = 0.35;

/// Overlapping fans of rings, as on Japanese cloth.
pub(super) fn waves(random: &mut Random, colors: &Colors) -> Scene {
    let (count, rings) = (random.between(1.3, 2.6), random.between(2.6, 4.0));
    let (figure, ground, accent) = (colors.figure, colors.ground, colors.accent);
    Box::new(move |p| {
        let q = p * count;
        // Fans stand in rows, each row in front of the one above it.
        let nearest = ((q.y + FAN) / ROW).floor() as i32;
        for row in (nearest - 2..=nearest).rev() {
            let shift = if row.rem_euclid(2) == 0 { 0.0 } else { 0.5 };
            let center = at((q.x - shift).round() + shift, row as f32 * ROW);
            let reach = (q - center).length();
            if q.y <= center.y && reach < FAN {
                let band = sine(reach / FAN * rings + 0.25);
                let rim = inside((0.46 - reach) / count);
                return mix(mix(ground, figure, ramp(-0.25, 0.25, band)), accent, rim);
            }
        }
        ground
    })
}

pub(super) fn dots(random: &mut Random, colors: &Colors) -> Scene {
    let (count, radius) = (random.between(1.7, 3.4), random.between(0.24, 0.38));
    let (odd, seed) = (random.chance(0.3), random.bits() as u32);
    let (figure, ground, accent) = (colors.figure, colors.ground, colors.accent);
    Box::new(move |p| {
        let weave = 0.94 + 0.08 * sine(p.x * 24.0) * sine(p.y * 24.0);
        let row = (p.y * count * 1.15).floor();
        let x = p.x * count + 0.5 * row;
        let local = at(x - x.floor() - 0.5, p.y * count * 1.15 - row - 0.5);
        let special = odd && lattice(x.floor() as i32, row as i32, seed) < 0.3;
        let ink = if special { accent } else { figure };
        shade(mix(ground, ink, inside((local.length() - radius) / count)), weave)
    })
}

pub(super) fn stars(random: &mut Random, colors: &Colors) -> Scene {
    let (count, seed, tips) = (random.between(1.2, 2.3), random.bits() as u32, random.count(5, 6));
    let (figure, ground, accent) = (colors.figure, colors.ground, colors.accent);
    Box::new(move |p| {
        let sky = shade(mix(ground, accent, 0.25 * clouds(p.x, p.y, seed)), 0.75 + 0.3 * ramp(-1.0, 1.0, p.y));
        let dust = ramp(0.93, 1.0, noise(p.x * 30.0, p.y * 30.0, seed ^ 9));
        let cell = at((p.x * count).floor(), (p.y * count).floor());
        let pick = |salt: u32| lattice(cell.x as i32, cell.y as i32, seed ^ salt);
        let center = at(0.5 + 0.3 * (pick(1) - 0.5), 0.5 + 0.3 * (pick(2) - 0.5));
        let size = 0.2 + 0.17 * pick(3);
        let local = (p * count - cell - center).turned(pick(4));
        let distance = to_star(local, tips, size, size * 0.42) / count;
        let glow = 0.25 * ramp(0.12, 0.0, distance);
        mix(mix(sky, figure, (dust + glow).min(1.0)), figure, inside(distance))
    })
}

/// A plank: rings cut lengthwise, and perhaps a knot.
pub(super) fn wood(random: &mut Random, colors: &Colors) -> Scene {
    let (seed, rings) = (random.bits() as u32, random.between(4.0, 8.0));
    let knot = at(random.between(-1.0, 1.0), random.between(-0.7, 0.7));
    let (swirl, boards) = (random.between(0.0, 0.35), random.between(0.6, 1.4));
    let (light, dark) = (mix(colors.figure, [0.8, 0.62, 0.4], 0.45), mix(colors.ground, [0.35, 0.2, 0.1], 0.45));
    Box::new(move |p| {
        let board = (p.y * boards).floor();
        let bend = 0.35 * noise(p.x * 0.9 + board * 7.0, p.y * 1.5, seed) + knot_pull(p - knot, swirl);
        let ring = (p.y + bend) * rings + board * 3.7;
        let band = ramp(-1.0, 1.0, sine(ring)) * ramp(-1.0, 1.0, sine(ring * 0.37 + 0.2));
        let fibre = clouds(p.x * 3.0, p.y * 45.0, seed ^ 3);
        let plank = mix(light, dark, (0.25 + 0.65 * band + 0.5 * (fibre - 0.5)).clamp(0.0, 1.0));
        let seam = inside(((p.y * boards - board - 0.5).abs() - 0.49).abs() / boards - 0.012);
        mix(plank, shade(dark, 0.45), seam * 0.8)
    })
}

fn knot_pull(p: Point, strength: f32) -> f32 {
    let distance = at(p.x * 0.8, p.y * 1.6).length();
    strength * if p.y < 0.0 { -1.0 } else { 1.0 } * ramp(0.9, 0.05, distance) * ramp(0.9, 0.05, distance)
}

/// Coarse cloth, paper or plaster in a colour: what lies behind figures that have no place of their own.
pub(super) fn ground(p: Point, color: Color, seed: u32) -> Color {
    shade(color, 0.72 + 0.5 * clouds(p.x * 2.5, p.y * 2.5, seed))
}
