//! Limits of a plugin as an operator names them: `clients-max=100000`, `call-time-max=5s`.

use serde_json::{Map, Value as Json};
use stead_runtime::limits::Limits;

use super::ApiError;
use crate::console::parse_duration;

/// The limit that is a time; all others are numbers.
const TIME: &str = "call_time_max";

/// The default limits, with those that are named as `NAME=VALUE` in their place.
pub(super) fn limits(named: &[String]) -> Result<Limits, ApiError> {
    let mut fields = defaults()?;
    for text in named {
        let (name, value) =
            text.split_once('=').ok_or_else(|| refused(format!("a limit is NAME=VALUE, not `{text}`")))?;
        let field = name.replace('-', "_");
        let Some(slot) = fields.get_mut(&field) else {
            let known: Vec<String> = fields.keys().map(|field| field.replace('_', "-")).collect();
            return Err(refused(format!("there is no limit `{name}`")).help(format!("there are {}", known.join(", "))));
        };
        let parsed = match field == TIME {
            true => parse_duration(value).and_then(|time| serde_json::to_value(time).map_err(|e| e.to_string())),
            false => value.parse::<u64>().map(Json::from).map_err(|_| format!("`{value}` is not a whole number")),
        };
        *slot = parsed.map_err(|why| refused(format!("limit `{name}`: {why}")))?;
    }
    serde_json::from_value(Json::Object(fields)).map_err(|error| refused(format!("limits: {error}")))
}

fn defaults() -> Result<Map<String, Json>, ApiError> {
    match serde_json::to_value(Limits::default()) {
        Ok(Json::Object(fields)) => Ok(fields),
        other => Err(ApiError::new("internal", format!("the limits are no record: {other:?}"))),
    }
}

fn refused(message: String) -> ApiError {
    ApiError::new("bad-request", message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn named(texts: &[&str]) -> Result<Limits, ApiError> {
        limits(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_named_keeps_its_default() {
        let limits = named(&["clients-max=7", "call-time-max=1.5s"]).unwrap();
        let expected = Limits { clients_max: 7, call_time_max: Duration::from_millis(1500), ..Limits::default() };
        assert_eq!(limits, expected);
    }

    #[test]
    fn bad_limits_are_refused_with_what_would_do() {
        assert!(named(&["clients"]).unwrap_err().message.contains("NAME=VALUE"));
        assert!(named(&["client-max=1"]).unwrap_err().help.unwrap().contains("clients-max"));
        assert!(named(&["clients-max=many"]).unwrap_err().message.contains("whole number"));
        assert!(named(&["clients-max=-1"]).unwrap_err().message.contains("whole number"));
        assert!(named(&["call-time-max=5"]).unwrap_err().message.contains("`5s`"));
        assert!(named(&["scan-entries-max=99999999999"]).is_err(), "more than the field holds");
    }
}
