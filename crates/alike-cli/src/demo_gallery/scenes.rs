//! Six classes with figures in them: fish, leaf, sunset, house, flower, moon.

use super::paint::{Color, Point, at, hsv, inside, mix, ramp, shade, sine, to_box, to_ellipse, to_gable, to_segment};
use super::patterns::ground;
use super::random::{Random, clouds, noise};
use super::{Colors, Scene};

/// Where a figure stands: its own coordinates reach about from -1 to 1.
struct Place {
    center: Point,
    size: f32,
    turns: f32,
    tone: f32,
}

impl Place {
    fn local(&self, p: Point) -> Point {
        (p - self.center).turned(-self.turns) * (1.0 / self.size)
    }

    /// Coverage by a shape that is `distance` away in local units.
    fn cover(&self, distance: f32) -> f32 {
        inside(distance * self.size)
    }
}

/// `count` figures, the large ones nearer to the middle.
fn places(random: &mut Random, count: usize, sizes: (f32, f32), tilt: f32) -> Vec<Place> {
    let mut place = |_| {
        let size = random.between(sizes.0, sizes.1);
        let reach = 1.0 - size * 0.6;
        Place {
            center: at(random.between(-reach, reach) * 1.15, random.between(-reach, reach)),
            size,
            turns: random.between(-tilt, tilt),
            tone: random.between(0.75, 1.2),
        }
    };
    (0..count).map(&mut place).collect()
}

pub(super) fn fish(random: &mut Random, colors: &Colors) -> Scene {
    let count = random.count(1, 3);
    let shoal = places(random, count, if count == 1 { (0.6, 0.8) } else { (0.35, 0.55) }, 0.06);
    let facing: Vec<f32> = shoal.iter().map(|_| if random.chance(0.5) { 1.0 } else { -1.0 }).collect();
    let (seed, stripes) = (random.bits() as u32, random.between(1.5, 3.0));
    let (figure, water, accent) = (colors.figure, colors.ground, colors.accent);
    Box::new(move |p| {
        let ripple = noise(p.x * 2.0 + 2.0 * noise(p.x, p.y * 3.0, seed), p.y * 5.0, seed ^ 1);
        let mut color = shade(water, 1.05 - 0.3 * p.y * 0.8 + 0.35 * (ripple - 0.5));
        for (place, side) in shoal.iter().zip(&facing) {
            let q = place.local(p);
            color = one_fish(color, place, at(q.x * side, q.y), (shade(figure, place.tone), accent, stripes));
        }
        color
    })
}

fn one_fish(under: Color, place: &Place, q: Point, (skin, accent, stripes): (Color, Color, f32)) -> Color {
    let body = to_ellipse(q, at(0.8, 0.42));
    let tail = to_gable(at(q.y, 0.12 - q.x - 1.2 - q.y.abs() * 0.4), 0.42, 0.65);
    let fin = to_gable((q + at(0.05, 0.32)).turned(-0.03), 0.35, 0.4);
    let band = ramp(-0.3, 0.3, sine(q.x * stripes + 0.15 * q.y * q.y)) * ramp(0.5, 0.2, q.x);
    let scales = 0.9 + 0.2 * sine(q.x * 7.0 + q.y * 4.0) * sine(q.x * 7.0 - q.y * 4.0);
    let flank = shade(mix(skin, accent, 0.7 * band), scales * (1.1 - 0.5 * ramp(-0.3, 0.4, q.y)));
    let color = mix(under, shade(skin, 0.75), place.cover(tail.min(fin)));
    let color = mix(color, flank, place.cover(body));
    let eye = (q - at(0.52, -0.1)).length();
    mix(mix(color, [0.95; 3], place.cover(eye - 0.09)), [0.05; 3], place.cover(eye - 0.05))
}

pub(super) fn leaf(random: &mut Random, colors: &Colors) -> Scene {
    let count = random.count(2, 7);
    let leaves = places(random, count, if count < 4 { (0.55, 0.8) } else { (0.35, 0.55) }, 0.5);
    let (seed, slim) = (random.bits() as u32, random.between(0.34, 0.5));
    let colors = *colors;
    Box::new(move |p| {
        let mut color = ground(p, colors.ground, seed);
        for place in &leaves {
            let q = place.local(p);
            let width = slim * (1.0 - q.x * q.x).max(0.0) * (1.0 - 0.35 * q.x);
            let blade = (q.y.abs() - width).max(q.x.abs() - 1.0) * 0.9;
            let shadow = place.cover((place.local(p - at(0.03, 0.05)).y.abs() - width).max(q.x.abs() - 1.0));
            let vein = sine((q.x - q.y.abs() * 0.9) * 4.0);
            let ribs = inside((q.y.abs() - 0.02) * place.size) + 0.6 * ramp(0.75, 0.95, vein);
            let skin = mix(colors.figure, colors.accent, 0.3 * clouds(q.x * 3.0, q.y * 3.0, seed ^ 7));
            let half = if q.y < 0.0 { 1.08 } else { 0.9 };
            let skin = mix(shade(skin, place.tone * half), shade(colors.figure, 1.6), 0.45 * ribs.min(1.0));
            let stalk = to_segment(q, at(-1.3, 0.1), at(-0.9, 0.0)) - 0.03;
            color = mix(shade(color, 1.0 - 0.35 * shadow), skin, place.cover(blade.min(stalk)));
        }
        color
    })
}

pub(super) fn sunset(random: &mut Random, colors: &Colors) -> Scene {
    let (sun, radius) = (at(random.between(-0.8, 0.8), random.between(-0.35, 0.15)), random.between(0.16, 0.36));
    let (horizon, seed) = (random.between(0.1, 0.45), random.bits() as u32);
    let (disc, high, low) = (mix(colors.figure, [1.0, 0.95, 0.7], 0.7), colors.ground, colors.accent);
    Box::new(move |p| {
        let sky = |p: Point| {
            let glow = 0.6 * ramp(1.3, 0.0, (p - sun).length());
            let streak = ramp(0.5, 0.75, clouds(p.x * 1.1, p.y * 5.0, seed)) * 0.5;
            let air = mix(shade(high, 0.85), low, ramp(-1.0, horizon, p.y));
            mix(mix(air, shade(low, 0.7), streak), disc, glow + inside((p - sun).length() - radius) * (1.0 - glow))
        };
        let depth = p.y - horizon;
        if depth < 0.0 {
            return sky(p);
        }
        let swell = sine(6.0 / (depth + 0.12) * 0.5 + noise(p.x * 3.0, depth * 12.0, seed ^ 4));
        let glitter = ramp(radius * 1.3, 0.0, (p.x - sun.x + 0.12 * swell).abs()) * ramp(0.0, 0.6, swell);
        let mirrored = sky(at(p.x + 0.06 * swell, horizon - depth * 0.8));
        mix(shade(mirrored, 0.5 + 0.12 * swell), disc, 0.75 * glitter)
    })
}

pub(super) fn house(random: &mut Random, colors: &Colors) -> Scene {
    let count = random.count(1, 3);
    let mut street: Vec<Place> = places(random, count, if count == 1 { (0.6, 0.8) } else { (0.4, 0.55) }, 0.004);
    for (i, place) in street.iter_mut().enumerate() {
        place.center.y = 0.62 - place.size * 0.45;
        place.center.x = place.center.x * 0.35 + (i as f32 - (count - 1) as f32 / 2.0) * 0.95;
    }
    let (seed, steep, floors) = (random.bits() as u32, random.between(0.45, 0.95), random.count(1, 2));
    let colors = *colors;
    Box::new(move |p| {
        let sky = mix(colors.ground, [0.95; 3], ramp(0.45, 0.8, clouds(p.x, p.y * 2.0, seed)) * 0.8);
        let meadow = shade(mix([0.35, 0.5, 0.2], colors.ground, 0.35), 0.6 + 0.8 * clouds(p.x * 9.0, p.y * 18.0, seed));
        let hill = p.y - 0.5 - 0.12 * noise(p.x * 1.5, 0.0, seed ^ 2);
        let mut color = mix(shade(sky, 1.0 + 0.12 * p.y), meadow, inside(-hill));
        for place in &street {
            color = one_house(color, place, place.local(p), (&colors, steep, floors));
        }
        color
    })
}

fn one_house(under: Color, place: &Place, q: Point, (colors, steep, floors): (&Colors, f32, usize)) -> Color {
    let wall = shade(mix(colors.figure, [0.9, 0.86, 0.78], 0.45), place.tone * (1.0 - 0.06 * sine(q.y * 9.0)));
    let tiles = 0.8 + 0.25 * ramp(-0.4, 0.4, sine(q.y * 8.0)) + 0.1 * sine(q.x * 12.0);
    let chimney = to_box(q - at(0.4, -0.55), at(0.09, 0.35));
    let color = mix(under, shade(colors.accent, 0.55), place.cover(chimney));
    let color = mix(color, wall, place.cover(to_box(q - at(0.0, 0.35), at(0.7, 0.65))));
    let roof = to_gable(q + at(0.0, 0.28), 0.9, steep);
    let color = mix(color, shade(colors.accent, 0.75 * tiles), place.cover(roof));
    let rows = floors as f32;
    let pane = at((q.x.abs() - 0.4).abs(), (q.y - 0.2 + 0.2 * (rows - 1.0)).abs());
    let pane = if floors == 2 { at(pane.x, (pane.y - 0.22).abs()) } else { pane };
    let frame = to_box(pane, at(0.17, 0.14));
    let bars = pane.x.min(pane.y) - 0.015;
    let color = mix(color, [0.95; 3], place.cover(frame - 0.04));
    let color = mix(color, [0.2, 0.28, 0.38], place.cover(frame.max(-bars)));
    let door = to_box(q - at(0.0, 0.72), at(0.14, 0.28));
    mix(color, shade(colors.accent, 0.4), place.cover(door))
}

pub(super) fn flower(random: &mut Random, colors: &Colors) -> Scene {
    let count = random.count(1, 5);
    let bed = places(random, count, if count < 3 { (0.6, 0.85) } else { (0.35, 0.55) }, 0.5);
    let (seed, petals, heart) = (random.bits() as u32, random.count(5, 11), hsv(random.between(0.09, 0.17), 0.85, 0.9));
    let colors = *colors;
    Box::new(move |p| {
        let blades = sine(p.x * 4.0 + 2.0 * noise(p.x * 2.0, p.y, seed)) * 0.15;
        let mut color = shade(ground(p, colors.ground, seed), 0.8 + blades);
        for place in &bed {
            let q = place.local(p);
            let folded = q.folded(petals);
            let width = 1.9 / petals as f32;
            let petal = to_ellipse(folded - at(0.6, 0.0), at(0.4, width.min(0.26)));
            let crease = 1.0 - 0.3 * ramp(0.06, 0.0, folded.y.abs()) - 0.35 * ramp(0.7, 0.2, folded.x);
            let skin =
                shade(mix(colors.figure, colors.accent, ramp(0.6, 1.0, folded.x) * 0.5), place.tone * crease * 1.1);
            let center = q.length() - 0.3;
            let seeds = 0.8 + 0.3 * sine(q.x * 14.0) * sine(q.y * 14.0);
            color = mix(shade(color, 1.0 - 0.3 * place.cover(petal - 0.1)), skin, place.cover(petal));
            color = mix(color, shade(heart, seeds * ramp(0.35, -0.3, center).max(0.5)), place.cover(center));
        }
        color
    })
}

pub(super) fn moon(random: &mut Random, colors: &Colors) -> Scene {
    let (center, radius) = (at(random.between(-0.6, 0.6), random.between(-0.45, 0.1)), random.between(0.38, 0.6));
    let (phase, seed) = (random.between(-1.3, 1.3), random.bits() as u32);
    let craters = places(random, 9, (0.08, 0.3), 0.5);
    let (disc, sky, hills) = (mix(colors.figure, [0.9, 0.88, 0.8], 0.6), shade(colors.ground, 0.55), colors.accent);
    Box::new(move |p| {
        let q = (p - center) * (1.0 / radius);
        let night = shade(sky, 0.7 + 0.5 * clouds(p.x * 1.2, p.y * 1.2, seed) + 0.15 * p.y);
        let sparkle = ramp(0.95, 1.0, noise(p.x * 26.0, p.y * 26.0, seed ^ 8));
        let mut face = shade(disc, 0.8 + 0.3 * clouds(q.x * 1.5, q.y * 1.5, seed ^ 6));
        for crater in &craters {
            let r = crater.local(q).length();
            let rim = 0.28 * ramp(1.15, 0.95, r) * if r < 0.9 { 1.0 } else { -0.7 };
            face = shade(face, 1.0 - rim);
        }
        let lit = ramp(-0.25, 0.25, q.x * phase.signum() + phase.abs() - 0.2 * q.y);
        let glow = 0.35 * ramp(2.2, 0.9, q.length());
        let color = mix(mix(night, [1.0; 3], sparkle), disc, glow);
        let color = mix(color, shade(face, 0.3 + 0.7 * lit), inside((q.length() - 1.0) * radius));
        let ridge = p.y - 0.55 - 0.3 * (clouds(p.x * 1.3, 3.0, seed) - 0.5);
        mix(color, shade(hills, 0.28 + 0.12 * noise(p.x * 20.0, p.y * 20.0, seed)), inside(-ridge))
    })
}
