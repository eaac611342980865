//! Content-based image retrieval: pictures in, ranked hits out.

pub mod calibration;
mod checksum;
pub mod engine;
pub mod gallery;
pub mod index;
pub mod model;
pub mod picture;
pub mod rank;
pub mod recipe;
pub mod resize;
pub mod source;
pub mod store;
pub mod train;
