//! The manifest: what a picture must become before the network sees it, and which outputs count.
//!
//! `NAME.toml` lies beside `NAME.onnx`:
//!
//! ```toml
//! name = "mobilenet_v2"
//! labels = "imagenet_classes.txt"      # optional; a file beside the manifest, one class a line
//!
//! [input]
//! width = 224
//! height = 224
//! layout = "nchw"                      # the only one; may be left out
//! channels = "rgb"                     # or "bgr"
//! scale = "0-1"                        # or "0-255"
//! resize = "stretch"                   # OpenCV bilinear, or
//! # resize = { shortest_edge = 256, filter = "bicubic" }    # Pillow (also bilinear, lanczos), then the centre is cut out
//! mean = [0.485, 0.456, 0.406]         # in the order of `channels`, on the scale of `scale`
//! std = [0.229, 0.224, 0.225]
//!
//! [outputs]                            # at least one of the two
//! logits = { output = "logits", softmax = false }     # softmax: already probabilities
//! features = { output = "features", take = "flat" }   # avg of [1,C,H,W]; cls or mean of [1,T,D]; flat: as it is
//!
//! [origin]                             # optional, each line too
//! source = "https://..."
//! revision = "8b1f705"
//! bytes = 13972319
//! sha256 = "..."                       # checked against the file
//! licence = "Apache-2.0"
//! ```

use super::ModelError;
use crate::resize::Filter;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::{Component, Path};

/// Side of the largest network input accepted, in pixels.
pub const MAX_INPUT_SIDE: u32 = 4096;

/// A model's manifest. See the module for its text form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Short name, used in recipes: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// File beside the manifest with one class name a line, in the order of the logits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// From picture to tensor.
    pub input: Input,
    /// From tensors to numbers.
    pub outputs: Outputs,
    /// Where the file comes from.
    #[serde(default, skip_serializing_if = "Origin::is_empty")]
    pub origin: Origin,
}

/// How a picture becomes the input tensor, float32 `[1, 3, height, width]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Order of the axes.
    #[serde(default)]
    pub layout: Layout,
    /// Order of the channels.
    pub channels: Channels,
    /// Range of the values before mean and std.
    pub scale: Scale,
    /// How the picture comes to the size.
    pub resize: Resize,
    /// Subtracted, per channel in the order of `channels`.
    pub mean: [f32; 3],
    /// Divided by, per channel in the order of `channels`; not zero.
    pub std: [f32; 3],
}

/// Order of the input's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    #[default]
    Nchw,
}

/// Order of the input's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// Range of the input's values before mean and std.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// 0 to 1.
    #[serde(rename = "0-1")]
    Unit,
    /// 0 to 255.
    #[serde(rename = "0-255")]
    Byte,
}

/// How a picture comes to the input's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Both sides independently, with OpenCV's bilinear.
    Stretch,
    /// The shorter side to a length with a Pillow filter, then the centre is cut out, as torchvision does.
    #[serde(untagged)]
    ShortestEdge(ShortestEdge),
}

/// See [`Resize::ShortestEdge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortestEdge {
    /// Length of the shorter side in pixels, at least the longer side of the input.
    pub shortest_edge: u32,
    /// The filter.
    pub filter: Filter,
}

/// The outputs that count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outputs {
    /// The class scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logits: Option<Logits>,
    /// The features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
}

/// The tensor with class scores; `[1, classes]` or flattened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logits {
    /// Any tensor of the graph.
    pub output: String,
    /// Whether it is a softmax already.
    #[serde(default)]
    pub softmax: bool,
}

/// The tensor with features and how they become one vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Any tensor of the graph.
    pub output: String,
    /// How it becomes one vector.
    pub take: Take,
}

/// How a tensor becomes one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// Mean over rows and columns of a map `[1, C, H, W]`.
    Avg,
    /// The first token of `[1, T, D]`.
    Cls,
    /// Mean over the tokens of `[1, T, D]`.
    Mean,
    /// All values as they are.
    Flat,
}

/// Where a model's file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Version of the source, such as a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Length of the ONNX file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the ONNX file, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SPDX identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

impl Origin {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Manifest {
    /// Reads the text form and checks it. `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Manifest { path: path.to_owned(), reason };
        let manifest: Self = toml::from_str(text).map_err(|error| bad(describe(text, &error)))?;
        manifest.check().map_err(bad)?;
        Ok(manifest)
    }

    /// The text form.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a manifest has only tables, text and finite numbers")
    }

    /// Preprocessing and outputs as one line: equal lines, equal numbers on the same graph.
    pub fn canonical(&self) -> String {
        let input = &self.input;
        let mut text = format!("{}x{} {} ", input.width, input.height, input.channels.name());
        match input.resize {
            Resize::Stretch => text.push_str("stretch"),
            Resize::ShortestEdge(edge) => {
                text.push_str(&format!("edge {} {}", edge.shortest_edge, edge.filter.name()));
            }
        }
        let scale = if input.scale == Scale::Unit { "0-1" } else { "0-255" };
        text.push_str(&format!(" {scale} mean {:?} std {:?}", input.mean, input.std));
        self.canonical_outputs(&mut text);
        text
    }

    fn canonical_outputs(&self, text: &mut String) {
        let mut push = |args: std::fmt::Arguments<'_>| text.write_fmt(args).expect("a string takes any text");
        if let Some(features) = &self.outputs.features {
            push(format_args!(" features {:?} {}", features.output, features.take.name()));
        }
        if let Some(logits) = &self.outputs.logits {
            push(format_args!(" logits {:?}{}", logits.output, if logits.softmax { " softmax" } else { "" }));
        }
    }

    /// What is wrong with it, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        self.input.check()?;
        if self.outputs.features.is_none() && self.outputs.logits.is_none() {
            return Err("[outputs] names neither features nor logits: name at least one".to_owned());
        }
        match &self.labels {
            Some(labels) if !is_plain_file_name(labels) => {
                Err(format!("labels is {labels:?}, wanted the name of a file beside the manifest"))
            }
            _ => Ok(()),
        }
    }
}

impl Input {
    fn check(&self) -> Result<(), String> {
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 || width.max(height) > MAX_INPUT_SIDE {
            return Err(format!("input is {width}x{height}, wanted sides from 1 to {MAX_INPUT_SIDE}"));
        }
        let sane = self.mean.iter().all(|m| m.is_finite()) && self.std.iter().all(|s| s.is_finite() && *s != 0.0);
        if !sane {
            return Err(format!("mean {:?} and std {:?} must be finite and std not 0", self.mean, self.std));
        }
        match self.resize {
            Resize::ShortestEdge(ShortestEdge { shortest_edge: edge, .. })
                if edge < width.max(height) || edge > MAX_INPUT_SIDE =>
            {
                Err(format!(
                    "shortest_edge is {edge}, wanted from {} (the crop) to {MAX_INPUT_SIDE}",
                    width.max(height)
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Channels {
    fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        }
    }
}

impl Take {
    /// As the manifest writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Cls => "cls",
            Self::Mean => "mean",
            Self::Flat => "flat",
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if fits && !name.is_empty() && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    Err(format!("name is {name:?}, wanted letters, digits, \"_\", \"-\" and \".\""))
}

fn is_plain_file_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(components.next(), Some(Component::Normal(part)) if part == name)
        && components.next().is_none()
        && !name.contains(['/', '\\', '\0'])
}

/// The parser's message on one line, with the line's number.
fn describe(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    line.map_or(message.clone(), |line| format!("line {line}: {message}"))
}
