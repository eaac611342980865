//! libjpeg made safe: the one place that talks with the C library. Its errors and warnings unwind, without a word on
//! stderr, from the callback that hears of them to [`Decompressor::guard`], through C code that is compiled for it.

#![allow(unsafe_code, reason = "bindings of a C library; each block says why it is sound")]

use mozjpeg_sys as ffi;
use std::ffi::{c_char, c_int, c_ulong};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Scans that a picture may have. An honest one has a dozen; each takes time for the whole picture, however few bytes
/// it has.
const MAX_SCANS: c_int = 500;

/// `JMSG_LENGTH_MAX` of `jpeglib.h`.
const MESSAGE_BYTES: usize = 200;

const APP1: c_int = ffi::jpeg_marker::APP0 as c_int + 1;

/// Why libjpeg would not go on.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// The file may be whole; this library can't read it.
    pub(super) unsupported: bool,
}

/// What to do about data that can't be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDamage {
    Refuse,
    /// Go on as well as possible, and tell of it in [`Decompressor::damage`].
    Remember,
}

/// What the header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Cyan, magenta, yellow and black, as they are stored; otherwise rows are RGB.
    pub(super) cmyk: bool,
    /// What libjpeg will hold, in bytes, beside the rows it hands out.
    pub(super) held_bytes: u64,
}

/// A picture being decoded. After a refusal, nothing more can be had from it.
pub(super) struct Decompressor<'a> {
    /// Allocated by `Box`, at an address that stays: libjpeg keeps pointers into it.
    state: *mut State,
    /// libjpeg reads the bytes as it goes.
    bytes: PhantomData<&'a [u8]>,
    refused: Option<Refusal>,
}

struct State {
    info: ffi::jpeg_decompress_struct,
    errors: ffi::jpeg_error_mgr,
    progress: ffi::jpeg_progress_mgr,
    report: Report,
}

/// What the callbacks need, by way of `client_data`.
struct Report {
    on_damage: OnDamage,
    damage: Option<Refusal>,
    /// The struct at work, as a pointer to all of it: callbacks are handed a reference to its beginning alone.
    info: *const ffi::jpeg_decompress_struct,
}

impl<'a> Decompressor<'a> {
    /// Reads the header. Nothing is allocated by the size that it claims.
    pub(super) fn open(bytes: &'a [u8], on_damage: OnDamage) -> Result<Self, Refusal> {
        // SAFETY: these are structs of C, where all zeros are integers, absent functions and null pointers, and for
        // their enums the first value.
        let (info, errors, progress) = unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let report = Report { on_damage, damage: None, info: std::ptr::null() };
        let state = Box::into_raw(Box::new(State { info, errors, progress, report }));
        // SAFETY: `state` was just allocated; its fields are set up as libjpeg wants them before it sees them.
        unsafe {
            ffi::jpeg_std_error(&mut (*state).errors);
            (*state).errors.error_exit = Some(on_error);
            (*state).errors.emit_message = Some(on_message);
            (*state).progress.progress_monitor = Some(on_progress);
            (*state).info.common.err = &raw mut (*state).errors;
            (*state).info.common.client_data = (&raw mut (*state).report).cast();
            (*state).report.info = &raw const (*state).info;
        }
        let mut decompressor = Self { state, bytes: PhantomData, refused: None };
        // SAFETY: as above; it lives as long as `decompressor`.
        let progress = unsafe { &raw mut (*state).progress };
        decompressor.guard(|info| {
            // SAFETY: called in the order that libjpeg.txt gives; `bytes` outlives the decompressor ('a).
            unsafe {
                ffi::jpeg_create_decompress(info); // keeps `err` and `client_data`
                info.common.progress = progress;
                ffi::jpeg_mem_src(info, bytes.as_ptr(), bytes.len() as c_ulong);
                ffi::jpeg_save_markers(info, APP1, 0xffff);
                ffi::jpeg_read_header(info, 1);
            }
        })?;
        Ok(decompressor)
    }

    pub(super) fn header(&self) -> Header {
        let info = self.info();
        // SAFETY: only reads.
        let many_scans = unsafe { ffi::jpeg_has_multiple_scans(info) } != 0;
        Header {
            width: info.image_width,
            height: info.image_height,
            cmyk: info.num_components == 4,
            held_bytes: held_bytes(info, self.components(), many_scans),
        }
    }

    /// The first Exif block, from its TIFF header on.
    pub(super) fn exif(&self) -> Option<&[u8]> {
        let mut next = self.info().marker_list;
        // SAFETY: the list and its data are libjpeg's; it frees them when it is destroyed, after the borrow of `self`.
        while let Some(marker) = unsafe { next.as_ref() } {
            // SAFETY: as above; it kept that many bytes there.
            let data = unsafe { std::slice::from_raw_parts(marker.data, marker.data_length as usize) };
            if let Some(exif) = data.strip_prefix(b"Exif\0\0") {
                return Some(exif);
            }
            next = marker.next;
        }
        None
    }

    /// What was wrong with the data so far, if it was to be remembered.
    pub(super) fn damage(&self) -> Option<&Refusal> {
        // SAFETY: only callbacks change it, and none is running while `self` is borrowed here.
        unsafe { (*self.state).report.damage.as_ref() }
    }

    /// Makes ready to read rows. Takes the memory that the header told of.
    pub(super) fn start(&mut self) -> Result<(), Refusal> {
        let cmyk = self.header().cmyk;
        self.guard(|info| {
            info.out_color_space = if cmyk { ffi::JCS_CMYK } else { ffi::JCS_RGB };
            // SAFETY: the header has been read.
            unsafe { ffi::jpeg_start_decompress(info) };
        })
    }

    /// The next row: 3 or 4 bytes a pixel.
    pub(super) fn read_row(&mut self, row: &mut [u8]) -> Result<(), Refusal> {
        let info = self.info();
        assert_eq!(row.len(), info.output_width as usize * info.output_components as usize, "started, and fits");
        let mut start = row.as_mut_ptr();
        self.guard(|info| {
            // SAFETY: one row is asked for, and `row` has its length.
            unsafe { ffi::jpeg_read_scanlines(info, &raw mut start, 1) };
        })
    }

    /// Reads on to the end of the image, behind the last row.
    pub(super) fn finish(&mut self) -> Result<(), Refusal> {
        self.guard(|info| {
            // SAFETY: all rows have been read, or libjpeg refuses.
            unsafe { ffi::jpeg_finish_decompress(info) };
        })
    }

    fn info(&self) -> &ffi::jpeg_decompress_struct {
        // SAFETY: allocated in `open`, freed on drop; libjpeg writes to it only while `guard` borrows `self` mutably.
        unsafe { &(*self.state).info }
    }

    fn components(&self) -> &[ffi::jpeg_component_info] {
        let info = self.info();
        if info.comp_info.is_null() {
            return &[];
        }
        // SAFETY: libjpeg allocated that many, and frees them when it is destroyed.
        unsafe { std::slice::from_raw_parts(info.comp_info, info.num_components as usize) }
    }

    /// Every call into libjpeg that may fail. After a failure it is in no state to be called again but to be destroyed.
    fn guard<T>(&mut self, call: impl FnOnce(&mut ffi::jpeg_decompress_struct) -> T) -> Result<T, Refusal> {
        if let Some(refusal) = &self.refused {
            return Err(refusal.clone());
        }
        // SAFETY: allocated in `open`, freed on drop, borrowed mutably through `self`.
        let info = unsafe { &mut (*self.state).info };
        catch_unwind(AssertUnwindSafe(|| call(info))).map_err(|payload| match payload.downcast::<Refusal>() {
            Ok(refusal) => self.refused.insert(*refusal).clone(),
            Err(bug) => resume_unwind(bug),
        })
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        // SAFETY: libjpeg may be destroyed in any state, also before it was created (all zeros); nobody uses `state`
        // afterwards.
        unsafe {
            ffi::jpeg_destroy_decompress(&mut (*self.state).info);
            drop(Box::from_raw(self.state));
        }
    }
}

/// All coefficients, 16 bits each, where the picture comes in more than one scan; and in any case some rows of blocks
/// on their way to pixels.
fn held_bytes(info: &ffi::jpeg_decompress_struct, components: &[ffi::jpeg_component_info], many_scans: bool) -> u64 {
    let plane = |component: &ffi::jpeg_component_info| {
        let (h, v) = (component.h_samp_factor.max(1) as u64, component.v_samp_factor.max(1) as u64);
        let blocks_across = u64::from(component.width_in_blocks).next_multiple_of(h);
        let blocks_down = u64::from(component.height_in_blocks).next_multiple_of(v);
        let coefficients = if many_scans { blocks_across * blocks_down * 64 * 2 } else { 0 };
        // Of samples: rows of blocks as they come, twice where upsampling looks at neighbours, and upsampled.
        let rows = blocks_across * 8 * v * 8 * 2 + u64::from(info.image_width) * info.max_v_samp_factor.max(1) as u64;
        coefficients + rows
    };
    components.iter().map(plane).sum()
}

/// What libjpeg says of its last message.
fn refusal(common: &mut ffi::jpeg_common_struct) -> Refusal {
    type Format = unsafe extern "C-unwind" fn(*mut ffi::jpeg_common_struct, *mut c_char);
    let mut text = [0_u8; MESSAGE_BYTES];
    // SAFETY: `err` was set in `open`. The function is `format_message` of jerror.c, which writes at most
    // `JMSG_LENGTH_MAX` bytes, the last of them zero; its type in the bindings is too short and not mutable, as they say.
    let code = unsafe {
        if let Some(format) = (*common.err).format_message {
            #[allow(clippy::missing_transmute_annotations, reason = "the type is named on the left")]
            let format: Format = std::mem::transmute(format);
            format(common, text.as_mut_ptr().cast());
        }
        (*common.err).msg_code
    };
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let reason = lower_case(&String::from_utf8_lossy(text));
    let unsupported = [
        ffi::JERR_ARITH_NOTIMPL,
        ffi::JERR_BAD_PRECISION,
        ffi::JERR_CCIR601_NOTIMPL,
        ffi::JERR_COMPONENT_COUNT,
        ffi::JERR_CONVERSION_NOTIMPL,
        ffi::JERR_FRACT_SAMPLE_NOTIMPL,
        ffi::JERR_IMAGE_TOO_BIG,
        ffi::JERR_NOTIMPL,
        ffi::JERR_NOT_COMPILED,
        ffi::JERR_SOF_UNSUPPORTED,
    ];
    Refusal { reason, unsupported: unsupported.contains(&code) }
}

/// As part of a sentence: its prefix says no more than `damaged` does, and its stop comes later.
fn lower_case(message: &str) -> String {
    let text = message.strip_prefix("Corrupt JPEG data: ").unwrap_or(message).trim_end_matches('.');
    match text.as_bytes() {
        [first, second, ..] if first.is_ascii_uppercase() && !second.is_ascii_uppercase() => {
            text[..1].to_ascii_lowercase() + &text[1..]
        }
        _ => text.to_owned(), // begins with an abbreviation
    }
}

/// An error that libjpeg can't go on from; it may not return.
extern "C-unwind" fn on_error(common: &mut ffi::jpeg_common_struct) {
    let refusal = refusal(common);
    resume_unwind(Box::new(refusal)) // unlike a panic it calls no hook, which would print
}

/// A warning (level -1), or news for who traces.
extern "C-unwind" fn on_message(common: &mut ffi::jpeg_common_struct, level: c_int) {
    // Oddities of a header that cost no pixel.
    const HARMLESS: [c_int; 3] = [ffi::JWRN_ADOBE_XFORM, ffi::JWRN_JFIF_MAJOR, ffi::JWRN_NOT_SEQUENTIAL];
    // SAFETY: `err` was set in `open`.
    if level >= 0 || HARMLESS.contains(&unsafe { (*common.err).msg_code }) {
        return;
    }
    // SAFETY: `client_data` was set in `open`, and only callbacks use it while libjpeg runs.
    let report = unsafe { &mut *common.client_data.cast::<Report>() };
    if report.on_damage == OnDamage::Refuse {
        resume_unwind(Box::new(refusal(common)));
    }
    if report.damage.is_none() {
        report.damage = Some(refusal(common));
    }
}

/// Called for each row of blocks of each scan.
extern "C-unwind" fn on_progress(common: &mut ffi::jpeg_common_struct) {
    // SAFETY: both were set in `open`, and live as long as libjpeg runs.
    let scan = unsafe { (*(*common.client_data.cast::<Report>()).info).input_scan_number };
    if scan > MAX_SCANS {
        let reason = format!("more than {MAX_SCANS} scans");
        resume_unwind(Box::new(Refusal { reason, unsupported: false }));
    }
}
