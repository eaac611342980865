//! What the command line takes from the environment, in one place: caches, networks by name, the runtime.

use alike::model::runtime::{OnnxRuntime, Rten, Runtime};
use alike::model::{Model, catalogue, download};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Where alike keeps networks and runtimes: `ALIKE_CACHE`, else the user's cache folder.
pub(crate) fn cache_dir() -> anyhow::Result<PathBuf> {
    use etcetera::BaseStrategy;
    if let Some(dir) = set("ALIKE_CACHE") {
        return Ok(std::path::absolute(dir)?);
    }
    let base = etcetera::choose_base_strategy().context("no home folder: set ALIKE_CACHE to a folder for networks")?;
    Ok(base.cache_dir().join("alike"))
}

/// Where networks lie, by name and by hash.
pub(crate) fn model_cache_dir() -> anyhow::Result<PathBuf> {
    Ok(cache_dir()?.join("models"))
}

/// An environment variable that is set to something.
pub(crate) fn set(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// What `--model` means: a file, else a name of the catalogue whose file was pulled.
pub(crate) fn resolve_model(arg: &str) -> anyhow::Result<Model> {
    let path = Path::new(arg);
    if path.is_file() || path.extension().is_some_and(|extension| extension == "onnx") {
        return Ok(Model::open(path)?);
    }
    let Some(known) = catalogue::find(arg) else {
        let names: Vec<&str> = catalogue::CATALOGUE.iter().map(|known| known.name).collect();
        bail!("no network `{arg}`: wanted an ONNX file, or one of {}", names.join(", "));
    };
    let cached = download::cached_path(known, &model_cache_dir()?);
    if !cached.is_file() {
        bail!("the network {arg} isn't here yet: get it with `alike model pull {arg}`");
    }
    Ok(Model::open(&cached)?)
}

/// Must be called while the process has one thread. Microsoft's packages of ONNX Runtime record how they are used in a
/// database in the user's cache, beginning before the library can be told not to.
#[allow(unsafe_code, reason = "the C library reads the environment, which other threads might read")]
pub(crate) fn refuse_telemetry() {
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") }
}

/// The runtime that runs networks: ONNX Runtime where one is found and will do, else rten.
pub(crate) fn choose_runtime() -> Arc<dyn Runtime> {
    match (find_onnxruntime(), cache_dir()) {
        (Ok(found), Ok(cache)) => Arc::new(found.keeping_graphs_in(cache.join("optimised"))),
        (Ok(found), Err(_)) => Arc::new(found),
        (Err(_), _) => Arc::new(Rten::new()),
    }
}

/// Asks Python only where the places that cost nothing have no library.
fn find_onnxruntime() -> anyhow::Result<OnnxRuntime> {
    if let Ok(found) = OnnxRuntime::find(&onnxruntime_files()) {
        return Ok(found);
    }
    Ok(OnnxRuntime::find(&onnxruntime_of_python())?)
}

/// Libraries by name: `ORT_DYLIB_PATH`, beside the binary, in alike's cache.
pub(crate) fn onnxruntime_files() -> Vec<PathBuf> {
    let named = set("ORT_DYLIB_PATH").and_then(|path| std::path::absolute(path).ok());
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_path_buf()));
    let cached = cache_dir().ok().map(|dir| dir.join("onnxruntime"));
    let folders = beside.into_iter().chain(cached);
    named.into_iter().chain(folders.flat_map(|dir| libraries_in(&dir))).collect()
}

/// The library in the `onnxruntime` package of the Python on PATH.
pub(crate) fn onnxruntime_of_python() -> Vec<PathBuf> {
    // Isolated (-I) and in the root folder, so that no file of the current folder is run; found without importing.
    let script = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(s.submodule_search_locations[0] if s else '')";
    let mut python = Command::new(if cfg!(windows) { "python" } else { "python3" });
    python.args(["-I", "-c", script]).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(output) = python.output() else { return Vec::new() };
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if folder.is_empty() { Vec::new() } else { libraries_in(&Path::new(&folder).join("capi")) }
}

/// Files that are named as the library is on some system, in order.
fn libraries_in(dir: &Path) -> Vec<PathBuf> {
    let is_library = |name: &str| {
        name.starts_with("libonnxruntime.so")
            || name == "onnxruntime.dll"
            || (name.starts_with("libonnxruntime.") && name.ends_with("dylib"))
    };
    let Ok(entries) = fs_err::read_dir(dir) else { return Vec::new() };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> =
        files.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_library)).collect();
    found.sort();
    found
}
