#![doc = include_str!("../README.md")]
//!
//! This crate is not responsible for anything at run time: a finished component contains none of it. It does not know
//! the host, and a plugin written with plain `wit-bindgen` is as good as one written with it.

/// The bindings generator, at the version that [`bindings!`] was written for.
pub use wit_bindgen;

/// The WIT package `stead:plugin`: file name and text of each of its files.
///
/// A plugin that exports `migrate`, `migrate-back` or `ready` keeps a copy of them
/// under `wit/deps/stead-plugin/`.
pub const WIT: [(&str, &str); 3] = [
    ("migrate.wit", include_str!("../../wit/migrate.wit")),
    ("migrate-back.wit", include_str!("../../wit/migrate-back.wit")),
    ("ready.wit", include_str!("../../wit/ready.wit")),
];

/// Generates the bindings of a plugin's world from its WIT.
///
/// Takes the options of [`wit_bindgen::generate!`], without braces; those that every plugin needs are set: types of
/// all packages are generated, and generated code finds its runtime through this crate. Without options it reads the
/// only world in `wit/`.
///
/// Defines one module for each package that the world imports, `exports` with one trait for each interface that it
/// exports, and the macro `export!`, which names the type that implements them.
#[macro_export]
macro_rules! bindings {
    ($($options:tt)*) => {
        $crate::wit_bindgen::generate!({
            generate_all,
            runtime_path: "stead_guest::wit_bindgen::rt",
            $($options)*
        });
    };
}
