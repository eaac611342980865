//! FAISS, in a process of its own that waits for tasks, on the same data.

use crate::sets::Set;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What FAISS did.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Done {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) queries: usize,
    pub(crate) recall: f64,
    pub(crate) what: String,
}

pub(crate) struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(crate) version: String,
}

impl Peer {
    /// `None` without a Python: `ALIKE_PYTHON` names one that has `faiss-cpu`.
    pub(crate) fn start(set: &Set, truth: &[i64]) -> Option<Self> {
        let python = std::env::var("ALIKE_PYTHON").ok()?;
        fs_err::write(set.folder.path().join("truth"), bytemuck::cast_slice(truth)).expect("room for the data");
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/search/faiss_peer.py"))
            .arg(set.folder.path())
            .args([set.dims, set.lists, set.few].map(|number| number.to_string()))
            // Set where BLAS is to give the same numbers on all machines; they make it slower than it has to be.
            .env_remove("OPENBLAS_CORETYPE")
            .env_remove("OPENBLAS_L2_SIZE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ALIKE_PYTHON runs");
        let to = child.stdin.take().expect("its stdin is ours");
        let mut from = BufReader::new(child.stdout.take().expect("its stdout is ours"));
        let mut version = String::new();
        from.read_line(&mut version).expect("FAISS says which it is");
        let version: serde_json::Value = serde_json::from_str(&version).expect("ALIKE_PYTHON has faiss-cpu and numpy");
        let word = |key: &str| version[key].as_str().unwrap_or_default().trim().to_owned();
        let version = format!("FAISS {} ({})", word("version"), word("options"));
        Some(Self { child, to, from, version })
    }

    pub(crate) fn run(&mut self, task: &str, threads: usize) -> Done {
        writeln!(self.to, "{task} {threads}").expect("FAISS listens");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("FAISS answers");
        serde_json::from_str(&answer).expect("FAISS answers in JSON")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
