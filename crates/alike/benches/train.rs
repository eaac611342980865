//! How long it takes to learn from labels: 8,000 pictures of 12 classes by 1,280 numbers, drawn at random about their class.
//!
//! `cargo bench -p alike --bench train [-- softmax|lda|whitening]`
#![allow(clippy::print_stdout, reason = "measured values are printed")]

use alike::store::Label;
use alike::train::{Method, Request, Samples, learn};
use std::time::Instant;

const PICTURES: usize = 8000;
const DIMS: usize = 1280;
const CLASSES: usize = 12;

fn main() {
    let samples = samples();
    let asked = |method: &Method| std::env::args().skip(1).all(|arg| arg.starts_with('-') || arg == method.to_string());
    for method in [Method::Softmax, Method::Lda, Method::Whitening].into_iter().filter(asked) {
        let started = Instant::now();
        let request = Request { method, dims: None, shrinkage: None, seed: 0, threads: 2 };
        let lesson = learn(&samples, &request, &mut |fitted| {
            println!(
                "  {:>6.1} s  strength {:.1e}  {:?}",
                started.elapsed().as_secs_f64(),
                fitted.strength,
                fitted.map
            );
        });
        let lesson = lesson.expect("the samples can be learnt from");
        let seconds = started.elapsed().as_secs_f64();
        println!("{method}: {seconds:.1} s, accuracy {:.3} on pictures held out", lesson.held_out.accuracy);
    }
}

/// As pooled features after a rectifier are: no number below zero, about half of them zero.
fn samples() -> Samples {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let centres: Vec<Vec<f32>> = (0..CLASSES).map(|_| (0..DIMS).map(|_| 0.15 * noise()).collect()).collect();
    let mut values = Vec::with_capacity(PICTURES * DIMS);
    for picture in 0..PICTURES {
        let row: Vec<f32> = centres[picture % CLASSES].iter().map(|x| (x + noise()).max(0.0)).collect();
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        values.extend(row.iter().map(|x| x / norm));
    }
    let labels: Vec<Label> = (0..PICTURES).map(|i| Label { id: (i % CLASSES).to_string(), name: None }).collect();
    Samples::new(DIMS, values, &labels).expect("two classes and more")
}
