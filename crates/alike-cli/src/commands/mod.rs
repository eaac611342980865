//! One file a command: its arguments and what it does.

pub(crate) mod calibrate;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod index;
pub(crate) mod info;
pub(crate) mod model;
pub(crate) mod remove;
pub(crate) mod runtime;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod tag;
pub(crate) mod train;
pub(crate) mod tune;
pub(crate) mod verify;
