use std::fs::File;
use std::io::Read;

use clap::Args;
use rustix::process::geteuid;

use crate::api::asked_by;
use crate::failure::Failure;

/// The part of a file of the system that is looked through, in bytes: a list of users is the longest.
const SYSTEM_FILE_BYTES_MAX: u64 = 1 << 20;

/// Who asks.
#[derive(Debug, Args)]
pub(super) struct AskedArgs {
    /// Who asks, for the receipt: a person or a job; else your user and machine
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

impl AskedArgs {
    /// The name that was given, or `user@host`.
    pub(super) fn name(self) -> Result<String, Failure> {
        Ok(asked_by(self.name.unwrap_or_else(|| format!("{}@{}", user(), machine())))?)
    }
}

/// The user that runs this process, by name where the machine has one for it.
fn user() -> String {
    let id = geteuid().as_raw();
    read("/etc/passwd").and_then(|users| named(&users, id)).unwrap_or_else(|| format!("uid {id}"))
}

fn machine() -> String {
    let name = read("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

fn read(file: &str) -> Option<String> {
    let mut text = String::new();
    File::open(file).ok()?.take(SYSTEM_FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

fn named(users: &str, id: u32) -> Option<String> {
    let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find(|fields| fields.get(2).is_some_and(|field| *field == id.to_string()))?;
    found.first().map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/nowhere:/bin/sh\nbroken\n";
        assert_eq!(named(users, 1000).as_deref(), Some("ann"));
        assert_eq!(named(users, 100), None);
    }
}
