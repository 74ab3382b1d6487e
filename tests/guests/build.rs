//! Builds the test guests for wasm32-wasip2.

fn main() {
    stead_guest_build::build(&["test-guests/unknown-import"]);
}
