//! Where numbers come from: here is a picture, give me the raw vector of `color`, `deep`, ...

mod color;
mod colorspace;
mod convolution;
mod correlogram;
mod deep;
mod edges;
mod gabor;
mod gist;
mod lab;
mod layer;
mod moments;
mod perceptual;
mod pyramid;
mod reduce;
mod scales;
mod semantic;
mod shape;
mod sift;
mod texture;

use crate::model::{Model, ModelError, ModelId, ModelOutputs, Output};
use crate::picture::Picture;
use crate::recipe::Arguments;
use reduce::Reduced;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

pub(crate) use scales::{Scales, windows};
pub(crate) use semantic::softmax;

/// What makes two source rows comparable: the canonical text with version and model, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId {
    text: String,
    key: String,
}

impl SourceId {
    /// `text` is what canonical recipes show (`color/1`, `deep@NAME#sha8`); `identity` is everything else that changes
    /// a number (the model's full hash, its preprocessing).
    pub fn new(text: impl Into<String>, identity: &str) -> Self {
        use sha2::{Digest, Sha256};
        let text = text.into();
        let digest = Sha256::digest(format!("{text}\n{identity}"));
        let key = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        Self { text, key }
    }

    /// 32 hexadecimal digits: the name of the source's folder on disk.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the sources of one picture, or of one window of it, share, made once whatever their number: the networks' outputs,
/// and the picture in the working size of the hand-crafted ones. A new one for each picture.
#[derive(Debug, Default)]
pub struct Forward {
    runs: Vec<(ModelId, ModelOutputs)>,
    reduced: OnceCell<Reduced>,
}

impl Forward {
    /// Adds what a network gave.
    pub fn insert(&mut self, model: ModelId, outputs: ModelOutputs) {
        self.runs.push((model, outputs));
    }

    /// What a network gave, if it ran.
    pub fn get(&self, model: &ModelId) -> Option<&ModelOutputs> {
        self.runs.iter().find(|(id, _)| id == model).map(|(_, outputs)| outputs)
    }

    fn reduced(&self, picture: &Picture) -> &Reduced {
        self.reduced.get_or_init(|| Reduced::new(picture))
    }
}

/// A way to turn a picture into a raw vector. Neither scaled nor centred: recipes do that.
pub trait Source: Send + Sync {
    /// Identity: changes whenever a number changes.
    fn id(&self) -> &SourceId;
    /// Length of the vector.
    fn dims(&self) -> usize;
    /// The network that has to run first, if any.
    fn model(&self) -> Option<&Arc<Model>> {
        None
    }
    /// What the network has to compute, if there is one.
    fn output(&self) -> Option<Output<'_>> {
        None
    }
    /// 1 where the picture is described as a whole. Else windows of that many scales are pictures of their own, each is
    /// described, and the vectors, scaled to unit length, are added up.
    fn scales(&self) -> u32 {
        1
    }
    /// How long the shorter side of a large JPEG has to stay when it is decoded to fewer pixels; `None` where each pixel
    /// counts.
    fn least(&self) -> Option<u32> {
        // The smallest windows are 2 / (scales + 1) of the picture.
        self.model().map(|model| model.least().saturating_mul(self.scales() + 1).div_ceil(2))
    }
    /// The layer of the network, a map `[1, C, h, w]`, whose mean over all places the vector is, if it is one by what the
    /// graph says.
    fn averaged_map(&self) -> Option<&str> {
        None
    }
    /// Whether the vector is a code: numbers of two signs, a bit each, positive where it is set.
    fn is_code(&self) -> bool {
        false
    }
    /// Length of a local descriptor, where the vector is a fixed number of them, one after the other.
    fn part_dims(&self) -> Option<usize> {
        None
    }
    /// The vector of a picture, or of one window of it, [`dims`](Source::dims) finite numbers.
    fn describe(&self, picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError>;
}

/// The networks of sources by identity, each once, in the order of first use.
pub fn models_of<'a>(sources: impl IntoIterator<Item = &'a Arc<dyn Source>>) -> Vec<Arc<Model>> {
    let mut models: Vec<Arc<Model>> = Vec::new();
    for model in sources.into_iter().filter_map(|source| source.model()) {
        if models.iter().all(|known| known.id() != model.id()) {
            models.push(Arc::clone(model));
        }
    }
    models
}

/// How a source comes into being; `None` for arguments that it doesn't take.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// From the pixels alone.
    Picture(fn(&mut Arguments<'_>) -> Option<Arc<dyn Source>>),
    /// From what a network gives, if it has what is wanted.
    Network(fn(&Arc<Model>, &mut Arguments<'_>) -> Option<Built>),
}

/// A source, or why its network can't give it.
type Built = Result<Arc<dyn Source>, SourceError>;

/// A source that recipes can name.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name in recipes.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Its arguments, for messages.
    pub takes: &'static str,
    pub(crate) build: Build,
}

/// For [`Entry::takes`].
const NOTHING: &str = "no arguments";

/// All sources, in the order in which they are shown.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "deep",
        about: "pooled features of the network",
        takes: "nothing, or a number of scales from 1 to 3, as in deep(scales=2)",
        build: Build::Network(deep::build),
    },
    Entry {
        name: "semantic",
        about: "class probabilities, of the network or of a head that `alike train` wrote",
        takes: "nothing, or without a network's name the file of a head in quotes, as in semantic(\"animals.head\")",
        build: Build::Network(|model, _| Some(semantic::build(model))),
    },
    Entry {
        name: "layer",
        about: "any layer of the network, pooled",
        takes: "the name of a layer in quotes; avg, max or gem(P) with P up to 10; a number of scales from 1 to 3, as in layer(\"conv\", gem(3), scales=2)",
        build: Build::Network(layer::build),
    },
    Entry {
        name: "color",
        about: "colours, and roughly where they are",
        takes: NOTHING,
        build: Build::Picture(|_| Some(color::build())),
    },
    Entry {
        name: "lab",
        about: "colours as they look, and roughly where they are",
        takes: NOTHING,
        build: Build::Picture(|_| Some(lab::build())),
    },
    Entry {
        name: "texture",
        about: "fine patterns, however turned",
        takes: NOTHING,
        build: Build::Picture(|_| Some(texture::build())),
    },
    Entry {
        name: "shape",
        about: "edges and where they are",
        takes: NOTHING,
        build: Build::Picture(|_| Some(shape::build())),
    },
    Entry {
        name: "moments",
        about: "mean, spread and skew of colours, and where",
        takes: NOTHING,
        build: Build::Picture(|_| Some(moments::build())),
    },
    Entry {
        name: "correlogram",
        about: "colours that lie together with themselves",
        takes: NOTHING,
        build: Build::Picture(|_| Some(correlogram::build())),
    },
    Entry {
        name: "edges",
        about: "five kinds of edges and where they are",
        takes: NOTHING,
        build: Build::Picture(|_| Some(edges::build())),
    },
    Entry {
        name: "gist",
        about: "the layout of a scene: waves of all sizes and where they are",
        takes: NOTHING,
        build: Build::Picture(|_| Some(gist::build())),
    },
    Entry {
        name: "sift",
        about: "local descriptors on a grid, for the step vlad",
        takes: NOTHING,
        build: Build::Picture(|_| Some(sift::build())),
    },
    Entry {
        name: "ahash",
        about: "code of what is brighter than the mean",
        takes: perceptual::SIZES,
        build: Build::Picture(perceptual::ahash),
    },
    Entry {
        name: "dhash",
        about: "code of what is brighter than its left neighbour",
        takes: perceptual::SIZES,
        build: Build::Picture(perceptual::dhash),
    },
    Entry {
        name: "phash",
        about: "code of low frequencies",
        takes: perceptual::SIZES,
        build: Build::Picture(perceptual::phash),
    },
    Entry {
        name: "whash",
        about: "code of wavelets",
        takes: perceptual::POWERS_OF_TWO,
        build: Build::Picture(perceptual::whash),
    },
];

/// Why a source has no vector for a picture, or can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A network source without a network.
    #[error("`{name}` needs a network: pass --model FILE.onnx, or get one with `alike model pull`")]
    NeedsModel {
        /// The source.
        name: String,
    },
    /// The network lacks the output that the source is made of.
    #[error("`{name}` needs {output}, which the network {model} doesn't have")]
    NoOutput {
        /// The source.
        name: &'static str,
        /// The missing output.
        output: &'static str,
        /// The network, `NAME#sha8`.
        model: String,
    },
    /// The network lacks a layer, or can't compute it.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A layer of a shape that can't be pooled.
    #[error(
        "layer {layer:?} of {model} is {got:?}, wanted a map [1, channels, height, width], tokens [1, tokens, dims] or a vector [1, dims]: name another layer"
    )]
    LayerShape {
        /// The layer.
        layer: String,
        /// The network, `NAME#sha8`.
        model: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// The network didn't run for this picture, or gave a vector of another length, or numbers that aren't finite.
    #[error("`{name}` wanted {wanted} finite numbers of the network {model}, got {got}")]
    BadOutput {
        /// The source.
        name: &'static str,
        /// The network, `NAME#sha8`.
        model: String,
        /// Length of the vector.
        wanted: usize,
        /// What came instead.
        got: String,
    },
}

/// The output of a network for a picture, if it is as long as promised and finite.
fn checked(name: &'static str, model: &Model, wanted: usize, got: Option<&Vec<f32>>) -> Result<Vec<f32>, SourceError> {
    let got = match got {
        None => "none".into(),
        Some(vector) if vector.len() != wanted => vector.len().to_string(),
        Some(vector) if vector.iter().any(|x| !x.is_finite()) => "NaN or infinity among them".into(),
        Some(vector) => return Ok(vector.clone()),
    };
    Err(SourceError::BadOutput { name, model: model.id().to_string(), wanted, got })
}

/// `deep@NAME#sha8`, with arguments if there are any, and everything else that makes a network's numbers.
fn network_id(name: &str, model: &Model, arguments: &[String]) -> SourceId {
    let id = model.id();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    SourceId::new(format!("{name}@{id}{arguments}"), &format!("{}\n{}", id.sha256, id.preprocessing))
}
