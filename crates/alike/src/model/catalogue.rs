//! The networks alike knows by name: where each lies, what its file must hash to, how its pictures are prepared.

use super::manifest::{
    Channels, Features, Input, Layout, Manifest, Origin, Outputs, Resize, Scale, ShortestEdge, Take,
};
use crate::resize::Filter;

/// How large a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// Known to the byte.
    Exactly(u64),
    /// Not known; a longer file is refused.
    AtMost(u64),
}

impl Bytes {
    /// The most bytes the file may have.
    pub fn limit(self) -> u64 {
        match self {
            Self::Exactly(bytes) | Self::AtMost(bytes) => bytes,
        }
    }
}

/// A network that can be downloaded by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownModel {
    /// What users call it, and the stem of its files.
    pub name: &'static str,
    /// `ORGANISATION/NAME` on the Hugging Face hub.
    pub repository: &'static str,
    /// A commit where one is known; otherwise `main`, and the hash decides.
    pub revision: &'static str,
    /// Path of the graph in the repository.
    pub file: &'static str,
    /// Size of the graph's file.
    pub bytes: Bytes,
    /// SHA-256 of the graph's file, lower-case hexadecimal; `None` is pinned on first contact.
    pub sha256: Option<&'static str>,
    /// SPDX identifier, or `unknown`.
    pub licence: &'static str,
    /// Length of its features.
    pub dims: usize,
    /// What it is good for, in one line.
    pub description: &'static str,
    /// How pictures are prepared.
    pub preparation: Preparation,
    /// The tensor with its features and how they become one vector; `None` is found in the graph.
    pub features: Option<(&'static str, Take)>,
}

/// How pictures become the 224x224 RGB input of a known network; all of them resize, cut out the centre and normalise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preparation {
    /// Length of the shorter side before the cut, in pixels.
    pub shortest_edge: u32,
    /// The filter that resizes.
    pub filter: Filter,
    /// Subtracted from red, green and blue in 0 to 1.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

const SIDE: u32 = 224;

/// As torchvision prepares ImageNet.
const IMAGENET: Preparation = Preparation {
    shortest_edge: 256,
    filter: Filter::Bilinear,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
};

const IMAGENET_BICUBIC: Preparation = Preparation { filter: Filter::Bicubic, ..IMAGENET };

/// From the preprocessor of OpenAI's CLIP.
const CLIP: Preparation = Preparation {
    shortest_edge: 224,
    filter: Filter::Bicubic,
    mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
    std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
};

const DINO_REPOSITORY: &str = "onnx-community/dinov2-small";
const DINO_REVISION: &str = "8b1f705a3a7f6f062f6bdd21986c1583d3ef105d";

/// Every known network, the recommended first.
pub const CATALOGUE: [KnownModel; 5] = [
    KnownModel {
        name: "mobilenet_v2",
        repository: "onnxmodelzoo/mobilenetv2-12",
        revision: "main",
        file: "mobilenetv2-12.onnx",
        bytes: Bytes::AtMost(20_000_000),
        sha256: Some("c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5"),
        licence: "Apache-2.0",
        dims: 1280,
        description: "fast, small; ImageNet",
        preparation: IMAGENET,
        features: None,
    },
    KnownModel {
        name: "dinov2_small",
        repository: DINO_REPOSITORY,
        revision: DINO_REVISION,
        file: "onnx/model.onnx",
        bytes: Bytes::Exactly(88_532_934),
        sha256: Some("f22797eabf810a75e41de68d378541ebea372122b25c4ce3ef25ff618250c20a"),
        licence: "Apache-2.0",
        dims: 384,
        description: "the same object or scene",
        preparation: IMAGENET_BICUBIC,
        features: Some(("last_hidden_state", Take::Cls)),
    },
    KnownModel {
        name: "dinov2_small_int8",
        repository: DINO_REPOSITORY,
        revision: DINO_REVISION,
        file: "onnx/model_quantized.onnx",
        bytes: Bytes::Exactly(24_446_700),
        sha256: Some("c179f8f7f592449c4c1bca4cd124a7538021428c5ffb89afde9503935b197efb"),
        licence: "Apache-2.0",
        dims: 384,
        description: "dinov2_small in 8 bits",
        preparation: IMAGENET_BICUBIC,
        features: Some(("last_hidden_state", Take::Cls)),
    },
    KnownModel {
        name: "resnet50",
        repository: "Qdrant/resnet50-onnx",
        revision: "main",
        file: "model.onnx",
        bytes: Bytes::AtMost(150_000_000),
        sha256: None,
        licence: "unknown",
        dims: 2048,
        description: "the literature's classic",
        preparation: IMAGENET_BICUBIC,
        features: None,
    },
    KnownModel {
        name: "clip_vit_b32",
        repository: "Qdrant/clip-ViT-B-32-vision",
        revision: "a636590e595dbbd798647c9dd4550d5652fba969",
        file: "model.onnx",
        bytes: Bytes::Exactly(351_686_194),
        sha256: Some("c68d3d9a200ddd2a8c8a5510b576d4c94d1ae383bf8b36dd8c084f94e1fb4d63"),
        licence: "MIT",
        dims: 512,
        description: "the same meaning",
        preparation: CLIP,
        features: Some(("image_embeds", Take::Flat)),
    },
];

/// The known network of that name.
pub fn find(name: &str) -> Option<&'static KnownModel> {
    CATALOGUE.iter().find(|model| model.name == name)
}

impl KnownModel {
    /// Where the graph is downloaded from: `ENDPOINT/REPOSITORY/resolve/REVISION/FILE`.
    pub fn url(&self, endpoint: &str) -> String {
        let Self { repository, revision, file, .. } = self;
        format!("{}/{repository}/resolve/{revision}/{file}", endpoint.trim_end_matches('/'))
    }

    /// The manifest that lies beside the downloaded graph. `found` are the outputs that the graph itself suggests; they
    /// count where the catalogue names none.
    pub fn manifest(&self, found: Outputs, sha256: &str, bytes: u64) -> Manifest {
        let features = self.features.map(|(output, take)| Features { output: output.to_owned(), take });
        let outputs = if features.is_some() { Outputs { logits: None, features } } else { found };
        Manifest {
            name: self.name.to_owned(),
            labels: None,
            input: self.input(),
            outputs,
            origin: self.origin(sha256, bytes),
        }
    }

    fn input(&self) -> Input {
        let Preparation { shortest_edge, filter, mean, std } = self.preparation;
        Input {
            width: SIDE,
            height: SIDE,
            layout: Layout::Nchw,
            channels: Channels::Rgb,
            scale: Scale::Unit,
            resize: Resize::ShortestEdge(ShortestEdge { shortest_edge, filter }),
            mean,
            std,
        }
    }

    fn origin(&self, sha256: &str, bytes: u64) -> Origin {
        Origin {
            source: Some(self.url("https://huggingface.co")),
            revision: Some(self.revision.to_owned()),
            bytes: Some(bytes),
            sha256: Some(sha256.to_owned()),
            licence: (self.licence != "unknown").then(|| self.licence.to_owned()),
        }
    }
}
