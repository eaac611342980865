//! Words in pictures: `DejaVu` Sans, the system's fonts for what it lacks, and never a box for a missing glyph.

use ab_glyph::{Font, FontRef, FontVec, Glyph, PxScale, ScaleFont, point};
use alike::store::Label;
use fontdb::{Database, FaceInfo, ID, Style};
use image::{Rgb, RgbImage};
use std::cell::{Ref, RefCell};
use std::collections::BTreeSet;

/// Families that hold Chinese, Japanese and Korean, the good ones first.
const CJK_FAMILIES: [&str; 14] = [
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "Hiragino Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Droid Sans Fallback",
    "AR PL UMing CN",
];

/// Fonts of the system that are looked into for a character before it is given up.
const MOST_FACES: usize = 64;

/// Draws text. Looks for system fonts only once a character needs one.
pub(super) struct Lettering {
    base: FontRef<'static>,
    system: RefCell<SystemFonts>,
}

/// What is known of the system's fonts: nothing until a character asks.
struct SystemFonts {
    find: fn() -> Database,
    /// The fonts there are, and the order in which to look into them.
    found: Option<(Database, Vec<ID>)>,
    /// Those that were needed.
    fonts: Vec<FontVec>,
    missing: BTreeSet<char>,
}

/// Where and how a line of text is drawn.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) left: f32,
    pub(super) top: f32,
    /// Height of the letters from ascent to descent, in pixels.
    pub(super) size: f32,
    pub(super) color: Rgb<u8>,
}

impl Lettering {
    /// With the fonts of this system.
    pub(super) fn new() -> Self {
        Self::with(dejavu::sans::regular(), || {
            let mut fonts = Database::new();
            fonts.load_system_fonts();
            fonts
        })
    }

    fn with(base: &'static [u8], find_fonts: fn() -> Database) -> Self {
        let base = FontRef::try_from_slice(base).expect("the embedded font is whole");
        let system = SystemFonts { find: find_fonts, found: None, fonts: Vec::new(), missing: BTreeSet::new() };
        Self { base, system: RefCell::new(system) }
    }

    /// What to call a class: its name if there are glyphs for it, else its id, with `?` for what has no glyph either.
    pub(super) fn label(&self, label: &Label) -> String {
        let name = label.name.as_deref().map(printable).filter(|name| !name.is_empty() && self.can_draw(name));
        name.unwrap_or_else(|| self.drawable(&label.id))
    }

    /// The text without control characters, and with `?` for what has no glyph.
    pub(super) fn drawable(&self, text: &str) -> String {
        let text = printable(text);
        let system = self.fonts_for(&text);
        text.chars().map(|c| if self.face(&system, c).is_some() { c } else { '?' }).collect()
    }

    fn can_draw(&self, text: &str) -> bool {
        let system = self.fonts_for(text);
        text.chars().all(|c| self.face(&system, c).is_some())
    }

    /// Width in pixels.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let system = self.fonts_for(text);
        text.chars().map(|c| self.advance(&system, c, size)).sum()
    }

    /// The text, or as much of its beginning as fits into `width` pixels with an ellipsis after it.
    pub(super) fn shortened(&self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…", size);
        let mut short = String::new();
        let mut used = 0.0;
        for c in text.chars() {
            used += self.width(c.encode_utf8(&mut [0; 4]), size);
            if used > room {
                break;
            }
            short.push(c);
        }
        format!("{}…", short.trim_end())
    }

    /// Draws a line of text, clipped to the picture.
    pub(super) fn draw(&self, picture: &mut RgbImage, text: &str, line: Line) {
        let system = self.fonts_for(text);
        let baseline = line.top + self.base.as_scaled(PxScale::from(line.size)).ascent();
        let mut x = line.left;
        for c in text.chars() {
            let advance = self.advance(&system, c, line.size);
            match self.face(&system, c) {
                Some(Face::Base) => ink(picture, &self.base, c, (x, baseline), line),
                Some(Face::System(i)) => ink(picture, &system[i], c, (x, baseline), line),
                None => {}
            }
            x += advance;
        }
    }

    /// The system's fonts that this text needs besides the embedded one: none, without a look at the disk, for most.
    fn fonts_for(&self, text: &str) -> Ref<'_, [FontVec]> {
        for c in text.chars().filter(|c| !needs_shaping(*c) && !draws(&self.base, *c)) {
            self.system.borrow_mut().look_for(c);
        }
        Ref::map(self.system.borrow(), |system| system.fonts.as_slice())
    }

    fn face(&self, system: &[FontVec], c: char) -> Option<Face> {
        if needs_shaping(c) {
            return None;
        }
        if draws(&self.base, c) {
            return Some(Face::Base);
        }
        system.iter().position(|font| draws(font, c)).map(Face::System)
    }

    fn advance(&self, system: &[FontVec], c: char, size: f32) -> f32 {
        match self.face(system, c) {
            Some(Face::Base) => advance(&self.base, c, size),
            Some(Face::System(i)) => advance(&system[i], c, size),
            None => 0.0,
        }
    }
}

enum Face {
    Base,
    System(usize),
}

/// Without control characters and marks that reorder text; other blanks become plain ones.
pub(super) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let blank = |c: char| if c.is_whitespace() { ' ' } else { c };
    let text: String = text.chars().map(blank).filter(|c| !hidden(*c)).collect();
    text.trim().to_owned()
}

/// Scripts that come out wrong when letters are set one after the other from left to right.
fn needs_shaping(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x0dff | 0x1000..=0x109f | 0x1780..=0x17ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefe)
}

/// Whether the font has an outline for the character; fonts of coloured bitmaps have glyphs that can't be drawn here.
fn draws(font: &impl Font, c: char) -> bool {
    let glyph = font.glyph_id(c);
    glyph.0 != 0 && (c.is_whitespace() || font.outline(glyph).is_some())
}

/// By the em, so that fonts with tall line spacing aren't drawn smaller than their neighbours.
fn scale(font: &impl Font, size: f32) -> PxScale {
    const EM_OF_DEJAVU: f32 = 2048.0 / 2384.0;
    font.units_per_em().map_or(size, |em| size * EM_OF_DEJAVU * font.height_unscaled() / em).into()
}

fn advance(font: &impl Font, c: char, size: f32) -> f32 {
    font.as_scaled(scale(font, size)).h_advance(font.glyph_id(c))
}

fn ink(picture: &mut RgbImage, font: &impl Font, c: char, (x, baseline): (f32, f32), line: Line) {
    let glyph: Glyph = font.glyph_id(c).with_scale_and_position(scale(font, line.size), point(x, baseline));
    let Some(outlined) = font.outline_glyph(glyph) else { return };
    let corner = outlined.px_bounds().min;
    outlined.draw(|dx, dy, cover| {
        let (x, y) = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
        let inside = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(pixel) = inside.and_then(|(x, y)| picture.get_pixel_mut_checked(x, y)) {
            let cover = cover.min(1.0);
            for (under, over) in pixel.0.iter_mut().zip(line.color.0) {
                *under = (f32::from(*under) * (1.0 - cover) + f32::from(over) * cover).round() as u8;
            }
        }
    });
}

impl SystemFonts {
    /// Loads the first font that has the character, unless that was tried before.
    fn look_for(&mut self, c: char) {
        if self.missing.contains(&c) || self.fonts.iter().any(|font| draws(font, c)) {
            return;
        }
        let find = self.find;
        let (database, order) = self.found.get_or_insert_with(|| {
            let database = find();
            let order = preferred(&database);
            (database, order)
        });
        // Looked into where they lie; only the one that fits is copied into memory.
        let load = |data: &[u8], index| {
            let fits = FontRef::try_from_slice_and_index(data, index).is_ok_and(|font| draws(&font, c));
            if fits { FontVec::try_from_vec_and_index(data.to_vec(), index).ok() } else { None }
        };
        match order.iter().find_map(|id| database.with_face_data(*id, load).flatten()) {
            Some(font) => self.fonts.push(font),
            None => {
                self.missing.insert(c);
            }
        }
    }
}

/// The fonts worth a look, best first: families known for their coverage, then upright ones of normal weight.
fn preferred(fonts: &Database) -> Vec<ID> {
    let known = |face: &FaceInfo| {
        let named = |family: &&str| face.families.iter().any(|(name, _)| name == family);
        CJK_FAMILIES.iter().position(named).unwrap_or(CJK_FAMILIES.len())
    };
    let mut faces: Vec<&FaceInfo> = fonts.faces().collect();
    faces.sort_by_cached_key(|face| {
        let plain = face.style == Style::Normal && face.weight.0 == 400;
        (known(face), !plain, face.post_script_name.clone())
    });
    faces.iter().take(MOST_FACES).map(|face| face.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(id: &str, name: &str) -> Label {
        Label { id: id.to_owned(), name: Some(name.to_owned()) }
    }

    fn without_fonts() -> Lettering {
        Lettering::with(dejavu::sans::regular(), Database::new)
    }

    #[test]
    fn names_without_glyphs_give_way_to_the_id() {
        let lettering = without_fonts();
        assert_eq!(lettering.label(&label("3", "tiger")), "tiger");
        assert_eq!(lettering.label(&label("3", "Löwe & Ζεύς")), "Löwe & Ζεύς");
        assert_eq!(lettering.label(&label("3", "虎")), "3");
        assert_eq!(lettering.label(&label("3", "نمر")), "3");
        assert_eq!(lettering.label(&label("虎 7", "虎")), "? 7");
        assert_eq!(lettering.label(&label("3", "")), "3");
        assert_eq!(lettering.label(&label("3", "a\x1b\u{202e}b")), "ab");
    }

    #[test]
    fn system_fonts_are_asked_for_what_the_embedded_one_lacks() {
        // The extra light cut lacks the snowman, which the regular one has: it stands for a system font here.
        fn one_font() -> Database {
            let mut fonts = Database::new();
            fonts.load_font_data(dejavu::sans::regular().to_vec());
            fonts
        }
        let lettering = Lettering::with(dejavu::sans::extra_light(), one_font);
        assert!(!draws(&lettering.base, '☃'));
        assert_eq!(lettering.label(&label("3", "snow")), "snow");
        assert!(lettering.system.borrow().found.is_none(), "no look at the disk for plain text");
        assert_eq!(lettering.label(&label("3", "☃")), "☃");
        assert!(lettering.width("☃", 20.0) > 5.0);
        let mut page = RgbImage::from_pixel(40, 40, Rgb([255; 3]));
        lettering.draw(&mut page, "☃", Line { left: 5.0, top: 5.0, size: 24.0, color: Rgb([0; 3]) });
        assert!(page.pixels().any(|p| p.0[0] < 128));
    }

    #[test]
    fn long_text_is_cut_to_the_width() {
        let lettering = without_fonts();
        let long = "a very long name of a class indeed";
        let short = lettering.shortened(long, 16.0, 100.0);
        assert!(short.ends_with('…') && long.starts_with(short.trim_end_matches('…')), "{short}");
        assert!(lettering.width(&short, 16.0) <= 100.0);
        assert_eq!(lettering.shortened("cat", 16.0, 100.0), "cat");
    }

    #[test]
    fn drawing_is_clipped_to_the_picture() {
        let mut page = RgbImage::from_pixel(30, 10, Rgb([255; 3]));
        let line = Line { left: -5.0, top: -4.0, size: 24.0, color: Rgb([0; 3]) };
        without_fonts().draw(&mut page, "clipped text", line);
        assert!(page.pixels().any(|p| p.0[0] < 128));
    }
}
