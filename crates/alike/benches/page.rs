//! Tables in pages of `docs`: each between two marks, written by the benchmark that measured it.

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");

/// Puts a table between the marks of its name, and leaves the rest of the page alone: `performance` is
/// `docs/performance.md`.
pub(crate) fn write(page: &str, name: &str, table: &str) {
    let (begin, end) = (format!("<!-- {name}: written by the benchmark -->\n"), format!("<!-- {name}: end -->\n"));
    let page = format!("{DOCS}{page}.md");
    let old = fs_err::read_to_string(&page).expect("the page is there");
    let (before, rest) = old.split_once(&begin).expect("the page has the mark of the table's begin");
    let (_, after) = rest.split_once(&end).expect("the page has the mark of the table's end");
    fs_err::write(page, format!("{before}{begin}{table}{end}{after}")).expect("the page can be written");
}

/// Which processor this is.
pub(crate) fn machine() -> String {
    let cpu = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", cpu.unwrap_or("unknown"))
}
