//! The comparison: what the plugin holds against what the file says.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use super::callers::{Acknowledged, index, record};
use super::input::{Reading, Summary, Totals};
use crate::api::{EntryInfo, StateAnswer, StateQuery};
use crate::client::{Client, escape, query};
use crate::failure::Failure;

/// What was compared.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Checked {
    /// Entries of the log, each compared with the row that its call carried.
    pub(crate) log_entries: u64,
    /// Values in the maps and counters.
    pub(crate) totals: u64,
    /// Calls that were asked once more at the end and answered from the record.
    pub(crate) asked_again: u64,
}

/// Compares everything, or says what differs first.
pub(super) async fn check(
    client: &Client,
    readings: &[Reading],
    acknowledged: &[Acknowledged],
) -> Result<Checked, Failure> {
    each_call_once(readings, acknowledged)?;
    let expected = Totals::of(readings);
    let mut checked = Checked { log_entries: log(client, readings, acknowledged).await?, ..Checked::default() };
    checked.totals += map(client, "months", &expected.months).await?;
    checked.totals += map(client, "hours", &expected.hours).await?;
    checked.totals += counter(client, "temperature-total", expected.temperature.into()).await?;
    checked.totals += counter(client, "wind-total", expected.wind.into()).await?;
    checked.asked_again = ask_again(client, readings, acknowledged).await?;
    Ok(checked)
}

/// Every row was acknowledged, and no two calls were given the same place in the log.
fn each_call_once(readings: &[Reading], acknowledged: &[Acknowledged]) -> Result<(), Failure> {
    let rows: HashSet<usize> = acknowledged.iter().map(|call| call.row).collect();
    let places: HashSet<u64> = acknowledged.iter().map(|call| call.index).collect();
    same("acknowledged calls", rows.len(), readings.len())?;
    same("places in the log that calls were given", places.len(), readings.len())?;
    same(
        "entries that calls wrote (more than rows: calls were doubled)",
        places.iter().max().map(|place| place + 1),
        Some(readings.len() as u64),
    )
}

/// Each entry of the log is the row of the call that was given its place.
async fn log(client: &Client, readings: &[Reading], acknowledged: &[Acknowledged]) -> Result<u64, Failure> {
    let entries = entries(client, "readings").await?;
    same("entries of the log (more: a call was doubled; fewer: one was lost)", entries.len(), readings.len())?;
    let rows: BTreeMap<u64, usize> = acknowledged.iter().map(|call| (call.index, call.row)).collect();
    for entry in &entries {
        let place = entry.key.as_ref().and_then(integer).and_then(|place| u64::try_from(place).ok());
        let row = place.and_then(|place| rows.get(&place));
        let expected = row.map(|&row| &readings[row]).map(|reading| {
            json!({ "at": reading.at, "temperature": reading.temperature, "pressure": reading.pressure, "wind": reading.wind })
        });
        same(&format!("log entry {place:?}"), Some(&entry.value), expected.as_ref())?;
    }
    Ok(entries.len() as u64)
}

async fn map(client: &Client, name: &str, expected: &BTreeMap<u8, Summary>) -> Result<u64, Failure> {
    let entries = entries(client, name).await?;
    same(&format!("entries of {name}"), entries.len(), expected.len())?;
    for (entry, (key, summary)) in entries.iter().zip(expected) {
        same(&format!("a key of {name}"), entry.key.as_ref().and_then(integer), Some(i128::from(*key)))?;
        let Json::Object(expected) = summary.json() else { continue };
        for (field, value) in expected {
            let found = entry.value.get(&field).and_then(integer);
            same(&format!("{name}[{key}].{field}"), found, integer(&value))?;
        }
    }
    Ok(6 * expected.len() as u64)
}

async fn counter(client: &Client, name: &str, expected: i128) -> Result<u64, Failure> {
    let entries = entries(client, name).await?;
    same(name, entries.first().and_then(|entry| integer(&entry.value)), Some(expected))?;
    Ok(1)
}

/// The last calls of every caller, asked once more under their ids, are answered from the record.
async fn ask_again(client: &Client, readings: &[Reading], acknowledged: &[Acknowledged]) -> Result<u64, Failure> {
    let mut asked = 0;
    for call in acknowledged.iter().rev().take(50) {
        let answer = record(client, &readings[call.row], &call.id).await?;
        same(&format!("call {} was run again", call.id), !answer.replayed, false)?;
        same(&format!("the answer to call {}", call.id), index(&answer), Some(call.index))?;
        asked += 1;
    }
    let log = entries(client, "readings").await?.len();
    same("entries of the log after asking again", log, readings.len())?;
    Ok(asked)
}

/// All entries of a collection of version 2, page by page.
async fn entries(client: &Client, name: &str) -> Result<Vec<EntryInfo>, Failure> {
    let collection = escape(&format!("acme:weather/{name}@2"));
    let mut entries = Vec::new();
    let mut from = None;
    loop {
        let page = StateQuery { from, limit: Some(1000), back: false };
        let path = format!("/v1/plugins/weather/state/{collection}{}", query(&page.pairs().0));
        let answer: StateAnswer = client.get(&path).await?;
        entries.extend(answer.entries);
        match answer.next {
            Some(next) => from = Some(next),
            None => return Ok(entries),
        }
    }
}

/// A 64-bit integer stands as a string where a JSON number would not be exact.
fn integer(json: &Json) -> Option<i128> {
    match json {
        Json::Number(number) => number.to_string().parse().ok(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::refused("demo", format!("{what}: found {found:?}, expected {expected:?}")))
}
