//! That a skeleton is Rust over the bindings of its own WIT: the golden text in which nothing is left to decide compiles here as
//! it is.

#![expect(missing_docs, unsafe_code, reason = "generated bindings")]

wit_bindgen::generate!({
    path: ["../../wit", "tests/skeleton/carried.wit"],
    world: "acme:tally/tally@2.0.0",
    generate_all,
});

/// Implements what the world exports.
struct Component;

#[expect(clippy::type_complexity, reason = "it is written for a person to go on with")]
mod migrate {
    include!("carried.rs");
}

export!(Component);

#[test]
fn g07_a_skeleton_compiles() {
    let migrate: fn(Option<String>) -> Result<(), String> =
        <Component as exports::stead::plugin::migrate::Guest>::migrate;
    let _ = migrate;
}
