//! Options as they stand in a query.

use super::ApiError;

/// The options of a request as they stand in a query: names with values, repeated for lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Pairs {
    pub(super) fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    pub(super) fn add_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn add_all(&mut self, name: &str, values: &[String]) {
        for value in values {
            self.add(name, value);
        }
    }

    /// The values of one option that may stand several times; no other is known.
    pub(crate) fn only(self, known: &str) -> Result<Vec<String>, ApiError> {
        let mut values = Vec::new();
        self.each(|name, value| {
            let is_known = name == known;
            if is_known {
                values.push(value);
            }
            Ok(is_known)
        })?;
        Ok(values)
    }

    /// The values of options that each stand exactly once.
    pub(crate) fn each_once<const N: usize>(self, names: [&str; N]) -> Result<[String; N], ApiError> {
        let mut values = [const { None }; N];
        self.each(|name, value| {
            let place = names.iter().position(|known| *known == name);
            if let Some(place) = place {
                values[place] = Some(value);
            }
            Ok(place.is_some())
        })?;
        let missing = |at: usize| ApiError::new("bad-request", format!("`{}` is missing in the query", names[at]));
        let mut all = [const { String::new() }; N];
        for (at, value) in values.into_iter().enumerate() {
            all[at] = value.ok_or_else(|| missing(at))?;
        }
        Ok(all)
    }

    pub(super) fn add_flag(&mut self, name: &str, set: bool) {
        if set {
            self.add(name, true);
        }
    }

    /// Reads each pair by `read`, which answers false for a name that it does not know.
    pub(super) fn each(self, mut read: impl FnMut(&str, String) -> Result<bool, ApiError>) -> Result<(), ApiError> {
        for (name, value) in self.0 {
            if !read(&name, value)? {
                return Err(ApiError::new("bad-request", format!("unknown option `{name}` in the query")));
            }
        }
        Ok(())
    }
}

pub(super) fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, ApiError> {
    value.parse().map_err(|_| ApiError::new("bad-request", format!("`{name}` takes a number, not `{value}`")))
}

pub(super) fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::new("bad-request", format!("`{name}` takes true or false, not `{value}`"))),
    }
}
