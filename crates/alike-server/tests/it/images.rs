//! Images, their files, and the collection at a glance.

use crate::served::{PICTURES, Served, drawn, engine, hue, index, png, request, settings};
use alike::picture::Picture;
use alike::store::{Batch, Record, SourceRowsToAdd};
use alike_server::Settings;
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;

#[test]
fn images_are_listed_by_page_and_label() {
    let served = Served::usual();
    let ids = served.ids();
    let page = served.get("/api/v1/images?offset=4&limit=3").json();
    let listed: Vec<u64> = page["images"].as_array().unwrap().iter().map(|i| i["id"].as_u64().unwrap()).collect();
    assert_eq!((page["total"].as_u64(), listed), (Some(u64::from(PICTURES)), ids[4..7].to_vec()));
    assert_eq!(served.get("/api/v1/images?label=late").json()["total"], 6);
    assert_eq!(served.get("/api/v1/images?tag=none").json()["total"], 0);
    let first = served.get(&format!("/api/v1/images/{}", ids[0])).json();
    let bytes = png(&drawn(hue(0))).len();
    let wanted = json!({"id": ids[0], "path": "early/00.png", "label": "early", "label_name": null, "width": 64, "height": 48, "bytes": bytes});
    assert_eq!(first, wanted);
}

#[test]
fn files_come_as_they_are_and_small() {
    let served = Served::usual();
    let id = served.ids()[2];
    let file = served.get(&format!("/api/v1/images/{id}/file"));
    assert_eq!((file.header("content-type"), &file.body), ("image/png", &png(&drawn(hue(2)))));
    let small = served.get(&format!("/api/v1/images/{id}/thumbnail?side=32"));
    assert_eq!(small.header("content-type"), "image/jpeg");
    let picture = image::load_from_memory(&small.body).unwrap();
    assert_eq!((picture.width(), picture.height()), (32, 24));
    let whole = served.get(&format!("/api/v1/images/{id}/thumbnail?side=1024"));
    assert_eq!(image::load_from_memory(&whole.body).unwrap().width(), 64);
    let mut again = request("GET", &format!("/api/v1/images/{id}/thumbnail?side=32"), Body::empty());
    again.headers_mut().insert("if-none-match", small.header("etag").parse().unwrap());
    assert_eq!(served.send(again).status, StatusCode::NOT_MODIFIED);
    assert_eq!(served.get(&format!("/api/v1/images/{id}/thumbnail?side=9")).refusal().1, "bad_parameter");
}

#[test]
fn a_large_file_comes_in_pieces_as_it_is() {
    let served = Served::usual();
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
    let large = png(&Picture::from_rgb(400, 300, (0..400 * 300 * 3).map(noise).collect()).unwrap());
    assert!(large.len() > 200_000, "{}", large.len());
    std::fs::write(served.dir.path().join("late/large.png"), &large).unwrap();
    index(served.dir.path(), &["color"]);
    let file = served.get(&format!("/api/v1/images/{}/file", served.ids()[12]));
    assert_eq!((file.header("content-length"), &file.body), (&*large.len().to_string(), &large));
}

#[test]
fn a_file_that_is_another_now_is_not_served() {
    let served = Served::usual();
    let ids = served.ids();
    let path = |n: usize| served.dir.path().join(format!("early/{n:02}.png"));
    let refused = |n: usize| {
        let [file, thumbnail] =
            ["file", "thumbnail"].map(|what| served.get(&format!("/api/v1/images/{}/{what}", ids[n])));
        assert_eq!(file.refusal(), thumbnail.refusal());
        file.refusal()
    };
    let changed = (404, "file_changed".to_owned());
    let mut bytes = std::fs::read(path(0)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path(0), bytes).unwrap();
    assert_eq!(refused(0), changed);
    std::fs::remove_file(path(1)).unwrap();
    assert_eq!(refused(1), changed);
    #[cfg(unix)]
    {
        std::fs::remove_file(path(2)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path(2)).unwrap();
        assert_eq!(refused(2), changed);
    }
    // Searching still works: descriptors lie in the collection.
    assert_eq!(served.get(&format!("/api/v1/images/{}/similar?k=1", ids[0])).hits(), [ids[0]]);
}

#[test]
fn the_collection_at_a_glance() {
    let served = Served::usual();
    let seen = served.get("/api/v1/collection").json();
    assert_eq!(seen["pictures"], PICTURES);
    let label = |id: &str| json!({"id": id, "name": null, "pictures": 6});
    assert_eq!(seen["labels"], json!([label("early"), label("late")]));
    let recipes: Vec<&str> =
        seen["recipes"].as_array().unwrap().iter().map(|r| r["recipe"].as_str().unwrap()).collect();
    assert_eq!(recipes, ["color", "color | hash(mean)"]);
    assert_eq!((seen["recipes"][1]["kind"].as_str(), seen["token_needed"].as_bool()), (Some("code"), Some(true)));
    assert_eq!(served.change("GET", "/api/v1/collection", Body::empty()).json()["token_needed"], false);
}

#[test]
fn the_map_puts_alike_pictures_side_by_side() {
    let served = Served::usual();
    for recipe in ["color", "color%20%7C%20hash(mean)"] {
        let map = served.get(&format!("/api/v1/collection/map?recipe={recipe}")).json();
        let points = map["points"].as_array().unwrap();
        assert_eq!(points.len(), usize::from(PICTURES));
        let place = |n: usize| [points[n]["x"].as_f64().unwrap(), points[n]["y"].as_f64().unwrap()];
        let distance = |a: usize, b: usize| (place(a)[0] - place(b)[0]).hypot(place(a)[1] - place(b)[1]);
        assert!(distance(3, 4) < distance(3, 11), "{recipe}: {map}");
        let largest = (0..12).flat_map(place).fold(0.0_f64, |largest, x| largest.max(x.abs()));
        assert!((largest - 1.0).abs() < 1e-6, "{largest}");
        let explained = [0, 1].map(|axis| map["explained"][axis].as_f64().unwrap());
        assert!(explained[0] >= explained[1] && explained[0] + explained[1] <= 1.0 + 1e-9, "{explained:?}");
    }
    assert_eq!(served.get("/api/v1/collection/map?limit=5").json()["points"].as_array().unwrap().len(), 5);
}

#[test]
fn what_another_program_adds_is_seen_at_once() {
    let served = Served::usual();
    assert_eq!(served.get("/api/v1/collection").json()["pictures"], PICTURES);
    std::fs::write(served.dir.path().join("late/new.png"), png(&drawn(250))).unwrap();
    index(served.dir.path(), &["color"]);
    assert_eq!(served.get("/api/v1/collection").json()["pictures"], PICTURES + 1);
    let found = served.upload("/api/v1/search?k=1", png(&drawn(250)));
    assert_eq!(found.json()["hits"][0]["path"], "late/new.png");
}

#[test]
fn what_depends_on_all_pictures_is_as_it_was_until_a_run_is_done() {
    let served = Served::usual();
    index(served.dir.path(), &["color | augment(2)"]);
    let (of_all, alone) = ("color%20%7C%20augment(2)", "color");
    let found = |recipe: &str| {
        let address = format!("/api/v1/images/{}/similar?k=50&recipe={recipe}", served.ids()[0]);
        served.get(&address).hits().len()
    };
    assert_eq!((found(of_all), found(alone)), (12, 12));
    // Another program commits, and hasn't made descriptors yet.
    let engine = engine(served.dir.path());
    let snapshot = engine.collection().snapshot().unwrap();
    let mut writer = engine.collection().write("a test").unwrap();
    let known = snapshot.records().unwrap()[0].clone();
    let id = writer.reserve_ids(1).unwrap();
    let source = &snapshot.sources()[0];
    let rows = snapshot.source_rows(&source.key).unwrap().row(known.id).unwrap().to_vec();
    let rows = vec![SourceRowsToAdd { source_key: source.key.clone(), ids: vec![id], rows }];
    let record = |id, path: &str| Record { id, path: path.into(), ..known.clone() };
    let upserts = vec![record(id, "late/new.png")];
    writer.commit(Batch { upserts, rows, ..Batch::default() }).unwrap();
    // Somebody looks at something else, and it commits again.
    assert_eq!(served.get("/api/v1/images").status, 200);
    let upserts = vec![record(writer.reserve_ids(1).unwrap(), "late/newer.png")];
    writer.commit(Batch { upserts, ..Batch::default() }).unwrap();
    assert_eq!(served.get("/api/v1/images").status, 200);
    let points = |recipe: &str| served.get(&format!("/api/v1/collection/map?recipe={recipe}")).json()["points"].clone();
    assert_eq!(points(of_all).as_array().unwrap().len(), 12);
    assert_eq!((found(of_all), found(alone)), (12, 13));
    // What goes is found no longer, though nothing else has changed.
    let gone = served.ids()[1];
    writer.commit(Batch { removed: vec![gone], ..Batch::default() }).unwrap();
    assert_eq!((found(of_all), found(alone), points(of_all).as_array().unwrap().len()), (11, 12, 11));
    let of_gone = served.get(&format!("/api/v1/images/{gone}/similar?recipe={of_all}"));
    assert_eq!(of_gone.refusal(), (404, "no_such_image".to_owned()));
    drop(writer);
    std::fs::write(served.dir.path().join("late/new.png"), png(&drawn(250))).unwrap();
    index(served.dir.path(), &["color"]);
    assert_eq!((found(of_all), found(alone)), (13, 13));
}

#[test]
fn the_page_of_an_evaluation_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    std::fs::write(&path, "<!doctype html><title>mAP</title>").unwrap();
    let served = Served::new(Settings { report: Some(path), ..settings() });
    let report = served.get("/report");
    assert_eq!((report.status, &report.body[..15]), (StatusCode::OK, b"<!doctype html>" as &[u8]));
    assert!(report.header("content-security-policy").contains("script-src 'unsafe-inline'"));
    assert_eq!(served.get("/api/v1/collection").json()["report"], true);
    let without = Served::usual();
    assert_eq!(without.get("/report").refusal(), (404, "no_report".to_owned()));
    assert_eq!(without.get("/api/v1/collection").json()["report"], false);
}

#[test]
fn machines_that_watch_are_answered() {
    let served = Served::usual();
    assert_eq!(served.get("/healthz").body, b"alive\n");
    assert_eq!(served.get("/readyz").body, b"ready\n");
    served.get("/api/v1/images/1/similar");
    let invented = request("BREW", "/api/v1/collection", Body::empty());
    assert_eq!(served.send(invented).status, StatusCode::UNAUTHORIZED);
    let metrics = String::from_utf8(served.get("/metrics").body).unwrap();
    let counted = r#"alike_http_requests_total{method="GET",path="/api/v1/images/{id}/similar",status="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains(r#"method="other""#) && !metrics.contains("BREW"), "{metrics}");
    assert!(metrics.contains(&format!("alike_pictures {PICTURES}")) && metrics.ends_with("# EOF\n"), "{metrics}");
}
