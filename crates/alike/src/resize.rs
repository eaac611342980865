//! Resampling that equals OpenCV's and Pillow's, because a model's numbers and a perceptual hash's bits depend on it.

mod opencv;
mod pillow;

pub use opencv::opencv_bilinear;
pub(crate) use pillow::pillow_grey;
pub use pillow::{Filter, pillow};
