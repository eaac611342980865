//! The binary as its users meet it.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::explicit_write,
    reason = "in tests a panic is the report, measured values are printed, and what was skipped is said past the capture"
)]

mod calibration;
mod crashes;
mod documents;
mod eval;
mod explain;
mod fusion;
mod gallery;
mod index;
mod large;
mod learning;
mod models;
mod neighbours;
mod networks;
mod scans;
mod search;
mod serve;
mod tags;
mod train;
mod trouble;
mod tune;
mod verify;
