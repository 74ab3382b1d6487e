//! From 1.0.0: the log is played again, which also fills what 1.0.0 did not sum up, and the result is checked against
//! what 1.0.0 did.

use crate::{
    Weather,
    acme::{weather1_0_0 as old, weather2_0_0 as new},
    exports::stead::plugin::migrate::Guest,
    record,
};

/// Readings copied at a time: some 100 KiB of memory.
const PAGE: u32 = 1_000;

impl Guest for Weather {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        let mut next = 0;
        loop {
            let page = old::readings::read(next, PAGE);
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (_, reading) in page {
                record(&new::types::Reading {
                    at: reading.at,
                    temperature: reading.temperature,
                    pressure: reading.pressure,
                    wind: reading.wind,
                })?;
            }
        }
        check()
    }
}

/// Every total of 1.0.0 must come out of the log again.
fn check() -> Result<(), String> {
    same("temperature", old::temperature_total::value(), new::temperature_total::value())?;
    same("wind", old::wind_total::value(), new::wind_total::value())?;
    for (month, summary) in old::months::scan(None, 12) {
        let count = new::months::get(month).map_or(0, |summary| summary.count);
        same(&format!("readings of month {month}"), summary.count, count)?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, old: T, new: T) -> Result<(), String> {
    if old == new {
        return Ok(());
    }
    Err(format!("{what}: the log gives {new}, the version before had {old}"))
}
