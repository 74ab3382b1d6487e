//! Numbers with their units: sizes, durations, counts and points in time.

use std::time::Duration;

/// A size in binary units: `812 B`, `3.4 KiB`, `64 MiB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{size} B") } else { format!("{} {}", digits(value), UNITS[unit]) }
}

/// A duration with three significant digits: `340 µs`, `1.25 ms`, `12.1 s`; from two minutes on in two units: `10 min 46 s`.
pub(crate) fn duration(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{} µs", digits(micros))
    } else if micros < 1e6 {
        format!("{} ms", digits(micros / 1e3))
    } else if micros < 120e6 {
        format!("{} s", digits(micros / 1e6))
    } else {
        let seconds = time.as_secs();
        let two = |large: u64, unit: &str, small: u64, part: &str| match small {
            0 => format!("{large} {unit}"),
            small => format!("{large} {unit} {small} {part}"),
        };
        match seconds {
            0..3600 => two(seconds / 60, "min", seconds % 60, "s"),
            3600..86_400 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
            _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
        }
    }
}

/// A duration that was sent as microseconds.
pub(crate) fn micros(time: u64) -> String {
    duration(Duration::from_micros(time))
}

/// A count in groups of three digits: `12 345`.
pub(crate) fn count(number: u64) -> String {
    let text = number.to_string();
    let mut grouped = String::with_capacity(text.len() + text.len() / 3);
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 entry`, `3 entries`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The first 12 digits of a hash: enough for people, `--json` has all.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Milliseconds since 1970 as `2026-11-20 15:04:05` in UTC.
pub(crate) fn time(unix_millis: u64) -> String {
    let seconds = unix_millis / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// `2s`, `500ms`, `1m`, `1.5s`; the unit is required.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "" => return Err(format!("a unit is missing: `{text}s` for seconds, `{text}ms` for milliseconds")),
        other => return Err(format!("unknown unit `{other}`; use us, ms, s, m or h")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    Duration::try_from_secs_f64(number * scale).map_err(|_| "out of range".to_owned())
}

/// `64MiB`, `512KiB`, `1.5GiB`, `4096B`; the unit is required.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" => return Err(format!("a unit is missing: `{text}MiB` or `{text}KiB`")),
        other => return Err(format!("unknown unit `{other}`; use B, KiB, MiB or GiB")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    let bytes = number * scale as f64;
    if (0.0..=u32::MAX as f64 * 1024.0).contains(&bytes) { Ok(bytes as u64) } else { Err("out of range".to_owned()) }
}

/// Three digits; a whole number has no others.
fn digits(value: f64) -> String {
    if value >= 99.95 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The proleptic Gregorian date of a day number since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_durations_and_counts_read_well() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!((bytes(64 << 20).as_str(), bytes(3482).as_str()), ("64 MiB", "3.40 KiB"));
        assert_eq!(duration(Duration::from_micros(340)), "340 µs");
        assert_eq!(duration(Duration::from_micros(9)), "9 µs");
        assert_eq!(duration(Duration::from_millis(20_000)), "20 s");
        assert_eq!(duration(Duration::from_millis(646_200)), "10 min 46 s");
        assert_eq!(
            (duration(Duration::from_hours(2)), duration(Duration::from_hours(900))),
            ("2 h".into(), "37 d 12 h".into())
        );
        assert_eq!(duration(Duration::from_micros(1250)), "1.25 ms");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
    }

    #[test]
    fn days_become_dates() {
        assert_eq!(time(0), "1970-01-01 00:00:00Z");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00Z");
        assert_eq!(time(1_795_186_799_000), "2026-11-20 14:59:59Z");
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_duration("1.5ms"), Ok(Duration::from_micros(1500)));
        assert!(parse_duration("2").unwrap_err().contains("`2s`"));
        assert!(parse_duration("-1s").is_err());
    }

    #[test]
    fn sizes_need_a_unit() {
        assert_eq!(parse_bytes("64MiB"), Ok(64 << 20));
        assert_eq!(parse_bytes("1.5KiB"), Ok(1536));
        assert!(parse_bytes("64").unwrap_err().contains("`64MiB`"));
        assert!(parse_bytes("1MB").unwrap_err().contains("KiB"));
        assert!(parse_bytes("-1B").is_err());
    }
}
