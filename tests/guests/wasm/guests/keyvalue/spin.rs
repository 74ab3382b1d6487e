//! `wasi:keyvalue` 0.2.0-draft2 as Spin has it: `get-many` returns every key, with its value if it has one.

stead_guest::bindings!(
    path: ["wit/keyvalue-spin", "wit/keyvalue"],
    inline: "
        package test:spin;

        world spin {
            include wasi:keyvalue/imports@0.2.0-draft2;
            export test:keyvalue/api@1.0.0;
        }
    ",
);

type Number = i64;
type Cursor = String;

fn page(bucket: &store::Bucket, cursor: Option<Cursor>) -> Result<store::KeyResponse, store::Error> {
    bucket.list_keys(cursor.as_deref())
}

fn found(bucket: &store::Bucket, keys: &[String]) -> Result<Found, store::Error> {
    let found = batch::get_many(bucket, keys)?;
    Ok(found.into_iter().map(|(key, value)| value.map(|value| (key, value))).collect())
}

include!("api.rs");
