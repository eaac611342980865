//! What changes the collection.

use crate::served::{PICTURES, Served, TOKEN, drawn, index, png, request};
use axum::body::Body;
use axum::http::StatusCode;

#[test]
fn a_picture_is_added_found_named_and_removed() {
    let served = Served::usual();
    let file = png(&drawn(133));
    let added = served.change("POST", "/api/v1/images?label=new", file.clone());
    assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.json());
    let id = added.json()["id"].as_u64().unwrap();
    assert_eq!((added.json()["label"].as_str(), added.json()["width"].as_u64()), (Some("new"), Some(64)));
    assert_eq!(served.upload("/api/v1/search?k=1", file.clone()).hits(), [id]);
    assert_eq!(served.get(&format!("/api/v1/images/{id}/file")).body, file);

    let twice = served.change("POST", "/api/v1/images?label=other", file.clone());
    assert_eq!((twice.json()["id"].as_u64(), twice.json()["label"].as_str()), (Some(id), Some("other")));
    let unnamed = served.change("PATCH", &format!("/api/v1/images/{id}"), r#"{"label": null}"#);
    assert_eq!((unnamed.status, unnamed.json()["label"].as_str()), (StatusCode::OK, None));
    assert_eq!(served.get("/api/v1/collection").json()["pictures"], PICTURES + 1);

    let uploads = served.dir.path().join(".alike/uploads");
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 1);
    let removed = served.change("DELETE", &format!("/api/v1/images/{id}"), Body::empty());
    assert_eq!((removed.status, removed.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 0);
    let again = served.change("DELETE", &format!("/api/v1/images/{id}"), Body::empty());
    assert_eq!(again.refusal(), (404, "no_such_image".to_owned()));
}

#[test]
fn what_was_added_stays_when_its_folder_is_indexed_again() {
    let served = Served::usual();
    let added = served.change("POST", "/api/v1/images?label=new", png(&drawn(133))).json();
    index(served.dir.path(), &["color"]);
    assert_eq!(served.get(&format!("/api/v1/images/{}", added["id"])).json(), added);
    assert_eq!(served.ids().len(), usize::from(PICTURES) + 1);
}

#[test]
fn a_picture_that_is_known_stays_when_it_is_added_in_vain() {
    let served = Served::usual();
    let file = png(&drawn(133));
    let id = served.change("POST", "/api/v1/images", file.clone()).json()["id"].clone();
    let collection = alike::store::Collection::open(&served.dir.path().join(".alike")).unwrap();
    let writer = collection.write("a test").unwrap();
    assert_eq!(served.change("POST", "/api/v1/images", file.clone()).refusal().1, "locked");
    let other = png(&drawn(77));
    assert_eq!(served.change("POST", "/api/v1/images", other).refusal().1, "locked");
    drop(writer);
    assert_eq!(served.get(&format!("/api/v1/images/{id}/file")).body, file);
    assert_eq!(std::fs::read_dir(served.dir.path().join(".alike/uploads")).unwrap().count(), 1);
}

#[test]
fn a_removed_image_keeps_its_file() {
    let served = Served::usual();
    let id = served.ids()[1];
    assert_eq!(served.change("DELETE", &format!("/api/v1/images/{id}"), Body::empty()).status, StatusCode::NO_CONTENT);
    assert!(served.dir.path().join("early/01.png").exists());
    assert!(!served.ids().contains(&id));
}

#[test]
fn what_cannot_be_added_leaves_nothing_behind() {
    let served = Served::usual();
    let picture = png(&drawn(1));
    let refusal = |path: &str, body: &[u8]| served.change("POST", path, body.to_vec()).refusal();
    assert_eq!(refusal("/api/v1/images", b"no picture at all"), (422, "not_a_picture".to_owned()));
    assert_eq!(refusal("/api/v1/images", &picture[..300]), (422, "unusable_picture".to_owned()));
    assert_eq!(refusal("/api/v1/images", b""), (400, "no_picture".to_owned()));
    assert_eq!(refusal("/api/v1/images?label=a%09b", &picture), (400, "bad_label".to_owned()));
    assert_eq!(refusal("/api/v1/images?label=%20", &picture), (400, "bad_label".to_owned()));
    let uploads = served.dir.path().join(".alike/uploads");
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 0);
    assert_eq!(served.ids().len(), usize::from(PICTURES));
    let relabel = |body: &'static str| served.change("PATCH", "/api/v1/images/1", body).refusal();
    assert_eq!(relabel("{}"), (400, "bad_json".to_owned()));
    assert_eq!(relabel(r#"{"label": 7}"#), (400, "bad_json".to_owned()));
}

#[test]
fn changes_at_the_same_time_wait_for_each_other() {
    let served = Served::usual();
    let ids = served.ids();
    let removals = ids.iter().map(|id| {
        let mut request = request("DELETE", &format!("/api/v1/images/{id}"), Body::empty());
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        request
    });
    let answers = served.send_all(removals.collect());
    assert!(answers.iter().all(|answer| answer.status == StatusCode::NO_CONTENT));
    assert_eq!(served.get("/api/v1/images").json()["total"], 0);
}

#[test]
fn another_writer_is_waited_for_by_the_client() {
    let served = Served::usual();
    let collection = alike::store::Collection::open(&served.dir.path().join(".alike")).unwrap();
    let writer = collection.write("a test").unwrap();
    let refused = served.change("DELETE", "/api/v1/images/1", Body::empty());
    assert_eq!((refused.refusal().1.as_str(), refused.header("retry-after")), ("locked", "2"));
    assert!(!String::from_utf8_lossy(&refused.body).contains(served.dir.path().to_str().unwrap()));
    drop(writer);
    assert_eq!(served.change("DELETE", "/api/v1/images/1", Body::empty()).status, StatusCode::NO_CONTENT);
}
