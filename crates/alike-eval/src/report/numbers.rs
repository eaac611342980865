//! Numbers as people read them. What isn't finite is a dash, never `NaN`.

/// Stands where there is no number.
pub(super) const NONE: &str = "–";

/// A share or a score: three decimals, without the zero before the point.
pub(super) fn share(value: f64) -> String {
    decimals(value, 3)
}

/// The same with two decimals, for axes.
pub(super) fn tick(value: f64) -> String {
    decimals(value, 2)
}

/// A similarity, which is compared in the fourth decimal.
pub(super) fn score(value: f64) -> String {
    decimals(value, 4)
}

fn decimals(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let negative = value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    format!("{}{}", if negative { "−" } else { "" }, text.strip_prefix('0').unwrap_or(&text))
}

/// A difference, always with its sign.
pub(super) fn signed(value: f64) -> String {
    let text = share(value);
    if value > 0.0 && value.is_finite() && text != ".000" { format!("+{text}") } else { text }
}

/// An interval of shares; nothing if there is none.
pub(super) fn interval((low, high): (f64, f64)) -> Option<String> {
    (low.is_finite() && high.is_finite()).then(|| format!("[{}, {}]", share(low), share(high)))
}

/// A p value as it follows the letter: `= .012` or `< .001`.
pub(super) fn p_relation(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { format!("= {}", share(p)) }
}

/// A p value in a column of them.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { share(p) }
}

/// Per cent, rounded and without the sign; a dot for what never happens.
pub(super) fn percent(value: f64) -> String {
    if !value.is_finite() {
        NONE.to_owned()
    } else if value <= 0.0 {
        "·".to_owned()
    } else {
        format!("{:.0}", value * 100.0)
    }
}

/// A duration in the unit that fits.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if !ms.is_finite() => NONE.to_owned(),
        ms if ms < 0.01 => format!("{:.1} µs", ms * 1e3),
        ms if ms < 0.1 => format!("{:.0} µs", ms * 1e3),
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// A size in the unit that fits.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number of things, its thousands apart.
pub(super) fn count(n: impl Into<u128>) -> String {
    let digits = n.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 query`, `2,000 queries`.
pub(super) fn things(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n as u128), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_nan() {
        assert_eq!(
            [share(0.8774), share(1.0), share(0.0), share(-0.0001), share(f64::NAN)],
            [".877", "1.000", ".000", ".000", "–"]
        );
        assert_eq!(
            [signed(0.0123), signed(-0.0123), signed(0.0001), signed(f64::INFINITY)],
            ["+.012", "−.012", ".000", "–"]
        );
        assert_eq!(interval((0.8612, 0.8921)).as_deref(), Some("[.861, .892]"));
        assert_eq!(interval((f64::NAN, 1.0)), None);
        assert_eq!([p_value(0.0), p_value(0.0123), p_value(1.0), p_value(f64::NAN)], ["< .001", ".012", "1.000", "–"]);
        assert_eq!([p_relation(0.0), p_relation(0.05)], ["< .001", "= .050"]);
        assert_eq!([percent(0.0), percent(0.004), percent(0.876), percent(f64::NAN)], ["·", "0", "88", "–"]);
    }

    #[test]
    fn units_fit_the_size() {
        assert_eq!(
            [milliseconds(0.0042), milliseconds(0.042), milliseconds(1.234), milliseconds(123.4)],
            ["4.2 µs", "42 µs", "1.23 ms", "123 ms"]
        );
        assert_eq!([milliseconds(12_345.0), milliseconds(f64::NAN)], ["12.3 s", "–"]);
        assert_eq!(
            [bytes(8), bytes(5120), bytes(1 << 20), bytes((1 << 20) - 1)],
            ["8 B", "5.0 KiB", "1.0 MiB", "1.0 MiB"]
        );
        assert_eq!([count(0u32), count(999u32), count(1_234_567u32)], ["0", "999", "1,234,567"]);
        assert_eq!([things(1, "query", "queries"), things(2000, "query", "queries")], ["1 query", "2,000 queries"]);
    }
}
