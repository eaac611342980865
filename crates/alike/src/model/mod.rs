//! Networks: here is an ONNX file, give me the features of a picture.
//!
//! [`Model::open`] reads and checks `NAME.onnx` and its [`manifest`]; [`Model::start`] loads it into a
//! [`runtime::Runtime`], once for each worker; [`Network::run`] takes a picture.

mod cache;
pub mod catalogue;
pub mod download;
mod graph;
mod layers;
pub mod manifest;
mod near;
mod pooling;
mod preprocess;
pub mod runtime;
mod summary;
mod wire;

pub use cache::ModelCache;
pub use manifest::Manifest;
pub use pooling::Pooling;
pub(crate) use pooling::channels;
pub use preprocess::Seen;
pub use summary::{Layer, Summary};

use crate::picture::Picture;
use graph::Graph;
use manifest::{Channels, Input, Layout, Outputs, Resize, Scale, Take};
use memmap2::MmapMut;
use preprocess::Preprocessor;
use runtime::{Array, LoadableGraph, Runtime, RuntimeError, Session};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The protobuf format ends here.
const MAX_FILE_BYTES: u64 = 1 << 31;

/// A labels or manifest file larger than this is something else.
const MAX_TEXT_BYTES: u64 = 1 << 22;

/// What makes two models the same: the hash of graph and preprocessing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId {
    /// The manifest's name, or the file's stem.
    pub name: String,
    /// SHA-256 of the ONNX file, lower-case hexadecimal.
    pub sha256: String,
    /// Canonical text of the preprocessing and outputs; part of a source's identity.
    pub preprocessing: String,
}

impl fmt::Display for ModelId {
    /// `NAME#sha8`, as recipes show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.sha256.get(..8).unwrap_or(&self.sha256))
    }
}

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file could not be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is larger than its kind can be.
    #[error("the file has {got} bytes, wanted at most {limit}: {}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        got: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The file is no ONNX model.
    #[error("not an ONNX model: {reason}; wanted an .onnx file, download or export it again: {}", path.display())]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The graph is none that takes one picture.
    #[error("can't use this model: {reason}: {}", path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// What was got, what was wanted, what to do.
        reason: String,
    },
    /// The manifest is wrong, or doesn't fit the graph.
    #[error("bad manifest: {reason}: {}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What was got and what was wanted.
        reason: String,
    },
    /// The content is another than it should be.
    #[error("sha256 is {got}, wanted {wanted}: the file was changed or damaged, get it again: {}", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// Hash of the content.
        got: String,
        /// Hash that was promised.
        wanted: String,
    },
    /// The graph has no node or tensor of that name.
    #[error("the graph of {model} has no layer \"{layer}\"{}: `alike model show` lists them", if near.is_empty() { String::new() } else { format!(", but {}", near.join(", ")) })]
    NoLayer {
        /// The model.
        model: String,
        /// The name that was asked for.
        layer: String,
        /// Names like it, in quotes.
        near: Vec<String>,
    },
    /// The runtime failed.
    #[error("{model}: {source}")]
    Runtime {
        /// The model.
        model: String,
        /// What failed.
        source: RuntimeError,
    },
    /// An output doesn't have the shape that the manifest or the graph promises.
    #[error("output \"{output}\" of {model} is {got:?}, wanted {wanted}: correct the manifest")]
    OutputShape {
        /// The model.
        model: String,
        /// The tensor.
        output: String,
        /// Its shape.
        got: Vec<usize>,
        /// What was wanted.
        wanted: String,
    },
    /// The runtime gave fewer outputs than asked for.
    #[error("the runtime gave no output \"{output}\" of {model}: try the other runtime")]
    NoOutput {
        /// The model.
        model: String,
        /// The tensor.
        output: String,
    },
    /// An output holds NaN or infinity.
    #[error("output \"{output}\" of {model} isn't finite: the weights or the preprocessing are wrong for this picture")]
    NotFinite {
        /// The model.
        model: String,
        /// The tensor.
        output: String,
    },
}

/// A network with its manifest, validated but not yet loaded into a runtime.
pub struct Model {
    id: ModelId,
    path: PathBuf,
    /// Open, so that what is loaded later is this file whatever becomes of its name.
    file: Mutex<fs_err::File>,
    file_bytes: u64,
    graph: Graph,
    manifest: Manifest,
    guess: Option<String>,
    dims: OnceLock<(Option<usize>, Option<usize>)>,
    /// Shapes of tensors of which the graph doesn't say it.
    shapes: Mutex<HashMap<String, Vec<usize>>>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.id).field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a network can be run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// The pooled features.
    Features,
    /// The logits.
    Logits,
    /// A node or tensor, named as [`Layer::name`] or as the graph does.
    Layer(&'a str),
}

/// What one forward pass gives for one picture. All values are finite.
#[derive(Debug, Clone, Default)]
pub struct ModelOutputs {
    /// The pooled features, if the model has them and they were asked for.
    pub features: Option<Vec<f32>>,
    /// The logits (or probabilities, see [`Model::logits_are_probabilities`]), if the model has them and they were asked for.
    pub logits: Option<Vec<f32>>,
    /// The layers asked for with [`Model::start_for`], in that order and by these names.
    pub layers: Vec<(String, Array)>,
}

impl ModelOutputs {
    /// The layer that was asked for by this name.
    pub fn layer(&self, name: &str) -> Option<&Array> {
        self.layers.iter().find(|(known, _)| known == name).map(|(_, array)| array)
    }
}

/// A model loaded into a runtime, for one worker: single-threaded, batch 1.
pub struct Network {
    name: String,
    preprocessor: Preprocessor,
    tensor: Vec<f32>,
    session: Box<dyn Session>,
    outputs: Vec<Wanted>,
    tensors: Vec<String>,
}

/// What becomes of a tensor.
struct Wanted {
    /// Its place among the session's outputs.
    tensor: usize,
    role: Role,
    /// Length the graph declares, if it does.
    dims: Option<usize>,
}

/// The tensor of an output, what becomes of it, and its length where the graph declares it.
type NamedOutput<'a> = (&'a str, Role, Option<usize>);

enum Role {
    Features(Take),
    Logits,
    /// By the name that was asked for.
    Layer(String),
}

impl Model {
    /// Reads and checks an ONNX file and, if it lies beside, `NAME.toml`. Without one the preprocessing is guessed.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let beside = path.with_extension("toml");
        let manifest = if beside.exists() {
            let text = read_text(&beside)?;
            Some((Manifest::parse(&text, &beside)?, beside))
        } else {
            None
        };
        Self::assemble(path, manifest)
    }

    /// Like [`Model::open`] with a manifest of the caller's, as the catalogue has them.
    pub fn with_manifest(path: &Path, manifest: Manifest) -> Result<Self, ModelError> {
        Self::assemble(path, Some((manifest, path.to_owned())))
    }

    fn assemble(path: &Path, manifest: Option<(Manifest, PathBuf)>) -> Result<Self, ModelError> {
        let mut file = fs_err::File::open(path)?;
        let bytes = read_mapped(&mut file)?;
        let graph = Graph::read(&bytes, path)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let (manifest, guess) = match manifest {
            Some((manifest, from)) => {
                manifest.check().map_err(|reason| ModelError::Manifest { path: from.clone(), reason })?;
                check_against(&manifest, &graph, &from)?;
                check_origin(&manifest, &sha256, path)?;
                (manifest, None)
            }
            None => guess_manifest(&graph, path)?,
        };
        let id = ModelId { name: manifest.name.clone(), sha256, preprocessing: manifest.canonical() };
        let (dims, shapes) = (OnceLock::new(), Mutex::default());
        let (path, file, file_bytes) = (path.to_owned(), file.into(), bytes.len() as u64);
        Ok(Self { id, path, file, file_bytes, graph, manifest, guess, dims, shapes })
    }

    /// Name and hash.
    pub fn id(&self) -> &ModelId {
        &self.id
    }

    /// Preprocessing, outputs and origin: read, or guessed.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether there was no manifest, so that preprocessing and outputs are guessed.
    pub fn is_guessed(&self) -> bool {
        self.guess.is_some()
    }

    /// One line that says what was guessed; empty if nothing was.
    pub fn describe_guess(&self) -> &str {
        self.guess.as_deref().unwrap_or_default()
    }

    /// Length of the pooled features; `None` if the model has none.
    ///
    /// Where the graph doesn't say, it is run once on zeros, with rten.
    pub fn feature_dims(&self) -> Option<usize> {
        self.dims().0
    }

    /// Length of the logits; `None` if the model has none. May run the graph, as [`Model::feature_dims`].
    pub fn logit_dims(&self) -> Option<usize> {
        self.dims().1
    }

    /// Whether the graph ends in a softmax already.
    pub fn logits_are_probabilities(&self) -> bool {
        self.manifest.outputs.logits.as_ref().is_some_and(|logits| logits.softmax)
    }

    /// The class names in the order of the logits, if the manifest names a file with them.
    pub fn labels(&self) -> Result<Option<Vec<String>>, ModelError> {
        let Some(name) = &self.manifest.labels else { return Ok(None) };
        let text = read_text(&self.path.with_file_name(name))?;
        Ok(Some(text.lines().map(|line| line.trim_end().to_owned()).collect()))
    }

    /// The layers, with shapes computed by running the graph once on zeros.
    pub fn summary(&self) -> Summary {
        summary::summarise(summary::Parts {
            graph: &self.graph,
            loadable: LoadableGraph { model: self, outputs: &[] },
            input_shape: self.input_shape(),
            bytes: self.file_bytes,
            preprocessing: self.id.preprocessing.clone(),
        })
    }

    /// Loads the graph into a runtime, for whatever the model has of features and logits.
    pub fn start(&self, runtime: &dyn Runtime) -> Result<Network, ModelError> {
        self.start_for(runtime, &[Output::Features, Output::Logits])
    }

    /// Loads as much of the graph as it takes to compute these outputs. Features or logits that the model doesn't have are
    /// left out.
    pub fn start_for(&self, runtime: &dyn Runtime, outputs: &[Output<'_>]) -> Result<Network, ModelError> {
        let wanted = outputs.iter().filter_map(|output| self.wanted(output).transpose());
        let (tensors, outputs) = distinct(wanted.collect::<Result<_, _>>()?);
        let graph = LoadableGraph { model: self, outputs: &tensors };
        let session = runtime.load(&graph).map_err(|source| self.runtime_error(source))?;
        let tensor = vec![0.0; self.input_shape().iter().product()];
        let preprocessor = Preprocessor::new(self.manifest.input.clone());
        Ok(Network { name: self.id.to_string(), preprocessor, tensor, session, outputs, tensors })
    }

    /// `None` for features or logits that the model doesn't have.
    fn wanted<'a>(&'a self, output: &Output<'a>) -> Result<Option<NamedOutput<'a>>, ModelError> {
        let Outputs { features, logits } = &self.manifest.outputs;
        Ok(match output {
            Output::Features => features
                .as_ref()
                .map(|features| (&*features.output, Role::Features(features.take), self.declared_features())),
            Output::Logits => {
                logits.as_ref().map(|logits| (&*logits.output, Role::Logits, self.declared_len(&logits.output)))
            }
            Output::Layer(name) => Some((self.tensor(name)?, Role::Layer((*name).to_owned()), None)),
        })
    }

    fn runtime_error(&self, source: RuntimeError) -> ModelError {
        ModelError::Runtime { model: self.id.to_string(), source }
    }

    fn input_shape(&self) -> [usize; 4] {
        input_shape(&self.manifest.input)
    }

    /// The ONNX file's content, read anew: kept, the weights would lie in memory beside those that a runtime has.
    fn content(&self) -> Result<Vec<u8>, ModelError> {
        let bytes = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.rewind()?;
            read_limited(&mut file, MAX_FILE_BYTES)?
        };
        let (got, wanted) = (hex(&Sha256::digest(&bytes)), self.id.sha256.clone());
        if got == wanted { Ok(bytes) } else { Err(ModelError::WrongHash { path: self.path.clone(), got, wanted }) }
    }

    fn dims(&self) -> (Option<usize>, Option<usize>) {
        *self.dims.get_or_init(|| {
            let outputs = &self.manifest.outputs;
            let features = self.declared_features();
            let logits = outputs.logits.as_ref().and_then(|logits| self.declared_len(&logits.output));
            if features.is_some() == outputs.features.is_some() && logits.is_some() == outputs.logits.is_some() {
                return (features, logits);
            }
            self.start(&runtime::Rten::new())
                .and_then(|mut network| network.run_prepared())
                .map_or((features, logits), |got| (got.features.map(|f| f.len()), got.logits.map(|l| l.len())))
        })
    }

    fn declared_features(&self) -> Option<usize> {
        let features = self.manifest.outputs.features.as_ref()?;
        match features.take {
            Take::Flat => self.declared_len(&features.output),
            Take::Avg => *self.graph.declared(&features.output)?.get(1)?,
            Take::Cls | Take::Mean => *self.graph.declared(&features.output)?.last()?,
        }
    }

    /// Product of the axes after the batch, if all are declared.
    fn declared_len(&self, tensor: &str) -> Option<usize> {
        let axes = self.graph.declared(tensor)?.get(1..)?;
        axes.iter().try_fold(1_usize, |product, axis| product.checked_mul((*axis)?))
    }
}

impl Network {
    /// Preprocesses a picture as the manifest says and runs the graph once.
    pub fn run(&mut self, picture: &Picture) -> Result<ModelOutputs, ModelError> {
        self.preprocess(picture);
        self.run_prepared()
    }

    /// The input tensor of a picture, float32 `[1, 3, height, width]`, as the graph would get it.
    pub fn preprocess(&mut self, picture: &Picture) -> &[f32] {
        self.preprocessor.fill(&mut self.tensor, picture);
        &self.tensor
    }

    /// Runs the graph once on what [`preprocess`](Self::preprocess) was given last.
    pub(crate) fn run_prepared(&mut self) -> Result<ModelOutputs, ModelError> {
        let arrays = self
            .session
            .run(input_shape(&self.preprocessor.input), &self.tensor)
            .map_err(|source| ModelError::Runtime { model: self.name.clone(), source })?;
        let mut result = ModelOutputs::default();
        for wanted in &self.outputs {
            let tensor = &self.tensors[wanted.tensor];
            let array = arrays
                .get(wanted.tensor)
                .ok_or_else(|| ModelError::NoOutput { model: self.name.clone(), output: tensor.clone() })?;
            if !array.values.iter().all(|value| value.is_finite()) {
                return Err(ModelError::NotFinite { model: self.name.clone(), output: tensor.clone() });
            }
            match &wanted.role {
                Role::Layer(name) => result.layers.push((name.clone(), array.clone())),
                Role::Logits => result.logits = Some(self.vector(tensor, array, Take::Flat, wanted.dims)?),
                Role::Features(how) => result.features = Some(self.vector(tensor, array, *how, wanted.dims)?),
            }
        }
        Ok(result)
    }

    fn vector(&self, tensor: &str, array: &Array, how: Take, dims: Option<usize>) -> Result<Vec<f32>, ModelError> {
        let error = |wanted: String| ModelError::OutputShape {
            model: self.name.clone(),
            output: tensor.to_owned(),
            got: array.shape.clone(),
            wanted,
        };
        match take(array, how) {
            Ok(vector) if dims.is_none_or(|dims| dims == vector.len()) && !vector.is_empty() => Ok(vector),
            Ok(_) => Err(error(dims.map_or("some values".to_owned(), |dims| format!("{dims} values")))),
            Err(wanted) => Err(error(format!("{wanted} for take = \"{}\"", how.name()))),
        }
    }
}

/// The tensors, each once as runtimes want them, and what becomes of each.
fn distinct(wanted: Vec<NamedOutput<'_>>) -> (Vec<String>, Vec<Wanted>) {
    let mut tensors: Vec<String> = Vec::new();
    let mut outputs = Vec::new();
    for (name, role, dims) in wanted {
        let tensor = tensors.iter().position(|known| known == name).unwrap_or(tensors.len());
        if tensor == tensors.len() {
            tensors.push(name.to_owned());
        }
        outputs.push(Wanted { tensor, role, dims });
    }
    (tensors, outputs)
}

/// One vector of a tensor, or the shape that would do.
fn take(array: &Array, how: Take) -> Result<Vec<f32>, &'static str> {
    const MAP: &str = "[1, channels, height, width]";
    const TOKENS: &str = "[1, tokens, dims]";
    let mean = |wanted| Pooling::Average.apply(array).ok_or(wanted);
    match (how, array.shape.as_slice()) {
        (Take::Flat, _) => Ok(array.values.clone()),
        (Take::Avg, [_, _, _, _]) => mean(MAP),
        (Take::Mean, [_, _, _]) => mean(TOKENS),
        (Take::Cls, &[1, tokens, dims]) if tokens > 0 => Ok(array.values[..dims].to_vec()),
        (Take::Avg, _) => Err(MAP),
        (Take::Cls | Take::Mean, _) => Err(TOKENS),
    }
}

fn input_shape(input: &Input) -> [usize; 4] {
    [1, 3, input.height as usize, input.width as usize]
}

fn check_against(manifest: &Manifest, graph: &Graph, path: &Path) -> Result<(), ModelError> {
    let bad = |reason: String| Err(ModelError::Manifest { path: path.to_owned(), reason });
    let [_, _, height, width] = graph.input_shape;
    let input = &manifest.input;
    if height.is_some_and(|height| height != input.height) || width.is_some_and(|width| width != input.width) {
        let side = |side: Option<u32>| side.map_or("?".to_owned(), |side| side.to_string());
        let (got, wanted) = (format!("{}x{}", input.width, input.height), format!("{}x{}", side(width), side(height)));
        return bad(format!("input is {got}, but the graph takes {wanted} (width x height)"));
    }
    let outputs = &manifest.outputs;
    let names = outputs.features.iter().map(|f| &f.output).chain(outputs.logits.iter().map(|l| &l.output));
    for name in names {
        if !graph.computes(name) {
            let known: Vec<&str> = graph.outputs.iter().map(|(name, _)| name.as_str()).collect();
            return bad(format!("the graph has no tensor \"{name}\": its outputs are {}", known.join(", ")));
        }
    }
    Ok(())
}

fn check_origin(manifest: &Manifest, sha256: &str, path: &Path) -> Result<(), ModelError> {
    match &manifest.origin.sha256 {
        Some(wanted) if !wanted.eq_ignore_ascii_case(sha256) => {
            Err(ModelError::WrongHash { path: path.to_owned(), got: sha256.to_owned(), wanted: wanted.clone() })
        }
        _ => Ok(()),
    }
}

/// The manifest of a bare ImageNet model, and the line that says what was guessed.
fn guess_manifest(graph: &Graph, path: &Path) -> Result<(Manifest, Option<String>), ModelError> {
    let (width, height) = graph.input_size();
    let outputs = graph.guess_outputs();
    if outputs == manifest::Outputs::default() {
        let reason = format!("neither features nor logits were found: write {}", path.with_extension("toml").display());
        return Err(ModelError::Graph { path: path.to_owned(), reason });
    }
    let input = Input {
        width,
        height,
        layout: Layout::Nchw,
        channels: Channels::Rgb,
        scale: Scale::Unit,
        resize: Resize::Stretch,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
    let name = guessed_name(path);
    let said = format!(
        "{name} has no manifest: guessed a stretch to {width}x{height}, RGB 0-1, ImageNet mean and std, {}",
        describe_outputs(&outputs)
    );
    Ok((Manifest { name, labels: None, input, outputs, origin: manifest::Origin::default() }, Some(said)))
}

fn describe_outputs(outputs: &manifest::Outputs) -> String {
    let features = outputs
        .features
        .as_ref()
        .map_or("no features".to_owned(), |f| format!("features \"{}\" ({})", f.output, f.take.name()));
    let logits = outputs.logits.as_ref().map_or("no logits".to_owned(), |l| {
        format!("{} \"{}\"", if l.softmax { "probabilities" } else { "logits" }, l.output)
    });
    format!("{features}, {logits}")
}

/// The file's stem, with what a recipe can't spell replaced.
fn guessed_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' }).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

fn read_limited(file: &mut fs_err::File, limit: u64) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::with_capacity(checked_length(file, limit)?);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// In pages of its own, which go back to the system at once: allocators keep memory back by the size of what was freed.
fn read_mapped(file: &mut fs_err::File) -> Result<MmapMut, ModelError> {
    let length = checked_length(file, MAX_FILE_BYTES)?;
    if length == 0 {
        return Err(ModelError::NotOnnx { path: file.path().to_owned(), reason: "it is empty".to_owned() });
    }
    let mut bytes = MmapMut::map_anon(length)?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn checked_length(file: &fs_err::File, limit: u64) -> Result<usize, ModelError> {
    let got = file.metadata()?.len();
    let too_large = || ModelError::TooLarge { path: file.path().to_owned(), got, limit };
    usize::try_from(got).ok().filter(|_| got <= limit).ok_or_else(too_large)
}

fn read_text(path: &Path) -> Result<String, ModelError> {
    let bytes = read_limited(&mut fs_err::File::open(path)?, MAX_TEXT_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|_| ModelError::Manifest { path: path.to_owned(), reason: "it is no UTF-8 text".to_owned() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
