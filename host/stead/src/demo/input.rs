//! The data set, and what a plugin must have made of it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::failure::Failure;

/// One row of the file, in tenths of a unit: totals are exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: String,
    pub(super) temperature: i32,
    pub(super) pressure: u32,
    pub(super) wind: u32,
}

/// A sum over readings, as version 2 of the plugin keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) temperature_sum: i64,
    pub(super) temperature_min: i32,
    pub(super) temperature_max: i32,
    pub(super) pressure_sum: u64,
    pub(super) wind_max: u32,
}

/// Everything that the plugin must hold at the end.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) months: BTreeMap<u8, Summary>,
    pub(super) hours: BTreeMap<u8, Summary>,
    pub(super) temperature: i64,
    pub(super) wind: u64,
}

impl Reading {
    /// The arguments of `record-reading`.
    pub(super) fn arguments(&self) -> Json {
        json!([self.at, self.temperature, self.pressure, self.wind])
    }

    /// The same as a user would type it.
    pub(super) fn typed(&self) -> String {
        format!("'\"{}\"' {} {} {}", self.at, self.temperature, self.pressure, self.wind)
    }

    fn part(&self, range: std::ops::Range<usize>) -> u8 {
        self.at.get(range).and_then(|text| text.parse().ok()).unwrap_or(u8::MAX)
    }
}

/// The rows of the file: `date,pressure,temperature,wind`.
pub(super) fn read(csv: &str) -> Result<Vec<Reading>, Failure> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut readings = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let reading = record.ok().and_then(|record| {
            Some(Reading {
                at: record.get(0)?.to_owned(),
                pressure: tenths(record.get(1)?)?.try_into().ok()?,
                temperature: tenths(record.get(2)?)?.try_into().ok()?,
                wind: tenths(record.get(3)?)?.try_into().ok()?,
            })
        });
        readings.push(
            reading
                .ok_or_else(|| Failure::host("input", format!("row {} of the data set is unreadable", index + 1)))?,
        );
    }
    Ok(readings)
}

/// `-0.5` as -5, `12` as 120: no floating point on the way.
fn tenths(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, tenth) = digits.split_once('.').unwrap_or((digits, "0"));
    if tenth.len() != 1 {
        return None;
    }
    let value = whole.parse::<i64>().ok()? * 10 + tenth.parse::<i64>().ok()?;
    Some(if negative { -value } else { value })
}

impl Totals {
    pub(super) fn of(readings: &[Reading]) -> Self {
        let mut totals = Self::default();
        for reading in readings {
            for (map, key) in [(&mut totals.months, reading.part(5..7)), (&mut totals.hours, reading.part(11..13))] {
                map.entry(key).and_modify(|summary| summary.add(reading)).or_insert_with(|| Summary::of(reading));
            }
            totals.temperature += i64::from(reading.temperature);
            totals.wind += u64::from(reading.wind);
        }
        totals
    }
}

impl Summary {
    fn of(reading: &Reading) -> Self {
        Self {
            count: 1,
            temperature_sum: reading.temperature.into(),
            temperature_min: reading.temperature,
            temperature_max: reading.temperature,
            pressure_sum: reading.pressure.into(),
            wind_max: reading.wind,
        }
    }

    fn add(&mut self, reading: &Reading) {
        self.count += 1;
        self.temperature_sum += i64::from(reading.temperature);
        self.temperature_min = self.temperature_min.min(reading.temperature);
        self.temperature_max = self.temperature_max.max(reading.temperature);
        self.pressure_sum += u64::from(reading.pressure);
        self.wind_max = self.wind_max.max(reading.wind);
    }

    /// As the control API shows it.
    pub(super) fn json(&self) -> Json {
        json!({
            "count": self.count,
            "temperature-sum": self.temperature_sum,
            "temperature-min": self.temperature_min,
            "temperature-max": self.temperature_max,
            "pressure-sum": self.pressure_sum,
            "wind-max": self.wind_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_tenths_exactly() {
        assert_eq!(tenths("1016.6"), Some(10_166));
        assert_eq!(tenths("-0.5"), Some(-5));
        assert_eq!(tenths("12"), Some(120));
        assert_eq!(tenths("1.25"), None);
        assert_eq!(tenths(""), None);
    }

    #[test]
    fn the_data_set_is_whole() {
        let readings = read(stead_examples::WEATHER_CSV).unwrap();
        let totals = Totals::of(&readings);
        assert_eq!(readings.len(), 8759);
        assert_eq!(totals.months.keys().copied().collect::<Vec<_>>(), (1..=12).collect::<Vec<u8>>());
        assert_eq!(totals.hours.len(), 24);
        assert_eq!(totals.months.values().map(|month| month.count).sum::<u64>(), 8759);
    }
}
