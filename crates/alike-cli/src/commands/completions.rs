//! `alike completions`: what shells and man want to know, from the same definition as the help.

use crate::cli::Outcome;
use crate::output::Printer;
use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  alike completions bash > ~/.local/share/bash-completion/completions/alike
  alike completions --man ~/.local/share/man/man1")]
pub(crate) struct CompletionsArgs {
    /// Shell to print completions for
    #[arg(required_unless_present = "man")]
    shell: Option<Shell>,

    /// Write man pages into this folder
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
}

pub(crate) fn run(args: &CompletionsArgs, mut command: Command, printer: &Printer) -> anyhow::Result<Outcome> {
    if let Some(folder) = &args.man {
        fs_err::create_dir_all(folder)?;
        clap_mangen::generate_to(command.clone(), folder)
            .with_context(|| format!("can't write man pages to {}", folder.display()))?;
    }
    if let Some(shell) = args.shell {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "alike", &mut script);
        printer.line(String::from_utf8_lossy(&script).trim_end())?;
    }
    Ok(Outcome::Success)
}
