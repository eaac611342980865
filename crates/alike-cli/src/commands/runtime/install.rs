//! Fetches ONNX Runtime's library out of its Python package, with the user's own pip and its index settings.

use crate::environment::cache_dir;
use crate::output::Printer;
use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "1.32.0";

/// The wheel for one platform. The library in it doesn't depend on the Python version, so one is asked for everywhere.
struct Wheel {
    os: &'static str,
    arch: &'static str,
    /// As pip calls it.
    platform: &'static str,
    sha256: &'static str,
    /// The library's path in the wheel.
    library: &'static str,
}

const PYTHON_VERSION: &str = "3.11";

const WHEELS: [Wheel; 5] = [
    Wheel {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
        library: "onnxruntime/capi/libonnxruntime.so.1.32.0",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
        library: "onnxruntime/capi/libonnxruntime.so.1.32.0",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_14_0_arm64",
        sha256: "366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c",
        library: "onnxruntime/capi/libonnxruntime.1.32.0.dylib",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        platform: "win_amd64",
        sha256: "d7e0c45cc5f456ad7805e6dd256a7662736cda9c2fd17becae194eb3c2f6df72",
        library: "onnxruntime/capi/onnxruntime.dll",
    },
    Wheel {
        os: "windows",
        arch: "aarch64",
        platform: "win_arm64",
        sha256: "23361cdf98afac352d10aa7d9e0a10ceaeb02d38430fb693c6eff370196db62d",
        library: "onnxruntime/capi/onnxruntime.dll",
    },
];

/// Writes one member of an archive to a file.
const EXTRACT: &str = "import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open(sys.argv[2]) as member, open(sys.argv[3], 'wb') as out:
    shutil.copyfileobj(member, out)";

/// Puts the library into alike's cache and returns its path.
pub(super) fn install(printer: &Printer) -> anyhow::Result<PathBuf> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let Some(wheel) = WHEELS.iter().find(|wheel| wheel.os == os && wheel.arch == arch) else {
        bail!("no ONNX Runtime {VERSION} is known for {os} on {arch}: point ORT_DYLIB_PATH at a library of your own");
    };
    let folder = cache_dir()?.join("onnxruntime");
    let work = folder.join(format!(".install-{}", std::process::id()));
    fs_err::create_dir_all(&work)?;
    printer.status(format_args!("fetching onnxruntime {VERSION} with pip"));
    let installed = fetch(wheel, &work).and_then(|file| take_library(wheel, &file, &work, &folder));
    // What is left is of no use to anyone, and a later run doesn't stumble over it.
    drop(fs_err::remove_dir_all(&work));
    installed
}

/// Runs `pip download`; returns the one file it brought, its hash checked.
fn fetch(wheel: &Wheel, work: &Path) -> anyhow::Result<PathBuf> {
    let requirement = format!("onnxruntime=={VERSION}");
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]);
    pip.args(["--implementation", "cp", "--python-version", PYTHON_VERSION, "--platform", wheel.platform]);
    pip.arg("-d").arg(work).arg(&requirement);
    succeed(pip, "`python3 -m pip download` failed; is pip installed, and can it reach its index?")?;
    let mut files = fs_err::read_dir(work)?.collect::<Result<Vec<_>, _>>()?;
    let (Some(file), true) = (files.pop(), files.is_empty()) else {
        bail!("pip left {} files instead of one wheel", files.len());
    };
    check(wheel, &file.path())?;
    Ok(file.path())
}

fn check(wheel: &Wheel, file: &Path) -> anyhow::Result<()> {
    let hash = Sha256::digest(fs_err::read(file)?);
    let got: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if got != wheel.sha256 {
        bail!(
            "the wheel has sha256 {got} instead of {}: pip's index serves another file; nothing was installed",
            wheel.sha256
        );
    }
    Ok(())
}

fn take_library(wheel: &Wheel, file: &Path, work: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let name = Path::new(wheel.library).file_name().context("the library has a name")?;
    let (unpacked, target) = (work.join(name), folder.join(name));
    let mut unzip = python();
    unzip.args(["-c", EXTRACT]).arg(file).arg(wheel.library).arg(&unpacked);
    succeed(unzip, "the library can't be unpacked")?;
    fs_err::File::open(&unpacked)?.sync_all()?;
    fs_err::rename(&unpacked, &target)?;
    Ok(target)
}

/// Isolated: neither the current folder nor PYTHONPATH is looked into.
fn python() -> Command {
    let mut python = Command::new(if cfg!(windows) { "python" } else { "python3" });
    python.arg("-I").stdin(Stdio::null()).current_dir(std::env::temp_dir());
    python
}

fn succeed(mut command: Command, advice: &str) -> anyhow::Result<()> {
    let output = command.output().context("can't run python3: install Python, or point ORT_DYLIB_PATH at a library")?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!("{advice} It said: {}", stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing"))
}
