//! `wasi:logging`: what a guest logs goes where the host's own log goes, line by line, with its level.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use super::instance::Context;
use crate::limits::{LOG_CONTEXT_BYTES_MAX, LOG_MESSAGE_BYTES_MAX};

/// The interface, as published and as components have it that were built before it had a version.
pub(super) const NAMES: [&str; 2] = ["wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"];

/// `level` of `wasi:logging/logging`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[allow(dead_code, reason = "guests make them")]
#[repr(u8)]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

/// Defines the interface under both names.
pub(super) fn define(linker: &mut Linker<Context>) -> wasmtime::Result<()> {
    for name in NAMES {
        linker.instance(name)?.func_wrap(
            "log",
            |store: StoreContextMut<'_, Context>, (level, context, message): (Level, WasmStr, WasmStr)| {
                let (context, message) = (context.to_str(&store)?, message.to_str(&store)?);
                let line_bytes_max = store.data().limits().log_line_bytes_max;
                log(store.data().plugin(), level, &context, &message, line_bytes_max);
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// Logs each line of a message. A line that is too long goes on in the next, as on standard error.
fn log(plugin: &str, level: Level, context: &str, message: &str, line_bytes_max: usize) {
    let (context, _) = cut(context, LOG_CONTEXT_BYTES_MAX);
    let (message, rest) = cut(message, LOG_MESSAGE_BYTES_MAX);
    for line in message.strip_suffix('\n').unwrap_or(message).split('\n') {
        let mut left = line.strip_suffix('\r').unwrap_or(line);
        loop {
            let (piece, more) = cut(left, line_bytes_max.max(4));
            emit(plugin, level, context, piece);
            match more {
                "" => break,
                more => left = more,
            }
        }
    }
    if !rest.is_empty() {
        emit(plugin, level, context, &format!("\u{2026} and {} bytes more, which are not logged", rest.len()));
    }
}

fn emit(plugin: &str, level: Level, context: &str, line: &str) {
    macro_rules! event {
        ($level:ident $(, $field:ident)?) => {
            tracing::event!(
                target: "stead::plugin", tracing::Level::$level,
                plugin, stream = "log", context, $($field = true,)? "{line}"
            )
        };
    }
    match level {
        Level::Trace => event!(TRACE),
        Level::Debug => event!(DEBUG),
        Level::Info => event!(INFO),
        Level::Warn => event!(WARN),
        Level::Error => event!(ERROR),
        Level::Critical => event!(ERROR, critical),
    }
}

/// The front of a text, of at most so many bytes and whole characters, and the rest.
fn cut(text: &str, bytes_max: usize) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(bytes_max))
}

#[cfg(test)]
mod tests;
