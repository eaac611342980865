//! Pictures in a terminal that can show them.
//!
//! What a terminal can is read from the environment only. Asking the terminal would mean to wait for an answer that may
//! never come, and to swallow what the user typed meanwhile.

use super::lettering::printable;
use super::sixel::sixels;
use super::strip::strip;
use super::{Ranking, Shown, Verdict, fitted, png};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{Rgb, RgbImage};
use std::io::{self, IsTerminal, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Hits that are shown in a terminal at most: more are for the strip and the page.
const MOST_HITS: usize = 10;

/// Columns of a picture made of half blocks, and between two of them.
const BLOCK_COLUMNS: u32 = 24;
const BLOCK_ROWS: u32 = 10;
const BLOCK_GAP: u32 = 2;

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    ITerm,
    /// DEC's sixels.
    Sixel,
    /// `▀` in two of 2^24 colours.
    TrueColor,
    /// `▀` in two of 256 colours.
    Colors256,
}

/// A terminal on stdout that can show pictures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    capability: Capability,
    columns: u32,
}

impl Terminal {
    /// The terminal on stdout, if there is one and it can show pictures.
    pub(crate) fn found() -> Option<Self> {
        let capability = capability(|name| std::env::var(name).ok(), io::stdout().is_terminal())?;
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| u32::from(width.0));
        let wide_enough = columns >= 2 * BLOCK_COLUMNS + BLOCK_GAP;
        wide_enough.then_some(Self { capability, columns })
    }

    /// Shows the query and the first hits of each ranking.
    pub(crate) fn show(self, out: &mut impl Write, query: &Shown, rankings: &[Ranking<'_>]) -> io::Result<()> {
        let rankings: Vec<Ranking<'_>> = rankings.iter().map(|ranking| ranking.first(MOST_HITS)).collect();
        if matches!(self.capability, Capability::TrueColor | Capability::Colors256) {
            return self.show_blocks(out, query, &rankings);
        }
        let per_row = (self.columns / 16).clamp(3, 11) as usize - 1;
        let picture = strip(query, &rankings, per_row);
        // Ten pixels to a column: about as large as on a screen without magnification.
        let columns = (picture.width() / 10).min(self.columns - 1);
        match self.capability {
            Capability::Kitty => kitty(out, &encoded(&picture)?, columns)?,
            Capability::ITerm => iterm(out, &encoded(&picture)?, columns)?,
            _ => out.write_all(sixels(&shrunk(&picture, columns * 8)).as_bytes())?,
        }
        writeln!(out)?;
        out.flush()
    }

    fn show_blocks(self, out: &mut impl Write, query: &Shown, rankings: &[Ranking<'_>]) -> io::Result<()> {
        let mut cells = vec![query];
        for ranking in rankings {
            if let Some(heading) = ranking.heading {
                self.show_cells(out, query, &std::mem::take(&mut cells))?;
                writeln!(out, "{}\n", cut(&printable(heading), self.columns as usize))?;
            }
            cells.extend(ranking.hits);
        }
        self.show_cells(out, query, &cells)?;
        out.flush()
    }

    fn show_cells(self, out: &mut impl Write, query: &Shown, cells: &[&Shown]) -> io::Result<()> {
        let across = ((self.columns + BLOCK_GAP) / (BLOCK_COLUMNS + BLOCK_GAP)).max(1) as usize;
        for row in cells.chunks(across) {
            let pictures: Vec<Option<RgbImage>> = row.iter().map(|shown| small(shown)).collect();
            let height = pictures.iter().flatten().map(|picture| picture.height().div_ceil(2)).max().unwrap_or(1);
            for y in 0..height {
                for picture in &pictures {
                    self.block_line(out, picture.as_ref(), y)?;
                }
                writeln!(out)?;
            }
            for shown in row {
                self.caption(out, query, shown)?;
            }
            writeln!(out, "\n")?;
        }
        Ok(())
    }

    /// One line of a cell: two rows of pixels.
    fn block_line(self, out: &mut impl Write, picture: Option<&RgbImage>, y: u32) -> io::Result<()> {
        let width = picture.map_or(0, RgbImage::width);
        if let Some(picture) = picture.filter(|picture| 2 * y < picture.height()) {
            for x in 0..width {
                write!(out, "\x1b[38;{}m", self.color(*picture.get_pixel(x, 2 * y)))?;
                match picture.get_pixel_checked(x, 2 * y + 1) {
                    Some(below) => write!(out, "\x1b[48;{}m▀", self.color(*below))?,
                    None => write!(out, "\x1b[49m▀")?,
                }
            }
            write!(out, "\x1b[0m")?;
        } else {
            write!(out, "{:1$}", "", width as usize)?;
        }
        write!(out, "{:1$}", "", (BLOCK_COLUMNS - width + BLOCK_GAP) as usize)
    }

    fn color(self, Rgb([r, g, b]): Rgb<u8>) -> String {
        if self.capability == Capability::TrueColor {
            return format!("2;{r};{g};{b}");
        }
        // The cube's levels are 0, 95, 135, 175, 215, 255.
        let level = |v: u8| if v < 48 { 0 } else { (u32::from(v.max(75)) - 35) / 40 };
        format!("5;{}", 16 + 36 * level(r) + 6 * level(g) + level(b))
    }

    fn caption(self, out: &mut impl Write, query: &Shown, shown: &Shown) -> io::Result<()> {
        let (color, mark) = match Verdict::of(query, shown) {
            _ if shown.rank == 0 => (34, "query"),
            Verdict::Itself => (34, "query itself"),
            Verdict::Right => (32, "✓"),
            Verdict::Wrong => (31, "✗"),
            Verdict::Unknown => (39, ""),
        };
        let name = shown.label.as_ref().map(|label| label.name.as_deref().unwrap_or(&label.id));
        let file = shown.path.file_name().unwrap_or(shown.path.as_os_str()).to_string_lossy();
        let rank = if shown.rank > 0 { format!("{} ", shown.rank) } else { String::new() };
        let score = shown.score.map(|score| format!("{score} ")).unwrap_or_default();
        let unreadable = if shown.picture.is_none() { "(can't read) " } else { "" };
        let text = printable(&format!("{rank}{score}{mark} {unreadable}{} {}", name.unwrap_or(&file), shown.note));
        let text = cut(&text, BLOCK_COLUMNS as usize);
        let blanks = (BLOCK_COLUMNS + BLOCK_GAP) as usize - text.width();
        write!(out, "\x1b[{color}m{text}\x1b[0m{:blanks$}", "")
    }
}

/// What a terminal with this environment can show; `None` is nothing, and the answer in every doubtful case.
fn capability(environment: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Option<Capability> {
    let get = |name| environment(name).unwrap_or_default();
    let set = |name| !get(name).is_empty();
    let term = get("TERM");
    let windows_terminal = set("WT_SESSION");
    let dumb = matches!(term.as_str(), "dumb" | "linux") || (term.is_empty() && !windows_terminal);
    if !is_terminal || dumb || set("NO_COLOR") || set("CI") {
        return None;
    }
    // A multiplexer keeps graphics from the terminal around it, which the environment may still name.
    let multiplexed =
        ["TMUX", "STY", "ZELLIJ"].into_iter().any(set) || term.starts_with("screen") || term.starts_with("tmux");
    let graphics = if multiplexed { None } else { graphics(&term, &get) };
    graphics.or_else(|| if speaks_utf8(&get) || windows_terminal { blocks(&term, &get) } else { None })
}

fn graphics(term: &str, get: &impl Fn(&'static str) -> String) -> Option<Capability> {
    if matches!(term, "xterm-kitty" | "xterm-ghostty") {
        return Some(Capability::Kitty);
    }
    if ["foot", "mlterm", "yaft", "contour"].iter().any(|name| term.starts_with(name)) {
        return Some(Capability::Sixel);
    }
    let konsole = get("KONSOLE_VERSION").parse().is_ok_and(|version: u32| version >= 220_400);
    let program = get("TERM_PROGRAM");
    let inline = matches!(program.as_str(), "iTerm.app" | "WezTerm" | "mintty" | "rio");
    (konsole || inline || get("LC_TERMINAL") == "iTerm2").then_some(Capability::ITerm)
}

fn blocks(term: &str, get: &impl Fn(&'static str) -> String) -> Option<Capability> {
    let true_color = matches!(get("COLORTERM").as_str(), "truecolor" | "24bit") || !get("WT_SESSION").is_empty();
    // GNU screen passes COLORTERM on and mangles 24-bit colours.
    if true_color && get("STY").is_empty() {
        Some(Capability::TrueColor)
    } else {
        term.contains("256color").then_some(Capability::Colors256)
    }
}

fn speaks_utf8(get: &impl Fn(&'static str) -> String) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(get).find(|value| !value.is_empty());
    locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"))
}

fn small(shown: &Shown) -> Option<RgbImage> {
    fitted(shown.picture.as_ref()?, BLOCK_COLUMNS, 2 * BLOCK_ROWS)
}

fn shrunk(picture: &RgbImage, width: u32) -> RgbImage {
    let width = width.min(picture.width()).max(1);
    let height = (u64::from(picture.height()) * u64::from(width) / u64::from(picture.width())).max(1) as u32;
    image::imageops::resize(picture, width, height, image::imageops::FilterType::CatmullRom)
}

fn encoded(picture: &RgbImage) -> io::Result<Vec<u8>> {
    png(picture).map_err(io::Error::other)
}

/// PNG in chunks of at most 4096 characters; `q=2` asks for no answer.
/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
fn kitty(out: &mut impl Write, png: &[u8], columns: u32) -> io::Result<()> {
    let text = STANDARD.encode(png);
    let count = text.len().div_ceil(4096);
    for (i, chunk) in text.as_bytes().chunks(4096).enumerate() {
        let head = if i == 0 { format!("a=T,f=100,q=2,c={columns},") } else { String::new() };
        write!(out, "\x1b_G{head}m={};", u8::from(i + 1 < count))?;
        out.write_all(chunk)?;
        write!(out, "\x1b\\")?;
    }
    Ok(())
}

/// <https://iterm2.com/documentation-images.html>
fn iterm(out: &mut impl Write, png: &[u8], columns: u32) -> io::Result<()> {
    let size = png.len();
    write!(
        out,
        "\x1b]1337;File=inline=1;size={size};width={columns};preserveAspectRatio=1:{}\x07",
        STANDARD.encode(png)
    )
}

fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn of(environment: &str) -> Option<Capability> {
        let pairs: Vec<(&str, &str)> = environment.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        capability(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()), true)
    }

    #[test]
    fn capabilities_of_known_terminals() {
        let table = [
            ("TERM=xterm-kitty", Some(Capability::Kitty)),
            ("TERM=xterm-ghostty TERM_PROGRAM=ghostty", Some(Capability::Kitty)),
            ("TERM=xterm-256color TERM_PROGRAM=iTerm.app", Some(Capability::ITerm)),
            ("TERM=xterm-256color LC_TERMINAL=iTerm2", Some(Capability::ITerm)),
            ("TERM=xterm-256color KONSOLE_VERSION=220801", Some(Capability::ITerm)),
            ("TERM=foot-extra", Some(Capability::Sixel)),
            ("TERM=xterm-256color LANG=C.UTF-8 COLORTERM=truecolor", Some(Capability::TrueColor)),
            ("TERM=xterm-256color LANG=de_DE.utf8 TERM_PROGRAM=Apple_Terminal", Some(Capability::Colors256)),
            ("TERM=xterm-256color LANG=C.UTF-8 KONSOLE_VERSION=180400", Some(Capability::Colors256)),
            ("WT_SESSION=1", Some(Capability::TrueColor)),
        ];
        for (environment, expected) in table {
            assert_eq!(of(environment), expected, "{environment}");
        }
    }

    #[test]
    fn nothing_is_shown_in_doubt() {
        let table = [
            "",
            "TERM=dumb",
            "TERM=linux LANG=C.UTF-8 COLORTERM=truecolor",
            "TERM=vt100 LANG=C.UTF-8",
            "TERM=xterm-kitty NO_COLOR=1",
            "TERM=xterm-kitty CI=true",
            "TERM=xterm-256color LANG=C COLORTERM=truecolor",
            "TERM=xterm-256color LC_ALL=POSIX LANG=C.UTF-8",
        ];
        for environment in table {
            assert_eq!(of(environment), None, "{environment}");
        }
        assert_eq!(capability(|_| Some("xterm-kitty".to_owned()), false), None, "not a terminal");
    }

    #[test]
    fn multiplexers_get_blocks_whatever_is_around_them() {
        let around = "LANG=C.UTF-8 TERM_PROGRAM=iTerm.app LC_TERMINAL=iTerm2 COLORTERM=truecolor";
        assert_eq!(of(&format!("TERM=tmux-256color TMUX=/tmp/t {around}")), Some(Capability::TrueColor));
        assert_eq!(of(&format!("TERM=screen-256color STY=1.x {around}")), Some(Capability::Colors256));
        assert_eq!(of(&format!("TERM=xterm-kitty ZELLIJ=0 {around}")), Some(Capability::TrueColor));
        assert_eq!(of("TERM=screen TMUX=/tmp/t LANG=C.UTF-8"), None);
    }

    fn shown_as(capability: Capability, columns: u32, hits: &[Shown]) -> String {
        let mut out = Vec::new();
        Terminal { capability, columns }.show(&mut out, &shown(0, Some(("a", None))), &[Ranking::alone(hits)]).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn without_escapes(text: &str) -> String {
        let parts = text.split("\x1b[").enumerate();
        parts.map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 }).collect()
    }

    #[test]
    fn blocks_fit_the_columns_and_leave_no_colour_behind() {
        let mut hits: Vec<Shown> =
            (1..=5).map(|rank| shown(rank, Some(("b\x1b[2J", Some("虎虎虎虎虎虎虎虎虎虎虎虎"))))).collect();
        hits.push(Shown { picture: None, ..shown(6, None) });
        for capability in [Capability::TrueColor, Capability::Colors256] {
            let text = shown_as(capability, 80, &hits);
            for line in text.lines() {
                assert!(without_escapes(line).trim_end().width() <= 80);
                assert!(!line.contains('\x1b') || line.trim_end().ends_with("\x1b[0m"));
            }
            assert!(!text.contains("[2J") && without_escapes(&text).contains("(can't read)"));
        }
    }

    #[test]
    fn colours_of_the_cube_are_the_nearest() {
        let terminal = Terminal { capability: Capability::Colors256, columns: 80 };
        let levels = [0_i32, 95, 135, 175, 215, 255];
        for v in 0..=255_u8 {
            let nearest = levels.iter().map(|level| (level - i32::from(v)).abs()).min().unwrap();
            let index: i32 = terminal.color(Rgb([0, 0, v]))[2..].parse().unwrap();
            assert_eq!((levels[(index - 16) as usize] - i32::from(v)).abs(), nearest, "{v}");
        }
    }

    #[test]
    fn kitty_gets_a_whole_png_in_chunks() {
        let text = shown_as(Capability::Kitty, 80, &[shown(1, None), shown(2, None)]);
        let chunks: Vec<&str> =
            text.split("\x1b_G").skip(1).map(|chunk| chunk.split_once("\x1b\\").unwrap().0).collect();
        assert!(chunks[0].starts_with("a=T,f=100,q=2,c="));
        let data: String = chunks.iter().map(|chunk| chunk.split_once(';').unwrap().1).collect();
        assert!(chunks.iter().all(|chunk| chunk.split_once(';').unwrap().1.len() <= 4096));
        let last = chunks.len() - 1;
        assert!(
            chunks
                .iter()
                .enumerate()
                .all(|(i, c)| c.contains("m=1;") == (i < last) && c.contains("m=0;") == (i == last))
        );
        assert!(image::load_from_memory(&STANDARD.decode(data).unwrap()).is_ok());
    }

    #[test]
    fn iterm_gets_a_whole_png_and_its_size() {
        let text = shown_as(Capability::ITerm, 100, &[shown(1, None)]);
        let (head, data) = text.trim_end().trim_end_matches('\x07').split_once(':').unwrap();
        let bytes = STANDARD.decode(data).unwrap();
        assert!(head.contains(&format!("size={};", bytes.len())) && image::load_from_memory(&bytes).is_ok());
    }
}
