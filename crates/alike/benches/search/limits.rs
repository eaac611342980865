//! What the machine can do at most: how fast it reads, how fast it multiplies.
#![allow(unsafe_code, reason = "the widest instructions, as the searches use them")]

use crate::timing::Time;

/// Bytes a second that `threads` threads read, each a part of its own, as often as searches read all of it.
pub(crate) fn bandwidth(data: &[f32], passes: usize, threads: usize) -> f64 {
    let share = data.len().div_ceil(threads);
    let time = Time::of(|| {
        std::thread::scope(|scope| {
            for part in data.chunks(share) {
                scope
                    .spawn(move || (0..passes).for_each(|_| _ = std::hint::black_box(sum(std::hint::black_box(part)))));
            }
        });
    });
    (size_of_val(data) * passes) as f64 / time.wall
}

/// In whatever vectors a compiler takes without being told of wider ones: those read memory faster than the widest do.
fn sum(data: &[f32]) -> [u32; 16] {
    let mut sums = [0u32; 16];
    for numbers in data.as_chunks::<16>().0 {
        sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum = sum.wrapping_add(x.to_bits()));
    }
    sums
}

const ROUNDS: usize = 10_000_000;

/// Multiplications and additions of `f32` a second, on one thread: with AVX-512, or `None` without.
pub(crate) fn multiply_add() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions.
        let time = Time::of(|| unsafe { wide() });
        return Some((ROUNDS * 12 * 16 * 2) as f64 / time.cpu);
    }
    None
}

/// In assembler, because a compiler moves sums between registers for no use, which costs as much as the multiplications.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide() {
    // SAFETY: only registers that are named change.
    unsafe {
        std::arch::asm!(
            "2:",
            "vfmadd213ps zmm0, zmm30, zmm31",
            "vfmadd213ps zmm1, zmm30, zmm31",
            "vfmadd213ps zmm2, zmm30, zmm31",
            "vfmadd213ps zmm3, zmm30, zmm31",
            "vfmadd213ps zmm4, zmm30, zmm31",
            "vfmadd213ps zmm5, zmm30, zmm31",
            "vfmadd213ps zmm6, zmm30, zmm31",
            "vfmadd213ps zmm7, zmm30, zmm31",
            "vfmadd213ps zmm8, zmm30, zmm31",
            "vfmadd213ps zmm9, zmm30, zmm31",
            "vfmadd213ps zmm10, zmm30, zmm31",
            "vfmadd213ps zmm11, zmm30, zmm31",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) ROUNDS => _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
            out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            in("zmm30") std::arch::x86_64::_mm512_set1_ps(0.999),
            in("zmm31") std::arch::x86_64::_mm512_set1_ps(1e-7),
            options(nomem, nostack),
        );
    }
}
