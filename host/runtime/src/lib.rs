//! Plugins, calls and hand-off on wasmtime.
