//! A served collection of a dozen drawn pictures, and a client.

use alike::engine::{Engine, Input, Networks, Recipes, SyncRequest};
use alike::model::runtime::Rten;
use alike::picture::{DecodeOptions, Picture};
use alike::store::Collection;
use alike_server::{Access, Settings, app};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "b0a7";

pub(crate) struct Served {
    pub(crate) dir: tempfile::TempDir,
    app: Router,
    runtime: tokio::runtime::Runtime,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&self.body)))
    }

    /// Status, and code of the error.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["code"].as_str().unwrap().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Ids of the hits, best first.
    pub(crate) fn hits(&self) -> Vec<u64> {
        assert_eq!(self.status, StatusCode::OK, "{:?}", String::from_utf8_lossy(&self.body));
        self.json()["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        access: Access { token: Some(TOKEN.to_owned()), ..Access::default() },
        decode: DecodeOptions::default(),
        max_body: 1 << 20,
        patience: Duration::from_secs(20),
        workers: 2,
        waiting: 8,
        recall: 1.0,
        report: None,
        on_fault: Box::new(|fault| panic!("a fault: {fault}")),
    }
}

/// A hue with noise: pictures of near hues look alike by colour.
pub(crate) fn drawn(hue: u8) -> Picture {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 27) as u8;
    let pixel = |i: u32| [hue.saturating_add(noise(i)), 255 - hue, 40 + noise(i)];
    Picture::from_rgb(64, 48, (0..64 * 48).flat_map(pixel).collect()).unwrap()
}

pub(crate) fn png(picture: &Picture) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec()).unwrap();
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Number `n` of the gallery; the second half is called `late`.
pub(crate) fn hue(n: u8) -> u8 {
    n * 20
}

pub(crate) const PICTURES: u8 = 12;

/// Indexes what lies in the folder.
pub(crate) fn index(dir: &Path, recipes: &[&str]) {
    let collection = dir.join(".alike");
    let collection =
        if collection.exists() { Collection::open(&collection) } else { Collection::create(&collection) }.unwrap();
    let request = SyncRequest {
        inputs: vec![Input::Folder { path: dir.to_owned(), labels_from_folders: true }],
        recipes: Recipes::Add(recipes.iter().map(|recipe| recipe.parse().unwrap()).collect()),
        decode: DecodeOptions::default(),
        decoding: None,
        jobs: 1,
        forget: false,
        scan: None,
        who: "a test",
        cancel: &AtomicBool::new(false),
    };
    Engine::new(collection, networks()).sync(&request, &mut |_| {}).unwrap();
}

/// The collection beside the server, as another program has it.
pub(crate) fn engine(dir: &Path) -> Engine {
    Engine::new(Collection::open(&dir.join(".alike")).unwrap(), networks())
}

fn networks() -> Networks {
    Networks::new(None, None, || Arc::new(Rten::new()))
}

impl Served {
    /// By `color` and by a code of it.
    pub(crate) fn new(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..PICTURES {
            let folder = dir.path().join(if n < PICTURES / 2 { "early" } else { "late" });
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{n:02}.png")), png(&drawn(hue(n)))).unwrap();
        }
        index(dir.path(), &["color", "color | hash(mean)"]);
        let app = app(engine(dir.path()), settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { dir, app, runtime }
    }

    pub(crate) fn usual() -> Self {
        Self::new(settings())
    }

    /// The gallery's ids, in the order in which they were drawn.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let images = self.get("/api/v1/images?limit=100").json()["images"].clone();
        images.as_array().unwrap().iter().map(|image| image["id"].as_u64().unwrap()).collect()
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(answer(self.app.clone(), request))
    }

    /// What becomes of requests that come at the same time, in their order.
    pub(crate) fn send_all(&self, requests: Vec<Request<Body>>) -> Vec<Answer> {
        self.runtime.block_on(async {
            let sent: Vec<_> =
                requests.into_iter().map(|request| tokio::spawn(answer(self.app.clone(), request))).collect();
            let mut answers = Vec::new();
            for one in sent {
                answers.push(one.await.unwrap());
            }
            answers
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, Body::empty()))
    }

    /// A picture as it is, without a word on what it is.
    pub(crate) fn upload(&self, path: &str, body: Vec<u8>) -> Answer {
        self.send(request("POST", path, body.into()))
    }

    /// With the token.
    pub(crate) fn change(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = request(method, path, body.into());
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        self.send(request)
    }
}

async fn answer(app: Router, request: Request<Body>) -> Answer {
    let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "127.0.0.1:7878").body(body).unwrap()
}
