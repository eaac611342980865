//! `alike serve` on a port, as a person and a program meet it.

use crate::gallery::{Gallery, two_classes};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

const TOKEN: &str = "secret";

/// A server over the gallery's collection, at a free port.
struct Serving {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl Drop for Serving {
    /// Where a test fails.
    fn drop(&mut self) {
        drop(self.process.kill());
    }
}

impl Serving {
    fn start(gallery: &Gallery) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_alike"))
            .args(["serve", "--addr", "127.0.0.1:0", "-c", "c"])
            .current_dir(gallery.path(""))
            .env("ALIKE_CACHE", gallery.path(".cache"))
            .env("ALIKE_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
        Self { process, stdout, address }
    }

    /// Status and body.
    fn ask(&self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{head}\r\nHost: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n", self.address)
            .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    fn json(&self, head: &str, body: &[u8]) -> Value {
        serde_json::from_slice(&self.ask(head, body).1).unwrap()
    }

    /// What it said on stderr, when it has ended by the signal.
    #[cfg(unix)]
    fn end(mut self) -> String {
        assert!(Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let mut more = String::new();
        self.stdout.read_to_string(&mut more).unwrap();
        assert_eq!(more, "", "the address is all that goes to stdout");
        said
    }
}

fn indexed() -> Gallery {
    let gallery = two_classes(4);
    gallery.alike(&["index", "--list", "trainval.txt", "-c", "c", "--recipe", "color"]).exits(0);
    gallery
}

#[test]
#[cfg(unix)]
fn a_server_answers_on_its_port_and_ends_when_told() {
    let gallery = indexed();
    let serving = Serving::start(&gallery);
    let query = std::fs::read(gallery.path("images/q1.png")).unwrap();
    let found = serving.json("POST /api/v1/search?k=3 HTTP/1.1", &query);
    let labels: Vec<&str> =
        found["hits"].as_array().unwrap().iter().map(|hit| hit["label_name"].as_str().unwrap()).collect();
    assert_eq!(labels, ["sea lion"; 3]);
    assert_eq!(serving.json("GET /api/v1/collection HTTP/1.1", b"")["labels"][0]["name"], "虎");
    let page = String::from_utf8(serving.ask("GET / HTTP/1.1", b"").1).unwrap();
    for script in
        page.split("src=\"").skip(1).chain(page.split("href=\"/").skip(1)).map(|rest| rest.split('"').next().unwrap())
    {
        let path = format!("/{}", script.trim_start_matches('/'));
        if path == "/report" {
            continue; // hidden where there is none
        }
        assert_eq!(serving.ask(&format!("GET {path} HTTP/1.1"), b"").0, 200, "{path}");
    }
    let added =
        serving.json(&format!("POST /api/v1/images?label=new HTTP/1.1\r\nAuthorization: Bearer {TOKEN}"), &query);
    assert_eq!(added["label"], "new");
    let said = serving.end();
    assert!(said.contains("serving") && said.contains("ended"), "{said}");
    // What was added is there for everybody.
    let hits = gallery.alike(&["search", "images/q1.png", "-c", "c", "--label", "new", "--json"]).exits(0).hits();
    assert_eq!(hits.len(), 1);
}

#[test]
#[cfg(unix)]
fn what_indexes_meanwhile_is_seen() {
    let gallery = indexed();
    let serving = Serving::start(&gallery);
    let pictures = || serving.json("GET /api/v1/collection HTTP/1.1", b"")["pictures"].clone();
    assert_eq!(pictures(), 8);
    gallery.draw("more/new.png", 100, 3);
    gallery.alike(&["index", "more", "-c", "c"]).exits(0);
    assert_eq!(pictures(), 9);
    serving.end();
}

#[test]
fn wrong_starts_say_what_to_do() {
    let gallery = indexed();
    gallery.alike(&["serve", "-c", "nowhere"]).exits(2).says("no collection");
    gallery.alike(&["serve", "-c", "c", "--addr", "localhost"]).exits(2).says("invalid socket address");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    gallery.alike(&["serve", "-c", "c", "--addr", &address]).exits(2).says(&format!("can't listen at {address}"));
    gallery.alike(&["serve", "-c", "c", "--host", "a.example:80"]).exits(2).says("wanted a name without a port");
    let blank = [("ALIKE_TOKEN", std::path::Path::new("a b"))];
    gallery.alike_with(&["serve", "-c", "c"], &blank, "").exits(2).says("ALIKE_TOKEN holds other characters");
}
