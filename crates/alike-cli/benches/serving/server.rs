//! Servers: ours, and FAISS behind FastAPI.

use crate::gallery::Gallery;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// How FAISS serves.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) index: &'static str,
    pub(crate) processes: usize,
}

/// How long a peer may take to build its index.
const START: Duration = Duration::from_secs(120);

impl Server {
    pub(crate) fn ours(gallery: &Gallery, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_alike"))
            .args(["serve", "--addr", "127.0.0.1:0", "-c"])
            .arg(gallery.folder())
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program was just built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its stdout is ours")).read_line(&mut line).expect("it says where");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse();
        Self { child, address: address.expect("it says where") }
    }

    pub(crate) fn peer(rows: &Path, peer: Peer) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let python = std::env::var("ALIKE_PYTHON").expect("ALIKE_PYTHON names a Python with faiss-cpu and fastapi");
        let child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/serving/faiss_peer.py"))
            .arg(rows)
            .args([&address.port().to_string(), peer.index, &peer.processes.to_string()])
            // Set where BLAS is to give the same numbers on all machines; they make it slower than it has to be.
            .env_remove("OPENBLAS_CORETYPE")
            .env_remove("OPENBLAS_L2_SIZE")
            .stdout(Stdio::null())
            .spawn()
            .expect("ALIKE_PYTHON runs");
        let mut server = Self { child, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = server.child.try_wait().expect("it is ours");
            assert!(ended.is_none() && start.elapsed() < START, "the peer doesn't answer: {ended:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// A line of what the system knows of the process.
    pub(crate) fn memory_kib(&self, key: &str) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux, and it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a number of kB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, so that it ends its own children, too.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}
