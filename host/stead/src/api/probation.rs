//! The terms of a probation as an operator writes them: the same texts on the command line and in a query.

use stead_runtime::{CancelError, OnBreach, Otherwise, Probation, ProbationLength, ResumeError};

use super::ApiError;
use super::convert::no_plugin;
use super::pairs::Pairs;
use crate::console::parse_duration;

/// The terms of a probation; nothing was said where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProbationRequest {
    /// `60s`, `1000calls`.
    pub(crate) length: Option<String>,
    /// `hand-back`, `stop`, `go-on`.
    pub(crate) on_breach: Option<String>,
    /// `stop`, `go-on`.
    pub(crate) otherwise: Option<String>,
    /// `1%`, `off`.
    pub(crate) traps: Option<String>,
    /// `10%`, `off`.
    pub(crate) errors: Option<String>,
    /// `5x`, `off`.
    pub(crate) latency: Option<String>,
}

impl ProbationRequest {
    /// By the names that they have in a query.
    fn named(&self) -> [(&'static str, &Option<String>); 6] {
        let Self { length, on_breach, otherwise, traps, errors, latency } = self;
        [
            ("probation", length),
            ("on_breach", on_breach),
            ("otherwise", otherwise),
            ("breach_traps", traps),
            ("breach_errors", errors),
            ("breach_latency", latency),
        ]
    }

    pub(super) fn add_to(&self, pairs: &mut Pairs) {
        for (name, value) in self.named() {
            pairs.add_some(name, value.as_ref());
        }
    }

    pub(super) fn read(&mut self, name: &str, value: String) -> bool {
        let place = match name {
            "probation" => &mut self.length,
            "on_breach" => &mut self.on_breach,
            "otherwise" => &mut self.otherwise,
            "breach_traps" => &mut self.traps,
            "breach_errors" => &mut self.errors,
            "breach_latency" => &mut self.latency,
            _ => return false,
        };
        *place = Some(value);
        true
    }

    /// The terms, if there is to be a probation.
    pub(super) fn terms(&self) -> Result<Option<Probation>, ApiError> {
        let Some(text) = &self.length else {
            let [_, rest @ ..] = self.named();
            return match rest.iter().find(|(_, value)| value.is_some()) {
                Some((name, _)) => Err(ApiError::new("bad-argument", format!("`{name}` is a term of a probation"))
                    .help("say how long it lasts: `--probation 60s` or `--probation 1000calls`")),
                None => Ok(None),
            };
        };
        let mut terms = Probation::of(length(text)?);
        if let Some(text) = &self.on_breach {
            terms.on_breach = match text.as_str() {
                "hand-back" => OnBreach::HandBack,
                "stop" => OnBreach::Stop,
                "go-on" => OnBreach::GoOn,
                _ => return Err(unknown("on_breach", text, "hand-back, stop or go-on")),
            };
        }
        if let Some(text) = &self.otherwise {
            terms.otherwise = match text.as_str() {
                "stop" => Otherwise::Stop,
                "go-on" => Otherwise::GoOn,
                _ => return Err(unknown("otherwise", text, "stop or go-on")),
            };
        }
        let thresholds = &mut terms.thresholds;
        read_threshold("breach_traps", &self.traps, "%", 0.0, &mut thresholds.traps)?;
        read_threshold("breach_errors", &self.errors, "%", 0.0, &mut thresholds.errors)?;
        read_threshold("breach_latency", &self.latency, "x", 1.0, &mut thresholds.latency)?;
        Ok(Some(terms))
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        let kind = error.kind();
        match error {
            CancelError::Host(error) => error.into(),
            CancelError::UnknownPlugin { plugin } => no_plugin(&plugin),
            CancelError::NotUnderWay { ref plugin } => {
                ApiError::new(kind, &error).help(format!("`stead history {plugin}` tells how the last one ended"))
            }
            CancelError::TooLate { ref plugin } => {
                ApiError::new(kind, &error).help(format!("`stead rollback {plugin}` goes back to the version before"))
            }
        }
    }
}

impl From<ResumeError> for ApiError {
    fn from(error: ResumeError) -> Self {
        let kind = error.kind();
        match error {
            ResumeError::Host(error) => error.into(),
            ResumeError::UnknownPlugin { plugin } => no_plugin(&plugin),
            ResumeError::NotStopped { ref plugin } => {
                ApiError::new(kind, &error).help(format!("`stead show {plugin}` says how it stands"))
            }
        }
    }
}

/// The longest probation: past a year nobody remembers what it was for.
const DAYS_MAX: u64 = 366;

fn length(text: &str) -> Result<ProbationLength, ApiError> {
    let bad = |why: String| {
        ApiError::new("bad-argument", format!("`{text}` is no length of a probation: {why}"))
            .help("write a time such as 60s or 10m, or a number of calls such as 1000calls")
    };
    if let Some(number) = text.strip_suffix("calls").or_else(|| text.strip_suffix("call")) {
        return match number.trim().parse() {
            Ok(0) => Err(bad("it takes at least one call".into())),
            Ok(calls) => Ok(ProbationLength::Calls(calls)),
            Err(_) => Err(bad(format!("`{number}` is no number"))),
        };
    }
    let time = parse_duration(text).map_err(bad)?;
    if time.is_zero() || time.as_secs() > DAYS_MAX * 24 * 3600 {
        return Err(bad(format!("it lasts longer than nothing and at most {DAYS_MAX} days")));
    }
    Ok(ProbationLength::Time(time))
}

/// A number with or without its unit, or `off`.
fn read_threshold(
    name: &str,
    text: &Option<String>,
    unit: &str,
    least: f64,
    threshold: &mut Option<f64>,
) -> Result<(), ApiError> {
    let Some(text) = text else { return Ok(()) };
    *threshold = match text.strip_suffix(unit).unwrap_or(text).trim() {
        "off" => None,
        number => match number.parse() {
            Ok(number) if number >= least && f64::is_finite(number) => Some(number),
            _ => return Err(unknown(name, text, &format!("a number from {least} up, such as 5{unit}, or off"))),
        },
    };
    Ok(())
}

fn unknown(name: &str, text: &str, takes: &str) -> ApiError {
    ApiError::new("bad-argument", format!("`{name}` takes {takes}, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stead_runtime::Thresholds;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Probation>, ApiError> {
        let mut request = ProbationRequest::default();
        for (name, value) in pairs {
            assert!(request.read(name, (*value).to_owned()), "{name}");
        }
        let mut written = Pairs::default();
        request.add_to(&mut written);
        assert_eq!(written.0.len(), pairs.len());
        request.terms()
    }

    #[test]
    fn terms_are_read_as_they_are_written() {
        assert_eq!(read(&[]).unwrap(), None);
        let plain = Probation::of(ProbationLength::Time(Duration::from_secs(60)));
        assert_eq!(read(&[("probation", "60s")]).unwrap(), Some(plain));
        let all = [
            ("probation", "1000calls"),
            ("on_breach", "stop"),
            ("otherwise", "stop"),
            ("breach_traps", "0%"),
            ("breach_errors", "off"),
            ("breach_latency", "2.5x"),
        ];
        let thresholds = Thresholds { traps: Some(0.0), errors: None, latency: Some(2.5) };
        let expected = Probation {
            length: ProbationLength::Calls(1000),
            on_breach: OnBreach::Stop,
            otherwise: Otherwise::Stop,
            thresholds,
        };
        assert_eq!(read(&all).unwrap(), Some(expected));
    }

    #[test]
    fn what_is_no_term_is_refused_with_what_would_be() {
        for (pairs, part) in [
            (vec![("on_breach", "stop")], "`on_breach` is a term of a probation"),
            (vec![("probation", "60")], "a unit is missing"),
            (vec![("probation", "0calls")], "at least one call"),
            (vec![("probation", "manycalls")], "`many` is no number"),
            (vec![("probation", "0s")], "longer than nothing"),
            (vec![("probation", "9000h")], "at most 366 days"),
            (vec![("probation", "1m"), ("on_breach", "panic")], "hand-back, stop or go-on"),
            (vec![("probation", "1m"), ("otherwise", "hand-back")], "stop or go-on"),
            (vec![("probation", "1m"), ("breach_traps", "-1%")], "a number from 0 up"),
            (vec![("probation", "1m"), ("breach_latency", "0.5x")], "a number from 1 up"),
            (vec![("probation", "1m"), ("breach_errors", "NaN")], "a number from 0 up"),
        ] {
            let error = read(&pairs).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
}
