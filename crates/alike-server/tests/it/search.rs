//! Searching: by upload, by id, by several, by a region, and what is refused.

use crate::served::{Served, drawn, engine, hue, png, request, settings};
use alike::calibration::{Pair, from_labels};
use alike::engine::SearchOptions;
use alike::picture::Picture;
use axum::body::Body;
use serde_json::json;

const SEARCH: &str = "/api/v1/search";

fn by_json(served: &Served, query: &str, body: &serde_json::Value) -> crate::served::Answer {
    let mut request = request("POST", &format!("{SEARCH}{query}"), Body::from(body.to_string()));
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    served.send(request)
}

#[test]
fn an_uploaded_picture_finds_itself_first_and_its_neighbours_next() {
    let served = Served::usual();
    let ids = served.ids();
    let found = served.upload(&format!("{SEARCH}?k=3"), png(&drawn(hue(4))));
    let hits = found.hits();
    assert_eq!(hits[0], ids[4]);
    assert!([ids[3], ids[5]].contains(&hits[1]) && [ids[3], ids[5]].contains(&hits[2]), "{hits:?} of {ids:?}");
    let body = found.json();
    assert_eq!((body["hits"][0]["rank"].as_u64(), body["recipe"].as_str()), (Some(1), Some("color")));
    assert!(body["hits"][0]["score"].as_f64().unwrap() > 0.9999);
    assert_eq!(body["hits"][0]["path"], "early/04.png");
    assert_eq!(body["scan"], json!({"kind": "exact", "recall": 1.0}));
}

#[test]
fn an_image_finds_what_its_file_finds() {
    let served = Served::usual();
    let id = served.ids()[7];
    let by_id = served.get(&format!("/api/v1/images/{id}/similar?k=12"));
    assert_eq!(by_id.hits(), served.upload(&format!("{SEARCH}?k=12"), png(&drawn(hue(7)))).hits());
    assert_eq!(by_id.json()["hits"][0]["is_query"], true);
    let by_code = served.get(&format!("/api/v1/images/{id}/similar?k=1&recipe=color%20%7C%20hash(mean)"));
    assert_eq!((by_code.hits(), by_code.json()["hits"][0]["score"].as_f64()), (vec![id], Some(1.0)));
}

#[test]
fn several_pictures_are_added_and_subtracted() {
    let served = Served::usual();
    let ids = served.ids();
    let found = by_json(&served, "?k=12", &json!({"like": [ids[2], ids[4]], "unlike": [ids[9]]}));
    // The same by hand, from what single searches say: every score is a cosine, so sums of scores rank.
    let score = |query: u64| {
        let hits = served.get(&format!("/api/v1/images/{query}/similar?k=12")).json()["hits"].clone();
        let hits: Vec<(u64, f64)> = hits
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| (hit["id"].as_u64().unwrap(), hit["score"].as_f64().unwrap()))
            .collect();
        move |id: u64| hits.iter().find(|(other, _)| *other == id).unwrap().1
    };
    let (first, second, unlike) = (score(ids[2]), score(ids[4]), score(ids[9]));
    let mut wanted = ids.clone();
    let blended = |id: u64| (first(id) + second(id)) / 2.0 - unlike(id);
    wanted.sort_by(|a, b| blended(*b).total_cmp(&blended(*a)));
    assert_eq!(found.hits(), wanted);
    let codes = by_json(&served, "?recipe=color%20%7C%20hash(mean)", &json!({"like": [ids[2], ids[4]]}));
    assert_eq!(codes.refusal(), (422, "no_blend".to_owned()));
}

#[test]
fn parts_of_a_form_are_files_and_ids() {
    let served = Served::usual();
    let ids = served.ids();
    let mut form = b"--x\r\nContent-Disposition: form-data; name=\"like\"; filename=\"a.png\"\r\n\r\n".to_vec();
    form.extend(png(&drawn(hue(2))));
    form.extend(format!("\r\n--x\r\nContent-Disposition: form-data; name=\"like_id\"\r\n\r\n{}", ids[4]).into_bytes());
    form.extend(
        format!("\r\n--x\r\nContent-Disposition: form-data; name=\"unlike_id\"\r\n\r\n{}", ids[9]).into_bytes(),
    );
    form.extend(b"\r\n--x--\r\n");
    let mut request = request("POST", &format!("{SEARCH}?k=12"), Body::from(form));
    request.headers_mut().insert("content-type", "multipart/form-data; boundary=x".parse().unwrap());
    let same = by_json(&served, "?k=12", &json!({"like": [ids[2], ids[4]], "unlike": [ids[9]]}));
    assert_eq!(served.send(request).hits(), same.hits());
}

#[test]
fn a_region_is_a_picture_of_its_own() {
    let served = Served::usual();
    let ids = served.ids();
    // Left half one picture of the gallery, right half another.
    let (left, right) = (drawn(hue(1)), drawn(hue(10)));
    let rows = left.rgb().chunks(64 * 3).zip(right.rgb().chunks(64 * 3));
    let both = Picture::from_rgb(128, 48, rows.flat_map(|(l, r)| [l, r].concat()).collect()).unwrap();
    let found = |region: &str| served.upload(&format!("{SEARCH}?k=1&region={region}"), png(&both)).hits();
    assert_eq!((found("0,0,0.5,1"), found("0.5,0,0.5,1")), (vec![ids[1]], vec![ids[10]]));
    let of_image = served.get(&format!("/api/v1/images/{}/similar?k=1&region=0.2,0.2,0.5,0.5", ids[3]));
    assert_eq!(of_image.hits(), [ids[3]]);
    for wrong in ["0,0,1", "0,0,0,1", "0.5,0,0.6,1", "-0.1,0,0.5,0.5", "nan,0,1,1", "a,b,c,d"] {
        let refused = served.upload(&format!("{SEARCH}?region={wrong}"), png(&both));
        assert_eq!(refused.refusal(), (400, "bad_region".to_owned()), "{wrong}");
    }
}

#[test]
fn filters_leave_out() {
    let served = Served::usual();
    let ids = served.ids();
    let similar = |query: &str| served.get(&format!("/api/v1/images/{}/similar?{query}", ids[0]));
    let mut late = similar("label=late&k=50").hits();
    late.sort_unstable();
    assert_eq!(late, ids[6..]);
    assert_eq!(similar("min_score=0.99999").hits(), [ids[0]]);
    assert_eq!(similar("label=never").refusal(), (400, "unknown_label".to_owned()));
    assert_eq!(similar("tag=a&tag=b").refusal(), (400, "unknown_tag".to_owned()));
}

#[test]
fn what_is_wrong_is_said_in_one_form() {
    let served = Served::usual();
    let refusal = |query: &str, body: &[u8]| served.upload(&format!("{SEARCH}{query}"), body.to_vec()).refusal();
    let picture = png(&drawn(9));
    assert_eq!(refusal("", b""), (400, "no_picture".to_owned()));
    assert_eq!(refusal("", b"hello, this is no picture"), (422, "not_a_picture".to_owned()));
    assert_eq!(refusal("", &picture[..picture.len() / 2]), (422, "damaged_picture".to_owned()));
    assert_eq!(refusal("?k=0", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?k=1001", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?k=many", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?min_score=NaN", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?min_score=inf", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?colour=red", &picture), (400, "bad_parameter".to_owned()));
    assert_eq!(refusal("?recipe=texture", &picture), (400, "unknown_recipe".to_owned()));
    // A recipe may name a file; a client's never opens one.
    assert_eq!(refusal("?recipe=semantic(%22/etc/passwd%22)", &picture), (400, "unknown_recipe".to_owned()));
    assert_eq!(refusal("", &vec![0; (1 << 20) + 1]), (413, "body_too_large".to_owned()));
    let similar = |id: &str| served.get(&format!("/api/v1/images/{id}/similar")).refusal();
    assert_eq!(similar("999"), (404, "no_such_image".to_owned()));
    assert_eq!(similar("cat"), (400, "bad_id".to_owned()));
    assert_eq!(similar("18446744073709551615"), (400, "bad_id".to_owned()));
    assert_eq!(by_json(&served, "", &json!({"like": []})).refusal(), (400, "no_picture".to_owned()));
    assert_eq!(by_json(&served, "", &json!({"like": vec![1; 17]})).refusal(), (400, "too_many_pictures".to_owned()));
    assert_eq!(by_json(&served, "", &json!({"dislike": [1]})).refusal(), (400, "bad_json".to_owned()));
    let mut request = request("POST", SEARCH, Body::from("x"));
    request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(served.send(request).refusal(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(served.get("/api/v1/nothing").refusal(), (404, "no_such_address".to_owned()));
    assert_eq!(served.get(SEARCH).refusal(), (405, "no_such_method".to_owned()));
}

#[test]
fn searches_that_wait_share_a_pass() {
    let served = Served::new(alike_server::Settings { workers: 1, waiting: 200, ..settings() });
    // All others come in while the only worker decodes this.
    let large = png(&Picture::from_rgb(1600, 1200, vec![90; 1600 * 1200 * 3]).unwrap());
    let mut requests = vec![request("POST", SEARCH, Body::from(large))];
    let similar = format!("/api/v1/images/{}/similar?k=3", served.ids()[0]);
    requests.extend((0..60).map(|_| request("GET", &similar, Body::empty())));
    assert!(served.send_all(requests).iter().all(|answer| answer.status == 200));
    let metrics = String::from_utf8(served.get("/metrics").body).unwrap();
    let passes = metrics.lines().find_map(|line| line.strip_prefix("alike_passes_total "));
    let passes: usize = passes.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
    assert!((1..20).contains(&passes), "{passes} passes for 61 searches");
    assert!(metrics.contains("alike_jobs_waiting 0"), "{metrics}");
}

#[test]
fn a_query_is_drawn_to_its_neighbours_as_a_recipe_would() {
    let served = Served::usual();
    let id = served.ids()[5];
    let found = |query: &str| served.get(&format!("/api/v1/images/{id}/similar?k=12&{query}"));
    let expanded: Vec<(u64, f32)> = found("expand=3").json()["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| (hit["id"].as_u64().unwrap(), hit["score"].as_f64().unwrap() as f32))
        .collect();
    let engine = engine(served.dir.path());
    let searcher = engine.searcher(Some("color | expand(3)")).unwrap();
    let query = searcher.descriptors(&[id]).unwrap().remove(0).unwrap();
    let options = SearchOptions::best(12);
    let wanted = searcher.search(&[query], &options).unwrap().hits.remove(0);
    assert_eq!(expanded, wanted.iter().map(|hit| (hit.record.id, hit.score)).collect::<Vec<_>>());
    assert!(expanded[0].1 < 0.999, "{expanded:?}");
    assert_eq!(found("expand=0").refusal(), (400, "bad_parameter".to_owned()));
    let of_codes = found("expand=3&recipe=color%20%7C%20hash(mean)");
    assert_eq!(of_codes.refusal(), (400, "no_expansion".to_owned()));
}

#[test]
fn scores_have_a_meaning_once_they_are_calibrated() {
    let served = Served::usual();
    let ids = served.ids();
    let address = format!("/api/v1/images/{}/similar?k=12", ids[3]);
    let plain = served.get(&address).json();
    assert_eq!((&plain["meaning"], &plain["hits"][0]["verdict"]), (&json!(null), &json!(null)));
    // Another program learns that its four nearest are right, and the other eight wrong.
    let engine = engine(served.dir.path());
    let searcher = engine.searcher(Some("color")).unwrap();
    let score = |rank: usize| plain["hits"][rank]["score"].as_f64().unwrap() as f32;
    let pairs: Vec<Pair> =
        (0..1200).map(|n| Pair { score: score(n % 12), relevant: n % 12 < 4, group: n as u32 }).collect();
    let calibration = from_labels(&pairs, searcher.origin(100));
    engine.collection().write("a test").unwrap().calibrate(searcher.plan().key(), &calibration).unwrap();
    let found = served.get(&address).json();
    let verdicts: Vec<&str> =
        found["hits"].as_array().unwrap().iter().map(|h| h["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, [vec!["same"; 4], vec!["unrelated"; 8]].concat());
    assert!(found["hits"][3]["probability"].as_f64().unwrap() > 0.99);
    let from = |name: &str| found["meaning"][name].as_f64().unwrap() as f32;
    assert_eq!((from("similar_from"), from("same_from")), (score(3), score(3)));
    assert_eq!((&found["meaning"]["queries"], &found["meaning"]["pictures"]), (&json!(100), &json!(12)));
    // Sums of several pictures and expanded queries give other scores.
    let several = by_json(&served, "", &json!({"like": [ids[3], ids[4]]}));
    assert_eq!(several.json()["meaning"], json!(null));
    assert_eq!(served.get(&format!("{address}&expand=3")).json()["meaning"], json!(null));
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let served = Served::new(alike_server::Settings { workers: 1, waiting: 1, ..settings() });
    // Takes far longer to decode and describe than all of them take to come in.
    let large = png(&Picture::from_rgb(1600, 1200, vec![90; 1600 * 1200 * 3]).unwrap());
    let requests = (0..40).map(|_| request("POST", SEARCH, Body::from(large.clone()))).collect();
    let answers = served.send_all(requests);
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert!(count(200) >= 1 && count(503) >= 1 && count(200) + count(503) == 40, "{} {}", count(200), count(503));
    let refused = answers.iter().find(|answer| answer.status == 503).unwrap();
    assert_eq!((refused.refusal().1.as_str(), refused.header("retry-after")), ("busy", "2"));
}

#[test]
fn searches_at_the_same_time_find_what_each_finds_alone() {
    let served = Served::new(alike_server::Settings { waiting: 200, ..settings() });
    let ids = served.ids();
    let wishes =
        ["k=3", "k=12", "k=12&label=late", "k=12&min_score=0.9", "recipe=color%20%7C%20hash(mean)", "label=none"];
    let addresses: Vec<String> = (0..ids.len() * wishes.len())
        .map(|n| format!("/api/v1/images/{}/similar?{}", ids[n / wishes.len()], wishes[n % wishes.len()]))
        .collect();
    let together = served.send_all(addresses.iter().map(|address| request("GET", address, Body::empty())).collect());
    for (address, answer) in addresses.iter().zip(together) {
        let alone = served.get(address);
        assert_eq!((answer.status, &answer.json()["hits"]), (alone.status, &alone.json()["hits"]), "{address}");
        assert_eq!(answer.status == 400, address.ends_with("none"), "{address}");
    }
}
