//! `wasi:config/store`: the settings that an operator gives a version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use super::instance::Context;
use crate::limits::SETTINGS_BYTES_MAX;

/// The versions of `wasi:config/store` that are offered; they are one interface.
pub(super) const VERSIONS: [&str; 3] = ["0.2.0-rc.1", "0.2.0-draft-2024-09-27", "0.2.0-draft"];

/// Settings of a version by name: what it reads through `wasi:config`. They are shown to operators as they are, so they
/// are no place for secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, String>);

/// Settings that cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A name of no characters.
    #[error("a setting has no name; write NAME=VALUE")]
    NoName,
    /// Names and values are too long together.
    #[error("the settings have {bytes} bytes, at most {SETTINGS_BYTES_MAX} are allowed")]
    TooLarge {
        /// Of all names and values.
        bytes: usize,
    },
}

impl Settings {
    /// Checks names and size.
    pub fn check(&self) -> Result<(), SettingsError> {
        let bytes = self.0.iter().map(|(name, value)| name.len() + value.len()).sum();
        match bytes {
            _ if self.0.contains_key("") => Err(SettingsError::NoName),
            bytes if bytes > SETTINGS_BYTES_MAX => Err(SettingsError::TooLarge { bytes }),
            _ => Ok(()),
        }
    }
}

/// `error` of `wasi:config/store`; reading settings never fails.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the variant's cases are those of the interface")]
enum Error {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

/// Defines the interface at every version.
pub(super) fn define(linker: &mut Linker<Context>) -> wasmtime::Result<()> {
    for version in VERSIONS {
        let mut store = linker.instance(&format!("wasi:config/store@{version}"))?;
        store.func_wrap("get", |store: StoreContextMut<'_, Context>, (key,): (WasmStr,)| {
            let value = store.data().settings().0.get(&*key.to_str(&store)?).cloned();
            Ok((Ok::<_, Error>(value),))
        })?;
        store.func_wrap("get-all", |store: StoreContextMut<'_, Context>, (): ()| {
            let all = store.data().settings().0.iter().map(|(name, value)| (name.clone(), value.clone()));
            Ok((Ok::<_, Error>(all.collect::<Vec<_>>()),))
        })?;
    }
    Ok(())
}
