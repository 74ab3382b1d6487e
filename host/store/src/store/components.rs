//! Components as files named by the BLAKE3 hash of their bytes.

use std::fmt;
use std::io;
use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, Mode};
use crate::error::{CommitError, ReadError, StoreError};
use crate::journal::remove_if_there;
use crate::limits::COMPONENT_BYTES_MAX;

/// The BLAKE3 hash of a component's bytes: its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComponentHash(pub [u8; 32]);

impl ComponentHash {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> ComponentHash {
        ComponentHash(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a component hash: expected 64 hexadecimal digits")]
pub struct NotAComponentHash;

impl FromStr for ComponentHash {
    type Err = NotAComponentHash;

    fn from_str(text: &str) -> Result<ComponentHash, NotAComponentHash> {
        blake3::Hash::from_hex(text).map(|hash| ComponentHash(*hash.as_bytes())).map_err(|_| NotAComponentHash)
    }
}

/// Where components live in the data directory.
pub(crate) const COMPONENT_DIR: &str = "components";

/// The file of a component.
pub(crate) fn component_path(hash: &ComponentHash) -> String {
    format!("{COMPONENT_DIR}/{hash}.wasm")
}

/// Keeps a component; durable on return.
pub(crate) fn put(disk: &dyn Disk, bytes: &[u8]) -> Result<ComponentHash, StoreError> {
    let hash = ComponentHash::of(bytes);
    let path = component_path(&hash);
    let io = |source| StoreError::from_io(&path, source);
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        let (bytes, bytes_max) = (bytes.len() as u64, COMPONENT_BYTES_MAX);
        return Err(CommitError::TooLarge { what: "a component", bytes, bytes_max }.into());
    }
    if get(disk, &hash).is_ok() {
        // An earlier owner may have stopped before it synced the name.
        disk.sync_dir(COMPONENT_DIR).map_err(io)?;
        return Ok(hash);
    }
    let new = format!("{path}.new");
    let write = || {
        remove_if_there(disk, &new)?;
        let file = disk.open(&new, Mode::CreateNew)?;
        file.write_at(0, bytes)?;
        file.sync_all()?;
        disk.rename(&new, &path)?;
        disk.sync_dir(COMPONENT_DIR).inspect_err(|_| {
            // The name may never last, though the directory goes on showing it: nobody must rely on it.
            let _ = disk.remove(&path);
        })
    };
    write().map_err(|source| {
        let _ = remove_if_there(disk, &new);
        io(source)
    })?;
    Ok(hash)
}

/// Reads a component and checks it against its name.
pub(crate) fn get(disk: &dyn Disk, hash: &ComponentHash) -> Result<Bytes, ReadError> {
    let path = component_path(hash);
    match disk.read(&path, COMPONENT_BYTES_MAX) {
        Ok(bytes) if ComponentHash::of(&bytes) == *hash => Ok(bytes.into()),
        Ok(_) => {
            let what = "the component does not have the hash that it is named after".to_owned();
            Err(ReadError::Damaged { path, offset: 0, what })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ReadError::Missing { hash: hash.to_string() }),
        Err(source) => Err(ReadError::Io { path, source }),
    }
}
