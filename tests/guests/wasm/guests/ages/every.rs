//! What all ages have in common: `plain` and `full` make an item, `show` prints one.

use crate::exports::test::ages::api::Guest;
use crate::test::ages::{items, newest, trail, types::Item};
use crate::{Ages, full, plain, show};

/// More than the tests write.
const ALL: u32 = 1000;

fn write(key: &str, item: &Item) {
    items::set(key, item);
    trail::append(item);
    newest::set(item);
}

fn shown(page: Vec<(String, Item)>) -> Vec<(String, String)> {
    page.into_iter().map(|(key, item)| (key, show(&item))).collect()
}

/// An absent value, or one as it is printed.
pub(crate) fn or_absent<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string())
}

/// Numbers of a list.
pub(crate) fn numbers<T: ToString>(list: impl IntoIterator<Item = T>) -> String {
    list.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join("+")
}

/// One line from the parts of an item, the same in every age.
pub(crate) struct Line {
    pub(crate) count: String,
    pub(crate) shade: f64,
    pub(crate) colour: String,
    /// In the order of their names.
    pub(crate) marks: String,
    pub(crate) size: String,
    pub(crate) pair: (i64, i64),
    pub(crate) note: String,
    pub(crate) tries: String,
    pub(crate) outcome: Result<u64, String>,
    pub(crate) label: String,
    pub(crate) extra: String,
}

impl Line {
    pub(crate) fn print(self) -> String {
        let Line { count, shade, colour, marks, size, pair, note, tries, outcome, label, extra } = self;
        format!(
            "count {count}, shade {shade}, colour {colour}, marks {marks}, size {size}, pair {pair:?}, note {note}, \
             tries {tries}, outcome {outcome:?}, label {label}, extra {extra}"
        )
    }
}

impl Guest for Ages {
    fn put(key: String) {
        write(&key, &full());
    }

    fn put_plain(key: String) {
        write(&key, &plain());
    }

    fn touch(key: String) {
        if let Some(item) = items::get(&key) {
            items::set(&key, &item);
        }
    }

    fn look(key: String) -> Option<String> {
        items::get(&key).as_ref().map(show)
    }

    fn all() -> Vec<(String, String)> {
        shown(items::scan(None, ALL))
    }

    fn all_back() -> Vec<(String, String)> {
        shown(items::scan_back(None, ALL))
    }

    fn between(start: String, end: String) -> Vec<(String, String)> {
        shown(items::range(&start, &end, ALL))
    }

    fn logged() -> Vec<String> {
        trail::read(0, ALL).iter().map(|(_, item)| show(item)).collect()
    }

    fn last() -> Option<String> {
        newest::get().as_ref().map(show)
    }
}
