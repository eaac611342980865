//! The library through its front door.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::explicit_write,
    reason = "in tests a panic is the report, measured values are printed, and what was skipped is said past the capture"
)]

mod calibration;
mod data;
mod download;
mod ending;
mod engine;
mod explain;
mod filters;
mod fusion;
mod hashing;
mod index;
mod indexes;
mod jpegs;
mod layers;
mod merging;
mod models;
mod operations;
mod perceptual;
mod pictures;
mod recipes;
mod resizing;
mod sift;
mod sources;
mod steps;
mod store;
mod train;
