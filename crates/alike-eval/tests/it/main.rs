//! Evaluation through its front door.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::explicit_write,
    reason = "in tests a panic is the report, measured values are printed, and what was skipped is said past the capture"
)]

mod bootstrap;
#[path = "../../../alike/tests/it/data.rs"]
#[allow(dead_code, reason = "shared with the tests of the library")]
mod data;
mod evaluate;
mod groups;
mod measures;
mod neighbours;
mod rank;
mod report;
mod truth;
mod tune;
mod winners;
