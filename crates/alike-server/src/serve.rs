//! A router on a socket: slow clients are cut off, and what runs is finished at the end.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_io_timeout::TimeoutStream;

/// How long a client may take to say what it wants.
const HEADERS: Duration = Duration::from_secs(10);

/// How long a client may leave what it asked for unread.
const UNREAD: Duration = Duration::from_secs(30);

/// How long what runs may still run when the server ends.
const FAREWELL: Duration = Duration::from_secs(30);

/// Clients at the same time; others wait. Half of what a process may usually open.
const CONNECTIONS: usize = 512;

/// Bytes that a connection holds back, and the most that a request's head may have.
const BUFFER: usize = 64 << 10;

/// Why no connection could be had is worth another try after this: too many open files, most of the time.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends a server from another thread.
#[derive(Debug, Clone, Default)]
pub struct End(Arc<Notify>);

impl End {
    /// No further client is answered, what runs is finished.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// Answers on `listener` until the `end`, then finishes what runs. Blocks.
///
/// # Errors
///
/// Where the system gives no threads, or doesn't take the socket.
pub fn serve(listener: TcpListener, app: Router, end: &End) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { answer(tokio::net::TcpListener::from_std(listener)?, app, end).await })
}

async fn answer(listener: tokio::net::TcpListener, app: Router, end: &End) -> io::Result<()> {
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = end.0.notified() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Answers are small, and a client waits for each.
        drop(stream.set_nodelay(true));
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(UNREAD));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(app.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is the client's affair.
            drop(connection.await);
            drop(place);
        });
    }
    drop(listener);
    // Whoever doesn't end by then is cut off with the process.
    drop(tokio::time::timeout(FAREWELL, graceful.shutdown()).await);
    Ok(())
}
