//! Decoding JPEGs: OpenCV's pixels at every reduction, limits, and what becomes of damaged ones.

use crate::data::data;
use crate::pictures::{distance, lenient, noise};
use alike::picture::{DecodeOptions, Limits, Picture, PictureError};
use alike::resize;
use sha2::{Digest, Sha256};
use std::path::Path;

fn fixture(name: &str) -> Vec<u8> {
    fs_err::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/jpeg").join(name)).unwrap()
}

fn at_least(bytes: &[u8], least: Option<u32>) -> Picture {
    Picture::decode_at_least(bytes, None, least, &DecodeOptions::default()).unwrap()
}

/// The size in the file, divided and rounded up.
#[track_caller]
fn check_size(picture: &Picture) {
    let (width, height) = picture.full_size();
    let reduction = picture.reduction();
    assert_eq!((picture.width(), picture.height()), (width.div_ceil(reduction), height.div_ceil(reduction)));
    assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
}

/// Bit by bit, whole and reduced: `training/jpeg_fixtures.py`.
#[test]
fn reduced_pixels_equal_those_of_opencv() {
    let photos = data("reduced_pixels_equal (photos)", "");
    let mut seen = Vec::new();
    for line in include_str!("fixtures/jpeg.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [least, width, height, reduction] = [1, 2, 3, 4].map(|i: usize| fields[i].parse().unwrap());
        let bytes = match (fields[0].strip_prefix("jpeg/"), &photos) {
            (Some(name), _) => fixture(name),
            (None, Some(folder)) => fs_err::read(folder.join(fields[0])).unwrap(),
            (None, None) => continue,
        };
        let picture = at_least(&bytes, Some(least));
        check_size(&picture);
        assert_eq!((picture.width(), picture.height(), picture.reduction()), (width, height, reduction), "{line}");
        let digest: String = Sha256::digest(picture.rgb()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, fields[5], "{line}");
        seen.push(reduction);
    }
    assert!([1, 2, 4, 8].iter().all(|reduction| seen.contains(reduction)));
}

#[test]
fn the_shorter_side_decides_how_far_a_picture_is_reduced() {
    let bytes = fixture("422.jpg"); // 67 x 45
    for (least, reduction) in [(0, 8), (5, 8), (6, 4), (11, 4), (12, 2), (22, 2), (23, 1), (45, 1), (1000, 1)] {
        let picture = at_least(&bytes, Some(least));
        assert_eq!((picture.full_size(), picture.reduction()), ((67, 45), reduction), "at least {least}");
    }
    assert_eq!(at_least(&bytes, None).reduction(), 1);
}

#[test]
fn a_picture_serves_whoever_would_have_got_the_same() {
    let bytes = fixture("422.jpg");
    for least in [None, Some(5), Some(11), Some(22), Some(23)] {
        let picture = at_least(&bytes, least);
        for other in [None, Some(1), Some(5), Some(6), Some(22), Some(45), Some(1000)] {
            assert_eq!(picture.may_serve(other), picture == at_least(&bytes, other), "{least:?} and {other:?}");
        }
    }
    let drawn = Picture::from_rgb(64, 64, noise(64 * 64 * 3)).unwrap();
    assert!(drawn.may_serve(None) && drawn.may_serve(Some(8)), "it is all there is");
}

#[test]
fn a_resized_copy_is_its_own_full_size() {
    let reduced = at_least(&fixture("422.jpg"), Some(5));
    let copy = resize::pillow(&reduced, 20, 10, resize::Filter::Bilinear);
    assert_eq!((copy.full_size(), copy.reduction()), ((20, 10), 1));
}

/// Pixels are counted as in the file, memory as it is taken.
#[test]
fn a_reduced_picture_takes_less_memory_but_counts_in_full() {
    let bytes = fixture("422.jpg");
    let with = |max_pixels, max_bytes| {
        let options = DecodeOptions { limits: Limits { max_pixels, max_bytes }, ..DecodeOptions::default() };
        [None, Some(5)].map(|least| Picture::decode_at_least(&bytes, None, least, &options).map(|_| ()))
    };
    let [whole, reduced] = with(67 * 45 - 1, 1 << 20);
    assert!(matches!(whole, Err(PictureError::TooManyPixels { width: 67, height: 45, .. })));
    assert!(matches!(reduced, Err(PictureError::TooManyPixels { width: 67, height: 45, .. })));
    let [whole, reduced] = with(67 * 45, 67 * 45 * 3);
    assert!(matches!(whole, Err(PictureError::TooMuchMemory { .. })));
    assert!(reduced.is_ok());
}

#[test]
fn kinds_of_jpeg_that_nobody_reads_are_unsupported() {
    let bytes = fixture("422.jpg");
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let refused = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[frame + at] = value;
        Picture::decode(&bytes, None, &DecodeOptions::default()).unwrap_err().to_string()
    };
    assert!(refused(1, 0xc3).contains("lossless"));
    assert!(refused(1, 0xc6).contains("SOF type"), "differential");
    assert!(refused(4, 12).contains("12 bits"));
    assert!(refused(14, 0x41).contains("unusual sampling factors"));
}

/// Each scan of a progressive picture refines all of it.
#[test]
fn of_a_progressive_picture_the_scans_before_the_damage_are_kept() {
    let whole = fixture("422_progressive.jpg");
    let expected = at_least(&whole, None);
    let mut bytes = whole.clone();
    let last = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    bytes[last + 10..][..4].copy_from_slice(&[0xff, 0, 0xff, 0]); // ones alone are no code
    assert!(matches!(Picture::decode(&bytes, None, &DecodeOptions::default()), Err(PictureError::Damaged { .. })));
    let kept = Picture::decode(&bytes, None, &lenient()).unwrap();
    let away = distance(kept.rgb(), expected.rgb());
    assert!(kept.is_partial() && away > 0.0 && away < 12.0, "{away:.1} levels away");
}

/// Restart markers count from 0 to 7.
#[test]
fn a_restart_marker_out_of_turn_is_damage() {
    let mut bytes = fixture("420_restart.jpg");
    let second = bytes.windows(2).position(|pair| pair == [0xff, 0xd1]).unwrap();
    bytes[second + 1] = 0xd5;
    assert!(matches!(Picture::decode(&bytes, None, &DecodeOptions::default()), Err(PictureError::Damaged { .. })));
}

/// Each length of a small file, and many flipped bits.
#[test]
fn a_broken_jpeg_gives_a_picture_or_an_error() {
    let mut plain = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut plain);
    image::ImageEncoder::write_image(encoder, &noise(24 * 24 * 3), 24, 24, image::ExtendedColorType::Rgb8).unwrap();
    let limits = Limits { max_pixels: 1_000_000, max_bytes: 1 << 24 };
    let random = noise(4 * 4000);
    let flipped = random.chunks_exact(4).map(|random| {
        let mut bytes = plain.clone();
        let at = (usize::from(random[0]) << 8 | usize::from(random[1])) % bytes.len();
        bytes[at] = if random[2] % 4 == 0 { 0xff } else { bytes[at] ^ (1 << (random[3] % 8)) };
        bytes
    });
    for bytes in (3..plain.len()).map(|length| plain[..length].to_vec()).chain(flipped) {
        for lenient in [false, true] {
            let options = DecodeOptions { limits, lenient, budget: None };
            if let Ok(picture) = Picture::decode(&bytes, None, &options) {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= 1_000_000);
                assert!(lenient || !picture.is_partial());
            }
        }
    }
}

/// Wherever it breaks off, also between two blocks, and though its thumbnail is whole.
#[test]
fn a_jpeg_cut_short_is_damaged() {
    let mut plain = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut plain);
    image::ImageEncoder::write_image(encoder, &noise(32 * 32 * 3), 32, 32, image::ExtendedColorType::Rgb8).unwrap();
    let thumbnail = b"\xff\xe1\0\x0cExif\0\0\xff\xd8\xff\xd9";
    let whole = [&plain[..2], thumbnail, &plain[2..]].concat();
    assert!(Picture::decode(&whole, None, &DecodeOptions::default()).is_ok());
    for length in 3..whole.len() - 1 {
        let result = Picture::decode(&whole[..length], None, &DecodeOptions::default());
        assert!(matches!(result, Err(PictureError::Damaged { .. })), "cut to {length} of {} bytes", whole.len());
        // What is kept has the whole picture's size; before the first pixel there is nothing to keep.
        match Picture::decode(&whole[..length], None, &lenient()) {
            Ok(kept) => assert!(kept.is_partial() && (kept.width(), kept.height()) == (32, 32)),
            Err(error) => assert!(matches!(error, PictureError::Damaged { .. }), "{error}"),
        }
    }
}

/// `jpegtran -arithmetic` made the one of the other, without a change to any coefficient.
#[test]
fn arithmetic_coding_is_only_another_way_to_write_the_same() {
    let decode = |bytes: &[u8]| Picture::decode(bytes, None, &DecodeOptions::default()).unwrap();
    let [huffman, arithmetic] =
        [&include_bytes!("fixtures/huffman.jpg")[..], include_bytes!("fixtures/arithmetic.jpg")];
    assert_ne!(huffman, arithmetic);
    assert_eq!(decode(huffman), decode(arithmetic));
}

/// A JPEG that claims this size, with one scan of one component and no data to speak of.
fn jpeg_header(frame: u8, width: u16, height: u16) -> Vec<u8> {
    let tables = [b"\xff\xd8\xff\xdb\0\x43\0", &[1; 64][..]].concat();
    let [[w1, w0], [h1, h0]] = [width.to_be_bytes(), height.to_be_bytes()];
    let frame = [0xff, frame, 0, 17, 8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
    [&tables, &frame[..], b"\xff\xda\0\x08\x01\x01\0\0\0\0\xff\xd9"].concat()
}

/// Whether sequential or progressive, whose coefficients take 16 bits each until the last scan.
#[test]
fn a_jpeg_is_refused_by_its_header_before_memory_is_taken() {
    const BASELINE: u8 = 0xc0;
    const PROGRESSIVE: u8 = 0xc2;
    let decode = |bytes: &[u8], max_bytes| {
        let limits = Limits { max_bytes, ..Limits::default() };
        Picture::decode(bytes, None, &DecodeOptions { limits, ..DecodeOptions::default() }).unwrap_err()
    };
    for frame in [BASELINE, PROGRESSIVE] {
        let error = decode(&jpeg_header(frame, 65_000, 65_000), u64::MAX);
        assert!(matches!(error, PictureError::TooManyPixels { width: 65_000, height: 65_000, .. }), "{error}");
    }
    // 3 bytes a pixel for coefficients, 2 for each of luma and twice a quarter of chroma, and half of that for samples.
    let error = decode(&jpeg_header(PROGRESSIVE, 8000, 8000), 64_000_000 * 9 / 2);
    assert!(matches!(error, PictureError::TooMuchMemory { bytes, .. } if bytes >= 64_000_000 * 9 / 2), "{error}");
    let error = decode(&jpeg_header(BASELINE, 65_535, 1), u64::MAX);
    assert!(matches!(error, PictureError::Unsupported { .. }), "{error}");
}

/// Each scan takes time for the whole picture, however few bytes it has.
#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    let mut plain = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut plain);
    image::ImageEncoder::write_image(encoder, &noise(64), 8, 8, image::ExtendedColorType::L8).unwrap();
    let find = |marker: u8| plain.windows(2).position(|pair| pair == [0xff, marker]).unwrap();
    let (frame, scan) = (find(0xc0), find(0xda));
    // As progressive, with the first scan for DC and all others for the same AC coefficient.
    let mut bytes = plain[..scan].to_vec();
    bytes[frame + 1] = 0xc2;
    bytes.extend(b"\xff\xda\0\x08\x01\x01\0\0\0\0\0");
    for _ in 0..2000 {
        bytes.extend(b"\xff\xda\0\x08\x01\x01\0\x01\x01\0\0");
    }
    bytes.extend(b"\xff\xd9");
    let error = Picture::decode(&bytes, None, &lenient()).unwrap_err();
    assert!(error.to_string().contains("scans"), "{error}");
}

/// Bits flipped, bytes changed or the end cut off, in photographs of several kinds.
#[test]
fn a_broken_photo_gives_a_picture_of_the_promised_size_or_an_error() {
    let Some(dir) = data("a_broken_photo", "odd") else { return };
    let names = ["photos/bee.jpg", "jpeg/progressive_cat.jpg", "jpeg/cmyk.jpg", "made/gray_1channel.jpg"];
    let mut samples = names.map(|name| fs_err::read(dir.join(name)).unwrap()).to_vec();
    samples.extend(["420_restart.jpg", "arithmetic_progressive.jpg", "scans.jpg"].map(fixture));
    let limits = Limits { max_pixels: 1_000_000, max_bytes: 1 << 26 };
    for (step, random) in noise(4 * 350).chunks_exact(4).enumerate() {
        let mut bytes = samples[step % samples.len()].clone();
        let place = usize::from(random[0]) << 8 | usize::from(random[1]);
        // Headers are short, and where most can go wrong.
        let at = if step % 2 == 0 { place % 700 } else { (place * bytes.len()) >> 16 };
        match random[2] % 4 {
            0 => bytes.truncate(at),
            1 => bytes[at] = 0xff,
            _ => bytes[at] ^= 1 << (random[3] % 8),
        }
        for (lenient, least) in [(false, None), (true, None), (false, Some(30)), (true, Some(30))] {
            let options = DecodeOptions { limits, lenient, budget: None };
            if let Ok(picture) = Picture::decode_at_least(&bytes, None, least, &options) {
                check_size(&picture);
                assert!(picture.may_serve(least) && (lenient || !picture.is_partial()));
            }
        }
    }
}
