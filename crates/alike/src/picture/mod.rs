//! Bytes to [`Picture`]: here is a file, give me upright RGB pixels, or the reason why not.

mod budget;
mod decode;
mod format;
#[cfg(feature = "heif")]
mod heif;
mod jpeg;
mod pixels;
mod region;
mod small;
mod views;

pub use budget::MemoryBudget;
pub(crate) use budget::Share;
pub use decode::is_decoding;
pub use format::{looks_like_picture, media_type};
pub use region::Region;
pub use views::Views;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// A decoded image: upright (EXIF orientation applied), RGB, 8 bits, row by row. Alpha is composited on white, unlike
/// OpenCV, which drops it and shows whatever lies below; 16 bits keep their upper 8, as in OpenCV; floats are clamped to
/// 0..1. ICC profiles are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    partial: bool,
    full_size: (u32, u32),
    reduction: u32,
    /// Whether its format can be decoded at a part of its size.
    reducible: bool,
}

/// What a picture may cost. Checked against the header, before anything is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Width times height in the file, in pixels.
    pub max_pixels: u64,
    /// Memory of the decoded picture with everything its decoder holds at the same time, in bytes. Also the size of
    /// the largest file that is read.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 200 megapixels, 1 GiB.
    fn default() -> Self {
        Self { max_pixels: 200_000_000, max_bytes: 1 << 30 }
    }
}

/// Which pixels of large JPEGs sources see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decoding {
    /// As few as will do for each source: see [`Picture::decode_at_least`].
    #[default]
    Reduced,
    /// All.
    Exact,
}

/// How to decode.
#[derive(Debug, Clone, Default)]
pub struct DecodeOptions {
    /// What a picture may cost.
    pub limits: Limits,
    /// Keep the part of a damaged picture that decodes, grey where nothing did, instead of refusing it.
    pub lenient: bool,
    /// Shared by the workers of one run; `None` waits for nobody.
    pub budget: Option<Arc<MemoryBudget>>,
}

/// Why a file is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file could not be read.
    #[error("can't be read: {0}")]
    Io(#[from] std::io::Error),
    /// Neither the content nor (for TGA) the name is that of a picture.
    #[error("not a picture: got {got}, wanted JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, QOI or TGA")]
    NotAPicture {
        /// What it seems to be.
        got: &'static str,
    },
    /// A picture that this build can't read.
    #[error("{format} pictures are not supported: convert it to JPEG or PNG")]
    Unsupported {
        /// The format, or the variant of one.
        format: String,
    },
    /// A picture that only builds with the feature `heif` can read.
    #[error(
        "{format} pictures are not supported by this build: build alike with `--features heif`, which needs libheif, or convert it to JPEG or PNG"
    )]
    NeedsHeif {
        /// HEIC or AVIF.
        format: &'static str,
    },
    /// More pixels than allowed.
    #[error("{width} x {height} pixels, more than the limit of {max_pixels}: raise --max-megapixels if it is honest")]
    TooManyPixels {
        /// From the header.
        width: u32,
        /// From the header.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// More memory than allowed.
    #[error(
        "decoding would take {bytes} bytes, more than the limit of {max_bytes}: raise --max-memory if it is honest"
    )]
    TooMuchMemory {
        /// The estimate.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The content breaks off or contradicts itself.
    #[error("damaged: {reason}; --lenient keeps the part that decodes")]
    Damaged {
        /// What the decoder says.
        reason: String,
    },
}

impl PictureError {
    /// Whether the file isn't even a damaged, too large or unsupported picture.
    pub fn is_no_picture(&self) -> bool {
        matches!(self, Self::NotAPicture { .. })
    }
}

impl Picture {
    /// Reads and decodes a file. The format is found by content; by extension only for TGA.
    pub fn open(path: &Path, options: &DecodeOptions) -> Result<Self, PictureError> {
        let bytes = read_limited(path, &options.limits)?;
        Self::decode(&bytes, path.extension().and_then(|extension| extension.to_str()), options)
    }

    /// Decodes a file's content. `extension` matters only where no signature matches (TGA).
    pub fn decode(bytes: &[u8], extension: Option<&str>, options: &DecodeOptions) -> Result<Self, PictureError> {
        Self::decode_at_least(bytes, extension, None, options)
    }

    /// Decodes a file's content, a JPEG at 1/2, 1/4 or 1/8 of its size, rounded up, as long as its shorter side, divided
    /// and rounded down, stays at least `least`. Its pixels are those of OpenCV's `IMREAD_REDUCED_COLOR_*`. `None` asks for
    /// all pixels; other formats always come whole.
    pub fn decode_at_least(
        bytes: &[u8],
        extension: Option<&str>,
        least: Option<u32>,
        options: &DecodeOptions,
    ) -> Result<Self, PictureError> {
        decode::decode(bytes, extension, least, options, Vec::new())
    }

    /// A picture from pixels: `rgb` holds `width * height * 3` bytes, row by row. `None` if it doesn't, or is empty.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let fits = rgb.len() as u64 == u64::from(width) * u64::from(height) * 3 && !rgb.is_empty();
        fits.then(|| Self::whole(width, height, rgb, false))
    }

    /// A part of the picture: first pixel and length along each side, which lie within it.
    pub(crate) fn crop(&self, (left, width): (u32, u32), (top, height): (u32, u32)) -> Self {
        let rows = self.rgb.chunks_exact(self.width as usize * 3).skip(top as usize).take(height as usize);
        let rgb = rows.flat_map(|row| &row[left as usize * 3..][..width as usize * 3]).copied().collect();
        self.with_pixels(width, height, rgb)
    }

    /// The same picture at another size, which is its full size from now on.
    pub(crate) fn with_pixels(&self, width: u32, height: u32, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(rgb.len(), width as usize * height as usize * 3);
        Self::whole(width, height, rgb, self.partial)
    }

    fn whole(width: u32, height: u32, rgb: Vec<u8>, partial: bool) -> Self {
        Self { width, height, rgb, partial, full_size: (width, height), reduction: 1, reducible: false }
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, `height * width * 3` bytes, row by row, red first.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Upright width and height of the picture in its file, whatever it was decoded to.
    pub fn full_size(&self) -> (u32, u32) {
        self.full_size
    }

    /// What its full size was divided by when it was decoded: 1, 2, 4 or 8.
    pub fn reduction(&self) -> u32 {
        self.reduction
    }

    /// Whether [`Self::decode_at_least`] with that `least` would have given this very picture.
    pub fn may_serve(&self, least: Option<u32>) -> bool {
        !self.reducible || jpeg::reduction(self.full_size, least) == self.reduction
    }

    /// Whether this is what could be kept of a damaged file ([`DecodeOptions::lenient`]).
    pub fn is_partial(&self) -> bool {
        self.partial
    }
}

/// A file's content, refused if it is longer than the limit.
fn read_limited(path: &Path, limits: &Limits) -> Result<Vec<u8>, PictureError> {
    let (file, max_bytes) = (fs_err::File::open(path)?, limits.max_bytes);
    let length = file.metadata()?.len();
    if length > max_bytes {
        return Err(PictureError::TooMuchMemory { bytes: length, max_bytes });
    }
    // Pipes and devices have no length, and files grow.
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
