//! Guests for tests, as built components. Their sources, with the WIT of each at its head, are in `wasm/guests/`.

/// Imports an interface that is no collection, and exports `run: func() -> u32`.
pub const UNKNOWN_IMPORT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unknown-import.wasm"));
