//! Many people who send a large photo at the same time.

use crate::gallery::{Gallery, photos};
use crate::http;
use crate::server::Server;
use image::ImageReader;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::time::Instant;

const UPLOADS: usize = 200;
const DIFFERENT: usize = 20;
const SIZE: (u32, u32) = (4000, 3000);

/// How one of them was answered.
struct Answer {
    seconds: f64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Results,
    /// 503 with `Retry-After`.
    Later,
    Other,
}

pub(crate) fn measure(gallery: &Gallery) -> String {
    let bodies: Vec<Arc<Vec<u8>>> = large().into_iter().map(Arc::new).collect();
    let mean = bodies.iter().map(|body| body.len()).sum::<usize>() as f64 / bodies.len() as f64 / 1e6;
    let server = Server::ours(gallery, &[]);
    let start = Arc::new(Barrier::new(UPLOADS));
    let clients = (0..UPLOADS).map(|client| {
        let (address, body, start) = (server.address, Arc::clone(&bodies[client % DIFFERENT]), Arc::clone(&start));
        std::thread::spawn(move || upload(address, &body, &start))
    });
    let clients: Vec<_> = clients.collect();
    let answers: Vec<Answer> = clients.into_iter().map(|client| client.join().expect("a client ends")).collect();
    let count = |kind| answers.iter().filter(|answer| answer.kind == kind).count();
    let last = answers.iter().map(|answer| answer.seconds).fold(0.0, f64::max);
    format!(
        "\n{UPLOADS} uploads at once of {} x {} pixels ({mean:.1} MB each), to a fresh server: {} answered with results, {} with 503 \
         and `Retry-After`, {} otherwise; the last after {last:.1} s. The server had {:.0} MiB at most, mapped files included.\n",
        SIZE.0,
        SIZE.1,
        count(Kind::Results),
        count(Kind::Later),
        count(Kind::Other),
        server.memory_kib("VmHWM") as f64 / 1024.0
    )
}

/// Photos brought to the size, with a little noise as cameras have.
fn large() -> Vec<Vec<u8>> {
    let photos = photos();
    let photos = photos.iter().step_by((photos.len() / DIFFERENT).max(1)).take(DIFFERENT);
    let mut random = crate::synthetic::Random(1);
    let large = photos.map(|path| {
        let photo = ImageReader::open(path).expect("it is there").decode().expect("a photo").to_rgb8();
        let mut photo = image::imageops::resize(&photo, SIZE.0, SIZE.1, FilterType::CatmullRom);
        photo.as_mut().iter_mut().for_each(|level| *level = (f32::from(*level) + 2.0 * random.normal()) as u8);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&photo).expect("memory takes it");
        jpeg
    });
    large.collect()
}

fn upload(address: SocketAddr, body: &[u8], start: &Barrier) -> Answer {
    start.wait();
    let began = Instant::now();
    let answer = http::ask(address, "POST", "/api/v1/search?k=10", body).unwrap_or_default();
    let status = answer.split(' ').nth(1);
    let kind = match status {
        Some("200") if answer.contains("\"rank\":10") => Kind::Results,
        Some("503") if answer.to_ascii_lowercase().contains("\r\nretry-after: ") => Kind::Later,
        _ => Kind::Other,
    };
    Answer { seconds: began.elapsed().as_secs_f64(), kind }
}
