//! The demo's pictures: twelve classes, drawn from a seed, laid out as a classroom's data set is.

mod paint;
mod patterns;
mod photo;
mod random;
mod scenes;

use anyhow::Context;
use fs_err as fs;
use paint::{Color, Point};
use photo::Difficulty;
use random::Random;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a picture shows at a place.
type Scene = Box<dyn Fn(Point) -> Color>;

/// What a scene is painted with.
#[derive(Clone, Copy)]
struct Colors {
    figure: Color,
    ground: Color,
    accent: Color,
}

/// How a camera may be held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// There is an up and a down, and something to look at.
    Level,
    /// There is something to look at.
    Turned,
    /// It is the same everywhere.
    Anywhere,
}

/// A kind of picture.
struct Class {
    /// Its label.
    number: usize,
    name: &'static str,
    /// Usual hues of figure, ground and accent, in turns.
    hues: [f32; 3],
    /// How often the figure is the brighter part.
    bright_figure: f32,
    framing: Framing,
    paint: fn(&mut Random, &Colors) -> Scene,
}

static CLASSES: [Class; 12] = [
    Class {
        number: 0,
        name: "bricks",
        hues: [0.03, 0.10, 0.08],
        bright_figure: 0.5,
        framing: Framing::Anywhere,
        paint: patterns::bricks,
    },
    Class {
        number: 1,
        name: "checkers",
        hues: [0.00, 0.12, 0.60],
        bright_figure: 0.5,
        framing: Framing::Anywhere,
        paint: patterns::checkers,
    },
    Class {
        number: 2,
        name: "dots",
        hues: [0.92, 0.50, 0.15],
        bright_figure: 0.6,
        framing: Framing::Anywhere,
        paint: patterns::dots,
    },
    Class {
        number: 3,
        name: "flower",
        hues: [0.88, 0.32, 0.95],
        bright_figure: 0.8,
        framing: Framing::Turned,
        paint: scenes::flower,
    },
    Class {
        number: 4,
        name: "fish",
        hues: [0.07, 0.55, 0.14],
        bright_figure: 0.7,
        framing: Framing::Level,
        paint: scenes::fish,
    },
    Class {
        number: 5,
        name: "house",
        hues: [0.10, 0.56, 0.02],
        bright_figure: 0.6,
        framing: Framing::Level,
        paint: scenes::house,
    },
    Class {
        number: 6,
        name: "moon",
        hues: [0.14, 0.64, 0.58],
        bright_figure: 1.0,
        framing: Framing::Level,
        paint: scenes::moon,
    },
    Class {
        number: 7,
        name: "sunset",
        hues: [0.10, 0.72, 0.04],
        bright_figure: 0.6,
        framing: Framing::Level,
        paint: scenes::sunset,
    },
    Class {
        number: 8,
        name: "waves",
        hues: [0.58, 0.55, 0.62],
        bright_figure: 0.5,
        framing: Framing::Anywhere,
        paint: patterns::waves,
    },
    Class {
        number: 9,
        name: "leaf",
        hues: [0.27, 0.10, 0.12],
        bright_figure: 0.6,
        framing: Framing::Turned,
        paint: scenes::leaf,
    },
    Class {
        number: 10,
        name: "stars",
        hues: [0.14, 0.66, 0.80],
        bright_figure: 0.8,
        framing: Framing::Anywhere,
        paint: patterns::stars,
    },
    Class {
        number: 11,
        name: "wood",
        hues: [0.09, 0.06, 0.05],
        bright_figure: 0.8,
        framing: Framing::Anywhere,
        paint: patterns::wood,
    },
];

/// Pictures of each class that are searched, and that are held out to ask with.
const GALLERY_OF_CLASS: usize = 24;
const QUERIES_OF_CLASS: usize = 6;

/// Hard enough that colour alone fails, and easy enough that texture and shape help.
const DIFFICULTY: Difficulty = Difficulty { free_colors: 0.2, noise: 3.0, clutter: 1, tilt: 0.03, shade: 0.4 };

/// A gallery on disk.
#[derive(Debug)]
pub(crate) struct DemoGallery {
    /// The pictures to search: `relative path TAB label`.
    pub(crate) gallery_list: PathBuf,
    /// The pictures to ask with, none of them in the gallery.
    pub(crate) query_list: PathBuf,
    /// Number of pictures in the gallery.
    pub(crate) gallery: usize,
}

/// Draws the gallery into `dir`, which is made if need be: a folder for each class, `trainval.txt`, `test.txt` and
/// `dataset_info.json`. The same seed gives the same files.
pub(crate) fn draw(dir: &Path, seed: u64) -> anyhow::Result<DemoGallery> {
    for class in &CLASSES {
        fs::create_dir_all(dir.join(class.name))?;
    }
    draw_pictures(dir, seed)?;
    let gallery_list = write_list(dir, "trainval.txt", 0..GALLERY_OF_CLASS)?;
    let query_list = write_list(dir, "test.txt", GALLERY_OF_CLASS..GALLERY_OF_CLASS + QUERIES_OF_CLASS)?;
    write_info(dir)?;
    Ok(DemoGallery { gallery_list, query_list, gallery: CLASSES.len() * GALLERY_OF_CLASS })
}

fn file_name(index: usize) -> String {
    format!("{:03}.png", index + 1)
}

/// Draws all pictures, on all cores.
fn draw_pictures(dir: &Path, seed: u64) -> anyhow::Result<()> {
    let of_class = GALLERY_OF_CLASS + QUERIES_OF_CLASS;
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(class) = CLASSES.get(number / of_class) else { return Ok(()) };
            let index = number % of_class;
            let path = dir.join(class.name).join(file_name(index));
            let picture = photo::take(class, seed, index, &DIFFICULTY);
            crate::look::save_png(&picture, &path)?;
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<anyhow::Result<()>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().try_for_each(join)
    })
}

fn write_list(dir: &Path, name: &str, indices: std::ops::Range<usize>) -> anyhow::Result<PathBuf> {
    let mut lines = String::new();
    for class in &CLASSES {
        for index in indices.clone() {
            writeln!(lines, "{}/{}\t{}", class.name, file_name(index), class.number).context("a line of the list")?;
        }
    }
    let path = dir.join(name);
    fs::write(&path, lines)?;
    Ok(path)
}

fn write_info(dir: &Path) -> anyhow::Result<()> {
    let labels: serde_json::Map<_, _> = CLASSES.iter().map(|c| (c.number.to_string(), c.name.into())).collect();
    let info = serde_json::json!({
        "dataset_name": "alike-demo",
        "class_dim": CLASSES.len(),
        "num_trainval": CLASSES.len() * GALLERY_OF_CLASS,
        "num_test": CLASSES.len() * QUERIES_OF_CLASS,
        "label_dict": labels,
    });
    fs::write(dir.join("dataset_info.json"), format!("{info:#}\n"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_color(path: &Path) -> [f64; 3] {
        let picture = image::open(path).unwrap().to_rgb8();
        let count = f64::from(picture.width() * picture.height());
        std::array::from_fn(|c| picture.pixels().map(|pixel| f64::from(pixel.0[c])).sum::<f64>() / count)
    }

    /// Mean colour and label of each line.
    fn listed(list: &Path) -> Vec<([f64; 3], usize)> {
        let dir = list.parent().unwrap();
        let text = fs::read_to_string(list).unwrap();
        let entry = |line: &str| {
            let (path, label) = line.split_once('\t').unwrap();
            (mean_color(&dir.join(path)), label.parse().unwrap())
        };
        text.lines().map(entry).collect()
    }

    #[test]
    fn colour_alone_finds_less_than_half() {
        let dir = tempfile::tempdir().unwrap();
        let drawn = draw(dir.path(), 1).unwrap();
        let (gallery, queries) = (listed(&drawn.gallery_list), listed(&drawn.query_list));
        assert_eq!((gallery.len(), queries.len()), (drawn.gallery, CLASSES.len() * QUERIES_OF_CLASS));
        assert!(gallery.len() >= 240);
        let distance = |a: &[f64; 3], b: &[f64; 3]| (0..3).map(|c| (a[c] - b[c]).powi(2)).sum::<f64>();
        let nearest = |query: &[f64; 3]| {
            gallery.iter().min_by(|a, b| distance(&a.0, query).total_cmp(&distance(&b.0, query))).unwrap().1
        };
        let right = queries.iter().filter(|(color, label)| nearest(color) == *label).count();
        let share = right as f64 / queries.len() as f64;
        assert!((0.1..=0.5).contains(&share), "P@1 of the mean colour: {share}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let take = |class: &Class, seed| photo::take(class, seed, 3, &DIFFICULTY).into_raw();
        for (number, class) in CLASSES.iter().enumerate() {
            assert_eq!(class.number, number);
            assert_eq!(take(class, 1), take(class, 1), "{}", class.name);
            assert_ne!(take(class, 1), take(class, 2), "{}", class.name);
        }
    }

    #[test]
    fn lists_and_labels_are_as_a_data_set_has_them() {
        let dir = tempfile::tempdir().unwrap();
        write_list(dir.path(), "test.txt", 24..26).unwrap();
        write_info(dir.path()).unwrap();
        let list = fs::read_to_string(dir.path().join("test.txt")).unwrap();
        assert!(list.starts_with("bricks/025.png\t0\nbricks/026.png\t0\ncheckers/025.png\t1\n"), "{list}");
        let info = fs::read_to_string(dir.path().join("dataset_info.json")).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!((&info["label_dict"]["3"], &info["class_dim"]), (&"flower".into(), &12.into()));
    }
}
