//! One picture in the sizes that several sources ask for.

use super::{DecodeOptions, Picture, PictureError, read_limited};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;

/// A picture that is decoded when somebody looks at it, once for each size that is asked for.
///
/// Which size a source sees depends on the source alone, not on who else looks: its numbers are the same in any company.
pub struct Views<'a> {
    origin: Origin<'a>,
    /// By how often the sides were halved.
    decoded: [OnceCell<Picture>; 4],
}

enum Origin<'a> {
    Decoded(Cow<'a, Picture>),
    File { bytes: Cow<'a, [u8]>, extension: Option<String>, options: DecodeOptions },
}

impl<'a> Views<'a> {
    /// Of a file's content. `extension` matters only where no signature matches (TGA).
    pub fn of_file(bytes: impl Into<Cow<'a, [u8]>>, extension: Option<&str>, options: &DecodeOptions) -> Self {
        let (bytes, extension, options) = (bytes.into(), extension.map(str::to_owned), options.clone());
        Self { origin: Origin::File { bytes, extension, options }, decoded: Default::default() }
    }

    /// Of a picture that is decoded already, and that all see as it is.
    pub fn of_picture(picture: impl Into<Cow<'a, Picture>>) -> Self {
        Self { origin: Origin::Decoded(picture.into()), decoded: Default::default() }
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
        let picture = Picture::decode_at_least(bytes, extension.as_deref(), least, options)?;
        Ok(self.decoded[picture.reduction().ilog2() as usize].get_or_init(|| picture))
    }
}

impl<'a> From<&'a Picture> for Views<'a> {
    fn from(picture: &'a Picture) -> Self {
        Self::of_picture(Cow::Borrowed(picture))
    }
}
