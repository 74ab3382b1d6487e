//! Files of keys: a secret one is its owner's alone.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::process::geteuid;
use stead_receipt::limits::KEY_FILE_BYTES_MAX;
use stead_receipt::{PublicKey, SecretKey};

use crate::failure::Failure;

/// Writes a new secret key to a file that only its owner can read.
pub(crate) fn create(path: &Path) -> Result<SecretKey, Failure> {
    let cannot = |error: std::io::Error| Failure::usage(format!("cannot write the key: {error}")).at(path.display());
    let key = SecretKey::new().map_err(|error| Failure::host("io", error))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
        let failure = cannot(error);
        if path.symlink_metadata().is_ok() { failure.help("name a file that does not exist yet") } else { failure }
    })?;
    let written = writeln!(file, "{}", key.to_text()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A half-written key is none; whether it can be removed changes nothing.
        drop(std::fs::remove_file(path));
        return Err(cannot(error));
    }
    Ok(key)
}

/// Reads a secret key, unless others could have read it too.
pub(crate) fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let cannot = |error: std::io::Error| Failure::usage(format!("cannot read the key: {error}")).at(path.display());
    let mut file = File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if !about.is_file() {
        return Err(Failure::usage("this is no file of a key").at(path.display()));
    }
    let owner = geteuid().as_raw();
    if about.mode() & 0o077 != 0 || (about.uid() != owner && owner != 0) {
        return Err(Failure::usage("other users can read or change this key, so nobody could rely on what it signs")
            .at(path.display())
            .help(format!("make it yours alone (`chmod 600 {}`), or make a new one", path.display())));
    }
    let text = bounded(&mut file).map_err(cannot)?;
    SecretKey::parse(&text).map_err(|error| Failure::usage(error).at(path.display()))
}

/// A public key, given as its text or as a file that holds it.
pub(crate) fn public(text_or_file: &str) -> Result<PublicKey, Failure> {
    let refused = |error| Failure::usage(error).at(text_or_file);
    if text_or_file.starts_with("stead-receipt-") {
        // The text of a secret key is not repeated.
        return PublicKey::parse(text_or_file).map_err(Failure::usage);
    }
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("this is neither a public key nor a file that holds one: {error}"))
            .at(text_or_file)
            .help("`stead key show FILE` prints the public key of a secret one")
    };
    let text = File::open(text_or_file).and_then(|mut file| bounded(&mut file)).map_err(cannot)?;
    PublicKey::parse(&text).map_err(refused)
}

fn bounded(file: &mut File) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
