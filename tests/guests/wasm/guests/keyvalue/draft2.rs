//! `wasi:keyvalue` 0.2.0-draft2: cursors are text, what is incremented has a sign, and there is compare-and-swap.

use std::cell::RefCell;

stead_guest::bindings!(
    path: ["../../../wit/deps/wasi-keyvalue-draft2", "wit/keyvalue"],
    inline: "
        package test:draft2;

        world draft2 {
            include wasi:keyvalue/imports@0.2.0-draft2;
            export test:keyvalue/api@1.0.0;
            export test:keyvalue/swaps@1.0.0;
        }
    ",
);

use exports::test::keyvalue::swaps;

type Number = i64;
type Cursor = String;

fn page(bucket: &store::Bucket, cursor: Option<Cursor>) -> Result<store::KeyResponse, store::Error> {
    bucket.list_keys(cursor.as_deref())
}

fn found(bucket: &store::Bucket, keys: &[String]) -> Result<Found, store::Error> {
    batch::get_many(bucket, keys)
}

thread_local! {
    static WATCHED: RefCell<Option<atomics::Cas>> = const { RefCell::new(None) };
}

impl swaps::Guest for KeyValue {
    fn swap(bucket: String, key: String, between: Option<Vec<u8>>, value: Vec<u8>) -> Result<Vec<String>, String> {
        let bucket = open(&bucket)?;
        let cas = atomics::Cas::new(&bucket, &key).map_err(text)?;
        let mut seen = vec![shown(&cas)?];
        if let Some(between) = between {
            bucket.set(&key, &between).map_err(text)?;
        }
        match atomics::swap(cas, &value) {
            Ok(()) => seen.push("swapped".into()),
            Err(atomics::CasError::StoreError(error)) => return Err(text(error)),
            Err(atomics::CasError::CasFailed(again)) => {
                seen.push("failed".into());
                seen.push(shown(&again)?);
                match atomics::swap(again, &value) {
                    Ok(()) => seen.push("swapped".into()),
                    Err(_) => seen.push("failed again".into()),
                }
            }
        }
        Ok(seen)
    }

    fn watch(bucket: String, key: String) -> Result<(), String> {
        let cas = atomics::Cas::new(&open(&bucket)?, &key).map_err(text)?;
        WATCHED.set(Some(cas));
        Ok(())
    }

    fn swap_watched(value: Vec<u8>) -> Result<bool, String> {
        let cas = WATCHED.take().ok_or("nothing is watched")?;
        match atomics::swap(cas, &value) {
            Ok(()) => Ok(true),
            Err(atomics::CasError::CasFailed(_)) => Ok(false),
            Err(atomics::CasError::StoreError(error)) => Err(text(error)),
        }
    }
}

fn shown(cas: &atomics::Cas) -> Result<String, String> {
    let value = cas.current().map_err(text)?;
    Ok(value.map_or_else(|| "nothing".into(), |value| String::from_utf8_lossy(&value).into_owned()))
}

include!("api.rs");
