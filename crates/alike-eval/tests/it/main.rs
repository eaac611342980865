//! Evaluation through its front door.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::explicit_write,
    reason = "in tests a panic is the report, measured values are printed, and what was skipped is said past the capture"
)]

mod bootstrap;
mod evaluate;
mod measures;
mod rank;
mod report;
mod truth;
mod winners;
