//! Which network and runtime a command uses.

use crate::environment;
use crate::output::Printer;
use alike::engine::{Engine, Networks};
use alike::model::ModelCache;
use clap::Args;

#[derive(Args)]
pub(crate) struct NetworkArgs {
    /// Network, a file or name [default: the collection's]
    ///
    /// An ONNX file, or a name of `alike model list`.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) model: Option<String>,
}

pub(crate) fn open(args: &NetworkArgs, printer: &Printer) -> anyhow::Result<Networks> {
    let given = args.model.as_deref().map(environment::resolve_model).transpose()?;
    if let Some(model) = given.as_ref().filter(|model| model.is_guessed()) {
        printer.note(model.describe_guess());
    }
    let cache = environment::model_cache_dir().ok().map(ModelCache::new);
    Ok(Networks::new(given, cache, environment::choose_runtime))
}

/// No network: for commands whose recipes need none.
pub(crate) fn none() -> Networks {
    Networks::new(None, None, environment::choose_runtime)
}

/// Keeps the network in the user's cache, so that `search` finds it without --model. A cache that can't be written is
/// no reason to fail: the flag does as well.
pub(crate) fn remember(engine: &Engine, printer: &Printer) {
    if let Err(error) = engine.networks().remember() {
        printer
            .warning(format_args!("the network can't be kept for later searches ({error}): name it with --model then"));
    }
}
