//! What an instance may hold: memory and tables, all of them together.

use wasmtime::ResourceLimiter;

use crate::limits::Limits;

/// Counts memory and table elements of one instance and refuses what goes past the limits.
///
/// A refused `memory.grow` is an ordinary answer to the guest, but few guests live on with it; what was refused is kept
/// to explain the trap that mostly follows.
pub(super) struct Memory {
    bytes: usize,
    bytes_max: usize,
    elements: usize,
    elements_max: usize,
    denied: Option<String>,
}

impl Memory {
    pub(super) fn new(limits: &Limits) -> Memory {
        Memory {
            bytes: 0,
            bytes_max: limits.memory_bytes_max,
            elements: 0,
            elements_max: limits.table_elements_max,
            denied: None,
        }
    }

    /// Forgets what was refused: a new call starts.
    pub(super) fn begin(&mut self) {
        self.denied = None;
    }

    /// All memories together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// What was refused since the call started.
    pub(super) fn take_denied(&mut self) -> Option<String> {
        self.denied.take()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.bytes_max {
            self.denied =
                Some(format!("the plugin needs {bytes} bytes of memory; `memory_bytes_max` is {}", self.bytes_max));
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current));
        if elements > self.elements_max {
            self.denied = Some(format!(
                "the plugin needs {elements} table elements; `table_elements_max` is {}",
                self.elements_max
            ));
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }
}
