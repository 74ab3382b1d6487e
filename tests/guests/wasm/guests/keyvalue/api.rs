// What the guests of both versions have in common; each includes it after its bindings.

use exports::test::keyvalue::api;
use wasi::keyvalue::{atomics, batch, store};

struct KeyValue;

type Entries = Vec<(String, Vec<u8>)>;
type Found = Vec<Option<(String, Vec<u8>)>>;

fn open(bucket: &str) -> Result<store::Bucket, String> {
    store::open(bucket).map_err(text)
}

fn text(error: store::Error) -> String {
    match error {
        store::Error::NoSuchStore => "no-such-store".into(),
        store::Error::AccessDenied => "access-denied".into(),
        store::Error::Other(what) => what,
    }
}

fn long_key(number: u32, bytes: u32) -> String {
    format!("{number:0>width$}", width = bytes as usize)
}

impl api::Guest for KeyValue {
    fn get(bucket: String, key: String) -> Result<Option<Vec<u8>>, String> {
        open(&bucket)?.get(&key).map_err(text)
    }

    fn set(bucket: String, key: String, value: Vec<u8>) -> Result<(), String> {
        open(&bucket)?.set(&key, &value).map_err(text)
    }

    fn delete(bucket: String, key: String) -> Result<(), String> {
        open(&bucket)?.delete(&key).map_err(text)
    }

    fn exists(bucket: String, key: String) -> Result<bool, String> {
        open(&bucket)?.exists(&key).map_err(text)
    }

    fn increment(bucket: String, key: String, delta: i64) -> Result<String, String> {
        let delta = Number::try_from(delta).map_err(|error| error.to_string())?;
        atomics::increment(&open(&bucket)?, &key, delta).map(|number| number.to_string()).map_err(text)
    }

    fn get_many(bucket: String, keys: Vec<String>) -> Result<Found, String> {
        found(&open(&bucket)?, &keys).map_err(text)
    }

    fn set_many(bucket: String, entries: Entries) -> Result<(), String> {
        batch::set_many(&open(&bucket)?, &entries).map_err(text)
    }

    fn delete_many(bucket: String, keys: Vec<String>) -> Result<(), String> {
        batch::delete_many(&open(&bucket)?, &keys).map_err(text)
    }

    fn page(bucket: String, cursor: Option<String>) -> Result<(Vec<String>, Option<String>), String> {
        let page = list(&open(&bucket)?, cursor)?;
        Ok((page.keys, page.cursor.map(|cursor| cursor.to_string())))
    }

    fn pages_of_a_moving_bucket(bucket: String) -> Result<Vec<Vec<String>>, String> {
        let bucket = open(&bucket)?;
        let mut pages: Vec<Vec<String>> = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(&bucket, cursor)?;
            if let Some(first) = page.keys.first() {
                bucket.delete(first).map_err(text)?;
                bucket.set(&format!("new-{}", pages.len()), b"new").map_err(text)?;
            }
            pages.push(page.keys);
            match page.cursor {
                Some(next) => cursor = Some(next.to_string()),
                None => return Ok(pages),
            }
        }
    }

    fn fill(bucket: String, count: u32, key_bytes: u32) -> Result<(), String> {
        let entries: Entries = (0..count).map(|number| (long_key(number, key_bytes), vec![1])).collect();
        batch::set_many(&open(&bucket)?, &entries).map_err(text)
    }

    fn fill_partly(bucket: String) -> Result<(String, u32), String> {
        let bucket = open(&bucket)?;
        let entries: Entries = [1, 2, 5000, 3].map(|bytes| (long_key(1, bytes), vec![1])).into();
        let Err(error) = batch::set_many(&bucket, &entries) else { return Err("all of it was set".into()) };
        Ok((text(error), list(&bucket, None)?.keys.len() as u32))
    }

    fn set_and_fail(bucket: String, key: String) -> Result<(), String> {
        open(&bucket)?.set(&key, b"of a call that failed").map_err(text)?;
        Err("on purpose".into())
    }

    fn set_and_trap(bucket: String, key: String) -> Result<(), String> {
        open(&bucket)?.set(&key, b"of a call that trapped").map_err(text)?;
        panic!("on purpose")
    }

    fn hold(count: u32) -> Result<(), String> {
        let held: Result<Vec<_>, _> = (0..count).map(|_| open("default")).collect();
        held.map(drop)
    }
}

fn list(bucket: &store::Bucket, cursor: Option<String>) -> Result<store::KeyResponse, String> {
    let cursor = cursor.map(|cursor| cursor.parse::<Cursor>().map_err(|error| error.to_string())).transpose()?;
    page(bucket, cursor).map_err(text)
}

export!(KeyValue);
