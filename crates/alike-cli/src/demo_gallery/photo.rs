//! A scene as a camera would have it: from somewhere, in some light, with something in the way, with noise.

use super::paint::{Color, Point, at, hsv, inside, mix, shade, to_ellipse};
use super::random::{Random, lattice};
use super::{Class, Colors, Framing};
use image::RgbImage;

/// How hard the gallery is. Higher is harder, everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difficulty {
    /// Share of colours that have nothing to do with the class, 0 to 1.
    pub(super) free_colors: f32,
    /// Standard deviation of the noise at its worst, in grey levels.
    pub(super) noise: f32,
    /// Things in front of the scene.
    pub(super) clutter: usize,
    /// How far scenes without up and down are turned, in turns.
    pub(super) tilt: f32,
    /// How uneven the light is, 0 to 1.
    pub(super) shade: f32,
}

/// Width and height in pixels: landscape, portrait, square.
const SIZES: [(u32, u32); 4] = [(208, 156), (208, 156), (156, 208), (168, 168)];

/// Draws picture number `index` of a class. The same seed gives the same pixels on every machine.
pub(super) fn take(class: &Class, seed: u64, index: usize, difficulty: &Difficulty) -> RgbImage {
    let mut random = Random::new(seed, (class.number * 100_000 + index) as u64);
    let colors = colors(&mut random, class, difficulty);
    let scene = (class.paint)(&mut random, &colors);
    let (width, height) = *random.pick(&SIZES);
    let view = View::draw(&mut random, class, difficulty);
    let clutter = clutter(&mut random, difficulty);
    let noise = random.between(0.2, 1.0) * difficulty.noise;
    let grain = random.bits() as u32;
    let scale = 2.0 / width.min(height) as f32;
    RgbImage::from_fn(width, height, |x, y| {
        let p = at(x as f32 + 0.5 - width as f32 / 2.0, y as f32 + 0.5 - height as f32 / 2.0) * scale;
        let seen = covered(scene(view.of(p)), p, &clutter);
        let lit = shade(seen, view.light(p));
        let channel = |c: u32| to_byte(lit[c as usize], noise * gaussian(x, y, grain ^ (c << 8)));
        image::Rgb([channel(0), channel(1), channel(2)])
    })
}

fn to_byte(value: f32, noise: f32) -> u8 {
    (value * 255.0 + noise).round().clamp(0.0, 255.0) as u8
}

/// Nearly normal, standard deviation 1: four uniform numbers summed.
fn gaussian(x: u32, y: u32, seed: u32) -> f32 {
    let sum: f32 = (0..4).map(|i| lattice(x as i32, y as i32, seed.wrapping_mul(4).wrapping_add(i))).sum();
    (sum - 2.0) * 3.0_f32.sqrt()
}

fn colors(random: &mut Random, class: &Class, difficulty: &Difficulty) -> Colors {
    let mut hue = |usual: f32| {
        let own = usual + random.between(-0.06, 0.06);
        if random.chance(difficulty.free_colors) { random.unit() } else { own }
    };
    let (figure, ground, accent) = (hue(class.hues[0]), hue(class.hues[1]), hue(class.hues[2]));
    // Figure and ground must differ in brightness, whichever is the brighter.
    let (bright, dim) = (random.between(0.72, 0.98), random.between(0.28, 0.52));
    let (of_figure, of_ground) = if random.chance(class.bright_figure) { (bright, dim) } else { (dim, bright) };
    Colors {
        figure: hsv(figure, random.between(0.35, 0.9), of_figure),
        ground: hsv(ground, random.between(0.25, 0.75), of_ground),
        accent: hsv(accent, random.between(0.4, 0.9), random.between(0.45, 0.95)),
    }
}

/// From where, and in which light.
struct View {
    shift: Point,
    turns: f32,
    zoom: f32,
    light: Point,
    exposure: f32,
}

impl View {
    fn draw(random: &mut Random, class: &Class, difficulty: &Difficulty) -> Self {
        let tilt = if class.framing == Framing::Level { difficulty.tilt * 0.2 } else { difficulty.tilt };
        let reach = if class.framing == Framing::Anywhere { 3.0 } else { 0.15 };
        Self {
            shift: at(random.between(-reach, reach), random.between(-reach, reach) * 0.6),
            turns: random.between(-tilt, tilt),
            zoom: random.between(0.8, 1.25),
            light: at(random.between(-1.0, 1.0), random.between(-1.0, 1.0)) * (0.4 * difficulty.shade),
            exposure: random.between(1.0 - 0.35 * difficulty.shade, 1.0 + 0.25 * difficulty.shade),
        }
    }

    fn of(&self, p: Point) -> Point {
        p.turned(self.turns) * self.zoom + self.shift
    }

    fn light(&self, p: Point) -> f32 {
        self.exposure * (1.0 + self.light.x * p.x + self.light.y * p.y)
    }
}

/// Something out of focus in front of the scene.
struct Blob {
    center: Point,
    radii: Point,
    turns: f32,
    color: Color,
}

fn clutter(random: &mut Random, difficulty: &Difficulty) -> Vec<Blob> {
    let mut blob = |_| Blob {
        center: at(random.between(-1.3, 1.3), random.between(-1.1, 1.1)),
        radii: at(random.between(0.1, 0.45), random.between(0.05, 0.2)),
        turns: random.unit(),
        color: hsv(random.unit(), random.between(0.0, 0.8), random.between(0.15, 0.95)),
    };
    (0..difficulty.clutter).map(&mut blob).collect()
}

fn covered(scene: Color, p: Point, clutter: &[Blob]) -> Color {
    clutter.iter().fold(scene, |under, blob| {
        let distance = to_ellipse((p - blob.center).turned(blob.turns), blob.radii);
        mix(under, blob.color, 0.85 * inside(distance * 0.25))
    })
}
