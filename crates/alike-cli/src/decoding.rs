//! Flags about decoding that several commands share.

use alike::picture::{DecodeOptions, Decoding, Limits, MemoryBudget, is_decoding};
use clap::Args;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// What the workers of one run may hold decoded at the same time, in bytes.
const SHARED_BUDGET: u64 = 2 << 30;

#[derive(Args)]
pub(crate) struct DecodingArgs {
    /// Workers [default: one for each core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Keep the part of a damaged picture that decodes
    #[arg(long)]
    lenient: bool,

    /// Look at every pixel of large JPEGs: slower, and to the last digit what OpenCV's pixels give
    #[arg(long)]
    exact_decode: bool,

    /// Refuse pictures of more megapixels
    #[arg(long, value_name = "MP", default_value_t = 200)]
    max_megapixels: u32,

    /// Refuse pictures that take more memory to decode, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_memory: u32,
}

impl DecodingArgs {
    pub(crate) fn options(&self) -> DecodeOptions {
        let limits = Limits {
            max_pixels: u64::from(self.max_megapixels) * 1_000_000,
            max_bytes: u64::from(self.max_memory) << 20,
        };
        let budget = MemoryBudget::new(SHARED_BUDGET.max(limits.max_bytes));
        DecodeOptions { limits, lenient: self.lenient, budget: Some(Arc::new(budget)) }
    }

    /// `None` for the collection's own choice.
    pub(crate) fn pixels(&self) -> Option<Decoding> {
        self.exact_decode.then_some(Decoding::Exact)
    }

    pub(crate) fn jobs(&self) -> usize {
        jobs(self.jobs)
    }
}

/// A decoder that panics has met a damaged file: the library catches it and says so. What the panic itself would print
/// is for who writes decoders.
pub(crate) fn keep_decoders_quiet() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_decoding() {
            print(panic);
        }
    }));
}

/// As many as asked for, else one for each core.
pub(crate) fn jobs(wanted: Option<NonZeroUsize>) -> usize {
    wanted.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}
