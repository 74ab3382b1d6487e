//! What a host function answers instead of a value, and what becomes of it when it ends a call.

use std::char::CharTryFromError;
use std::error::Error;
use std::str::Utf8Error;

use stead_store::ReadError;
use wasmtime::{Trap as WasmTrap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::outcome::{CallEnd, Trap, TrapKind, Unreadable};

/// Frames of a guest's backtrace that are kept.
const FRAMES_MAX: usize = 20;

/// Why a host function ended the call. It travels through the guest as wasmtime's error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The call may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// A named limit.
    #[error("{0}")]
    Limit(String),
    /// State that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Values that do not fit: a mistake of the host.
    #[error("{0}")]
    Host(String),
    /// A linked plugin was called and did not return.
    #[error("linked plugin `{plugin}` did not return")]
    Callee { plugin: String, end: Box<CallEnd> },
}

impl Fault {
    pub(super) fn store(collection: &str, source: ReadError) -> Fault {
        Fault::Unreadable(Unreadable::Store { collection: collection.to_owned(), source })
    }

    pub(super) fn value(collection: &str, what: impl ToString) -> Fault {
        Fault::Unreadable(Unreadable::Value { collection: collection.to_owned(), what: what.to_string() })
    }
}

/// What the error that ended a call means. `denied` says that memory or table elements were refused during the call: a
/// guest that cannot go on without them ends in an instruction that says nothing.
pub(super) fn explain(error: wasmtime::Error, denied: Option<String>, stderr: String) -> CallEnd {
    let backtrace = frames(&error);
    let trap = |kind, message| CallEnd::Trapped(Trap { kind, message, backtrace, stderr });
    let error = match error.downcast::<Fault>() {
        Ok(Fault::Unreadable(unreadable)) => return CallEnd::Unreadable(unreadable),
        Ok(Fault::Forbidden(message)) => return trap(TrapKind::Forbidden, message),
        Ok(Fault::Limit(message)) => return trap(TrapKind::Limit, message),
        Ok(Fault::Host(message)) => return trap(TrapKind::Host, message),
        Ok(Fault::Callee { plugin, end }) => return of_callee(&plugin, *end),
        Err(error) => error,
    };
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return trap(TrapKind::Exit, format!("the plugin ended itself with exit code {}", exit.0));
    }
    match error.downcast_ref::<WasmTrap>() {
        Some(WasmTrap::Interrupt) => trap(TrapKind::Deadline, "the plugin was still running at its deadline".into()),
        Some(WasmTrap::StackOverflow) => {
            trap(TrapKind::Stack, "the plugin recursed too deep: its stack is used up".into())
        }
        Some(code) => match denied {
            Some(denied) => trap(TrapKind::Memory, denied),
            None => trap(TrapKind::Guest, guest_message(*code)),
        },
        None => {
            // What stands around the cause is the backtrace, as text.
            let message = error.root_cause().to_string();
            match denied {
                Some(denied) => trap(TrapKind::Memory, denied),
                None if message.contains("too much data is being copied") => trap(
                    TrapKind::Limit,
                    "one call of a host function passes more data than `hostcall_bytes_max`".into(),
                ),
                None if is_no_value(error.root_cause(), &message) => {
                    trap(TrapKind::Guest, format!("the plugin passed what is no value of its type: {message}"))
                }
                None => trap(TrapKind::Host, message),
            }
        }
    }
}

/// The end of a call whose linked plugin did not return: the callee's own, so that it can be told what went wrong there.
fn of_callee(plugin: &str, end: CallEnd) -> CallEnd {
    let trap =
        |kind, message: String| CallEnd::Trapped(Trap { kind, message, backtrace: Vec::new(), stderr: String::new() });
    match end {
        CallEnd::Trapped(inner) => {
            CallEnd::Trapped(Trap { message: format!("linked plugin `{plugin}`: {}", inner.message), ..inner })
        }
        CallEnd::Unreadable(_) | CallEnd::Unavailable { .. } => end,
        CallEnd::Refused(error) => trap(TrapKind::Host, format!("linked plugin `{plugin}`: {error}")),
        CallEnd::Returned(_) | CallEnd::Failed(_) => trap(TrapKind::Host, format!("linked plugin `{plugin}` was lost")),
    }
}

/// What wasmtime says where a guest breaks the canonical ABI: a pointer outside of its memory, no UTF-8, no such case.
fn is_no_value(cause: &(dyn Error + 'static), message: &str) -> bool {
    const SAID: [&str; 5] =
        ["out of bounds of memory", "beyond end of memory", "not aligned", "aligned to", "discriminant"];
    cause.is::<Utf8Error>() || cause.is::<CharTryFromError>() || SAID.iter().any(|said| message.contains(said))
}

fn guest_message(code: WasmTrap) -> String {
    match code {
        WasmTrap::UnreachableCodeReached => "the plugin gave up: a panic, an abort or an uncaught exception".into(),
        WasmTrap::MemoryOutOfBounds => {
            "the plugin reached outside its memory; a recursion that is too deep looks like this, too".into()
        }
        code => format!("the plugin trapped: {code}"),
    }
}

fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let name = |frame: &wasmtime::FrameInfo| match (frame.module().name(), frame.func_name()) {
        (Some(module), Some(function)) => format!("{module}!{function}"),
        (None, Some(function)) => function.to_owned(),
        (module, None) => format!("{}!<function {}>", module.unwrap_or("<module>"), frame.func_index()),
    };
    backtrace.frames().iter().take(FRAMES_MAX).map(name).collect()
}
