//! Everything that differs between systems. Linux is tested; the rest is meant to compile.

use memmap2::Mmap;
use std::io;
use std::path::{Path, PathBuf};

/// Makes renames and new names in a folder durable. Windows has no such call and needs none for renames on NTFS.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { fs_err::File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Says that a map is read here and there, so that nothing is read ahead.
#[cfg(unix)]
pub(super) fn expect_random_reads(map: &Mmap) -> io::Result<()> {
    map.advise(memmap2::Advice::Random)
}

#[cfg(not(unix))]
pub(super) fn expect_random_reads(_map: &Mmap) -> io::Result<()> {
    Ok(())
}

/// Gives the pages of a map back, which are read from the file again when they are needed.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the advice is unsafe where pages may have been changed")]
pub(super) fn give_back(map: &Mmap) {
    // SAFETY: nobody writes to maps of segments. An advice that isn't taken costs memory, nothing else.
    drop(unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) });
}

#[cfg(not(unix))]
pub(super) fn give_back(_map: &Mmap) {}

/// Whether the current user owns the path. Always true where files have no numeric owner.
#[cfg(unix)]
pub(super) fn owned_by_us(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs_err::metadata(path)?.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(super) fn owned_by_us(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// A path as stored: its bytes on Unix, UTF-16 in little endian on Windows. Without `//` and `/./`, so that a file has one
/// path, and those below a folder all begin with the folder's.
pub(super) fn path_to_bytes(path: &Path) -> Vec<u8> {
    native_bytes(&path.components().collect::<PathBuf>())
}

#[cfg(unix)]
fn native_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
pub(super) fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(windows)]
fn native_bytes(path: &Path) -> Vec<u8> {
    use std::os::windows::ffi::OsStrExt;
    path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
pub(super) fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::windows::ffi::OsStringExt;
    let wide: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    PathBuf::from(std::ffi::OsString::from_wide(&wide))
}
