//! Every kind of collection with every operation, and keys and values of every type: each export calls one function of
//! one collection.

#![allow(clippy::too_many_arguments, reason = "generated code passes a record field by field")]

stead_guest::bindings!(path: "wit/kinds");

use test::kinds::{
    all, badges, blob, by_bool, by_bytes, by_char, by_colour, by_s64, by_u8, by_u64, events, gauge, lines, meter, note,
    perhaps, strings,
};

struct Kinds;

impl Guest for Kinds {
    fn strings_get(key: String) -> Option<String> {
        strings::get(&key)
    }

    fn strings_set(key: String, value: String) {
        strings::set(&key, &value);
    }

    fn strings_remove(key: String) -> bool {
        strings::remove(&key)
    }

    fn strings_contains(key: String) -> bool {
        strings::contains(&key)
    }

    fn strings_len() -> u64 {
        strings::len()
    }

    fn strings_scan(start: Option<String>, limit: u32) -> Vec<(String, String)> {
        strings::scan(start.as_deref(), limit)
    }

    fn strings_scan_after(key: String, limit: u32) -> Vec<(String, String)> {
        strings::scan_after(&key, limit)
    }

    fn strings_scan_back(end: Option<String>, limit: u32) -> Vec<(String, String)> {
        strings::scan_back(end.as_deref(), limit)
    }

    fn strings_range(start: String, end: String, limit: u32) -> Vec<(String, String)> {
        strings::range(&start, &end, limit)
    }

    fn strings_clear() {
        strings::clear();
    }

    fn badges_get(key: (String, Badge)) -> Option<Everything> {
        badges::get(borrow(&key))
    }

    fn badges_set(key: (String, Badge), value: Everything) {
        badges::set(borrow(&key), &value);
    }

    fn badges_remove(key: (String, Badge)) -> Option<Everything> {
        badges::remove(borrow(&key))
    }

    fn badges_contains(key: (String, Badge)) -> bool {
        badges::contains(borrow(&key))
    }

    fn badges_len() -> u64 {
        badges::len()
    }

    fn badges_scan(start: Option<(String, Badge)>, limit: u32) -> Vec<((String, Badge), Everything)> {
        badges::scan(start.as_ref().map(borrow), limit)
    }

    fn badges_scan_after(key: (String, Badge), limit: u32) -> Vec<((String, Badge), Everything)> {
        badges::scan_after(borrow(&key), limit)
    }

    fn badges_scan_back(end: Option<(String, Badge)>, limit: u32) -> Vec<((String, Badge), Everything)> {
        badges::scan_back(end.as_ref().map(borrow), limit)
    }

    fn badges_range(start: (String, Badge), end: (String, Badge), limit: u32) -> Vec<((String, Badge), Everything)> {
        badges::range(borrow(&start), borrow(&end), limit)
    }

    fn badges_clear() {
        badges::clear();
    }

    fn by_bool_get(key: bool) -> Option<u8> {
        by_bool::get(key)
    }

    fn by_bool_set(key: bool, value: u8) {
        by_bool::set(key, value);
    }

    fn by_bool_scan(start: Option<bool>, limit: u32) -> Vec<(bool, u8)> {
        by_bool::scan(start, limit)
    }

    fn by_u8_get(key: u8) -> Option<Vec<u8>> {
        by_u8::get(key)
    }

    fn by_u8_set(key: u8, value: Vec<u8>) {
        by_u8::set(key, &value);
    }

    fn by_u8_scan(start: Option<u8>, limit: u32) -> Vec<(u8, Vec<u8>)> {
        by_u8::scan(start, limit)
    }

    fn by_u64_get(key: u64) -> Option<u64> {
        by_u64::get(key)
    }

    fn by_u64_set(key: u64, value: u64) {
        by_u64::set(key, value);
    }

    fn by_u64_scan(start: Option<u64>, limit: u32) -> Vec<(u64, u64)> {
        by_u64::scan(start, limit)
    }

    fn by_s64_get(key: i64) -> Option<String> {
        by_s64::get(key)
    }

    fn by_s64_set(key: i64, value: String) {
        by_s64::set(key, &value);
    }

    fn by_s64_scan(start: Option<i64>, limit: u32) -> Vec<(i64, String)> {
        by_s64::scan(start, limit)
    }

    fn by_char_get(key: char) -> Option<f64> {
        by_char::get(key)
    }

    fn by_char_set(key: char, value: f64) {
        by_char::set(key, value);
    }

    fn by_char_scan(start: Option<char>, limit: u32) -> Vec<(char, f64)> {
        by_char::scan(start, limit)
    }

    fn by_bytes_get(key: Vec<u8>) -> Option<Vec<u8>> {
        by_bytes::get(&key)
    }

    fn by_bytes_set(key: Vec<u8>, value: Vec<u8>) {
        by_bytes::set(&key, &value);
    }

    fn by_bytes_remove(key: Vec<u8>) {
        by_bytes::remove(&key);
    }

    fn by_bytes_scan(start: Option<Vec<u8>>, limit: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        by_bytes::scan(start.as_deref(), limit)
    }

    fn by_colour_get(key: Colour) -> Option<Marks> {
        by_colour::get(key)
    }

    fn by_colour_set(key: Colour, value: Marks) {
        by_colour::set(key, value);
    }

    fn by_colour_scan(start: Option<Colour>, limit: u32) -> Vec<(Colour, Marks)> {
        by_colour::scan(start, limit)
    }

    fn note_get() -> Option<String> {
        note::get()
    }

    fn note_set(value: String) {
        note::set(&value);
    }

    fn note_clear() {
        note::clear();
    }

    fn blob_get() -> Option<Vec<u8>> {
        blob::get()
    }

    fn blob_set(value: Vec<u8>) {
        blob::set(&value);
    }

    fn blob_clear() {
        blob::clear();
    }

    fn all_get() -> Option<Everything> {
        all::get()
    }

    fn all_set(value: Everything) {
        all::set(&value);
    }

    fn all_clear() {
        all::clear();
    }

    fn perhaps_get() -> Option<Option<String>> {
        perhaps::get()
    }

    fn perhaps_set(value: Option<String>) {
        perhaps::set(value.as_deref());
    }

    fn perhaps_clear() {
        perhaps::clear();
    }

    fn lines_append(entry: String) -> u64 {
        lines::append(&entry)
    }

    fn lines_at(index: u64) -> Option<String> {
        lines::at(index)
    }

    fn lines_read(start: u64, limit: u32) -> Vec<(u64, String)> {
        lines::read(start, limit)
    }

    fn lines_first() -> u64 {
        lines::first()
    }

    fn lines_end() -> u64 {
        lines::end()
    }

    fn lines_truncate_before(index: u64) {
        lines::truncate_before(index);
    }

    fn events_append(entry: Event) -> u64 {
        events::append(&entry)
    }

    fn events_at(index: u64) -> Option<Event> {
        events::at(index)
    }

    fn events_read(start: u64, limit: u32) -> Vec<(u64, Event)> {
        events::read(start, limit)
    }

    fn events_first() -> u64 {
        events::first()
    }

    fn events_end() -> u64 {
        events::end()
    }

    fn events_truncate_before(index: u64) {
        events::truncate_before(index);
    }

    fn gauge_value() -> i64 {
        gauge::value()
    }

    fn gauge_add(delta: i64) {
        gauge::add(delta);
    }

    fn meter_value() -> u64 {
        meter::value()
    }

    fn meter_add(delta: u64) {
        meter::add(delta);
    }

    fn touch_everything(key: String, refuse: bool) -> Result<u64, String> {
        note::set(&key);
        strings::set(&key, "touched");
        let index = lines::append(&key);
        gauge::add(-1);
        meter::add(1);
        let seen = note::get().as_ref() == Some(&key)
            && strings::get(&key).as_deref() == Some("touched")
            && lines::at(index).as_ref() == Some(&key);
        match (seen, refuse) {
            (false, _) => panic!("a call does not see its own writes"),
            (true, true) => Err(format!("refused {key}")),
            (true, false) => Ok(index),
        }
    }
}

/// A key as generated imports take it.
fn borrow((office, badge): &(String, Badge)) -> (&str, &Badge) {
    (office, badge)
}

export!(Kinds);
