//! Weather readings: a log of them, a summary by month, and totals.

stead_guest::bindings!();

use acme::weather::{
    months, readings, temperature_total,
    types::{Reading, Summary},
    wind_total,
};
use exports::acme::weather::api::{Guest, Overview};

struct Weather;

impl Guest for Weather {
    fn record_reading(at: String, temperature: i32, pressure: u32, wind: u32) -> Result<u64, String> {
        let month = month_of(&at)?;
        let summary = match months::get(month) {
            Some(so_far) => Summary {
                count: so_far.count + 1,
                temperature_sum: so_far.temperature_sum + i64::from(temperature),
                temperature_min: so_far.temperature_min.min(temperature),
                temperature_max: so_far.temperature_max.max(temperature),
            },
            None => Summary {
                count: 1,
                temperature_sum: temperature.into(),
                temperature_min: temperature,
                temperature_max: temperature,
            },
        };
        months::set(month, summary);
        temperature_total::add(temperature.into());
        wind_total::add(wind.into());
        Ok(readings::append(&Reading { at, temperature, pressure, wind }))
    }

    fn month(month: u8) -> Option<Summary> {
        months::get(month)
    }

    fn totals() -> Overview {
        Overview { readings: readings::end(), temperature: temperature_total::value(), wind: wind_total::value() }
    }
}

/// The month in `2010-01-31T23:00:00`.
fn month_of(at: &str) -> Result<u8, String> {
    at.get(5..7)
        .and_then(|month| month.parse().ok())
        .filter(|month| (1..=12).contains(month))
        .ok_or_else(|| format!("{at:?} is no time such as 2010-01-31T23:00:00"))
}

export!(Weather);
