//! ONNX Runtime, from a shared library found at run time.
//!
//! No item of the `ort` crate may be touched before its library is loaded, or the crate panics; so everything here
//! goes through an [`OnnxRuntime`], which exists only once that went well.

use super::optimised::OptimisedGraphs;
use super::{Array, LoadableGraph, Runtime, RuntimeError, Session, one_line};
use memmap2::Mmap;
use ort::environment::Environment;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{TensorRef, ValueType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const NAME: &str = "onnx runtime";

/// ONNX Runtime 1.24 or newer, loaded from a shared library.
#[derive(Clone)]
pub struct OnnxRuntime {
    path: PathBuf,
    environment: Environment,
    optimised: Option<Arc<OptimisedGraphs>>,
}

/// A process can load one library only, so the first that loads is kept.
static LOADED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);

struct OnnxSession {
    session: OrtSession,
    input: String,
    outputs: Vec<String>,
    /// What the session was loaded from and reads its weights in; fields are dropped in their order.
    _weights: Option<Arc<Mmap>>,
}

impl OnnxRuntime {
    /// Loads the first candidate that is an ONNX Runtime of a version that will do. The error says of each what was
    /// wrong. Candidates are absolute paths: a relative one is refused, for the system would search for it.
    ///
    /// Loading runs the library's code: name only files that you trust. Microsoft's packages of 1.32 report how they are
    /// used from the moment they start, which is before a program can object: set `ORT_DISABLE_TELEMETRY=1` in the
    /// environment.
    pub fn find(candidates: &[PathBuf]) -> Result<Self, RuntimeError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tried = Vec::new();
        for path in candidates {
            match load_once(&mut loaded, path) {
                Ok(runtime) => return Ok(runtime),
                Err(reason) => tried.push(format!("{}: {reason}", path.display())),
            }
        }
        Err(RuntimeError::NotFound { tried })
    }

    /// Keeps graphs in `dir` as the runtime has optimised them, so that later sessions start sooner and share their
    /// weights. A folder that can't be written to costs that, nothing else; it may be deleted at any time.
    #[must_use]
    pub fn keeping_graphs_in(self, dir: impl Into<PathBuf>) -> Self {
        Self { optimised: Some(Arc::new(OptimisedGraphs::new(dir.into()))), ..self }
    }

    /// The library in use.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Loads `path`, or hands out what is loaded if that is the same file.
fn load_once(loaded: &mut Option<OnnxRuntime>, path: &Path) -> Result<OnnxRuntime, String> {
    check_library(path)?;
    let path = fs_err::canonicalize(path).map_err(|error| one_line(&error))?;
    if let Some(runtime) = loaded {
        let same = runtime.path == path;
        let other = || format!("{} is loaded already, start a new process to change it", runtime.path.display());
        return same.then(|| runtime.clone()).ok_or_else(other);
    }
    let builder = ort::init_from(&path).map_err(|error| one_line(&error))?;
    let environment = builder
        .with_name("alike")
        .with_telemetry(false)
        .with_logger(Arc::new(|_, _, _, _, _| {}))
        .build()
        .map_err(|error| one_line(&error))?;
    let runtime = OnnxRuntime { path, environment, optimised: None };
    *loaded = Some(runtime.clone());
    Ok(runtime)
}

/// Refuses what is plainly no shared library before the system's loader sees it.
fn check_library(path: &Path) -> Result<(), String> {
    if !path.is_absolute() {
        return Err("the path is relative, wanted an absolute one".to_owned());
    }
    let mut magic = [0; 4];
    let mut file = fs_err::File::open(path).map_err(|error| one_line(&error.kind()))?;
    let read = file.read(&mut magic).map_err(|error| one_line(&error.kind()))?;
    let known = magic == *b"\x7fELF"
        || magic.starts_with(b"MZ")
        || [0xfeed_facf_u32, 0xcffa_edfe, 0xcafe_babe, 0xbeba_feca].contains(&u32::from_be_bytes(magic));
    if read == 4 && known { Ok(()) } else { Err("this is not a shared library".to_owned()) }
}

impl Runtime for OnnxRuntime {
    fn name(&self) -> String {
        // The C interface's version is out of reach of safe code; release files carry it in their names.
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let version = file.split(|c: char| !c.is_ascii_digit() && c != '.').map(|part| part.trim_matches('.'));
        match version.filter(|part| part.contains('.')).max_by_key(|part| part.len()) {
            Some(version) => format!("ONNX Runtime {version}"),
            None => "ONNX Runtime".to_owned(),
        }
    }

    fn load(&self, graph: &LoadableGraph<'_>) -> Result<Box<dyn Session>, RuntimeError> {
        let kept = self.optimised.as_ref().and_then(|kept| self.load_kept(kept, graph));
        let (session, weights) = match kept {
            Some((session, weights)) => (session, Some(weights)),
            None => (self.load_content(&graph.content()?).map_err(|error| load_error(&error))?, None),
        };
        for wanted in graph.outputs() {
            check_output(&session, wanted)?;
        }
        let (input, outputs) = (graph.input().to_owned(), graph.outputs().to_vec());
        Ok(Box::new(OnnxSession { session, input, outputs, _weights: weights }))
    }
}

impl OnnxRuntime {
    fn builder(&self) -> ort::Result<SessionBuilder> {
        // A memory pattern is laid out beside the memory that the first pass took: 2 MB for MobileNetV2, and no faster.
        Ok(OrtSession::builder(&self.environment)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_parallel_execution(false)?
            .with_memory_pattern(false)?)
    }

    fn optimising(&self) -> ort::Result<SessionBuilder> {
        Ok(self.builder()?.with_optimization_level(GraphOptimizationLevel::All)?)
    }

    fn load_content(&self, graph: &[u8]) -> ort::Result<OrtSession> {
        self.optimising()?.commit_from_memory(graph)
    }

    /// `None` where the graph can't be kept, or what was kept doesn't load.
    fn load_kept(&self, kept: &OptimisedGraphs, graph: &LoadableGraph<'_>) -> Option<(OrtSession, Arc<Mmap>)> {
        let optimise = |path: &Path| self.optimise(graph, path).map_err(io::Error::other);
        let path = kept.path(graph, ort::info());
        let optimised = kept.open(&path, optimise)?;
        let session = self.load_optimised(&optimised).inspect_err(|_| kept.discard(&path)).ok()?;
        Some((session, optimised))
    }

    fn optimise(&self, graph: &LoadableGraph<'_>, into: &Path) -> Result<(), RuntimeError> {
        let content = graph.content()?;
        let saved = |builder: SessionBuilder| {
            builder
                .with_config_entry("session.save_model_format", "ORT")?
                .with_optimized_model_path(into)?
                .commit_from_memory(&content)
                .map(drop)
        };
        self.optimising().and_then(saved).map_err(|error| load_error(&error))
    }

    /// A session that reads the graph and its weights where they are: it mustn't outlive them.
    fn load_optimised(&self, optimised: &[u8]) -> ort::Result<OrtSession> {
        self.builder()?
            .with_optimization_level(GraphOptimizationLevel::Disable)?
            .with_config_entry("session.load_model_format", "ORT")?
            .with_config_entry("session.use_ort_model_bytes_directly", "1")?
            .with_config_entry("session.use_ort_model_bytes_for_initializers", "1")?
            .commit_from_memory(optimised)
    }
}

fn check_output(session: &OrtSession, wanted: &str) -> Result<(), RuntimeError> {
    let found = session.outputs().iter().find(|output| output.name() == wanted);
    let Some(output) = found else {
        return Err(load_error(&format!("it has no output \"{wanted}\"")));
    };
    match output.dtype() {
        ValueType::Tensor { ty: ort::value::TensorElementType::Float32, .. } => Ok(()),
        other => Err(RuntimeError::OutputType { output: wanted.to_owned(), got: other.to_string() }),
    }
}

impl Session for OnnxSession {
    fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<Array>, RuntimeError> {
        let tensor = TensorRef::from_array_view((shape, input)).map_err(|error| run_error(&error))?;
        let results =
            self.session.run(ort::inputs![self.input.as_str() => tensor]).map_err(|error| run_error(&error))?;
        self.outputs.iter().map(|name| array(name, &results)).collect()
    }
}

fn array(name: &str, results: &ort::session::SessionOutputs<'_>) -> Result<Array, RuntimeError> {
    let value = results.get(name).ok_or_else(|| run_error(&format!("it gave no \"{name}\"")))?;
    let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| run_error(&error))?;
    let shape = shape.iter().map(|&axis| usize::try_from(axis).unwrap_or(0)).collect();
    Ok(Array { shape, values: values.to_vec() })
}

fn load_error(error: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Load { runtime: NAME, reason: one_line(error) }
}

fn run_error(error: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Run { runtime: NAME, reason: one_line(error) }
}
