//! What a file is, by its first bytes; its name counts only for TGA, which has no signature.

use std::path::Path;

/// Formats by signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    /// Read by the `image` crate.
    Other(image::ImageFormat),
    /// HEIC or AVIF, read by libheif where the build has it.
    Heif(&'static str),
    /// Known, but not read.
    Unsupported(&'static str),
}

/// Extensions that promise a picture, read or not.
const EXTENSIONS: &[&str] = &[
    "avif", "bmp", "dib", "gif", "heic", "heif", "jfif", "jp2", "jpe", "jpeg", "jpg", "jxl", "pam", "pbm", "pgm",
    "png", "pnm", "ppm", "qoi", "tga", "tif", "tiff", "webp",
];

/// The format of a file that begins with `head`; `None` if it is none that anybody calls a picture.
pub(super) fn sniff(head: &[u8], extension: Option<&str>) -> Option<Format> {
    use image::ImageFormat as Image;
    let starts = |signature: &[u8]| head.starts_with(signature);
    let other = |format| Some(Format::Other(format));
    match head {
        _ if starts(b"\xff\xd8\xff") => Some(Format::Jpeg),
        _ if starts(b"\x89PNG\r\n\x1a\n") => other(Image::Png),
        _ if starts(b"GIF87a") || starts(b"GIF89a") => other(Image::Gif),
        _ if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") => other(Image::WebP),
        _ if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") => other(Image::Tiff),
        _ if starts(b"qoif") => other(Image::Qoi),
        _ if is_bmp(head) => other(Image::Bmp),
        [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace() => other(Image::Pnm),
        _ if starts(b"\0\0\0\x0cjP  \r\n\x87\n") || starts(b"\xff\x4f\xff\x51") => {
            Some(Format::Unsupported("JPEG 2000"))
        }
        _ if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") => Some(Format::Unsupported("JPEG XL")),
        _ if head.get(4..8) == Some(b"ftyp") => brand(head.get(8..12)?).map(Format::Heif),
        _ if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tga")) => other(Image::Tga),
        _ => None,
    }
}

/// `BM` alone begins many a text; the size of the second header tells.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM") && matches!(head.get(14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

fn brand(brand: &[u8]) -> Option<&'static str> {
    match brand {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1" => Some("HEIC"),
        _ => None,
    }
}

/// The media type of a file that begins with `head`, such as `image/jpeg`; `None` if it is no picture that can be read.
pub fn media_type(head: &[u8], extension: Option<&str>) -> Option<&'static str> {
    match sniff(head, extension)? {
        Format::Jpeg => Some("image/jpeg"),
        Format::Other(format) => Some(format.to_mime_type()),
        Format::Heif("AVIF") => Some("image/avif"),
        Format::Heif(_) => Some("image/heic"),
        Format::Unsupported(_) => None,
    }
}

/// Whether a file is meant to be a picture: by its first bytes (16 are enough), or by its name.
pub fn looks_like_picture(path: &Path, head: &[u8]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let promised = |extension: &str| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension));
    extension.is_some_and(promised) || sniff(head, None).is_some()
}

/// What a file that is no picture seems to be, for the message.
pub(super) fn description(head: &[u8]) -> &'static str {
    let text = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace() || *b >= 0x80;
    match head {
        [] => "an empty file",
        _ if head.starts_with(b"\x89PNG") || head.starts_with(b"\xff\xd8") => {
            "only the beginning of a picture's signature"
        }
        _ if head.iter().take(64).all(text) => "text",
        _ => "unknown content",
    }
}
