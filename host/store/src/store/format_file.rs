//! The file FORMAT: what this directory is, written once.
//!
//! ```text
//! FORMAT  offset
//!           0    8  magic "STEADFMT"
//!           8    4  format version, 1: of the directory as a whole
//!          12    4  zero
//!          16   16  store id, random
//!          32    4  state tree: target bytes of a node
//!          36    4  state tree: largest node
//!          40    4  state tree: largest value that lies in its leaf
//!          44    4  zero
//!          48   32  BLAKE3 of everything before
//! ```
//!
//! Every later format keeps the magic, the place of the version, and a BLAKE3 of everything before it in the last 32 bytes:
//! so an older release can tell a newer directory from a damaged one.

use std::io;

use crate::disk::{Disk, Mode};
use crate::error::OpenError;
use crate::journal::format::{array_at, u32_at};
use crate::journal::remove_if_there;
use crate::tree::{INLINE_VALUE_BYTES_MAX, NODE_BYTES_MAX, NODE_BYTES_TARGET};

/// The file.
pub(crate) const FORMAT_FILE: &str = "FORMAT";
pub(crate) const FORMAT_NEW: &str = "FORMAT.new";
/// The newest format that this release reads, and the one that it writes.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"STEADFMT";
const BYTES: usize = 80;
const BYTES_MAX: u64 = 4096;

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) store_id: [u8; 16],
}

impl Format {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; BYTES - 32];
        out[0..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[16..32].copy_from_slice(&self.store_id);
        for (index, parameter) in tree_parameters().into_iter().enumerate() {
            out[32 + 4 * index..][..4].copy_from_slice(&parameter.to_le_bytes());
        }
        let hash = blake3::hash(&out);
        out.extend_from_slice(hash.as_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Format, OpenError> {
        let Some(hashed) = bytes.len().checked_sub(32).filter(|hashed| *hashed >= 16) else {
            return Err(damaged("the file is too short"));
        };
        if blake3::hash(&bytes[..hashed]).as_bytes() != &bytes[hashed..] {
            return Err(damaged("the file does not have its hash"));
        }
        if &bytes[0..8] != MAGIC {
            return Err(OpenError::NotAStore { what: "FORMAT is not Stead's".to_owned() });
        }
        let found = u32_at(bytes, 8);
        if found > FORMAT_VERSION {
            let file = FORMAT_FILE.to_owned();
            return Err(OpenError::NewerFormat { file, found, supported: FORMAT_VERSION });
        }
        if bytes.len() != BYTES || found != FORMAT_VERSION || u32_at(bytes, 12) != 0 {
            return Err(damaged("the file has a wrong length, version or unused field"));
        }
        let parameters = [u32_at(bytes, 32), u32_at(bytes, 36), u32_at(bytes, 40), u32_at(bytes, 44)];
        if parameters != tree_parameters() {
            return Err(damaged("the state tree has parameters that this release cannot use"));
        }
        Ok(Format { store_id: array_at(bytes, 16) })
    }

    /// Reads the file; none if there is none.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Format>, OpenError> {
        match disk.read(FORMAT_FILE, BYTES_MAX) {
            Ok(bytes) => Format::decode(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(damaged("the file is too long")),
            Err(source) => Err(OpenError::from_io(FORMAT_FILE, source)),
        }
    }

    /// Writes the file, durably. The last step of making a store: a directory without it is not one yet.
    pub(crate) fn create(&self, disk: &dyn Disk) -> io::Result<()> {
        remove_if_there(disk, FORMAT_NEW)?;
        let file = disk.open(FORMAT_NEW, Mode::CreateNew)?;
        file.write_at(0, &self.encode())?;
        file.sync_all()?;
        disk.rename(FORMAT_NEW, FORMAT_FILE)?;
        disk.sync_dir("").inspect_err(|_| {
            // The name may never last, though the directory goes on showing it: nobody must rely on it.
            let _ = disk.remove(FORMAT_FILE);
        })
    }
}

fn tree_parameters() -> [u32; 4] {
    [NODE_BYTES_TARGET as u32, NODE_BYTES_MAX as u32, INLINE_VALUE_BYTES_MAX as u32, 0]
}

fn damaged(what: &str) -> OpenError {
    OpenError::Damaged {
        file: FORMAT_FILE.to_owned(),
        offset: 0,
        what: what.to_owned(),
        affects: "which store this is; all data is untouched".to_owned(),
        hint: crate::error::REPAIR_HINT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_byte_for_byte() {
        let bytes = Format { store_id: [7; 16] }.encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5354454144464d540100000000000000070707070707070707070707070707070010000000400000000400000000000023e0e86bc1cb1bef1fc0b0234e3e087212c55e360123ca3892ff7c06ddfe703d"
        );
        assert_eq!(Format::decode(&bytes).expect("valid").store_id, [7; 16]);
    }

    #[test]
    fn no_single_bit_can_flip_unnoticed() {
        let mut bytes = Format { store_id: [7; 16] }.encode();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Format::decode(&bytes), Err(OpenError::Damaged { .. })), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
