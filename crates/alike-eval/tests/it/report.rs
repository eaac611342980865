//! The report: one page and one table.

mod browser;
mod csv;
mod page;
pub(crate) mod sample;
