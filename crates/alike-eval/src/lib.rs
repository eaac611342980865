//! How good a ranking is: ground truth, metrics over rankings with ties, intervals, reports.

pub mod bootstrap;
pub mod evaluate;
pub mod evaluation;
pub mod groups;
pub mod measures;
pub mod neighbours;
pub mod rank;
pub mod report;
pub mod timing;
pub mod trec;
pub mod truth;
pub mod tune;
pub mod winners;
