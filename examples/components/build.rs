//! Builds the example plugins for wasm32-wasip2.

fn main() {
    stead_guest_build::build(&["tally-v1"]);
}
