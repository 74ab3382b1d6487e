//! The example plugins as built components, for the demo and for tests.

/// A ballot box: one vote per voter.
pub const TALLY_V1: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tally-v1.wasm"));

/// The ballot box with notes and standings: a widening of [`TALLY_V1`], on the same track.
pub const TALLY_V2: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tally-v2.wasm"));

/// Weather readings, summed up by month.
pub const WEATHER_V1: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/weather-v1.wasm"));

/// Weather readings, summed up by month and by hour: the next track, with a migration from [`WEATHER_V1`].
pub const WEATHER_V2: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/weather-v2.wasm"));

/// Input of the weather plugins: `date,pressure,temperature,wind`, one decimal each, 8,759 rows.
pub const WEATHER_CSV: &str = include_str!("../../weather/data/seattle-weather-hourly-normals.csv");
