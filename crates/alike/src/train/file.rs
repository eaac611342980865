//! The file that holds what was learnt: safetensors (a header of JSON, numbers behind it), as Hugging Face describes it.
//!
//! | tensor | shape | of |
//! |---|---|---|
//! | `biases`, `weights` | classes; dimensions x classes | a softmax head |
//! | `centre`, `directions` | dimensions; dimensions x outputs | a projection |
//! | `base` | numbers | what the recipe below a head learnt from its gallery, if it learns |
//!
//! All are f32. The header's metadata have one entry, `alike`: the [`Description`] in JSON.

use super::{Lesson, Method};
use crate::recipe::Plan;
use crate::store::Label;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Files of later formats are refused.
const FORMAT: u32 = 1;

/// A head of 10,000 classes for 4,096 dimensions is six times smaller.
const MAX_BYTES: u64 = 1 << 30;

/// The name of the description among the metadata.
const DESCRIPTION: &str = "alike";

/// What was learnt, as a file holds it. Copies share the content.
#[derive(Clone)]
pub struct Trained(Arc<Content>);

struct Content {
    description: Description,
    parameters: Vec<f32>,
    base: Vec<f32>,
    bytes: Vec<u8>,
    sha256: [u8; 32],
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Of the file.
    pub format: u32,
    /// The alike that wrote it.
    pub version: String,
    /// What was learnt.
    pub method: Method,
    /// The recipe whose vectors it was learnt on.
    pub base: Base,
    /// Length of those vectors.
    pub dims: usize,
    /// Length of what comes out.
    pub outputs: usize,
    /// The classes learnt from, in the order of a head's outputs.
    pub classes: Vec<Class>,
    /// Pictures learnt from.
    pub pictures: usize,
    /// See [`Lesson::strength`].
    pub strength: f64,
    /// Share of right guesses on the part held out.
    pub held_out_accuracy: f64,
    /// Mean average precision of the part held out.
    pub held_out_map: f64,
}

/// A recipe whose vectors something was learnt on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// As its author wrote it.
    pub recipe: String,
    /// With everything spelt out.
    pub canonical: String,
    /// [`Draft::key`](crate::recipe::Draft::key).
    pub key: String,
    /// SHA-256 of the networks it takes.
    pub networks: Vec<String>,
}

impl Base {
    fn of(plan: &Plan, text: &str) -> Self {
        let mut networks: Vec<String> = Vec::new();
        for model in plan.sources().iter().filter_map(|source| source.model()) {
            if !networks.contains(&model.id().sha256) {
                networks.push(model.id().sha256.clone());
            }
        }
        Self { recipe: text.into(), canonical: plan.canonical().into(), key: plan.key().into(), networks }
    }
}

/// A class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// See [`Label::id`].
    pub id: String,
    /// See [`Label::name`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// Why a file isn't what was learnt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainedError {
    /// It can't be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not a file of `alike train`, or a damaged one.
    #[error("{name}: {what}; wanted a file that `alike train` wrote: train anew, or name another file")]
    Damaged {
        /// The file's name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// Named by the recipe of another file.
    #[error("what was learnt can't stand on another file, here `{name}`: learn on what that was learnt on")]
    Nested {
        /// The other file.
        name: String,
    },
    /// Of a later alike.
    #[error("{name} has format {found}, this alike reads {FORMAT}: use the alike that wrote it, or train anew")]
    NewerFormat {
        /// The file's name.
        name: String,
        /// Its format.
        found: u32,
    },
}

impl std::fmt::Debug for Trained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trained({}#{})", self.description().method, self.sha8())
    }
}

impl Trained {
    /// What was learnt on the vectors of a recipe, which `text` is as its author wrote it.
    pub fn new(lesson: &Lesson, plan: &Plan, text: &str) -> Self {
        let class = |label: &Label| Class { id: label.id.clone(), name: label.name.clone() };
        let description = Description {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            method: lesson.method,
            base: Base::of(plan, text),
            dims: lesson.dims,
            outputs: lesson.outputs,
            classes: lesson.classes.iter().map(class).collect(),
            pictures: lesson.pictures,
            strength: lesson.strength,
            held_out_accuracy: lesson.held_out.accuracy,
            held_out_map: lesson.held_out.map,
        };
        let base = numbers(&plan.parameters().unwrap_or_default());
        let bytes = written(&description, &lesson.parameters, &base);
        Self::of(description, lesson.parameters.clone(), base, bytes)
    }

    fn of(description: Description, parameters: Vec<f32>, base: Vec<f32>, bytes: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&bytes).into();
        Self(Arc::new(Content { description, parameters, base, bytes, sha256 }))
    }

    /// Reads a file.
    pub fn open(path: &Path) -> Result<Self, TrainedError> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        fs_err::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            let what = format!("more than {MAX_BYTES} bytes long");
            return Err(TrainedError::Damaged { name, what });
        }
        Self::read(&name, bytes)
    }

    /// Reads a file's content; `name` is for messages.
    pub fn read(name: &str, bytes: Vec<u8>) -> Result<Self, TrainedError> {
        let damaged = |what: String| TrainedError::Damaged { name: name.to_owned(), what };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(no_tensors(&error)))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(DESCRIPTION));
        let text = text.ok_or_else(|| damaged("no description by alike among the metadata".into()))?;
        let Format { format } = serde_json::from_str(text).map_err(|error| damaged(misread(&error)))?;
        if format != FORMAT {
            return Err(TrainedError::NewerFormat { name: name.to_owned(), found: format });
        }
        let description: Description = serde_json::from_str(text).map_err(|error| damaged(misread(&error)))?;
        description.check().map_err(damaged)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(no_tensors(&error)))?;
        let (parameters, base) = read_tensors(&tensors, &description).map_err(damaged)?;
        Ok(Self::of(description, parameters, base, bytes))
    }

    /// What the file says of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// The file's content.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// SHA-256 of the content.
    pub fn sha256(&self) -> [u8; 32] {
        self.0.sha256
    }

    /// The first 8 hexadecimal digits of the hash, as canonical recipes show it.
    pub fn sha8(&self) -> String {
        self.0.sha256[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// See [`Lesson::parameters`].
    pub fn parameters(&self) -> &[f32] {
        &self.0.parameters
    }

    /// What the recipe below learnt from its gallery, step by step.
    pub(crate) fn base_parameters(&self) -> &[f32] {
        &self.0.base
    }
}

/// The first thing that is read of a description.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Description {
    /// Whether it contradicts itself; sizes are those of tensors, which are there.
    fn check(&self) -> Result<(), String> {
        let is_head = self.method == Method::Softmax;
        if is_head && self.outputs != self.classes.len() {
            return Err(format!("{} outputs for {} classes", self.outputs, self.classes.len()));
        }
        if self.dims == 0 || self.outputs == 0 {
            return Err(format!("{} dimensions to {} outputs", self.dims, self.outputs));
        }
        Ok(())
    }

    /// The tensors, each with its shape, but for what the base learnt.
    fn tensors(&self) -> [(&'static str, Vec<usize>); 2] {
        match self.method {
            Method::Softmax => [("biases", vec![self.outputs]), ("weights", vec![self.dims, self.outputs])],
            _ => [("centre", vec![self.dims]), ("directions", vec![self.dims, self.outputs])],
        }
    }
}

/// The name of the tensor that the base learnt.
const BASE: &str = "base";

fn written(description: &Description, parameters: &[f32], base: &[f32]) -> Vec<u8> {
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let [first, second] = description.tensors();
    let (of_first, of_second) = parameters.split_at(first.1[0]);
    let mut tensors = vec![(first, bytes(of_first)), (second, bytes(of_second))];
    if !base.is_empty() {
        tensors.push(((BASE, vec![base.len()]), bytes(base)));
    }
    let views = tensors.iter().map(|((name, shape), bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many bytes as the shape says"))
    });
    let text = serde_json::to_string(description).expect("a description is text and numbers");
    let metadata = [(DESCRIPTION.to_owned(), text)].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).expect("names and shapes are those of tensors")
}

/// Parameters, and what the base learnt.
fn read_tensors(tensors: &SafeTensors<'_>, description: &Description) -> Result<(Vec<f32>, Vec<f32>), String> {
    let mut parameters = Vec::new();
    for (name, shape) in description.tensors() {
        let tensor = tensors.tensor(name).map_err(|_| format!("no tensor `{name}`"))?;
        if tensor.shape() != shape {
            return Err(format!("tensor `{name}` of shape {:?}, wanted {shape:?}", tensor.shape()));
        }
        parameters.extend(read_tensor(name, &tensor)?);
    }
    let base = tensors.tensor(BASE).ok().map(|tensor| read_tensor(BASE, &tensor)).transpose()?;
    Ok((parameters, base.unwrap_or_default()))
}

fn read_tensor(name: &str, tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("tensor `{name}` of {:?}, wanted F32", tensor.dtype()));
    }
    let numbers = numbers(tensor.data());
    if numbers.iter().all(|x| x.is_finite()) {
        Ok(numbers)
    } else {
        Err(format!("tensor `{name}` has numbers that aren't finite"))
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn no_tensors(error: &SafeTensorError) -> String {
    format!("not a sound safetensors file ({error})")
}

fn misread(error: &serde_json::Error) -> String {
    format!("the description can't be read ({error})")
}
