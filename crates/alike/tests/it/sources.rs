//! Hand-crafted sources: values, steadiness, quality.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use crate::data::{data, npy_rows};
use alike::model::Model;
use alike::picture::Picture;
use alike::recipe::{Descriptor, DescriptorKind, Draft, Plan, Recipe};
use alike::source::Forward;
use std::path::Path;
use std::sync::Arc;

/// The part of `texture` that isn't Gabor energies.
const PATTERN_WEIGHT: f32 = 0.7;

const ALL: &str = "color + lab + texture + shape + moments + correlogram + edges + gist + sift";

const NO_MODELS: &[Arc<Model>] = &[];

fn plan(recipe: &str) -> Plan {
    Draft::new(&recipe.parse().unwrap(), NO_MODELS).unwrap().ready().unwrap()
}

fn raw_rows(plan: &Plan, picture: &Picture) -> Vec<Vec<f32>> {
    plan.sources().iter().map(|source| source.describe(picture, &Forward::default()).unwrap()).collect()
}

fn describe(plan: &Plan, picture: &Picture) -> Option<Descriptor> {
    let rows = raw_rows(plan, picture);
    plan.describe(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Waves with noise of a linear congruential generator; `training/source_fixtures.py` draws the same.
pub(crate) fn drawn(width: u32, height: u32, seed: u32) -> Picture {
    let mut state = seed;
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = (x * (3 + c + seed) + y * (7 - c)) % 256;
                rgb.push(((wave * 3 + (state >> 24)) / 4) as u8);
            }
        }
    }
    Picture::from_rgb(width, height, rgb).unwrap()
}

fn constant(width: u32, height: u32, colour: [u8; 3]) -> Picture {
    Picture::from_rgb(width, height, colour.repeat((width * height) as usize)).unwrap()
}

#[test]
fn odd_pictures_give_finite_rows_of_the_promised_length() {
    let plan = plan(ALL);
    let mut pictures = vec![drawn(1, 1, 1), drawn(1, 2000, 2), drawn(2000, 1, 3), drawn(127, 129, 4)];
    pictures.extend([constant(1, 1, [0; 3]), constant(300, 200, [255; 3]), constant(64, 64, [255, 0, 7])]);
    for picture in &pictures {
        for (row, source) in raw_rows(&plan, picture).iter().zip(plan.sources()) {
            assert_eq!(row.len(), source.dims(), "{}", source.id());
            assert!(row.iter().all(|x| x.is_finite()), "{} of {}x{}", source.id(), picture.width(), picture.height());
        }
        assert!(describe(&plan, picture).is_some());
    }
}

#[test]
fn histograms_are_square_rooted_so_that_rows_have_unit_length() {
    for seed in 1..5 {
        let rows = raw_rows(&plan("color + texture"), &drawn(300, 200, seed));
        for row in rows {
            let norm: f32 = row.iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 0.01, "{norm}");
        }
    }
}

/// One colour falls into known bins: pure red into hue 0, full saturation, full value of each of the six parts.
#[test]
fn color_of_one_colour_fills_the_expected_bins() {
    let filled = |colour| -> Vec<(usize, f32)> {
        let row = raw_rows(&plan("color"), &constant(40, 30, colour)).remove(0);
        row.into_iter().enumerate().filter(|(i, x)| *i < 325 && *x > 1e-3).collect()
    };
    let half = 0.5_f32.sqrt();
    let check = |colour, bin: usize| {
        let got = filled(colour);
        assert!(matches!(got.as_slice(), [(i, x)] if *i == bin && (x - half).abs() < 1e-3), "{colour:?}: {got:?}");
    };
    check([0, 0, 0], 0);
    check([255, 255, 255], 4);
    check([255, 0, 0], 5 * (1 + 48) + 4);
    check([0, 255, 255], 5 * (1 + 48 + 8) + 4);
}

#[derive(serde::Deserialize)]
struct Expected {
    seed: u32,
    color: Vec<f32>,
    lab: Vec<f32>,
    patterns_1: Vec<f32>,
    patterns_3: Vec<f32>,
    energies: Vec<f32>,
    shape: Vec<f32>,
    moments_of_300x200: Vec<f32>,
    correlogram: Vec<f32>,
    edges: Vec<f32>,
    gist: Vec<f32>,
}

fn fixtures() -> Vec<Expected> {
    let fixtures: Vec<Expected> = serde_json::from_str(include_str!("fixtures/sources.json")).unwrap();
    assert!(!fixtures.is_empty());
    fixtures
}

fn row(source: &str, picture: &Picture) -> Vec<f32> {
    raw_rows(&plan(source), picture).remove(0)
}

#[track_caller]
fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "differs by {worst}");
}

/// Patterns, L*a*b* and HOG are scikit-image's, HSV is OpenCV's: `training/source_fixtures.py`, as all fixtures here.
#[test]
fn color_patterns_and_shape_equal_opencv_and_scikit_image() {
    for expected in fixtures() {
        let picture = drawn(128, 128, expected.seed);
        assert_close(&row("color", &picture)[..expected.color.len()], &expected.color, 1e-4);
        assert_close(&row("lab", &picture)[..expected.lab.len()], &expected.lab, 1e-3);
        let texture = row("texture", &picture);
        // Grey is the first of three channels; each radius has the whole and four quarters, the whole weighing 1/12.
        for (radius, patterns) in [&expected.patterns_1, &expected.patterns_3].into_iter().enumerate() {
            let share = |x: &f32| x * x / PATTERN_WEIGHT * 12.0;
            let got: Vec<f32> = texture[radius * 350..][..70].iter().map(share).collect();
            assert_close(&got, patterns, 1e-3);
        }
        // A gradient on the border of two directions moves HOG by 0.001: as much as scikit-image's own f32 and f64 differ.
        assert_close(&row("shape", &picture), &expected.shape, 2e-3);
    }
}

/// scikit-image's Gabor kernels and scipy's convolution.
#[test]
fn gabor_energies_and_gist_equal_scikit_image() {
    for expected in fixtures() {
        let picture = drawn(128, 128, expected.seed);
        let texture = row("texture", &picture);
        let energies: Vec<f32> = texture[2100..].iter().map(|x| x * x / (1.0 - PATTERN_WEIGHT)).collect();
        assert_close(&energies, &expected.energies, 1e-4);
        assert_close(&row("gist", &picture), &expected.gist, 1e-4);
    }
}

/// OpenCV's reduction by areas, scikit-image's CIE L*a*b*, scipy's moments.
#[test]
fn moments_equal_scikit_image_and_scipy() {
    for expected in fixtures() {
        assert_close(&row("moments", &drawn(300, 200, expected.seed)), &expected.moments_of_300x200, 1e-3);
    }
}

#[test]
fn correlogram_and_edges_equal_numpy() {
    for expected in fixtures() {
        let picture = drawn(128, 128, expected.seed);
        assert_close(&row("correlogram", &picture), &expected.correlogram, 1e-4);
        assert_close(&row("edges", &picture), &expected.edges, 1e-4);
    }
}

/// Stripes of one pixel, black and white: a pixel has its colour in every second column around it.
#[test]
fn correlogram_of_stripes_is_known() {
    let rgb = (0..128 * 128).flat_map(|i| [if i % 2 == 0 { 0 } else { 255 }; 3]).collect();
    let row = row("correlogram", &Picture::from_rgb(128, 128, rgb).unwrap());
    let found: Vec<usize> = (0..196).filter(|i| row[*i] > 0.0).collect();
    // Darkest and lightest of four, grey in the middle of 7 x 7.
    assert_eq!(found, [24, 3 * 49 + 24]);
    // Two of the eight neighbours, less those beyond the upper and lower edge.
    assert!((row[24] - 0.25 * 127.0 / 128.0).abs() < 1e-6, "{}", row[24]);
}

/// One way of stripes is one kind of edge; a picture of one colour has none.
#[test]
fn edges_of_stripes_are_known() {
    let stripes = |across: bool| {
        let bright = |i: u32| (if across { i / 128 } else { i }) % 2 == 0;
        let rgb = (0..128 * 128).flat_map(|i| [if bright(i) { 255 } else { 0 }; 3]).collect();
        row("edges", &Picture::from_rgb(128, 128, rgb).unwrap())
    };
    let expected = |kind| -> Vec<f32> { (0..150).map(|i| f32::from(u8::from(i % 5 == kind))).collect() };
    assert_eq!(stripes(false), expected(0));
    assert_eq!(stripes(true), expected(1));
    assert_eq!(row("edges", &constant(128, 128, [90; 3])), [0.0; 150]);
}

#[test]
fn size_changes_little() {
    let plan = plan(ALL);
    let small = drawn(128, 128, 9);
    let mut rgb = Vec::new();
    for y in 0..384 {
        for x in 0..384 {
            let at = (y / 3 * 128 + x / 3) * 3;
            rgb.extend_from_slice(&small.rgb()[at..at + 3]);
        }
    }
    let large = Picture::from_rgb(384, 384, rgb).unwrap();
    let score = plan.kind().score(&describe(&plan, &small).unwrap(), &describe(&plan, &large).unwrap()).unwrap();
    assert!(score > 0.999, "{score}");
}

#[test]
fn texture_hardly_sees_a_quarter_turn() {
    let plan = plan("texture");
    let upright = drawn(128, 128, 5);
    let mut rgb = Vec::new();
    for y in 0..128 {
        for x in 0..128 {
            let at = ((127 - x) * 128 + y) * 3;
            rgb.extend_from_slice(&upright.rgb()[at..at + 3]);
        }
    }
    let turned = Picture::from_rgb(128, 128, rgb).unwrap();
    let score = plan.kind().score(&describe(&plan, &upright).unwrap(), &describe(&plan, &turned).unwrap()).unwrap();
    assert!(score > 0.99, "{score}");
}

#[test]
fn equal_on_every_thread() {
    let plan = plan(ALL);
    let picture = drawn(384, 256, 6);
    let once = describe(&plan, &picture);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| describe(&plan, &picture))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), once));
    });
}

pub(crate) struct Labelled {
    pub(crate) rows: Vec<Vec<Vec<f32>>>,
    labels: Vec<u32>,
}

pub(crate) fn read_list(plan: &Plan, list: &Path) -> Labelled {
    let text = fs_err::read_to_string(list).unwrap();
    let mut labelled = Labelled { rows: vec![], labels: vec![] };
    for line in text.lines() {
        let (file, label) = line.split_once('\t').unwrap();
        let image = image::open(list.parent().unwrap().join(file)).unwrap().into_rgb8();
        let picture = Picture::from_rgb(image.width(), image.height(), image.into_raw()).unwrap();
        labelled.rows.push(raw_rows(plan, &picture));
        labelled.labels.push(label.parse().unwrap());
    }
    labelled
}

/// P@10 and mAP by descending score, ties to the lower index.
pub(crate) fn quality(
    kind: DescriptorKind,
    gallery: &[(Descriptor, u32)],
    queries: &[(Descriptor, u32)],
) -> (f64, f64) {
    let (mut p10, mut map) = (0.0, 0.0);
    for (query, label) in queries {
        let mut ranked: Vec<(f32, bool)> =
            gallery.iter().map(|(d, other)| (kind.score(query, d).unwrap(), other == label)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        p10 += ranked[..10].iter().filter(|hit| hit.1).count() as f64 / 10.0;
        let (mut found, mut precision) = (0.0, 0.0);
        for (i, _) in ranked.iter().enumerate().filter(|(_, hit)| hit.1) {
            found += 1.0;
            precision += found / (i + 1) as f64;
        }
        map += precision / found;
    }
    (p10 / queries.len() as f64, map / queries.len() as f64)
}

pub(crate) fn described(plan: &Plan, all: &Plan, of: &Labelled) -> Vec<(Descriptor, u32)> {
    let place = |id| all.sources().iter().position(|source| source.id() == id).unwrap();
    let places: Vec<usize> = plan.sources().iter().map(|source| place(source.id())).collect();
    let one = |rows: &Vec<Vec<f32>>| plan.describe(&places.iter().map(|i| rows[*i].as_slice()).collect::<Vec<_>>());
    of.rows.iter().map(|rows| one(rows).unwrap()).zip(of.labels.iter().copied()).collect()
}

/// A recipe over rows of all sources, learnt from the gallery's where it learns.
struct Trial<'a> {
    all: &'a Plan,
    gallery: &'a Labelled,
    queries: &'a Labelled,
}

impl Trial<'_> {
    fn rows<'b>(&self, draft: &Draft, of: &'b Labelled) -> Vec<Vec<&'b [f32]>> {
        let place = |id| self.all.sources().iter().position(|source| source.id() == id).unwrap();
        let places: Vec<usize> = draft.sources().iter().map(|source| place(source.id())).collect();
        of.rows.iter().map(|rows| places.iter().map(|i| rows[*i].as_slice()).collect()).collect()
    }

    /// The kind, then the descriptors of gallery and queries.
    fn described(&self, recipe: &str) -> (DescriptorKind, [Vec<(Descriptor, u32)>; 2]) {
        let draft = Draft::new(&recipe.parse().unwrap(), NO_MODELS).unwrap();
        let plan = draft.learn(&self.rows(&draft, self.gallery)).unwrap();
        let describe = |of: &Labelled| {
            let rows = self.rows(&draft, of);
            rows.iter().map(|rows| plan.describe(rows).unwrap()).zip(of.labels.iter().copied()).collect()
        };
        (plan.kind(), [self.gallery, self.queries].map(describe))
    }

    fn quality(&self, recipe: &str) -> (f64, f64) {
        let (kind, [gallery, queries]) = self.described(recipe);
        let figures = quality(kind, &gallery, &queries);
        println!("{recipe}: P@10 {:.4}, mAP {:.4}", figures.0, figures.1);
        figures
    }
}

#[test]
fn corel1k_is_found_without_a_network() {
    let Some(folder) = data("corel1k_is_found_without_a_network", "corel1k") else { return };
    let all = plan(ALL);
    let gallery = read_list(&all, &folder.join("trainval.txt"));
    let queries = read_list(&all, &folder.join("test.txt"));
    let trial = Trial { all: &all, gallery: &gallery, queries: &queries };
    for single in ALL.split(" + ") {
        trial.quality(single);
    }
    let default = Recipe::default_without_model().to_string();
    assert_finds(&trial, &default, (0.785, 0.58));
    assert_finds(&trial, &format!("{default} | center"), (0.8, 0.615));
    assert_finds(&trial, &format!("{default} | pca(64)"), (0.8, 0.62));
    joins_a_network(&trial, &default, folder.parent().unwrap());
}

#[track_caller]
fn assert_finds(trial: &Trial<'_>, recipe: &str, least: (f64, f64)) {
    let (p10, map) = trial.quality(recipe);
    assert!(p10 >= least.0 && map >= least.1, "{recipe}: P@10 {p10}, mAP {map}, wanted {least:?}");
}

/// The network's features alone, and with a fifth of the hand-crafted mix, as `0.8*deep + 0.2*(mix)` joins them.
fn joins_a_network(trial: &Trial<'_>, mix: &str, data: &Path) {
    let (_, mixes) = trial.described(mix);
    let measure = |share: f32| {
        let of = |name: &str, mixes: &[(Descriptor, u32)]| -> Vec<_> {
            let features = npy_rows(&data.join(format!("reference_features_corel1k_{name}.npy")));
            features.iter().zip(mixes).map(|(row, (mix, label))| (joined(row, mix, share), *label)).collect()
        };
        let [gallery, queries] = [of("gallery", &mixes[0]), of("query", &mixes[1])];
        let Descriptor::Vector(first) = &gallery[0].0 else { panic!("no vector") };
        quality(DescriptorKind::Vector(first.len()), &gallery, &queries)
    };
    let (alone, together) = (measure(0.0), measure(0.2));
    println!("deep: {alone:.4?}, with a fifth of the mix: {together:.4?}");
    assert!((alone.1 - 0.8765).abs() < 1e-3, "mAP of the reference features {}", alone.1);
    assert!(together.0 >= alone.0 && together.1 >= alone.1, "{together:?} against {alone:?}");
}

fn joined(features: &[f32], mix: &Descriptor, share: f32) -> Descriptor {
    let Descriptor::Vector(mix) = mix else { panic!("no vector") };
    let norm = features.iter().map(|x| x * x).sum::<f32>().sqrt();
    let features = features.iter().map(|x| x / norm * (1.0 - share).sqrt());
    Descriptor::Vector(features.chain(mix.iter().map(|x| x * share.sqrt())).collect())
}
