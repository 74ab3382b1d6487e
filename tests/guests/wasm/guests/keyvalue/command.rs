//! A command as other hosts run it: an ordinary `main` over `wasi:keyvalue`, in the steps that wasmtime's own test of the
//! interface takes. The bucket's name comes from the environment; what fails is a panic.

stead_guest::bindings!(
    path: ["../../../wit/deps/wasi-keyvalue-draft"],
    inline: "
        package test:command;

        world command {
            include wasi:keyvalue/imports@0.2.0-draft;
        }
    ",
);

use wasi::keyvalue::{atomics, batch, store};

fn main() {
    let name = std::env::var("IDENTIFIER").unwrap_or_default();
    let bucket = store::open(&name).expect("any name is a bucket");

    assert_eq!(atomics::increment(&bucket, "counted", 5).expect("a first increment"), 5);
    assert_eq!(atomics::increment(&bucket, "counted", 1).expect("a second one"), 6);
    assert_eq!(bucket.list_keys(None).expect("a page").keys, ["counted"]);

    bucket.set("greeting", b"hello").expect("set");
    assert_eq!(bucket.get("greeting").expect("get").as_deref(), Some(&b"hello"[..]));
    assert!(bucket.exists("greeting").expect("exists"));
    bucket.delete("greeting").expect("delete");
    assert!(!bucket.exists("greeting").expect("exists"));

    let entries = ["a", "b", "c"].map(|key| (key.to_owned(), b"value".to_vec()));
    batch::set_many(&bucket, &entries).expect("set-many");
    batch::delete_many(&bucket, &["a".to_owned(), "c".to_owned()]).expect("delete-many");
    let found = batch::get_many(&bucket, &["a".to_owned(), "b".to_owned(), "c".to_owned()]).expect("get-many");
    assert_eq!(found, [None, Some(("b".to_owned(), b"value".to_vec())), None]);
}
