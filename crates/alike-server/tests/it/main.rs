//! The server through its front door: the router, without a port.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "in tests a panic is the report")]

mod changes;
mod description;
mod gate;
mod images;
mod search;
mod served;
