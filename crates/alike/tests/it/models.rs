//! Models: manifests, hostile graphs, both runtimes against each other and against reference features.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that can't read its files has failed")]
#![allow(clippy::explicit_write, reason = "eprintln! would be captured, and skipping must be seen")]

mod depthwise;
mod errors;
pub(crate) mod graphs;
mod manifests;
mod optimised;
mod parity;
mod quantised;
pub(crate) mod runtimes;
