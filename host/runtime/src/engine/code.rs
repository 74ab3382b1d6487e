//! Compiled code, kept in memory and on disk.
//!
//! A file holds what [`wasmtime::Engine::precompile_component`] made, behind its digest:
//!
//! ```text
//! magic 8 B | BLAKE3 of the code 32 B | code
//! ```
//!
//! It is named by the component's hash and by the engine's settings, written under a temporary name and renamed. The
//! whole file is read and checked before wasmtime sees it, because wasmtime trusts compiled code; a file that fails is
//! compiled again. Mapping the file instead would save a millisecond for the largest guests and check nothing.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use wasmtime::component::Component;

use super::program::Understood;

const MAGIC: &[u8; 8] = b"steadcw1";
const HEADER_BYTES: usize = 8 + 32;

/// Compiled code of one engine.
pub(super) struct Code {
    programs: Mutex<Programs>,
    programs_idle_max: usize,
    directory: Option<PathBuf>,
    /// Names the settings that code depends on: code of another engine is another file.
    settings: u64,
}

#[derive(Default)]
struct Programs {
    by_hash: HashMap<blake3::Hash, Kept>,
    uses: u64,
}

struct Kept {
    program: Arc<Understood>,
    used: u64,
}

impl Code {
    pub(super) fn new(engine: &wasmtime::Engine, directory: Option<PathBuf>, programs_idle_max: usize) -> Code {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        Code { programs: Mutex::default(), programs_idle_max, directory, settings: settings.finish() }
    }

    /// The program of a component, if it is in memory.
    pub(super) fn find(&self, hash: &blake3::Hash) -> Option<Arc<Understood>> {
        let mut programs = self.programs.lock();
        programs.uses += 1;
        let used = programs.uses;
        let kept = programs.by_hash.get_mut(hash)?;
        kept.used = used;
        Some(kept.program.clone())
    }

    /// Keeps a program, and lets go of those used longest ago that nobody else holds.
    pub(super) fn keep(&self, hash: blake3::Hash, program: &Arc<Understood>) {
        let mut programs = self.programs.lock();
        programs.uses += 1;
        let used = programs.uses;
        programs.by_hash.insert(hash, Kept { program: program.clone(), used });
        let mut idle: Vec<_> = programs
            .by_hash
            .iter()
            .filter(|(_, kept)| Arc::strong_count(&kept.program) == 1 || kept.used == used)
            .map(|(hash, kept)| (kept.used, *hash))
            .collect();
        if idle.len() > self.programs_idle_max {
            idle.sort_unstable_by_key(|(used, _)| *used);
            for (_, hash) in &idle[..idle.len() - self.programs_idle_max] {
                programs.by_hash.remove(hash);
            }
        }
    }

    /// A component's code: from its file, or compiled and written there.
    pub(super) fn compile(
        &self,
        engine: &wasmtime::Engine,
        hash: &blake3::Hash,
        wasm: &[u8],
    ) -> wasmtime::Result<Component> {
        let Some(directory) = &self.directory else { return Component::from_binary(engine, wasm) };
        let path = directory.join(format!("{}-{:016x}.code", hash.to_hex(), self.settings));
        if let Some(component) = read(engine, &path) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, wasm)?;
        let code = component.serialize()?;
        if let Err(error) = write(directory, &path, &code) {
            tracing::warn!(path = %path.display(), %error, "compiled code could not be kept");
        }
        Ok(component)
    }
}

/// None when there is no file, or none that can be used.
fn read(engine: &wasmtime::Engine, path: &Path) -> Option<Component> {
    let file = match fs::read(path) {
        Ok(file) => file,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "compiled code could not be read; compiling again");
            }
            return None;
        }
    };
    let Some(code) = verified(&file) else {
        tracing::warn!(path = %path.display(), "compiled code is damaged; compiling again");
        return None;
    };
    // SAFETY: these are bytes that a host serialised from an engine (wasmtime checks that it was an equal one) and
    // whose digest was just checked. The directory is private to this user, so nobody else can have made them.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, code) };
    component
        .inspect_err(
            |error| tracing::warn!(path = %path.display(), %error, "compiled code is foreign; compiling again"),
        )
        .ok()
}

fn verified(file: &[u8]) -> Option<&[u8]> {
    let (header, code) = file.split_at_checked(HEADER_BYTES)?;
    (header.starts_with(MAGIC) && header[MAGIC.len()..] == *blake3::hash(code).as_bytes()).then_some(code)
}

/// No sync: a file lost or torn by a crash is compiled again.
fn write(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    create_private(directory)?;
    let temporary = path.with_extension(format!("{}-{write}.tmp", std::process::id()));
    let mut file = Vec::with_capacity(HEADER_BYTES + code.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(blake3::hash(code).as_bytes());
    file.extend_from_slice(code);
    fs::write(&temporary, file).and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
