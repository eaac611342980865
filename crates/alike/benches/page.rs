//! The tables in `docs/performance.md`: each between two marks, written by the benchmark that measured it.

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md");

/// Puts a table between the marks of its name, and leaves the rest of the page alone.
pub(crate) fn write(name: &str, table: &str) {
    let (begin, end) = (format!("<!-- {name}: written by the benchmark -->\n"), format!("<!-- {name}: end -->\n"));
    let old = fs_err::read_to_string(PAGE).unwrap_or_else(|_| format!("{begin}{end}"));
    let (before, rest) = old.split_once(&begin).expect("the page has the mark of the table's begin");
    let (_, after) = rest.split_once(&end).expect("the page has the mark of the table's end");
    fs_err::write(PAGE, format!("{before}{begin}{table}{end}{after}")).expect("docs/performance.md can be written");
}

/// Which processor this is.
pub(crate) fn machine() -> String {
    let cpu = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", cpu.unwrap_or("unknown"))
}
