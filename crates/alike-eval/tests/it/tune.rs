//! Searches on planted data, of which it is known what helps.

use alike::recipe::Draft;
use alike::store::Label;
use alike_eval::truth::Item;
use alike_eval::tune::{Pictures, Progress, Request, TuneError, Tuned, Watch, tune};
use std::collections::HashMap;

const PICTURES: usize = 120;
const CLASSES: usize = 4;
const DIMS: usize = 144;
/// `moments` has 144 numbers.
const SOURCE: &str = "moments";

/// SplitMix64, and normal variates of it by the sum of twelve.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn vector(&mut self) -> Vec<f64> {
        (0..DIMS).map(|_| self.normal()).collect()
    }
}

/// Pictures whose rows are numbers at will.
struct Planted {
    items: Vec<Item>,
    rows: Vec<Vec<f32>>,
}

impl Planted {
    /// `row(random, class, direction of the class)` for each picture.
    fn new(row: impl Fn(&mut Random, &[f64]) -> Vec<f64>) -> Self {
        let mut random = Random(7);
        let directions: Vec<Vec<f64>> = (0..CLASSES).map(|_| random.vector()).collect();
        let rows = (0..PICTURES).map(|i| row(&mut random, &directions[i % CLASSES]));
        let rows = rows.map(|row| row.into_iter().map(|x| x as f32).collect()).collect();
        Self { items: (0..PICTURES).map(|i| item(i, Some(i % CLASSES))).collect(), rows }
    }

    fn tune(&self, request: &Request) -> Result<Tuned, TuneError> {
        self.tune_until(request, &|| false)
    }

    fn tune_until(&self, request: &Request, stop: &(dyn Fn() -> bool + Sync)) -> Result<Tuned, TuneError> {
        tune(&self.pictures(), request, &Watch { stop, progress: &|_| {} })
    }

    fn pictures(&self) -> Pictures<'_> {
        let draft = Draft::new(&SOURCE.parse().unwrap(), &[]).unwrap();
        let rows: Vec<&[f32]> = self.rows.iter().map(Vec::as_slice).collect();
        let rows = HashMap::from([(draft.sources()[0].id().key().to_owned(), rows)]);
        Pictures { items: &self.items, models: &[], rows }
    }
}

fn item(number: usize, class: Option<usize>) -> Item {
    let name = format!("{number}.png");
    let label = class.map(|class| Label { id: class.to_string(), name: None });
    Item { path: name.clone().into(), name, content: [number as u8; 32], label }
}

fn request() -> Request {
    Request {
        baseline: SOURCE.to_owned(),
        mix: vec![(SOURCE.to_owned(), 10)],
        starts: vec![],
        metric: "mAP".to_owned(),
        bytes: None,
        seed: 0,
        threads: 2,
    }
}

fn noise(random: &mut Random, _: &[f64]) -> Vec<f64> {
    random.vector()
}

/// What sets classes apart is small beside what all pictures have in common, which varies.
fn common(random: &mut Random, direction: &[f64]) -> Vec<f64> {
    let much = 20.0 + 10.0 * random.uniform();
    (0..DIMS).map(|i| much + 0.5 * direction[i] + random.normal()).collect()
}

#[test]
fn features_that_say_nothing_leave_the_baseline() {
    for seed in 0..2 {
        let tuned = Planted::new(noise).tune(&Request { seed, ..request() }).unwrap();
        assert_eq!((tuned.recipe.as_str(), tuned.confirmed), (SOURCE, false), "{tuned:?}");
        assert!(tuned.tried > 50 && tuned.pictures == 120 && tuned.confirming.queries == 24);
    }
}

#[test]
fn nothing_is_better_than_what_is_perfect() {
    let perfect =
        |random: &mut Random, direction: &[f64]| direction.iter().map(|x| x + 0.1 * random.normal()).collect();
    let tuned = Planted::new(perfect).tune(&request()).unwrap();
    assert_eq!((tuned.recipe.as_str(), tuned.choice.as_str()), (SOURCE, SOURCE));
    assert_eq!((tuned.choosing.baseline, tuned.confirming.baseline, tuned.confirming.gain), (1.0, 1.0, 0.0));
}

#[test]
fn what_all_have_in_common_is_taken_off() {
    let tuned = Planted::new(common).tune(&request()).unwrap();
    let axes = tuned.stages.iter().find(|stage| stage.name == "axes").unwrap();
    for best in &axes.best {
        assert!(["center", "pca", "whiten"].iter().any(|step| best.recipe.contains(step)), "{}", best.recipe);
        assert!(best.mean > tuned.choosing.baseline + 0.2, "{best:?}");
    }
    assert!(tuned.confirmed && tuned.recipe == tuned.choice);
    assert!(tuned.choosing.ci95.0 > 0.0 && tuned.confirming.ci95.0 > 0.0 && tuned.confirming.gain > 0.2);
    let gain = tuned.confirming.choice - tuned.confirming.baseline;
    assert!((tuned.confirming.gain - gain).abs() < 1e-12);
    assert_eq!(tuned.stages.iter().map(|stage| stage.tried).sum::<usize>() + 1, tuned.tried);
}

#[test]
fn threads_change_nothing_and_seeds_deal_anew() {
    let planted = Planted::new(common);
    let with = |seed, threads| planted.tune(&Request { seed, threads, ..request() }).unwrap();
    assert_eq!(with(3, 1), with(3, 7));
    assert_ne!(with(3, 2).confirming, with(4, 2).confirming);
}

#[test]
fn a_search_that_is_stopped_answers_with_what_it_has() {
    let planted = Planted::new(common);
    let at_once = planted.tune_until(&request(), &|| true).unwrap();
    assert_eq!((at_once.recipe.as_str(), at_once.tried, at_once.stopped), (SOURCE, 1, true));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let soon = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 60;
    let stopped = planted.tune_until(&Request { threads: 1, ..request() }, &soon).unwrap();
    assert!(stopped.stopped && stopped.tried > 1 && stopped.tried < planted.tune(&request()).unwrap().tried);
}

#[test]
fn descriptors_stay_as_small_as_asked_for() {
    let planted = Planted::new(common);
    for bytes in [8, 40] {
        let tuned = planted.tune(&Request { bytes: Some(bytes), ..request() }).unwrap();
        assert!(tuned.choice_bytes <= bytes && tuned.baseline_bytes <= bytes, "{tuned:?}");
        assert_eq!(tuned.baseline, format!("{SOURCE} | pca({})", bytes / 4));
        assert!(tuned.stages.iter().any(|stage| stage.name == "codes" && stage.tried > 1));
    }
}

/// Each picture is there twice. If one of the two were searched for the other, all first hits would be right.
#[test]
fn identical_pictures_stay_on_one_side() {
    let mut planted = Planted::new(noise);
    for first in (0..PICTURES).step_by(2 * CLASSES).flat_map(|i| i..i + CLASSES) {
        let second = first + CLASSES;
        planted.rows[second] = planted.rows[first].clone();
        planted.items[second].content = planted.items[first].content;
    }
    let tuned = planted.tune_until(&Request { metric: "P@1".to_owned(), ..request() }, &|| true).unwrap();
    assert!(tuned.choosing.baseline < 0.6 && tuned.confirming.baseline < 0.6, "{tuned:?}");
}

#[test]
fn recipes_to_go_on_from_are_tried() {
    let planted = Planted::new(common);
    let starts = vec![format!("{SOURCE} | whiten(5)"), format!("{SOURCE} | hash(mean)")];
    let tuned = planted.tune_until(&Request { starts, ..request() }, &|| false).unwrap();
    let sources = tuned.stages.iter().find(|stage| stage.name == "sources").unwrap();
    assert_eq!(sources.best[0].recipe, format!("{SOURCE} | whiten(5)"));
    assert_eq!(sources.tried, 2);
}

#[test]
fn progress_goes_from_one_to_all() {
    let seen = std::sync::Mutex::new(Vec::new());
    let planted = Planted::new(noise);
    let progress = |progress: Progress| seen.lock().unwrap().push(progress);
    tune(&planted.pictures(), &request(), &Watch { stop: &|| false, progress: &progress }).unwrap();
    let seen = seen.into_inner().unwrap();
    let of_axes: Vec<&Progress> = seen.iter().filter(|progress| progress.stage == "axes").collect();
    assert!(of_axes.len() > 40 && of_axes.iter().all(|progress| (1..=progress.of).contains(&progress.done)));
    assert!(of_axes.iter().any(|progress| progress.done == progress.of));
}

#[test]
fn what_cannot_be_searched_is_said() {
    let mut planted = Planted::new(noise);
    let says = |planted: &Planted, request: &Request, words: &str| {
        let error = planted.tune(request).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    says(&planted, &Request { metric: "mAQ".to_owned(), ..request() }, "unknown metric `mAQ`: known are P@1,");
    says(&planted, &Request { starts: vec!["edges".to_owned()], ..request() }, "needs rows of `edges/");
    says(&planted, &Request { mix: vec![(SOURCE.to_owned(), 9)], ..request() }, "add up to 9, wanted 10");
    let code = format!("{SOURCE} | hash(mean)");
    says(&planted, &Request { baseline: code, bytes: Some(8), ..request() }, "takes 24 bytes a picture, 8 are allowed");
    (0..PICTURES).for_each(|i| planted.items[i] = item(i, Some(i / (PICTURES - 4))));
    says(&planted, &request(), "got 1 classes of 5 different pictures or more, 116 pictures in all");
    (0..PICTURES).for_each(|i| planted.items[i] = item(i, Some(i % 4).filter(|_| i < 40)));
    says(&planted, &request(), "got 4 classes of 5 different pictures or more, 40 pictures in all");
    (0..PICTURES).for_each(|i| planted.items[i] = item(i, None));
    says(&planted, &request(), "none of the 120 pictures has a label");
}
