//! OpenCV and Pillow, in a process of their own that waits for tasks, on the same pictures.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(crate) version: String,
}

impl Peer {
    /// `None` without a Python: `ALIKE_PYTHON` names one.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let python = std::env::var("ALIKE_PYTHON").ok()?;
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/preprocess/python_peer.py"))
            .arg(folder)
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ALIKE_PYTHON runs");
        let to = child.stdin.take().expect("its stdin is ours");
        let from = BufReader::new(child.stdout.take().expect("its stdout is ours"));
        let mut peer = Self { child, to, from, version: String::new() };
        peer.version = peer.line();
        assert!(!peer.version.is_empty(), "ALIKE_PYTHON has numpy, opencv-python-headless and pillow");
        Some(peer)
    }

    /// CPU seconds that one picture takes.
    pub(crate) fn seconds(&mut self, size: &str, repeat: u32, task: &str) -> f64 {
        writeln!(self.to, "{size} {repeat} {task}").expect("the peer listens");
        self.line().parse().expect("the peer answers with a number")
    }

    fn line(&mut self) -> String {
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("the peer answers");
        answer.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
