//! Models from a hub that stands on 127.0.0.1 and misbehaves as told.

use alike::model::Manifest;
use alike::model::catalogue::{Bytes, CATALOGUE, KnownModel};
use alike::model::download::{DownloadError, Downloaded, Hub, Origin, Progress, Proxy, cached_path, download};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const FILE: &str = "/org/tiny/resolve/0123abc/onnx/model.onnx";

/// What the stand-in does with a request for the file.
#[derive(Clone)]
enum Mood {
    Serve,
    /// Promises everything, closes after so many bytes of body.
    Cut(usize),
    /// Knows no ranges: 200 and the whole file, whatever was asked.
    IgnoreRange,
    /// Says nothing about the length.
    NoLength,
    /// Continues somewhere else than asked.
    WrongRange,
    Status(u16),
    Redirect(String),
}

/// Serves `content` as [`FILE`]; keeps the heads of the requests it got.
struct Server {
    endpoint: String,
    heads: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Server {
    fn start(content: Vec<u8>, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let mood = Arc::new(Mutex::new(mood));
        let (its_heads, its_mood) = (Arc::clone(&heads), Arc::clone(&mood));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let head = read_head(&stream);
                let mood = its_mood.lock().unwrap().clone();
                its_heads.lock().unwrap().push(head.clone());
                answer(stream, &head, &content, &mood);
            }
        });
        Self { endpoint, heads, mood }
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase() + "\n").collect()
}

fn answer(mut stream: TcpStream, head: &str, content: &[u8], mood: &Mood) {
    let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let from = range.filter(|_| !matches!(mood, Mood::IgnoreRange)).unwrap_or(0_usize);
    let rest = content.get(from..).unwrap_or_default();
    let length = format!("content-length: {}\r\n", rest.len());
    let status = match mood {
        Mood::Redirect(to) => format!("302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n"),
        Mood::Status(code) => format!("{code} Something\r\ncontent-length: 0\r\n"),
        _ if !head.starts_with(&format!("get {FILE} ")) && !head.starts_with("get /cdn ") => {
            "404 Not Found\r\ncontent-length: 0\r\n".to_owned()
        }
        _ if from >= content.len() => "416 Range Not Satisfiable\r\ncontent-length: 0\r\n".to_owned(),
        Mood::NoLength => "200 OK\r\n".to_owned(),
        Mood::WrongRange if from > 0 => {
            format!("206 Partial Content\r\ncontent-range: bytes 0-{0}/{0}\r\n{length}", content.len())
        }
        _ if from > 0 => {
            let (last, all) = (content.len() - 1, content.len());
            format!("206 Partial Content\r\ncontent-range: bytes {from}-{last}/{all}\r\n{length}")
        }
        _ => format!("200 OK\r\n{length}"),
    };
    let body = match mood {
        Mood::Cut(after) => &rest[..(*after).min(rest.len())],
        Mood::Redirect(_) | Mood::Status(_) => &[],
        _ if status.starts_with('4') => &[],
        _ => rest,
    };
    drop(write!(stream, "HTTP/1.1 {status}connection: close\r\n\r\n").and_then(|()| stream.write_all(body)));
}

/// Not repeating, so that two halves put together wrongly are noticed.
fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> &'static str {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    hash.leak()
}

/// A catalogue entry for `content`; its outputs are named, so that any bytes will do.
fn tiny(content: &[u8]) -> KnownModel {
    KnownModel {
        name: "tiny",
        repository: "org/tiny",
        revision: "0123abc",
        file: "onnx/model.onnx",
        bytes: Bytes::Exactly(content.len() as u64),
        sha256: Some(sha256(content)),
        ..*CATALOGUE.iter().find(|model| model.features.is_some()).unwrap()
    }
}

fn hub(endpoint: &str) -> Hub {
    Hub {
        endpoint: endpoint.to_owned(),
        token: Some("secret".to_owned()),
        proxy: None,
        hugging_face_cache: None,
        offline: false,
        patience: Duration::from_secs(20),
    }
}

fn pull(model: &KnownModel, hub: &Hub, cache: &Path) -> Result<Downloaded, DownloadError> {
    download(model, hub, cache, &mut |_| {})
}

fn part(cache: &Path) -> PathBuf {
    cached_path(&tiny(b""), cache).with_extension("onnx.part")
}

/// No file has its final name.
fn assert_nothing_there(cache: &Path) {
    assert!(!cached_path(&tiny(b""), cache).exists());
}

#[test]
fn a_model_comes_whole_with_its_manifest() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let mut seen = Vec::new();
    let model = tiny(&content);
    let got = download(&model, &hub(&server.endpoint), cache.path(), &mut |p| seen.push(p)).unwrap();
    assert_eq!(fs::read(&got.path).unwrap(), content);
    assert_eq!(got.path, cache.path().join("tiny/tiny.onnx"));
    assert_eq!(got.origin, Origin::Hub(server.endpoint.clone() + FILE));
    assert_eq!((Some(got.sha256.as_str()), got.bytes), (model.sha256, 1_200_000));
    assert_eq!(seen.first(), Some(&Progress { done: 0, total: Some(1_200_000) }));
    assert_eq!(seen.last(), Some(&Progress { done: 1_200_000, total: Some(1_200_000) }));
    assert!(server.heads()[0].contains("authorization: bearer secret"));
    assert!(!part(cache.path()).exists());

    let toml = got.path.with_extension("toml");
    let manifest = Manifest::parse(&fs::read_to_string(&toml).unwrap(), &toml).unwrap();
    assert_eq!(manifest.name, "tiny");
    assert_eq!(manifest.origin.sha256.as_deref(), model.sha256);

    let again = pull(&model, &hub(&server.endpoint), cache.path()).unwrap();
    assert_eq!(again.origin, Origin::Cached);
    assert_eq!(server.heads().len(), 1, "the second call asked nobody");
}

#[test]
fn a_cut_connection_is_continued() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Cut(500_000));
    let (model, hub) = (tiny(&content), hub(&server.endpoint));
    let error = pull(&model, &hub, cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Interrupted { done: 500_000, .. }), "{error}");
    assert!(error.to_string().contains("run the same command again"), "{error}");
    assert_nothing_there(cache.path());

    server.becomes(Mood::Serve);
    let got = pull(&model, &hub, cache.path()).unwrap();
    assert_eq!(fs::read(got.path).unwrap(), content);
    assert!(server.heads()[1].contains("range: bytes=500000-\n"));
}

#[test]
fn a_server_without_ranges_starts_over() {
    for mood in [Mood::IgnoreRange, Mood::WrongRange] {
        let (content, cache) = (content(), TempDir::new().unwrap());
        let server = Server::start(content.clone(), Mood::Cut(1000));
        let (model, hub) = (tiny(&content), hub(&server.endpoint));
        pull(&model, &hub, cache.path()).unwrap_err();
        server.becomes(mood);
        let got = pull(&model, &hub, cache.path()).unwrap();
        assert_eq!(fs::read(got.path).unwrap(), content);
    }
}

#[test]
fn a_finished_part_needs_no_server() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    fs::create_dir_all(cache.path().join("tiny")).unwrap();
    fs::write(part(cache.path()), &content).unwrap();
    let got = pull(&tiny(&content), &hub("http://127.0.0.1:1"), cache.path()).unwrap();
    assert_eq!(fs::read(got.path).unwrap(), content);
}

#[test]
fn a_spoilt_part_is_not_continued_for_ever() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let (model, hub) = (tiny(&content), hub(&server.endpoint));
    fs::create_dir_all(cache.path().join("tiny")).unwrap();
    for spoilt in [vec![7; 1000], vec![7; content.len()], vec![7; content.len() + 5]] {
        fs::write(part(cache.path()), spoilt).unwrap();
        let got = pull(&model, &hub, cache.path()).or_else(|_| pull(&model, &hub, cache.path())).unwrap();
        assert_eq!(fs::read(&got.path).unwrap(), content);
        fs::remove_file(got.path).unwrap();
    }
}

#[test]
fn a_wrong_hash_leaves_nothing() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let mut changed = content.clone();
    changed[77] ^= 1;
    let server = Server::start(changed, Mood::Serve);
    let error = pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
    assert_nothing_there(cache.path());
    assert!(!part(cache.path()).exists());
}

#[test]
fn a_short_or_long_file_is_refused_before_it_is_read() {
    let content = content();
    for wrong in [content[..9999].to_vec(), [content.clone(), vec![0; 5]].concat()] {
        let cache = TempDir::new().unwrap();
        let server = Server::start(wrong.clone(), Mood::Serve);
        let error = pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap_err();
        assert!(matches!(error, DownloadError::WrongSize { got, .. } if got == wrong.len() as u64), "{error}");
        assert_nothing_there(cache.path());
    }
}

#[test]
fn an_endless_file_is_cut_at_the_known_size() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start([content.clone(), content.clone()].concat(), Mood::NoLength);
    let error = pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::WrongSize { got: 1_200_001, .. }), "{error}");
    assert_eq!(fs::metadata(part(cache.path())).map_or(0, |meta| meta.len()), 0);
}

#[test]
fn a_refusal_is_explained() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    for (status, words) in [(404, "HF_ENDPOINT"), (401, "HF_TOKEN"), (403, "HF_TOKEN"), (503, "try again later")] {
        server.becomes(Mood::Status(status));
        let error = pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(&status.to_string()), "{error}");
    }
}

#[test]
fn a_redirect_is_followed_without_the_token() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let cdn = Server::start(content.clone(), Mood::Serve);
    let server = Server::start(content.clone(), Mood::Redirect(format!("{}/cdn", cdn.endpoint)));
    pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap();
    assert!(server.heads()[0].contains("secret"));
    assert!(!cdn.heads()[0].contains("secret"), "{}", cdn.heads()[0]);
}

#[test]
fn no_server_and_no_host_are_explained() {
    let cache = TempDir::new().unwrap();
    for endpoint in ["http://127.0.0.1:1", "http://no-such-host.invalid"] {
        let error = pull(&tiny(&content()), &hub(endpoint), cache.path()).unwrap_err();
        assert!(matches!(error, DownloadError::Unreachable { .. }), "{error}");
        assert_nothing_there(cache.path());
    }
}

/// A proxy that leads every tunnel it is asked for to `server`; keeps the heads of the requests.
fn proxy_to(server: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://someone:hush@{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (its_heads, server) = (Arc::clone(&heads), server.trim_start_matches("http://").to_owned());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = read_head(&stream);
            its_heads.lock().unwrap().push(head.clone());
            assert!(head.starts_with("connect "), "{head}");
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            let mut upstream = TcpStream::connect(&server).unwrap();
            let (mut from, mut to) = (stream.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            drop(std::io::copy(&mut upstream, &mut stream));
        }
    });
    (url, heads)
}

#[test]
fn a_proxy_is_used_except_for_the_hosts_it_is_not_for() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let (url, heads) = proxy_to(&server.endpoint);
    let proxy =
        |except: &[&str]| Some(Proxy { url: url.clone(), except: except.iter().map(ToString::to_string).collect() });
    // Nobody knows this host but the proxy.
    let behind = Hub { proxy: proxy(&["elsewhere.invalid"]), ..hub("http://hub.invalid") };
    pull(&tiny(&content), &behind, cache.path()).unwrap();
    let asked = heads.lock().unwrap().clone();
    assert!(
        asked[0].starts_with("connect hub.invalid:80 ") && asked[0].contains("proxy-authorization: basic "),
        "{asked:?}"
    );
    let direct = Hub { proxy: proxy(&["127.0.0.1"]), ..hub(&server.endpoint) };
    pull(&tiny(&content), &direct, TempDir::new().unwrap().path()).unwrap();
    assert_eq!(heads.lock().unwrap().len(), 1);
    let nonsense = Hub { proxy: Some(Proxy { url: "no proxy".to_owned(), except: vec![] }), ..hub(&server.endpoint) };
    let error = pull(&tiny(&content), &nonsense, TempDir::new().unwrap().path()).unwrap_err();
    assert!(matches!(error, DownloadError::Proxy { .. }), "{error}");
}

#[test]
fn a_hub_that_falls_silent_is_given_up_and_continued_later() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let length = content.len();
    let beginning = content[..1000].to_vec();
    std::thread::spawn(move || {
        // First not a word, then a thousand bytes and not a word more; each until the other side has had enough.
        for (turn, mut stream) in silent.incoming().flatten().enumerate() {
            read_head(&stream);
            if turn > 0 {
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").unwrap();
                stream.write_all(&beginning).unwrap();
            }
            drop(stream.read(&mut [0]));
        }
    });
    let hub_there = Hub { patience: Duration::from_millis(300), ..hub(&endpoint) };
    let error = pull(&tiny(&content), &hub_there, cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Unreachable { .. }), "{error}");
    let error = pull(&tiny(&content), &hub_there, cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Interrupted { done: 1000, .. }), "{error}");
    assert_nothing_there(cache.path());
    let server = Server::start(content.clone(), Mood::Serve);
    pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap();
    assert!(server.heads()[0].contains("range: bytes=1000-"));
}

#[test]
fn a_server_without_tls_is_no_secure_server() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let https = server.endpoint.replace("http:", "https:");
    let error = pull(&tiny(&content), &hub(&https), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Tls { .. } | DownloadError::Unreachable { .. }), "{error}");
}

#[test]
fn a_cache_that_is_no_folder_is_explained() {
    let cache = TempDir::new().unwrap();
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    let error = pull(&tiny(&content()), &hub("http://127.0.0.1:1"), &file.join("models")).unwrap_err();
    assert!(matches!(error, DownloadError::Cache { .. }), "{error}");
    assert!(error.to_string().contains("ALIKE_CACHE"), "{error}");
}

#[test]
fn two_downloads_of_one_model_do_not_meet() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    fs::create_dir_all(cache.path().join("tiny")).unwrap();
    let lock = fs::File::create(cache.path().join("tiny/tiny.lock")).unwrap();
    lock.lock().unwrap();
    let server = Server::start(content.clone(), Mood::Serve);
    let error = pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Busy { .. }), "{error}");
    drop(lock);
    pull(&tiny(&content), &hub(&server.endpoint), cache.path()).unwrap();
}

#[test]
fn the_hugging_face_cache_is_used_if_its_file_is_right() {
    let (content, folder) = (content(), TempDir::new().unwrap());
    let hub_cache = folder.path().join("hub");
    let held = hub_cache.join("models--org--tiny/snapshots/feed/onnx/model.onnx");
    fs::create_dir_all(held.parent().unwrap()).unwrap();
    let server = Server::start(content.clone(), Mood::Serve);
    let hub = Hub { hugging_face_cache: Some(hub_cache), ..hub(&server.endpoint) };

    fs::write(&held, vec![7; content.len()]).unwrap();
    let got = pull(&tiny(&content), &hub, &folder.path().join("a")).unwrap();
    assert!(matches!(got.origin, Origin::Hub(_)), "a wrong file is not taken: {got:?}");

    fs::write(&held, &content).unwrap();
    let offline = Hub { offline: true, ..hub };
    let got = pull(&tiny(&content), &offline, &folder.path().join("b")).unwrap();
    assert_eq!(got.origin, Origin::HuggingFaceCache(held));
    assert_eq!(fs::read(got.path).unwrap(), content);
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn offline_asks_nobody() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let hub = Hub { offline: true, ..hub(&server.endpoint) };
    let error = pull(&tiny(&content), &hub, cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Offline { .. }), "{error}");
    assert!(server.heads().is_empty());
}

#[test]
fn a_model_without_a_pinned_hash_must_be_a_network() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let model = KnownModel { sha256: None, features: None, bytes: Bytes::AtMost(2_000_000), ..tiny(&content) };
    let error = pull(&model, &hub(&server.endpoint), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::NoModel { .. }), "{error}");
    assert_nothing_there(cache.path());
}

#[test]
fn a_model_without_a_pinned_hash_is_pinned_on_first_contact() {
    let (content, cache) = (content(), TempDir::new().unwrap());
    let server = Server::start(content.clone(), Mood::Serve);
    let model = KnownModel { sha256: None, bytes: Bytes::AtMost(2_000_000), ..tiny(&content) };
    let got = pull(&model, &hub(&server.endpoint), cache.path()).unwrap();
    assert_eq!(got.sha256, sha256(&content));
    assert_eq!(pull(&model, &hub(&server.endpoint), cache.path()).unwrap().origin, Origin::Cached);
    fs::write(&got.path, "changed").unwrap();
    assert!(matches!(pull(&model, &hub(&server.endpoint), cache.path()).unwrap().origin, Origin::Hub(_)));

    let other = Server::start(vec![7; 1000], Mood::Serve);
    fs::remove_file(&got.path).unwrap();
    let error = pull(&model, &hub(&other.endpoint), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
}

#[test]
fn the_catalogue_is_sound() {
    for model in &CATALOGUE {
        assert!(model.sha256.is_none_or(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_eq!(model.repository.split('/').count(), 2);
    }
    let names: std::collections::BTreeSet<_> = CATALOGUE.iter().map(|model| model.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
}
