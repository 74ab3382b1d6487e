//! `wasi:keyvalue` 0.2.0-draft: cursors are numbers, and what is incremented has no sign.

stead_guest::bindings!(
    path: ["../../../wit/deps/wasi-keyvalue-draft", "wit/keyvalue"],
    inline: "
        package test:draft;

        world draft {
            include wasi:keyvalue/imports@0.2.0-draft;
            export test:keyvalue/api@1.0.0;
        }
    ",
);

type Number = u64;
type Cursor = u64;

fn page(bucket: &store::Bucket, cursor: Option<Cursor>) -> Result<store::KeyResponse, store::Error> {
    bucket.list_keys(cursor)
}

fn found(bucket: &store::Bucket, keys: &[String]) -> Result<Found, store::Error> {
    batch::get_many(bucket, keys)
}

include!("api.rs");
