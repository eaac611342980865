//! Who gets in.

use crate::served::{Served, TOKEN, drawn, png, request, settings};
use alike_server::{Access, Settings};
use axum::body::Body;
use axum::http::{Request, StatusCode};

fn refusal(served: &Served, request: Request<Body>) -> Option<(u16, String)> {
    let answer = served.send(request);
    (!answer.status.is_success()).then(|| answer.refusal())
}

fn with(method: &str, path: &str, headers: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = request(method, path, Body::empty());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

#[test]
fn foreign_names_are_refused() {
    let access = Access { hosts: vec!["photos.example.org".to_owned()], ..settings().access };
    let served = Served::new(Settings { access, ..settings() });
    let asked_as = |host: &str| refusal(&served, with("GET", "/api/v1/collection", &[("host", host)]));
    for ours in ["127.0.0.1:7878", "localhost", "LOCALHOST:1", "[::1]:7878", "192.168.1.7", "photos.example.org:80"] {
        assert_eq!(asked_as(ours), None, "{ours}");
    }
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7878", "photos.example.org.", ""]
    {
        assert_eq!(asked_as(foreign), Some((403, "foreign_host".to_owned())), "{foreign}");
    }
}

#[test]
fn foreign_pages_are_refused() {
    let served = Served::usual();
    let from = |headers: &[(&'static str, &str)]| refusal(&served, with("GET", "/api/v1/collection", headers));
    assert_eq!(from(&[("origin", "http://127.0.0.1:7878")]), None);
    assert_eq!(from(&[("sec-fetch-site", "same-origin")]), None);
    assert_eq!(from(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]), None);
    let foreign = Some((403, "foreign_origin".to_owned()));
    for origin in ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:7878.evil.example"] {
        assert_eq!(from(&[("origin", origin)]), foreign, "{origin}");
    }
    assert_eq!(from(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]), foreign);
}

#[test]
fn changes_need_the_token() {
    let served = Served::usual();
    let delete = |headers: &[(&'static str, &str)]| refusal(&served, with("DELETE", "/api/v1/images/1", headers));
    assert_eq!(delete(&[]), Some((401, "token_needed".to_owned())));
    assert_eq!(delete(&[("authorization", "Bearer wrong")]), Some((401, "wrong_token".to_owned())));
    assert_eq!(delete(&[("authorization", TOKEN)]), Some((401, "token_needed".to_owned())));
    assert_eq!(delete(&[("authorization", "bearer wrong")]), Some((401, "wrong_token".to_owned())));
    assert_eq!(delete(&[("cookie", &format!("a=b; alike_token={TOKEN}"))]), None);
    assert_eq!(served.upload("/api/v1/images", png(&drawn(5))).refusal(), (401, "token_needed".to_owned()));
    let read_only = Served::new(Settings { access: Access::default(), ..settings() });
    let refused = read_only.change("DELETE", "/api/v1/images/1", Body::empty()).refusal();
    assert_eq!(refused, (403, "read_only".to_owned()));
    assert_eq!(read_only.get("/api/v1/collection").json()["token_needed"], false);
}

#[test]
fn guarded_reads_need_the_token_and_a_browser_gets_a_cookie_for_it() {
    let access = Access { guard_reads: true, ..settings().access };
    let served = Served::new(Settings { access, ..settings() });
    assert_eq!(served.get("/api/v1/collection").refusal(), (401, "token_needed".to_owned()));
    assert_eq!(served.get("/metrics").refusal(), (401, "token_needed".to_owned()));
    assert_eq!(served.get("/healthz").status, StatusCode::OK);
    assert_eq!(served.get("/?token=wrong").refusal(), (401, "token_needed".to_owned()));
    let welcome = served.get(&format!("/?token={TOKEN}"));
    assert_eq!((welcome.status, welcome.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = welcome.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(refusal(&served, with("GET", "/api/v1/collection", &[("cookie", cookie)])), None);
}

#[test]
fn browsers_are_told_what_not_to_do() {
    let served = Served::usual();
    for answer in [served.get("/api/v1/collection"), served.get("/nothing"), served.get("/api/v1/images/1/thumbnail")] {
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}
