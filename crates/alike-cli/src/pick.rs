//! A query drawn from a list, as the classroom does it.

use alike::gallery;
use alike::store::Label;
use anyhow::{Context, bail};
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Random,
    /// From 0, as programs count.
    Line(usize),
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            number => {
                number.parse().map(Self::Line).map_err(|_| format!("got `{text}`, wanted `random` or a number from 0"))
            }
        }
    }
}

/// A line of a list.
pub(crate) struct Picked {
    /// From 0, among the usable lines.
    pub(crate) line: usize,
    pub(crate) path: PathBuf,
    pub(crate) label: Option<Label>,
}

/// The picked line; with a seed a random pick is the same each time.
pub(crate) fn from_list(list: &Path, root: Option<&Path>, pick: Pick, seed: Option<u64>) -> anyhow::Result<Picked> {
    let list = fs_err::canonicalize(list).with_context(|| format!("no list file at {}", list.display()))?;
    let mut files = gallery::read_list(&list, root)?.files;
    let line = match pick {
        Pick::Line(line) if line < files.len() => line,
        Pick::Line(line) => bail!(
            "got --pick {line}, wanted a number from 0 to {}: {} has {} usable lines",
            files.len() - 1,
            list.display(),
            files.len()
        ),
        Pick::Random => (mixed(seed.unwrap_or_else(from_system)) % files.len() as u64) as usize,
    };
    let picked = files.swap_remove(line);
    Ok(Picked { line, path: picked.path, label: picked.label })
}

/// The standard library seeds its hash maps from the system's random numbers; one draw needs no more.
fn from_system() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014), so that seeds 1, 2, 3 pick unrelated lines.
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
