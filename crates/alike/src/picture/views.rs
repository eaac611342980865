//! One picture in the sizes that several sources ask for.

use super::{DecodeOptions, Picture, PictureError, decode, read_limited};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::path::Path;

/// The memory of a larger picture, of some 20 megapixels, is not kept for the next one. What is kept is in no budget: no
/// picture is once it is decoded.
const MOST_SPARE_BYTES: usize = 64 << 20;

/// A picture that is decoded when somebody looks at it, once for each size that is asked for.
///
/// Which size a source sees depends on the source alone, not on who else looks: its numbers are the same in any company.
pub struct Views<'a> {
    origin: Origin<'a>,
    /// By how often the sides were halved.
    decoded: [OnceCell<Picture>; 4],
    /// Memory that the next decode may use.
    spare: Cell<Vec<u8>>,
}

enum Origin<'a> {
    Decoded(Cow<'a, Picture>),
    File { bytes: Cow<'a, [u8]>, extension: Option<String>, options: DecodeOptions },
}

impl<'a> Views<'a> {
    /// Of a file's content. `extension` matters only where no signature matches (TGA).
    pub fn of_file(bytes: impl Into<Cow<'a, [u8]>>, extension: Option<&str>, options: &DecodeOptions) -> Self {
        let (bytes, extension, options) = (bytes.into(), extension.map(str::to_owned), options.clone());
        Self::of(Origin::File { bytes, extension, options })
    }

    /// Of a picture that is decoded already, and that all see as it is.
    pub fn of_picture(picture: impl Into<Cow<'a, Picture>>) -> Self {
        Self::of(Origin::Decoded(picture.into()))
    }

    fn of(origin: Origin<'a>) -> Self {
        Self { origin, decoded: Default::default(), spare: Cell::default() }
    }

    /// The same, decoded into memory that an earlier picture left ([`Self::into_spare`]). Fresh pages for 12 megapixels
    /// cost 20 ms, 2/5 of what all else about them does.
    pub(crate) fn reusing(self, spare: Vec<u8>) -> Self {
        self.spare.set(spare);
        self
    }

    /// The memory of its pixels, or nothing if that is too much to be kept.
    pub(crate) fn into_spare(self) -> Vec<u8> {
        let decoded = self.decoded.into_iter().filter_map(OnceCell::into_inner).map(|picture| picture.rgb);
        let largest = decoded.chain([self.spare.into_inner()]).max_by_key(Vec::capacity);
        largest.filter(|spare| spare.capacity() <= MOST_SPARE_BYTES).unwrap_or_default()
    }

    /// Reads a file; nothing is decoded yet.
    pub fn open(path: &Path, options: &DecodeOptions) -> Result<Self, PictureError> {
        let bytes = read_limited(path, &options.limits)?;
        Ok(Self::of_file(bytes, path.extension().and_then(|extension| extension.to_str()), options))
    }

    /// Upright width and height of the picture in its file.
    pub fn full_size(&self) -> Result<(u32, u32), PictureError> {
        let known = self.decoded.iter().find_map(OnceCell::get);
        Ok(known.map_or_else(|| self.at_least(Some(1)), Ok)?.full_size())
    }

    /// The picture for somebody who needs its shorter side to be that long: see [`Picture::decode_at_least`].
    pub fn at_least(&self, least: Option<u32>) -> Result<&Picture, PictureError> {
        let (bytes, extension, options) = match &self.origin {
            Origin::Decoded(picture) => return Ok(picture),
            Origin::File { bytes, extension, options } => (bytes, extension, options),
        };
        if let Some(known) = self.decoded.iter().filter_map(OnceCell::get).find(|picture| picture.may_serve(least)) {
            return Ok(known);
        }
        let picture = decode::decode(bytes, extension.as_deref(), least, options, self.spare.take())?;
        Ok(self.decoded[picture.reduction().ilog2() as usize].get_or_init(|| picture))
    }
}

impl<'a> From<&'a Picture> for Views<'a> {
    fn from(picture: &'a Picture) -> Self {
        Self::of_picture(Cow::Borrowed(picture))
    }
}
