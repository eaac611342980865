//! The command line: parse, do, turn the outcome into an exit code.

use crate::commands;
use crate::output::Printer;
use clap::{CommandFactory, Parser, Subcommand};
use std::io;
use std::process::ExitCode;

/// Find the pictures that look like a given one.
///
/// Index a folder or a list of pictures once, then search it by picture, in milliseconds, offline.
#[derive(Parser)]
#[command(
    name = "alike",
    version,
    max_term_width = 100,
    // As usual, but for blank lines: a screen has 24.
    help_template = "{about-with-newline}{usage-heading} {usage}\n{all-args}{after-help}",
    after_long_help = "Examples:
  alike demo                                     see what it does, on pictures it draws itself
  alike index ~/Pictures                         look at every picture once
  alike search cat.jpg -c ~/Pictures             the ten pictures most like this one
  alike index --list trainval.txt --model mobilenet_v2.onnx -c DIR
  alike search --list test.txt --pick random -c DIR --strip hits.png

Exit codes: 0 done or found, 1 nothing found, 2 error (or files skipped under --strict)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at pictures and keep descriptors of them
    Index(commands::index::IndexArgs),
    /// Find the pictures that look like a given one
    Search(commands::search::SearchArgs),
    /// Say how good recipes are on labelled pictures
    Eval(commands::eval::EvalArgs),
    /// Learn from labels what tells classes apart
    Train(commands::train::TrainArgs),
    /// Learn from labels what scores mean
    Calibrate(commands::calibrate::CalibrateArgs),
    /// Search for the recipe that finds most on labelled pictures
    Tune(commands::tune::TuneArgs),
    /// Answer over HTTP, with a page for people
    Serve(commands::serve::ServeArgs),
    /// Draw a gallery, index it, search it, show the results
    Demo(commands::demo::DemoArgs),
    /// Say what a collection holds
    Info(commands::info::InfoArgs),
    /// Look for damage in a collection, and mend it
    Verify(commands::verify::VerifyArgs),
    /// Take pictures out of a collection (the files stay)
    Remove(commands::remove::RemoveArgs),
    /// Tag pictures, to search by tag
    Tag(commands::tag::TagArgs),
    /// Write descriptors for numpy
    Export(commands::export::ExportArgs),
    /// List, download and describe networks
    Model(commands::model::ModelArgs),
    /// Say what runs the networks, or install ONNX Runtime
    Runtime(commands::runtime::RuntimeArgs),
    /// Print shell completions or write man pages
    Completions(commands::completions::CompletionsArgs),
}

/// How a command ended, where it didn't fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Success,
    /// Exit code 1: the question was answered, and the answer is "nothing".
    NothingFound,
    /// Exit code 2 although the work was done: `--strict`, and files were skipped.
    Incomplete,
    /// Exit code 130, as shells expect it after Ctrl-C.
    Interrupted,
}

pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new();
    let outcome = match &cli.command {
        Command::Index(args) => commands::index::run(args, &printer),
        Command::Search(args) => commands::search::run(args, &printer),
        Command::Eval(args) => commands::eval::run(args, &printer),
        Command::Train(args) => commands::train::run(args, &printer),
        Command::Calibrate(args) => commands::calibrate::run(args, &printer),
        Command::Tune(args) => commands::tune::run(args, &printer),
        Command::Serve(args) => commands::serve::run(args, &printer),
        Command::Demo(args) => commands::demo::run(args, &printer),
        Command::Info(args) => commands::info::run(args, &printer),
        Command::Verify(args) => commands::verify::run(args, &printer),
        Command::Remove(args) => commands::remove::run(args, &printer),
        Command::Tag(args) => commands::tag::run(args, &printer),
        Command::Export(args) => commands::export::run(args, &printer),
        Command::Model(args) => commands::model::run(args, &printer),
        Command::Runtime(args) => commands::runtime::run(args, &printer),
        Command::Completions(args) => commands::completions::run(args, Cli::command(), &printer),
    };
    match outcome {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::NothingFound) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(2),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Whoever read our output has had enough (`alike ... | head`): no reason to complain.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}
