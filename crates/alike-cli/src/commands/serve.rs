//! `alike serve`: answer over HTTP, with a page for people.

use crate::cli::Outcome;
use crate::collection::CollectionArgs;
use crate::commands::search::RECALL;
use crate::decoding;
use crate::environment;
use crate::networks::{self, NetworkArgs};
use crate::output::{Printer, shown_path};
use alike::engine::Engine;
use alike::picture::{DecodeOptions, Limits, MemoryBudget};
use alike_server::{Access, End, Settings};
use anyhow::{Context, bail};
use clap::Args;
use std::net::{SocketAddr, TcpListener};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Args)]
#[command(after_long_help = "Examples:
  alike serve                                   the collection found upward from here, at http://127.0.0.1:7878/
  alike serve -c ~/Pictures --addr 127.0.0.1:0  at a free port, which is printed
  ALIKE_TOKEN=secret alike serve --addr 0.0.0.0:7878 --host photos.example.org
                                                for others, who need the token
  alike serve --addr 0.0.0.0:7878 --no-auth     for everybody who reaches this machine, to look at
  curl --data-binary @cat.jpg 'http://127.0.0.1:7878/api/v1/search?k=5'
  curl http://127.0.0.1:7878/api/v1/images/7/similar

What changes the collection needs the token, on this machine, too: `Authorization: Bearer TOKEN`. It is ALIKE_TOKEN, else a
new one that is printed. Pictures that are added are kept in the collection's folder. The API is described at /api/docs.
Ctrl-C finishes what runs.")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    ///
    /// At other addresses than this machine's own (127.0.0.1, ::1), and with --host, everything needs the token.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7878")]
    addr: SocketAddr,

    /// A name that clients may ask by
    ///
    /// Others are refused, because somebody else's page could ask by them. Addresses in numbers and `localhost` are always
    /// answered. With a name, everything needs the token.
    #[arg(long = "host", value_name = "NAME", value_parser = host)]
    hosts: Vec<String>,

    /// Let everybody look, and nobody change
    #[arg(long)]
    no_auth: bool,

    /// Largest picture to take, in MiB
    #[arg(long, value_name = "MIB", default_value = "32")]
    max_upload: NonZeroU32,

    /// How long a request may take to come in
    #[arg(long, value_name = "S", default_value = "30")]
    patience: NonZeroU32,

    /// Offer the page of `alike eval --report DIR`, at /report
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Share of the true nearest to be found, on average; 1 looks at every picture
    #[arg(hide_short_help = true, long, value_name = "X", default_value_t = RECALL, value_parser = crate::commands::search::recall)]
    recall: f64,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    collection: CollectionArgs,

    /// Refuse pictures of more megapixels
    #[arg(hide_short_help = true, long, value_name = "MP", default_value = "100")]
    max_megapixels: NonZeroU32,

    /// Threads that search [default: one for each core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// What uploads may hold decoded at the same time, in bytes.
const DECODED_BYTES: u64 = 512 << 20;

/// Requests that may wait for a worker, for each worker.
const WAITING: usize = 64;

pub(crate) fn run(args: &ServeArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let collection = args.collection.open()?;
    let folder = shown_path(collection.base());
    collection.notes().iter().for_each(|note| printer.note(note));
    let engine = Engine::new(collection, networks::open(&args.network, printer)?);
    let token = token(args)?;
    let app = alike_server::app(engine, settings(args, token.clone(), report(args)?))?;
    let listener = TcpListener::bind(args.addr).with_context(|| format!("can't listen at {}", args.addr))?;
    say(args, printer, &folder, listener.local_addr()?, token.as_deref())?;
    let end = End::default();
    let ending = end.clone();
    ctrlc::set_handler(move || ending.now()).context("can't listen for Ctrl-C")?;
    alike_server::serve(listener, app, &end)?;
    printer.status("ended");
    Ok(Outcome::Success)
}

fn host(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_name { Ok(text.to_owned()) } else { Err(format!("got `{text}`, wanted a name without a port")) }
}

/// The user's, else a new one; none where changes are refused.
fn token(args: &ServeArgs) -> anyhow::Result<Option<String>> {
    let Some(given) = environment::set("ALIKE_TOKEN") else {
        return if args.no_auth { Ok(None) } else { Ok(Some(alike_server::new_token()?)) };
    };
    // It goes into an address and a cookie.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let given = given.into_string().ok().filter(|token| token.bytes().all(is_plain));
    let Some(given) = given else { bail!("ALIKE_TOKEN holds other characters than letters, digits, -, ., _ and ~") };
    Ok(Some(given).filter(|_| !args.no_auth))
}

fn settings(args: &ServeArgs, token: Option<String>, report: Option<PathBuf>) -> Settings {
    let guard_reads = is_for_others(args) && !args.no_auth;
    let workers = decoding::jobs(args.jobs);
    Settings {
        access: Access { token, guard_reads, hosts: args.hosts.clone() },
        decode: decode_options(args),
        max_body: (args.max_upload.get() as usize) << 20,
        patience: Duration::from_secs(u64::from(args.patience.get())),
        workers,
        waiting: WAITING * workers,
        recall: args.recall,
        report,
        on_fault: Box::new(|fault| Printer::new().warning(fault)),
    }
}

fn report(args: &ServeArgs) -> anyhow::Result<Option<PathBuf>> {
    let Some(dir) = &args.report else { return Ok(None) };
    let page = dir.join("report.html");
    if !page.is_file() {
        bail!("no report in {}: make one with `alike eval --report {}`", shown_path(dir), shown_path(dir));
    }
    Ok(Some(page))
}

/// A name is asked for by others, through a proxy on this machine, too.
fn is_for_others(args: &ServeArgs) -> bool {
    !args.addr.ip().is_loopback() || !args.hosts.is_empty()
}

fn decode_options(args: &ServeArgs) -> DecodeOptions {
    let limits = Limits { max_pixels: u64::from(args.max_megapixels.get()) * 1_000_000, max_bytes: DECODED_BYTES };
    DecodeOptions { limits, lenient: false, budget: Some(Arc::new(MemoryBudget::new(DECODED_BYTES))) }
}

/// The address goes to stdout, for programs that wait for it.
fn say(
    args: &ServeArgs,
    printer: &Printer,
    folder: &str,
    address: SocketAddr,
    token: Option<&str>,
) -> anyhow::Result<()> {
    printer.status(format_args!("serving {folder}; Ctrl-C ends it"));
    match token {
        Some(token) if !is_for_others(args) => printer.status(format_args!("token for changes: {token}")),
        Some(token) => printer.status(format_args!("open it with /?token={token}")),
        None if !is_for_others(args) => {}
        None => printer.warning("everybody who reaches this address can see the collection's pictures"),
    }
    printer.line(format_args!("http://{address}/"))?;
    Ok(())
}
