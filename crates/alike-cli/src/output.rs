//! The one module that talks: data to stdout, everything else to stderr.

#![allow(clippy::print_stderr, reason = "this is the module that prints")]

use alike::engine::Skip;
use base64::Engine as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where words go.
pub(crate) struct Printer {
    stderr_is_terminal: bool,
    colors: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let stderr_is_terminal = io::stderr().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { stderr_is_terminal, colors: stderr_is_terminal && !refused }
    }

    /// A line of data on stdout.
    pub(crate) fn line(&self, text: impl Display) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{text}")
    }

    /// How things are going, on stderr.
    pub(crate) fn status(&self, text: impl Display) {
        eprintln!("{text}");
    }

    /// Something worth knowing, on stderr.
    pub(crate) fn note(&self, text: impl Display) {
        eprintln!("{}: {text}", self.bold("note", 36));
    }

    /// Something that went wrong without ending the run, on stderr.
    pub(crate) fn warning(&self, text: impl Display) {
        eprintln!("{}: {text}", self.bold("warning", 33));
    }

    /// A file that was left out, and why, on stderr.
    pub(crate) fn skipped(&self, skip: &Skip) {
        let line = skip.what.line.map(|line| format!(":{line}")).unwrap_or_default();
        let path = shown_path(&skip.what.path);
        eprintln!("{}: {path}{line}: {}", self.bold("skipped", 33), escaped(&skip.what.reason));
    }

    /// What ended the run: the chain of causes on one line.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        eprintln!("{}: {}", self.bold("error", 31), escaped(&one_line(error)));
    }

    /// A progress bar on stderr, if that is a terminal; otherwise one that draws nothing.
    pub(crate) fn progress(&self, length: u64, template: &str) -> ProgressBar {
        if !self.stderr_is_terminal {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(length).with_style(style)
    }

    /// Progress over pictures: how many, how fast, how long still.
    pub(crate) fn picture_progress(&self, pictures: u64) -> ProgressBar {
        self.progress(pictures, "{bar:30} {pos}/{len} pictures, {per_sec:.1}, {eta} left")
    }

    /// Something turning, beside what takes a while without saying how long.
    pub(crate) fn spinner(&self, what: &'static str) -> ProgressBar {
        let spinner = self.progress(0, "{spinner} {msg} {elapsed}").with_message(what);
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    }

    fn bold(&self, word: &str, color: u8) -> String {
        if self.colors { format!("\x1b[1;{color}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// The causes joined by colons. Many an error's text already holds that of its cause, which is not said twice.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
        }
    }
    line
}

/// A path for people: control characters escaped, so that a file name can't drive the terminal. `--json` has it as it is.
pub(crate) fn shown_path(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// Text from outside, for people: control characters escaped.
pub(crate) fn escaped(text: &str) -> String {
    // Besides C0 and C1: marks that reorder text, by which a name can pretend to be another.
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape = |c: char| if c.is_control() || reorders(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Adds `path` to a JSON object, and `path_bytes` (base64) where the path is no UTF-8.
pub(crate) fn path_fields(object: &mut serde_json::Value, path: &Path) {
    object["path"] = path.to_string_lossy().into();
    if path.to_str().is_none() {
        let bytes = path.as_os_str().as_encoded_bytes();
        object["path_bytes"] = base64::engine::general_purpose::STANDARD.encode(bytes).into();
    }
}

/// `text` filled up with blanks, or cut with an ellipsis, to `width` columns of a terminal.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let text = escaped(text);
    if text.width() <= width {
        return format!("{text}{}", " ".repeat(width - text.width()));
    }
    let mut cut = String::new();
    for c in text.chars() {
        if cut.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        cut.push(c);
    }
    let blanks = " ".repeat(width - cut.width() - 1);
    format!("{cut}…{blanks}")
}

/// `12.3 MiB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A word as a shell would have to read it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=@:+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_the_terminal() {
        assert_eq!(shown_path(Path::new("a\x1b[2J\n日本 🐉\u{202e}gpj.exe")), "a\\u{1b}[2J\\n日本 🐉\\u{202e}gpj.exe");
    }

    #[test]
    fn columns_are_counted_as_a_terminal_counts() {
        assert_eq!(padded("虎", 4), "虎  ");
        assert_eq!(padded("elephants", 5), "elep…");
        assert_eq!(padded("老虎和龙", 6), "老虎… ");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_utf8_is_in_json_as_bytes_too() {
        use std::os::unix::ffi::OsStrExt;
        let mut object = serde_json::json!({});
        path_fields(&mut object, Path::new(std::ffi::OsStr::from_bytes(b"a\xff.jpg")));
        assert_eq!(object["path_bytes"], "Yf8uanBn");
    }
}
