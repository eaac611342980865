//! The page as Chromium lays it out.

use super::sample::{FLOWERS, Made, RECIPES, evaluation, flowers, look, unmeasured};
use alike_eval::evaluation::Evaluation;
use alike_eval::report::html;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Chromium (`ALIKE_CHROMIUM`, else one of its names on `PATH`). Where there is none this says that `test` was skipped,
/// past the test harness's capture, and fails if `ALIKE_REQUIRE_CHROMIUM` is set.
fn chromium(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("ALIKE_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut found = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    if let Some(program) = named.or_else(|| found.find(|program| program.is_file())) {
        return Some(program);
    }
    let required = std::env::var_os("ALIKE_REQUIRE_CHROMIUM").is_some();
    assert!(!required, "{test}: ALIKE_REQUIRE_CHROMIUM is set and there is no Chromium");
    writeln!(std::io::stderr(), "skipped {test}: no Chromium").unwrap();
    None
}

/// Runs Chromium without a window on a file, with a profile of its own; what it wrote to stdout.
fn run(program: &Path, folder: &Path, flags: &[String], page: &Path) -> String {
    let out = folder.join("stdout");
    let mut child = Command::new(program)
        .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars".split(' '))
        .args("--disable-background-networking --disable-component-update --disable-sync".split(' '))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_secs(150) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("Chromium doesn't end");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
    std::fs::read_to_string(out).unwrap()
}

/// Frames have any width, windows don't; what is in them is untouched, and the script outside looks in.
const PROBE: &str = r"
addEventListener('load', () => {
  const all = (at, what) => [...at.querySelectorAll(what)];
  const seen = all(document, 'iframe').map((frame) => {
    const page = frame.contentDocument, root = page.documentElement;
    const seen = {
      title: page.title, width: root.clientWidth, folded: root.scrollWidth,
      loaded: frame.contentWindow.performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('data:')),
      broken: all(page, 'img').filter((img) => img.naturalWidth === 0).length,
      curves: all(page, 'svg polyline.curve').map((line) => {
        const box = line.ownerSVGElement.viewBox.baseVal, drawn = line.getBoundingClientRect();
        return { box: [box.width, box.height], drawn: drawn.width > 50 && drawn.height > 5,
          svg: line.ownerSVGElement.classList[1], points: [...line.points].map((p) => [p.x, p.y]) };
      }),
      outside: all(page, 'svg.plot text').filter((text) => {
        const a = text.getBoundingClientRect(), b = text.ownerSVGElement.getBoundingClientRect();
        return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
      }).map((text) => text.textContent),
      tables: all(page, 'table').map((table) => ({ kind: table.className, caption: table.caption?.textContent ?? '',
        rows: [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim())) })),
      strips: all(page, '.strip').map((strip) => ({ hits: all(strip, 'li').length, pictures: all(strip, 'img, .missing').length,
        marks: all(strip, '.mark').map((mark) => mark.textContent).join('') })),
    };
    all(page, 'details').forEach((details) => (details.open = true));
    seen.unfolded = root.scrollWidth;
    return seen;
  });
  const result = document.createElement('pre');
  result.id = 'probe';
  result.textContent = encodeURIComponent(JSON.stringify(seen));
  document.body.replaceChildren(result);
});";

/// What Chromium sees of each page, at each width.
fn probe(program: &Path, pages: &[String], widths: &[u32]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let mut outer = format!("<!DOCTYPE html><meta charset=utf-8><script>{PROBE}</script>");
    for page in pages {
        let inner = page.replace('&', "&amp;").replace('"', "&quot;");
        for width in widths {
            outer.push_str(&format!(
                "<iframe style='border:0;width:{width}px;height:900px' srcdoc=\"{inner}\"></iframe>"
            ));
        }
    }
    let path = folder.path().join("outer.html");
    std::fs::write(&path, outer).unwrap();
    let dom = run(program, folder.path(), &["--dump-dom".to_owned()], &path);
    let seen = dom.split_once("id=\"probe\">").expect("the probe has run").1.split_once('<').unwrap().0;
    serde_json::from_str(&percent_decoded(seen)).unwrap()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| std::str::from_utf8(&tail[..2]).unwrap());
        bytes.push(code.map_or(*first, |hex| u8::from_str_radix(hex, 16).unwrap()));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Holds for any report.
fn check_any(seen: &Value) {
    let title = &seen["title"];
    assert!(number(&seen["folded"]) <= number(&seen["width"]), "{title} at {}: {}", seen["width"], seen["folded"]);
    assert!(number(&seen["unfolded"]) <= number(&seen["width"]), "{title} unfolded at {}", seen["width"]);
    assert_eq!(list(&seen["loaded"]).len(), 0, "{title}: {}", seen["loaded"]);
    assert_eq!(list(&seen["outside"]).len(), 0, "{title} at {}: {}", seen["width"], seen["outside"]);
    assert_eq!(seen["broken"], 0, "{title}");
    for curve in list(&seen["curves"]) {
        let (width, height) = (number(&curve["box"][0]), number(&curve["box"][1]));
        assert!(curve["drawn"].as_bool().unwrap() && list(&curve["points"]).len() > 1, "{title}");
        for point in list(&curve["points"]) {
            let (x, y) = (number(&point[0]), number(&point[1]));
            assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "{title}: {x}, {y}");
        }
    }
    for table in list(&seen["tables"]) {
        let columns: Vec<usize> = list(&table["rows"]).iter().map(|row| list(row).len()).collect();
        assert!(columns.iter().all(|&n| n == columns[0]), "{title}: {} has rows of {columns:?}", table["caption"]);
    }
}

/// The tables of a class, or of none.
fn tables<'a>(seen: &'a Value, kind: &str) -> Vec<&'a Vec<Value>> {
    list(&seen["tables"]).iter().filter(|table| table["kind"] == kind).map(|table| list(&table["rows"])).collect()
}

/// The four recipes on twelve flowers.
fn check_flowers(seen: &Value) {
    let curves = list(&seen["curves"]);
    let of = |svg: &str| curves.iter().filter(|curve| curve["svg"] == svg).collect::<Vec<_>>();
    assert_eq!((of("curves").len(), of("growth").len()), (4, 4));
    assert!(of("curves").iter().all(|curve| list(&curve["points"]).len() == 101));
    let first = |curve: &Value| number(&curve["points"][0][1]);
    assert!(first(of("curves")[0]) < first(of("curves")[3]), "what finds more lies higher");

    let metrics = tables(seen, "metrics");
    assert_eq!(metrics.iter().map(|rows| rows.len()).collect::<Vec<_>>(), [5; 4], "a header and four recipes");
    assert_eq!(metrics[0][0], serde_json::json!(["recipe", "mAP", "MAP@R", "R-precision"]));
    let cell: Vec<&str> = metrics[0][1][1].as_str().unwrap().lines().collect();
    assert_eq!(cell, [".877 ★", "[.861, .892]"]);
    assert_eq!(list(&metrics[3][0]).len(), 1 + 8);
    assert_eq!(tables(seen, "overview")[0].len(), 5);
    for rows in tables(seen, "heat") {
        assert_eq!((rows.len(), list(&rows[0]).len()), (13, 3 + 4));
    }
    let maps = tables(seen, "confusion");
    assert_eq!(maps.len(), 4);
    for rows in maps {
        assert_eq!((rows.len(), list(&rows[0]).len()), (13, 13));
        let diagonal = (1..13).map(|i| rows[i][i].as_str().unwrap().parse::<u32>().unwrap());
        assert!(diagonal.min().unwrap() > 10);
    }
    let strips = list(&seen["strips"]);
    assert_eq!(strips.len(), 4 * 6);
    assert!(strips.iter().all(|strip| strip["hits"] == 11 && strip["pictures"] == 11));
    assert!(strips.iter().all(|strip| strip["marks"].as_str().unwrap().chars().count() == 10));
}

fn samples() -> Vec<Evaluation> {
    let named = |n: usize| (0..n).map(|i| format!("{} {i}", FLOWERS[i % 12])).collect::<Vec<_>>();
    let long =
        "0.35*deep@dinov2_small + 0.25*layer(\"features/Conv_95\", gem(3)) + 0.4*color | whiten(256) | hash(itq, 256)";
    let many: Vec<Made> = (0..12u8)
        .map(|i| Made { recipe: long, canonical: long, dims: 256, quality: 0.9 - 0.06 * f64::from(i) })
        .collect();
    let mut unbroken = evaluation(&RECIPES[..2], &["x".repeat(200), "荷花".repeat(60)]);
    unbroken.results[0].recipe = "y".repeat(300);
    unbroken.warnings = vec!["w".repeat(400)];
    unbroken.protocol.command = "c".repeat(400);
    unbroken.leaks[0].a = "p".repeat(300);
    unbroken.results[0].per_query[0].path = "q".repeat(300);
    vec![
        flowers(),
        evaluation(&RECIPES[..1], &[]),
        evaluation(&RECIPES[..2], &named(50)),
        evaluation(&RECIPES[..2], &named(60)),
        evaluation(&many, &named(3)),
        unmeasured(),
        unbroken,
    ]
}

#[test]
fn chromium_lays_the_page_out() {
    let Some(program) = chromium("chromium_lays_the_page_out") else { return };
    let pages: Vec<String> = samples().iter().map(|evaluation| html(evaluation, &look)).collect();
    let seen = probe(&program, &pages, &[1280, 390]);
    assert_eq!(seen.len(), 2 * pages.len());
    seen.iter().for_each(check_any);
    assert_eq!((&seen[0]["width"], &seen[1]["width"]), (&Value::from(1280), &Value::from(390)));
    seen[..2].iter().for_each(check_flowers);
}

#[test]
fn chromium_draws_the_page() {
    let Some(program) = chromium("chromium_draws_the_page") else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    std::fs::write(&page, html(&flowers(), &look)).unwrap();
    let picture = folder.path().join("page.png");
    let flags = [format!("--screenshot={}", picture.display()), "--window-size=1280,3000".to_owned()];
    run(&program, folder.path(), &flags, &page);
    let bytes = std::fs::read(picture).unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(u32::from_be_bytes(bytes[16..20].try_into().unwrap()), 1280);
    assert!(bytes.len() > 100_000, "a page of text and plots doesn't shrink to {} bytes", bytes.len());
}
