//! Builds the example plugins for wasm32-wasip2.

fn main() {
    stead_guest_build::build(&["tally-v1", "tally-v2", "weather-v1", "weather-v2"]);
}
