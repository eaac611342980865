//! The binary `alike`.

mod cli;
mod collection;
mod commands;
mod decoding;
mod demo_gallery;
mod described;
mod environment;
mod gallery_args;
mod hub;
mod look;
mod networks;
mod output;
mod pick;

use std::process::ExitCode;

fn main() -> ExitCode {
    environment::refuse_telemetry();
    decoding::keep_decoders_quiet();
    cli::run()
}
