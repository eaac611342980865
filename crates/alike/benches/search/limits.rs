//! What the machine can do at most: how fast it reads, how fast it multiplies.
#![allow(unsafe_code, reason = "the widest instructions, as the searches use them")]

use crate::timing::Time;

/// Bytes a second that `threads` threads read.
pub(crate) fn bandwidth(data: &[f32], threads: usize) -> f64 {
    let share = data.len().div_ceil(threads);
    let time = Time::of(|| {
        std::thread::scope(|scope| {
            for part in data.chunks(share) {
                scope.spawn(move || std::hint::black_box(sum(part)));
            }
        });
    });
    size_of_val(data) as f64 / time.wall
}

fn sum(data: &[f32]) -> f32 {
    let mut sums = [0.0f32; 256];
    let (pieces, _) = data.as_chunks::<256>();
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions.
        return unsafe { wide_sum(pieces) };
    }
    for piece in pieces {
        sums.iter_mut().zip(piece).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide_sum(pieces: &[[f32; 256]]) -> f32 {
    use std::arch::x86_64::*;
    let mut sums = [_mm512_setzero_ps(); 16];
    for piece in pieces {
        for (sum, x) in sums.iter_mut().zip(piece.as_chunks::<16>().0) {
            // SAFETY: there are sixteen numbers.
            *sum = _mm512_add_ps(*sum, unsafe { _mm512_loadu_ps(x.as_ptr()) });
        }
    }
    let mut total = 0.0;
    for sum in sums {
        total += _mm512_reduce_add_ps(sum);
    }
    total
}

const ROUNDS: usize = 10_000_000;

/// Multiplications and additions of `f32` a second, on one thread.
pub(crate) fn multiply_add() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions.
        let time = Time::of(|| unsafe { wide(std::hint::black_box(0.999)) });
        return (ROUNDS * 16 * 16 * 2) as f64 / time.cpu;
    }
    let time = Time::of(|| narrow(std::hint::black_box(0.999)));
    (ROUNDS * 16 * 8 * 2) as f64 / time.cpu
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide(factor: f32) -> f32 {
    use std::arch::x86_64::*;
    let (x, y) = (_mm512_set1_ps(factor), _mm512_set1_ps(1e-7));
    let mut sums = [_mm512_set1_ps(1.0); 16];
    for _ in 0..ROUNDS {
        for i in 0..16 {
            sums[i] = _mm512_fmadd_ps(sums[i], x, y);
        }
    }
    let mut total = 0.0;
    for sum in sums {
        total += _mm512_reduce_add_ps(sum);
    }
    total
}

fn narrow(factor: f32) -> f32 {
    let mut sums = [[1.0f32; 8]; 16];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            sum.iter_mut().for_each(|x| *x = *x * factor + 1e-7);
        }
    }
    sums.as_flattened().iter().sum()
}
