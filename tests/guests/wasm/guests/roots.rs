//! The store as a guest: on 32 bits, without threads, on a simulated disk.

stead_guest::bindings!(path: "wit/roots");

#[path = "roots/contents.rs"]
mod contents;

struct Roots;

impl Guest for Roots {
    fn roots() -> Vec<String> {
        contents::roots()
    }
}

export!(Roots);
