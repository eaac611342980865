//! Decoding and resizing, against OpenCV's pixels and the awkward files.

use crate::data::{data, npy};
use alike::picture::{DecodeOptions, Limits, MemoryBudget, Picture, PictureError};
use alike::resize;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn lenient() -> DecodeOptions {
    DecodeOptions { lenient: true, ..DecodeOptions::default() }
}

fn png(width: u32, height: u32, color: image::ExtendedColorType, samples: &[u8]) -> Vec<u8> {
    use image::ImageEncoder;
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes).write_image(samples, width, height, color).unwrap();
    bytes
}

/// Bytes that differ, the same every time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    std::iter::repeat_with({
        let mut state = 7;
        move || next(&mut state).unwrap()
    })
    .take(len)
    .collect()
}

/// Mean difference of two pictures of equal size, in levels.
pub(crate) fn distance(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// The photos are of one scene, each with its own number drawn into it.
#[test]
fn orientations_turn_the_same_photo_upright() {
    let Some(dir) = data("orientations", "odd/exif") else { return };
    let open = |n: u8| Picture::open(&dir.join(format!("Landscape_{n}.jpg")), &DecodeOptions::default()).unwrap();
    let small = |n| resize::pillow(&open(n), 60, 45, resize::Filter::Bilinear);
    let upright = small(1);
    let mirrored: Vec<u8> =
        upright.rgb().chunks_exact(180).flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
    let wrong = distance(&mirrored, upright.rgb());
    for n in [2, 3, 4, 6, 8] {
        let turned = distance(small(n).rgb(), upright.rgb());
        assert!(turned < wrong / 2.0, "orientation {n}: {turned:.1} levels away, mirrored it would be {wrong:.1}");
    }
}

/// Each awkward file, and what becomes of it: `HxW` as `cv2.imread` sees it, or the beginning of the refusal.
const HEIF: bool = cfg!(feature = "heif");
const ODD: &[(&str, &str)] = &[
    ("README.md", "not a picture: got text"),
    ("avif/sdr_cosmos.avif", if HEIF { "858x2048" } else { "AVIF pictures are not supported by this build" }),
    ("bmp/pal8rle.bmp", "64x127"),
    ("bmp/rgb24.bmp", "64x127"),
    ("bmp/rgba32.bmp", "64x127"),
    ("exif/Landscape_1.jpg", "450x600"),
    ("exif/Landscape_2.jpg", "450x600"),
    ("exif/Landscape_3.jpg", "450x600"),
    ("exif/Landscape_4.jpg", "450x600"),
    ("exif/Landscape_6.jpg", "450x600"),
    ("exif/Landscape_8.jpg", "450x600"),
    ("exif/Landscape_9_invalid.jpg", "369x480"),
    ("exif/Portrait_1.jpg", "600x450"),
    ("exif/Portrait_8.jpg", "600x450"),
    ("exif/portrait_2_small.jpg", "150x113"),
    ("gif/Crash_test.gif", "533x800"),
    ("gif/animated.gif", "80x80"),
    ("gif/bee_animated.gif", "133x200"),
    ("gif/oob.gif", "32x32"),
    ("heic/bee.heic", if HEIF { "256x384" } else { "HEIC pictures are not supported by this build" }),
    ("jpeg/cmyk.jpg", "333x500"),
    ("jpeg/cmyk_no_profile.jpg", "333x500"),
    ("jpeg/corrupt-header.jpg", "damaged: "),
    ("jpeg/ext_bmp_is_jpeg.bmp", "480x640"),
    ("jpeg/ext_png_is_jpeg.png", "480x640"),
    ("jpeg/gain-map.jpg", "2160x3840"),
    ("jpeg/progressive_3.jpg", "470x650"),
    ("jpeg/progressive_cat.jpg", "240x320"),
    ("jpeg/rgb_pdq.jpg", "1004x1600"),
    ("jpeg/truncated.jpg", "damaged: "),
    ("jpeg/ukbench09268_corrupt.jpg", "not a picture: got unknown content"),
    ("made/1x1.png", "1x1"),
    ("made/1x2000.png", "2000x1"),
    ("made/bomb-header-100000x100000.png", "100000 x 100000 pixels, more than the limit"),
    ("made/bomb-valid-8000x8000-black.png", "8000x8000"),
    ("made/gray_1channel.jpg", "164x200"),
    ("made/jpeg-soi-only.jpg", "damaged: "),
    ("made/jpeg_named.png", "164x200"),
    ("made/no_extension", "164x200"),
    ("made/png-signature-only.png", "damaged: "),
    ("made/text.jpg", "not a picture: got text"),
    ("made/zero-byte.jpg", "not a picture: got an empty file"),
    ("made/zero-byte.png", "not a picture: got an empty file"),
    ("made/日本語 名前 🐉.jpg", "164x200"),
    ("other/duck.jp2", "256x384"),
    ("other/not-an-image.txt", "not a picture: got text"),
    ("other/relax.jp2", "JPEG 2000 pictures are not supported"),
    ("photos/bee.jpg", "256x384"),
    ("photos/cat.jpg", "256x384"),
    ("photos/chessboard with rocks.JPG", "256x384"),
    ("png/16bit_grey_alpha.png", "96x109"),
    ("png/16bit_rgb.png", "600x900"),
    ("png/16bpc_basi0g16.png", "32x32"),
    ("png/2x2.png", "2x2"),
    ("png/apng_ball.png", "100x100"),
    ("png/bilevel_1.png", "1004x1600"),
    ("png/full-transparent.png", "300x300"),
    ("png/grey_L.png", "1004x1600"),
    ("png/grey_alpha_LA.png", "1004x1600"),
    ("png/palette_P.png", "1004x1600"),
    ("png/tp1n3p08.png", "32x32"),
    ("tiff/8bit_depth.tiff", "21x21"),
    ("tiff/rgb-3c-16b.tiff", "151x157"),
    ("tiff/rgb32f_color.tiff", "32x32"),
    ("webp/4.webp", "772x1024"),
    ("webp/5_webp_a.webp", "300x300"),
    ("webp/anim.webp", "200x200"),
    ("webp/simple-gray.webp", "100x100"),
    ("webp/tree.webp", "256x171"),
];

#[test]
fn every_awkward_file_decodes_or_is_refused_with_its_reason() {
    let Some(dir) = data("every_awkward_file", "odd") else { return };
    let files = alike::gallery::walk(&dir, false).unwrap().files;
    let mut found: Vec<_> = files.iter().map(|f| f.path.strip_prefix(&dir).unwrap().to_str().unwrap()).collect();
    found.sort_unstable();
    let listed: Vec<_> = ODD.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, listed, "a file without an expectation, or the other way round");
    for (name, expected) in ODD {
        let got = match Picture::open(&dir.join(name), &DecodeOptions::default()) {
            Ok(picture) => format!("{}x{}", picture.height(), picture.width()),
            Err(error) => error.to_string(),
        };
        assert!(got.starts_with(expected), "{name}: wanted {expected}, got {got}");
    }
}

#[test]
fn a_damaged_picture_is_kept_in_part_only_if_that_is_wanted() {
    let Some(file) = data("a_damaged_picture", "odd/jpeg/truncated.jpg") else { return };
    let picture = Picture::open(&file, &lenient()).unwrap();
    assert!(picture.is_partial());
    assert_eq!((picture.width(), picture.height()), (2725, 2225));
    let (top, bottom) = picture.rgb().split_at(picture.rgb().len() / 2);
    assert!(top.iter().any(|&v| v != 128));
    assert!(bottom.iter().rev().take(1000).all(|&v| v == 128), "what didn't decode is grey");
}

/// Alpha is composited on white here and dropped there, so these files are not compared.
const COMPOSITED: [&str; 3] = ["odd/png/16bit_grey_alpha.png", "odd/gif/animated.gif", "odd/webp/5_webp_a.webp"];

/// Bit by bit, whatever the format: photographs and CMYK as JPEG, lossy WebP, and all that is lossless.
#[test]
fn pixels_equal_those_of_opencv() {
    let Some(reference) = data("pixels_equal", "reference_resized_rgb_u8.npy") else { return };
    let dir = reference.parent().unwrap();
    let (shape, pixels) = npy(&reference);
    assert_eq!(shape, [29, 227, 227, 3]);
    let table = fs_err::read_to_string(dir.join("reference_resized_rgb_u8.txt")).unwrap();
    for (line, expected) in table.lines().skip(1).zip(pixels.chunks_exact(227 * 227 * 3)) {
        let name = line.split('\t').nth(1).unwrap();
        if COMPOSITED.contains(&name) {
            continue;
        }
        let picture = Picture::open(&dir.join(name), &DecodeOptions::default()).unwrap();
        let resized = resize::opencv_bilinear(&picture, 227, 227);
        let largest = resized.rgb().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert_eq!(largest, 0, "{name}: differs by {largest} levels");
    }
}

#[test]
fn limits_are_checked_before_anything_is_decoded() {
    let bytes = png(300, 200, image::ExtendedColorType::Rgb8, &[9; 300 * 200 * 3]);
    let with =
        |max_pixels, max_bytes| DecodeOptions { limits: Limits { max_pixels, max_bytes }, ..DecodeOptions::default() };
    let decode = |options: &DecodeOptions| Picture::decode(&bytes, None, options);
    assert!(decode(&with(60_000, 180_000)).is_ok());
    assert!(matches!(decode(&with(59_999, 180_000)), Err(PictureError::TooManyPixels { width: 300, height: 200, .. })));
    assert!(matches!(decode(&with(60_000, 179_999)), Err(PictureError::TooMuchMemory { .. })));
}

#[test]
fn alpha_is_composited_on_white() {
    let bytes = png(2, 1, image::ExtendedColorType::Rgba8, &[10, 20, 30, 0, 10, 20, 30, 128]);
    let picture = Picture::decode(&bytes, None, &DecodeOptions::default()).unwrap();
    assert_eq!(picture.rgb(), [255, 255, 255, 132, 137, 142]);
}

#[test]
fn a_tga_is_told_by_its_name_alone() {
    let mut tga = vec![0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0x20];
    tga.extend([3, 2, 1]);
    let decode = |extension| Picture::decode(&tga, extension, &DecodeOptions::default());
    assert_eq!(decode(Some("TGA")).unwrap().rgb(), [1, 2, 3]);
    assert!(decode(Some("jpg")).unwrap_err().is_no_picture());
}

#[test]
fn workers_share_their_memory() {
    let bytes = png(100, 100, image::ExtendedColorType::Rgb8, &noise(30_000));
    let budget = Some(Arc::new(MemoryBudget::new(1000))); // less than one picture: each has to be alone
    let options = DecodeOptions { budget, ..DecodeOptions::default() };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..20).for_each(|_| assert!(Picture::decode(&bytes, None, &options).is_ok())));
        }
    });
}

/// Cut short or with bits flipped, a file gives a picture of lawful size or an error, never a panic.
#[test]
fn broken_files_never_end_the_process() {
    let mut samples: Vec<Vec<u8>> = vec![png(20, 10, image::ExtendedColorType::Rgb8, &noise(600))];
    if let Some(dir) = data("broken_files (real ones)", "odd") {
        let small = [
            "gif/oob.gif",
            "bmp/rgb24.bmp",
            "tiff/8bit_depth.tiff",
            "webp/simple-gray.webp",
            "made/no_extension",
            "jpeg/progressive_cat.jpg",
        ];
        samples.extend(small.iter().map(|name| fs_err::read(dir.join(name)).unwrap()));
    }
    let limits = Limits { max_pixels: 1_000_000, max_bytes: 1 << 24 };
    let random = noise(4000);
    for sample in &samples {
        for (step, chunk) in random.chunks_exact(4).take(200).enumerate() {
            let mut bytes = sample.clone();
            let at = usize::from(chunk[0]) << 8 | usize::from(chunk[1]);
            match step % 3 {
                0 => bytes.truncate(at % sample.len()),
                _ => bytes[at % sample.len()] ^= 1 << (chunk[2] % 8),
            }
            let options = DecodeOptions { limits, lenient: step % 2 == 0, budget: None };
            if let Ok(picture) = Picture::decode(&bytes, Some("tga"), &options) {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= 1_000_000);
            }
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Picture::open(Path::new("/nowhere/cat.jpg"), &DecodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/cat.jpg"), "{error}");
}

/// A chunk of a PNG: length, name, content, checksum.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for &byte in name.iter().chain(content) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    [&(content.len() as u32).to_be_bytes()[..], name, content, &(!crc).to_be_bytes()].concat()
}

/// Exif says how a PNG is to be turned, as it does for JPEG; a value outside 1..=8 says nothing.
#[test]
fn a_png_is_turned_by_its_exif_chunk() {
    let plain = png(2, 1, image::ExtendedColorType::Rgb8, &[1, 2, 3, 4, 5, 6]);
    let turned = |orientation: u8| {
        let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0, 0, 0, 0, 0][..]].concat();
        let after_header = 8 + 25;
        let bytes = [&plain[..after_header], &chunk(b"eXIf", &exif), &plain[after_header..]].concat();
        let picture = Picture::decode(&bytes, None, &DecodeOptions::default()).unwrap();
        (picture.width(), picture.rgb().to_vec())
    };
    assert_eq!(turned(2), (2, vec![4, 5, 6, 1, 2, 3]));
    assert_eq!(turned(6), (1, vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(turned(8), (1, vec![4, 5, 6, 1, 2, 3]));
    assert_eq!(turned(9), (2, vec![1, 2, 3, 4, 5, 6]));
}

#[test]
fn sixteen_bits_keep_their_upper_eight() {
    let samples: Vec<u8> = [0x12ff_u16, 0x8000, 0xfe80].into_iter().flat_map(u16::to_ne_bytes).collect();
    let bytes = png(1, 1, image::ExtendedColorType::Rgb16, &samples);
    let picture = Picture::decode(&bytes, None, &DecodeOptions::default()).unwrap();
    assert_eq!(picture.rgb(), [0x12, 0x80, 0xfe]);
}

#[test]
fn a_file_larger_than_the_memory_limit_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.png");
    fs_err::File::create(&path).unwrap().set_len(1 << 40).unwrap(); // sparse
    let error = Picture::open(&path, &DecodeOptions::default()).unwrap_err();
    assert!(matches!(error, PictureError::TooMuchMemory { bytes, .. } if bytes == 1 << 40), "{error}");
}

/// The frame of a GIF may claim more than its canvas.
#[test]
fn a_gif_with_a_huge_frame_on_a_small_canvas_is_refused() {
    let bytes = b"GIF89a\x04\0\x04\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;";
    assert!(Picture::decode(bytes, None, &DecodeOptions::default()).is_err());
}

/// AVIF and HEIC, in builds that have libheif.
#[cfg(feature = "heif")]
mod heif {
    use super::*;

    const RED: [u8; 3] = [200, 0, 0];
    const GREEN: [u8; 3] = [0, 160, 0];
    const BLUE: [u8; 3] = [0, 0, 200];
    const WHITE: [u8; 3] = [255, 255, 255];

    /// Compares the colours of the quarters: upper left and right, lower left and right. The codec is lossy.
    #[track_caller]
    fn check_quarters(bytes: &[u8], (width, height): (u32, u32), expected: [[u8; 3]; 4]) {
        let picture = Picture::decode(bytes, None, &DecodeOptions::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (width, height));
        let at = |x: u32, y: u32| &picture.rgb()[((y * width + x) * 3) as usize..][..3];
        let (left, right, upper, lower) = (width / 4, width * 3 / 4, height / 4, height * 3 / 4);
        for ((x, y), color) in [(left, upper), (right, upper), (left, lower), (right, lower)].into_iter().zip(expected)
        {
            assert!(distance(at(x, y), &color) < 4.0, "at {x}, {y}: got {:?}, wanted {color:?}", at(x, y));
        }
    }

    /// By boxes of the file: `irot`, `imir`, and their order.
    #[test]
    fn pictures_are_turned_upright() {
        let rotated = include_bytes!("fixtures/orientation_6.avif");
        check_quarters(rotated, (16, 32), [BLUE, RED, WHITE, GREEN]);
        let transposed = include_bytes!("fixtures/orientation_5.avif");
        check_quarters(transposed, (16, 32), [RED, BLUE, GREEN, WHITE]);
    }

    #[test]
    fn alpha_is_composited_on_white() {
        let pale = |color: [u8; 3]| color.map(|c| 127 + c / 2);
        let bytes = include_bytes!("fixtures/half_transparent.avif");
        check_quarters(bytes, (32, 16), [RED, GREEN, BLUE, WHITE].map(pale));
    }

    #[test]
    fn a_photo_is_the_same_as_heic_and_as_jpeg() {
        let Some(dir) = data("a_photo_is_the_same", "odd") else { return };
        let open = |name| Picture::open(&dir.join(name), &DecodeOptions::default()).unwrap();
        let (heic, jpeg) = (open("heic/bee.heic"), open("photos/bee.jpg"));
        let away = distance(heic.rgb(), jpeg.rgb());
        assert!(away < 8.0, "{away:.2} levels");
    }

    #[test]
    fn limits_are_checked_by_the_header() {
        let bytes = include_bytes!("fixtures/orientation_6.avif");
        let limits = Limits { max_pixels: 511, ..Limits::default() };
        let error = Picture::decode(bytes, None, &DecodeOptions { limits, ..DecodeOptions::default() }).unwrap_err();
        assert!(matches!(error, PictureError::TooManyPixels { width: 16, height: 32, max_pixels: 511 }), "{error}");
    }

    #[test]
    fn a_broken_file_gives_a_picture_or_an_error() {
        let whole = include_bytes!("fixtures/orientation_6.avif");
        let limits = Limits { max_pixels: 1_000_000, max_bytes: 1 << 24 };
        let random = noise(3000);
        let flipped = random.chunks_exact(3).map(|random| {
            let mut bytes = whole.to_vec();
            let at = (usize::from(random[0]) << 8 | usize::from(random[1])) % bytes.len();
            bytes[at] ^= 1 << (random[2] % 8);
            bytes
        });
        for bytes in (12..whole.len()).map(|length| whole[..length].to_vec()).chain(flipped) {
            if let Ok(picture) = Picture::decode(&bytes, None, &DecodeOptions { limits, ..DecodeOptions::default() }) {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= 1_000_000);
            }
        }
    }
}
