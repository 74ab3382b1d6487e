//! Weather readings again: summaries know pressure and wind, and there is one for each hour of the day.
//!
//! What 1.0.0 kept lies on another track, so this version brings a migration.

stead_guest::bindings!();

mod migrate;
mod summary;

use acme::weather2_0_0::{
    hours, months, readings, temperature_total,
    types::{Reading, Summary},
    wind_total,
};
use exports::acme::weather2_0_0::api::{Guest, Overview};

struct Weather;

impl Guest for Weather {
    fn record_reading(at: String, temperature: i32, pressure: u32, wind: u32) -> Result<u64, String> {
        record(&Reading { at, temperature, pressure, wind })
    }

    fn month(month: u8) -> Option<Summary> {
        months::get(month)
    }

    fn hour(hour: u8) -> Option<Summary> {
        hours::get(hour)
    }

    fn totals() -> Overview {
        Overview { readings: readings::end(), temperature: temperature_total::value(), wind: wind_total::value() }
    }
}

fn record(reading: &Reading) -> Result<u64, String> {
    let (month, hour) = summary::month_and_hour(&reading.at)?;
    months::set(month, summary::with(months::get(month), reading));
    hours::set(hour, summary::with(hours::get(hour), reading));
    temperature_total::add(reading.temperature.into());
    wind_total::add(reading.wind.into());
    Ok(readings::append(reading))
}

export!(Weather);
