//! Killed at any moment, a collection is whole: what was acknowledged is there, and nothing else.

use crate::gallery::Gallery;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs that are killed.
const KILLS: usize = 200;

/// What a run may take before it is killed, at most: some end before.
const MOST: Duration = Duration::from_millis(60);

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A folder that changes between runs.
struct Changing {
    gallery: Gallery,
    random: Random,
    drawn: u32,
}

impl Changing {
    fn new() -> Self {
        let gallery = Gallery::new();
        gallery.draw("pictures/first.png", 1, 3);
        let recipes = ["--recipe", "color + shape", "--recipe", "color | hash(mean)"];
        gallery.alike(&[&["index", "pictures", "--scan", "lists"][..], &recipes[..]].concat()).exits(0);
        gallery.alike(&["tag", "add", "seen", "pictures", "-c", "pictures"]).exits(0);
        Self { gallery, random: Random(20_26), drawn: 0 }
    }

    fn there(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.gallery.path("pictures")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".png")).collect()
    }

    fn draw(&mut self, name: &str) {
        self.drawn += 1;
        let (hue, stripes) = (self.random.below(256) as u8, self.drawn % 31 + 1);
        self.gallery.draw(&format!("pictures/{name}"), hue, stripes);
    }

    fn any(&mut self) -> Option<String> {
        let there: Vec<String> = self.there().into_iter().filter(|name| name != "first.png").collect();
        let at = self.random.below(there.len().max(1) as u64) as usize;
        there.get(at).cloned()
    }

    /// Adds, changes or deletes pictures, or tags them all; gives the command that brings the collection in line.
    fn change(&mut self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        match (self.random.below(6), self.any()) {
            (0, Some(name)) => {
                fs::remove_file(self.gallery.path("pictures").join(&name)).unwrap();
                words(&["remove", &format!("pictures/{name}"), "-c", "pictures"])
            }
            (1, Some(name)) => {
                // Many at once, so that dead rows are dropped by a merge.
                for name in self.there().into_iter().filter(|other| *other >= name && other != "first.png") {
                    fs::remove_file(self.gallery.path("pictures").join(name)).unwrap();
                }
                words(&["index", "pictures"])
            }
            (2, Some(name)) => {
                self.draw(&name);
                words(&["index", "pictures"])
            }
            (3, _) => words(&["tag", "add", "seen", "pictures", "-c", "pictures"]),
            _ => {
                for _ in 0..=self.random.below(4) {
                    let name = format!("{:05}.png", self.drawn);
                    self.draw(&name);
                }
                // Centres are learnt anew whenever lists are chosen again.
                let scan = ["lists", "lists", "int8", "exact"][self.random.below(4) as usize];
                words(&["index", "pictures", "--scan", scan])
            }
        }
    }

    /// Whether it ended by itself.
    fn run_and_kill(&mut self, args: &[String]) -> bool {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("alike"))
            .args(args)
            .current_dir(self.gallery.path(""))
            .env("ALIKE_CACHE", self.gallery.path(".cache"))
            .env_remove("ALIKE_COLLECTION")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = MOST * self.random.below(1000) as u32 / 1000;
        let started = Instant::now();
        while started.elapsed() < patience {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap().code().is_some()
    }

    fn found(&self, how: &[&str]) -> BTreeSet<String> {
        let args = ["search", "pictures/first.png", "-c", "pictures", "-k", "100000", "--json"];
        self.gallery.alike(&[&args, how].concat()).exits(0).hits().into_iter().collect()
    }

    /// The names of all pictures in the collection, by both recipes.
    fn kept(&self) -> BTreeSet<String> {
        let vectors = self.found(&["--recipe", "color + shape"]);
        assert_eq!(self.found(&["--recipe", "color | hash(mean)"]), vectors);
        vectors
    }

    fn tagged(&self) -> BTreeSet<String> {
        self.found(&["--tag", "seen"])
    }
}

#[test]
fn a_killed_run_leaves_a_whole_collection() {
    let mut changing = Changing::new();
    let (mut before, mut tagged_before) = (changing.kept(), changing.tagged());
    let (mut killed, mut rounds, mut half_way, mut indexing) = (0, 0, 0, 0);
    while killed < KILLS {
        rounds += 1;
        assert!(rounds < 10 * KILLS, "only {killed} of {rounds} runs could be killed");
        let command = changing.change();
        let after = changing.there();
        let ended = changing.run_and_kill(&command);
        killed += usize::from(!ended);
        let verified = changing.gallery.alike(&["verify", "-c", "pictures", "--json"]).exits(0).json();
        assert_eq!(verified["sound"], true, "round {rounds}, {command:?}: {verified}");
        let kept = changing.kept();
        let strays = verified["damages"].as_array().unwrap();
        half_way += usize::from(!strays.is_empty() || (kept != before && kept != after));
        let of_index = |path: &str| path.contains(".i8") || path.contains(".centres");
        indexing += usize::from(strays.iter().any(|stray| of_index(stray["path"].as_str().unwrap())));
        let lost: Vec<&String> = before.intersection(&after).filter(|name| !kept.contains(*name)).collect();
        let stray: Vec<&String> =
            kept.iter().filter(|name| !before.contains(*name) && !after.contains(*name)).collect();
        assert!(lost.is_empty() && stray.is_empty(), "round {rounds}, {command:?}: lost {lost:?}, stray {stray:?}");
        if ended && command[0] == "index" {
            assert_eq!(kept, after, "round {rounds}: an index that ended is complete");
        }
        let tagged = changing.tagged();
        let untagged: Vec<&String> = tagged_before.intersection(&kept).filter(|name| !tagged.contains(*name)).collect();
        assert!(untagged.is_empty(), "round {rounds}, {command:?}: lost the tag of {untagged:?}");
        if command[0] == "tag" {
            assert!(
                tagged == tagged_before || tagged == kept,
                "round {rounds}: only {tagged:?} of {kept:?} are tagged"
            );
        }
        (before, tagged_before) = (kept, tagged);
    }
    println!("{killed} of {rounds} runs killed, {half_way} of them between two files or two commits");
    println!("{indexing} of them while an index was made");
    changing.gallery.alike(&["index", "pictures"]).exits(0);
    assert_eq!(changing.kept(), changing.there());
}
