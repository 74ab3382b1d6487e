//! The functions of each kind as WIT, for messages.

use super::Kind;

/// Every function of a kind.
pub(crate) fn lines(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Cell => &["get: func() -> option<T>", "set: func(value: T)", "clear: func()"],
        Kind::Map => &[
            "get: func(key: K) -> option<V>",
            "set: func(key: K, value: V)",
            "remove: func(key: K)",
            "contains: func(key: K) -> bool",
            "len: func() -> u64",
            "scan: func(start: option<K>, limit: u32) -> list<tuple<K, V>>",
            "scan-after: func(key: K, limit: u32) -> list<tuple<K, V>>",
            "scan-back: func(end: option<K>, limit: u32) -> list<tuple<K, V>>",
            "range: func(start: K, end: K, limit: u32) -> list<tuple<K, V>>",
            "clear: func()",
        ],
        Kind::Log => &[
            "append: func(entry: T) -> u64",
            "at: func(index: u64) -> option<T>",
            "read: func(start: u64, limit: u32) -> list<tuple<u64, T>>",
            "first: func() -> u64",
            "end: func() -> u64",
            "truncate-before: func(index: u64)",
        ],
        Kind::Counter => &["value: func() -> s64", "add: func(delta: s64)"],
    }
}

/// The function of this name.
pub(super) fn line(kind: Kind, name: &str) -> Option<&'static str> {
    lines(kind).iter().copied().find(|line| line.split_once(':').is_some_and(|(n, _)| n == name))
}

/// How many parameters the function of a line has.
pub(super) fn params(line: &str) -> usize {
    let params = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(params, _)| params);
    params.matches(": ").count()
}
