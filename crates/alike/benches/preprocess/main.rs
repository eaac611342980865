//! What it costs to make a picture a network's input, beside OpenCV and Pillow with numpy. Writes its table into
//! `docs/performance.md`: `ALIKE_PYTHON=python cargo bench -p alike --bench preprocess` (with opencv-python-headless and
//! pillow; without that variable our own times alone).
#![allow(clippy::print_stdout, reason = "a benchmark talks")]
#![allow(unreachable_pub, reason = "shared with tests")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "shared with tests")]

#[allow(dead_code, reason = "shared with tests")]
#[path = "../../tests/it/models/graphs.rs"]
mod graphs;
#[path = "../page.rs"]
mod page;
mod peer;
#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "../timing.rs"]
mod timing;

use alike::model::runtime::Rten;
use alike::model::{Manifest, Model, Network};
use alike::picture::Picture;
use peer::Peer;
use std::hint::black_box;
use std::path::Path;
use tempfile::TempDir;
use timing::Time;

const SIZES: [(u32, u32); 3] = [(500, 375), (4000, 3000), (384, 256)];
/// The best time counts, because others use the machine as well.
const ROUNDS: usize = 30;

/// A way to a network's input, and what does the same in Python.
struct Way {
    name: &'static str,
    /// As manifests write it, and the input's side.
    resize: &'static str,
    side: u32,
    /// Tasks of the peer.
    peers: &'static [&'static str],
}

const WAYS: [Way; 3] = [
    Way { name: "stretched to 227x227", resize: "\"stretch\"", side: 227, peers: &["cv2", "cv2.resize"] },
    Way {
        name: "256 bilinear, cut to 224x224",
        resize: "{ shortest_edge = 256, filter = \"bilinear\" }",
        side: 224,
        peers: &["pillow bilinear"],
    },
    Way {
        name: "256 bicubic, cut to 224x224",
        resize: "{ shortest_edge = 256, filter = \"bicubic\" }",
        side: 224,
        peers: &["pillow bicubic"],
    },
];

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the pictures");
    let pictures = SIZES.map(|(width, height)| picture(width, height, folder.path()));
    let mut peer = Peer::start(folder.path());
    let mut rows = String::new();
    for way in &WAYS {
        let mut network = network(way, &folder);
        for picture in &pictures {
            rows += &row(way, picture, &mut network, peer.as_mut());
        }
    }
    let table = format!(
        "Machine: {}.\nCommand: `ALIKE_PYTHON=python cargo bench -p alike --bench preprocess`.\nPeer: {}. One thread each; CPU \
         milliseconds a picture, the best of {ROUNDS} rounds in which the programs take turns.\n\n\
         | picture | way | ours | peer | ms | ours / peer |\n|---|---|---|---|---|---|\n{rows}",
        page::machine(),
        peer.map_or("none".to_owned(), |peer| peer.version.clone()),
    );
    println!("{table}");
    page::write("performance", "preprocess", &table);
}

/// Smooth colours with noise, from a fixed seed; the pixels lie in the folder for the peer.
fn picture(width: u32, height: u32, folder: &Path) -> Picture {
    let mut state = 7_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as u8
    };
    let smooth = |x: u32, y: u32, channel: u32| ((x + channel * y) / 2 % 240) as u8;
    let places = (0..height).flat_map(|y| (0..width * 3).map(move |at| (at / 3, y, at % 3)));
    let rgb: Vec<u8> = places.map(|(x, y, channel)| smooth(x, y, channel) + noise()).collect();
    fs_err::write(folder.join(format!("{width}x{height}")), &rgb).expect("room for the pixels");
    Picture::from_rgb(width, height, rgb).expect("whole rows")
}

fn network(Way { resize, side, .. }: &Way, folder: &TempDir) -> Network {
    let path = graphs::write(folder.path(), "pool.onnx", graphs::classifier());
    let manifest = format!(
        "name = \"pool\"\n[input]\nwidth = {side}\nheight = {side}\nchannels = \"rgb\"\nscale = \"0-1\"\nresize = {resize}\n\
         mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n[outputs]\nlogits = {{ output = \"scores\" }}\n"
    );
    let manifest = Manifest::parse(&manifest, &path).expect("a manifest");
    let model = Model::with_manifest(&path, manifest).expect("a graph of any size");
    model.start(&Rten::new()).expect("rten loads it")
}

fn row(way: &Way, picture: &Picture, network: &mut Network, mut peer: Option<&mut Peer>) -> String {
    let size = format!("{}x{}", picture.width(), picture.height());
    // Some 20 ms each round.
    let repeat = (100_000_000 / (picture.rgb().len() + 500_000)) as u32;
    let mut ours = Time::NEVER;
    let mut theirs = vec![f64::INFINITY; if peer.is_some() { way.peers.len() } else { 0 }];
    for _ in 0..ROUNDS {
        // As the peer does, so that both find the pixels in the caches.
        black_box(network.preprocess(picture));
        ours = ours.best(Time::of(|| {
            for _ in 0..repeat {
                black_box(network.preprocess(picture));
            }
        }));
        for (best, task) in theirs.iter_mut().zip(way.peers) {
            *best = best.min(peer.as_mut().expect("it was counted").seconds(&size, repeat, task));
        }
    }
    let ours = ours.cpu / f64::from(repeat) * 1000.0;
    let cells =
        |task: &str, ms: f64| format!("| {size} | {} | {ours:.3} | {task} | {ms:.3} | {:.2} |\n", way.name, ours / ms);
    let compared: String = way.peers.iter().zip(&theirs).map(|(task, seconds)| cells(task, seconds * 1000.0)).collect();
    if compared.is_empty() { format!("| {size} | {} | {ours:.3} | | | |\n", way.name) } else { compared }
}
