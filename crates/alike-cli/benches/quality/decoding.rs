//! What decoding large JPEGs to a part of their size changes in mAP.

use crate::data::data;
use crate::evaluation::{Evaluation, Gallery};
use crate::recipes;
use crate::table::{head, interval, line, quoted};
use alike_eval::bootstrap::{Bootstrap, Estimate};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sizes that photos are enlarged to, and what is decoded of their sides: the shorter one keeps the 341 pixels that the
/// network wants, and the 320 of the hand-crafted sources.
const SIZES: [(u32, u32, &str); 2] = [(1536, 1024, "1/2"), (4272, 2848, "1/8")];

/// `None` where the test data, or a Python that enlarges them (`ALIKE_PYTHON`), aren't at hand.
pub(crate) fn table() -> Option<String> {
    let recipes = recipes::decoded();
    let small = Evaluation::of(Gallery::Lists("corel1k"), &recipes)?;
    let mut text = head(
        "Corel-1k's photos of 384x256, which are always decoded whole, and the same enlarged: by cubic interpolation, with \
         noise of 2 levels as cameras have, JPEG of quality 90. 200 queries, gallery of 800.",
    );
    line(
        &mut text,
        "| enlarged to | decoded sides | recipe | mAP at 384x256 | mAP of all pixels (`--exact-decode`) | mAP of fewer | the difference |\n|---|---|---|---|---|---|---|",
    );
    for (width, height, part) in SIZES {
        let folder = enlarged(width, height)?;
        let set = Gallery::Lists(folder.to_str().expect("a folder of this project"));
        let (all, fewer) = (Evaluation::of_all_pixels(set, &recipes)?, Evaluation::of(set, &recipes)?);
        for (i, recipe) in recipes.iter().enumerate() {
            let [small, all_pixels, fewer_pixels] = [&small, &all, &fewer].map(|of| of.results[i].metrics["mAP"]);
            let Estimate { mean, low, high, .. } = difference(&fewer, &all, i);
            let (recipe, difference) = (quoted(recipe), interval(mean, low, high));
            let figures = format!("{small:.4} | {all_pixels:.4} | {fewer_pixels:.4} | {difference}");
            line(&mut text, &format!("| {width}x{height} | {part} | {recipe} | {figures} |"));
        }
    }
    Some(text)
}

/// Corel-1k in another size, made once and kept.
fn enlarged(width: u32, height: u32) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("corel1k-{width}x{height}"));
    // What the script writes last.
    if !folder.join("trainval.txt").exists() {
        let mut command = Command::new(std::env::var_os("ALIKE_PYTHON")?);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/extraction/pictures.py"));
        command.arg(data().join("corel1k")).arg(&folder).args([width.to_string(), height.to_string()]);
        let status = command.status().expect("ALIKE_PYTHON runs");
        assert!(status.success(), "ALIKE_PYTHON has numpy and opencv-python-headless");
    }
    Some(folder)
}

/// In mAP under one recipe, by the same paired bootstrap as between recipes of one evaluation.
fn difference(one: &Evaluation, than: &Evaluation, recipe: usize) -> Estimate {
    let bootstrap = Bootstrap { seed: 0, resamples: 10_000, threads: 1 };
    let resampled = |evaluation: &Evaluation| {
        let queries = evaluation.of_queries(recipe, "mAP").into_iter().map(|value| vec![value]);
        bootstrap.resample(&queries.collect::<Vec<_>>())
    };
    resampled(one).minus(&resampled(than))[0]
}
