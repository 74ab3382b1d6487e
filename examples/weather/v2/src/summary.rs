//! Which summaries a reading belongs to, and what it adds to them.

use crate::acme::weather2_0_0::types::{Reading, Summary};

/// Month and hour in `2010-01-31T23:00:00`.
pub fn month_and_hour(at: &str) -> Result<(u8, u8), String> {
    let number = |from: usize| at.get(from..from + 2).and_then(|digits| digits.parse().ok());
    match (number(5), number(11)) {
        (Some(month @ 1..=12), Some(hour @ 0..=23)) => Ok((month, hour)),
        _ => Err(format!("{at:?} is no time such as 2010-01-31T23:00:00")),
    }
}

pub fn with(so_far: Option<Summary>, reading: &Reading) -> Summary {
    let so_far = so_far.unwrap_or(Summary {
        count: 0,
        temperature_sum: 0,
        temperature_min: i32::MAX,
        temperature_max: i32::MIN,
        pressure_sum: 0,
        wind_max: 0,
    });
    Summary {
        count: so_far.count + 1,
        temperature_sum: so_far.temperature_sum + i64::from(reading.temperature),
        temperature_min: so_far.temperature_min.min(reading.temperature),
        temperature_max: so_far.temperature_max.max(reading.temperature),
        pressure_sum: so_far.pressure_sum + u64::from(reading.pressure),
        wind_max: so_far.wind_max.max(reading.wind),
    }
}
