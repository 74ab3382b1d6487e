//! The guests' target, installed into the toolchain in use where it is missing.

use std::{env, path::Path, process::Command};

pub(crate) const TRIPLE: &str = "wasm32-wasip2";

/// Ok once the target is installed. Otherwise the one command that installs it.
pub(crate) fn ensure() -> Result<(), String> {
    if is_installed()? {
        return Ok(());
    }
    // Run by hand rather than left to rustup's own automatic installation, which RUSTUP_AUTO_INSTALL=0 turns off.
    let added = Command::new("rustup").args(["target", "add", TRIPLE]).env("RUST_BACKTRACE", "0").output();
    if added.as_ref().is_ok_and(|output| output.status.success()) && is_installed()? {
        return Ok(());
    }
    let reason = match added {
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("cannot start rustup: {error}"),
    };
    let toolchain = env::var("RUSTUP_TOOLCHAIN").map_or(String::new(), |name| format!(" --toolchain {name}"));
    Err(format!(
        "guests need the Rust target {TRIPLE}, which is missing and could not be added\n{reason}\n\
         type: rustup target add {TRIPLE}{toolchain}"
    ))
}

fn is_installed() -> Result<bool, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TRIPLE])
        .output()
        .map_err(|error| format!("cannot start {}: {error}", rustc.display()))?;
    let directory = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(directory.trim()).is_dir())
}
