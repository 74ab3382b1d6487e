//! Plugins, calls and hand-off on wasmtime.

pub mod engine;
pub mod limits;
