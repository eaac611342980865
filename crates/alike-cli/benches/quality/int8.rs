//! What a network of 8-bit weights and activations costs in mAP, and what it saves.

use crate::data::{data, network};
use crate::evaluation::{Evaluation, Gallery};
use crate::page::machine;
use crate::table::{head, interval, line, quoted};
use alike::model::Model;
use alike::model::runtime::{OnnxRuntime, Runtime};
use alike::picture::Picture;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const SETS: [&str; 2] = ["corel1k", "zodiac-like"];

/// What is done with the features of either network.
const STEPS: [&str; 3] = ["", " | center | pca(64)", " | hash(mean)"];

/// Passes of each network that are timed.
const PASSES: usize = 60;

/// `None` where the test data, a Python for the script (`ALIKE_PYTHON`) or ONNX Runtime (`ORT_DYLIB_PATH`) aren't at hand.
pub(crate) fn table() -> Option<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let quantised = quantised(folder.path())?;
    let mut text = head("The network quantised by 64 pictures of Corel-1k's gallery, beside itself in float32.");
    line(&mut text, &times(&quantised)?);
    line(&mut text, "\n| set | recipe | mAP in float32 | mAP in int8 | the difference |\n|---|---|---|---|---|");
    for set in SETS {
        // What this describes it keeps for the evaluation of both networks.
        Evaluation::by(&quantised, Gallery::Lists(set), &["deep".to_owned()])?;
        rows(&mut text, set, &Model::open(&quantised).expect("it was just used").id().to_string())?;
    }
    Some(text)
}

fn quantised(folder: &Path) -> Option<PathBuf> {
    let python = std::env::var_os("ALIKE_PYTHON")?;
    let pictures = Some(data().join("corel1k/trainval.txt")).filter(|list| list.exists())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../training/quantise.py");
    let target = folder.join("int8.onnx");
    let mut command = Command::new(python);
    let status = command.arg(script).arg(network()).arg(pictures).arg("-o").arg(&target).status();
    assert!(status.expect("ALIKE_PYTHON runs").success(), "ALIKE_PYTHON has what requirements-quantise.txt lists");
    Some(target)
}

fn rows(text: &mut String, set: &'static str, quantised: &str) -> Option<()> {
    let floats = STEPS.map(|steps| format!("deep{steps}"));
    let bytes = STEPS.map(|steps| format!("deep@{quantised}{steps}"));
    let evaluation = Evaluation::of(Gallery::Lists(set), &[floats.clone(), bytes].concat())?;
    for (i, recipe) in floats.iter().enumerate() {
        let map = |i: usize| evaluation.results[i].metrics["mAP"];
        let (difference, [low, high]) = evaluation.difference(STEPS.len() + i, i, "mAP")?;
        let (float, byte) = (map(i), map(STEPS.len() + i));
        let difference = interval(difference, low, high);
        line(text, &format!("| {set} | {} | {float:.4} | {byte:.4} | {difference} |", quoted(recipe)));
    }
    Some(())
}

/// The best pass of each network, in turns, so that whatever else the machine does meets both.
fn times(quantised: &Path) -> Option<String> {
    let runtime = OnnxRuntime::find(&[PathBuf::from(std::env::var_os("ORT_DYLIB_PATH")?)]).expect("ONNX Runtime");
    let models = [&network(), quantised].map(|path| Model::open(path).expect("a network"));
    let mut networks = models.each_ref().map(|model| model.start(&runtime).expect("it starts"));
    let picture = Picture::from_rgb(227, 227, vec![128; 227 * 227 * 3]).expect("three values a pixel");
    let mut best = [f64::INFINITY; 2];
    for _ in 0..PASSES {
        for (best, network) in best.iter_mut().zip(&mut networks) {
            let started = Instant::now();
            network.run(&picture).expect("it runs");
            *best = best.min(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    let [float, byte] = best;
    let (runtime, ratio, machine) = (runtime.name(), float / byte, machine());
    Some(format!(
        "A pass of one thread ({runtime}; {machine}; the best of {PASSES}, in turns): {float:.1} ms in float32, \
         {byte:.1} ms in int8, {ratio:.2} times as fast."
    ))
}
