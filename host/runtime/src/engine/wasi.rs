//! What a plugin may reach outside its state: WASI by grant.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use super::fixed::Fixed;
use super::output::{Output, Tail};
use super::{keyvalue, logging, settings};
use crate::limits::Limits;

/// What a plugin may reach outside its state. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Environment variables that it sees, with their values.
    pub env: BTreeMap<String, String>,
    /// Directories that it sees.
    pub directories: Vec<DirectoryGrant>,
    /// Addresses that it may connect, send or bind to.
    pub addresses: Vec<AddressGrant>,
    /// Whether it may look up names.
    pub names: bool,
}

/// A directory of the host as a plugin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryGrant {
    /// The directory on the host.
    pub host: PathBuf,
    /// Its name for the plugin.
    pub guest: String,
    /// Whether the plugin may write in it.
    pub write: bool,
}

/// Addresses that a plugin may reach, in text `127.0.0.1:5432`, `[::1]:80`, `10.0.0.1:*`, `*:443` or `*:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressGrant {
    /// The host; none means any.
    pub ip: Option<IpAddr>,
    /// The port; none means any.
    pub port: Option<u16>,
}

/// A grant that cannot be read or given.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// No address.
    #[error("{text} is no address; write 127.0.0.1:5432, [::1]:80, 10.0.0.1:* or *:443")]
    Address {
        /// What was given.
        text: String,
    },
    /// The directory cannot be opened.
    #[error("directory {} cannot be granted: {source}", path.display())]
    Directory {
        /// The directory on the host.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
}

impl AddressGrant {
    fn allows(&self, address: SocketAddr) -> bool {
        self.ip.is_none_or(|ip| ip == address.ip()) && self.port.is_none_or(|port| port == address.port())
    }
}

impl FromStr for AddressGrant {
    type Err = GrantsError;

    fn from_str(text: &str) -> Result<AddressGrant, GrantsError> {
        let bad = || GrantsError::Address { text: text.to_owned() };
        let (ip, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let ip = match ip {
            "*" => None,
            ip => Some(ip.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| bad())?),
        };
        let port = match port {
            "*" => None,
            port => Some(port.parse().map_err(|_| bad())?),
        };
        Ok(AddressGrant { ip, port })
    }
}

impl fmt::Display for AddressGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            None => f.write_str("*")?,
            Some(IpAddr::V4(ip)) => write!(f, "{ip}")?,
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
        }
        match self.port {
            None => f.write_str(":*"),
            Some(port) => write!(f, ":{port}"),
        }
    }
}

/// Packages of WASI 0.2 that the host offers.
const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

/// Whether an import such as `wasi:cli/environment@0.2.6` is offered; otherwise why not.
pub(super) fn offered(import: &str) -> Result<(), &'static str> {
    let name = import.strip_prefix("wasi:").unwrap_or(import);
    let (name, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = name.split_once('/').unwrap_or((name, ""));
    match package {
        _ if PACKAGES.contains(&package) => {
            if version.starts_with("0.2.") && !version.contains('-') {
                Ok(())
            } else {
                Err("this host offers WASI 0.2; build the component for wasm32-wasip2")
            }
        }
        "http" => Err("HTTP is not offered to plugins; let the caller of the plugin fetch"),
        "keyvalue" if keyvalue::INTERFACES.contains(&interface) && keyvalue::VERSIONS.contains(&version) => Ok(()),
        "keyvalue" => Err("this host offers store, atomics and batch of wasi:keyvalue 0.2.0-draft and 0.2.0-draft2"),
        "config" if interface == "store" && settings::VERSIONS.contains(&version) => Ok(()),
        "config" => Err("this host offers wasi:config/store 0.2.0-rc.1, 0.2.0-draft-2024-09-27 and 0.2.0-draft"),
        "logging" if logging::NAMES.contains(&import) => Ok(()),
        "logging" => Err("this host offers wasi:logging/logging 0.1.0-draft, and the same without a version"),
        _ => Err(
            "this host offers cli, clocks, filesystem, io, random and sockets of WASI 0.2, and keyvalue, config and logging",
        ),
    }
}

impl Grants {
    /// Checks that what is granted exists.
    pub fn check(&self) -> Result<(), GrantsError> {
        for directory in &self.directories {
            std::fs::read_dir(&directory.host)
                .map_err(|source| GrantsError::Directory { path: directory.host.clone(), source })?;
        }
        Ok(())
    }

    /// What is left of them for code that is only tried: nothing by which it could have an effect outside, or see one.
    pub(super) fn without_effects(&self) -> Grants {
        Grants { env: self.env.clone(), ..Grants::default() }
    }

    /// What of them [`Grants::without_effects`] takes away, in words.
    pub(crate) fn effects(&self) -> Vec<String> {
        let directories = self.directories.iter().map(|directory| format!("directory {}", directory.guest));
        let addresses = self.addresses.iter().map(|address| format!("address {address}"));
        let names = self.names.then(|| "name lookup".to_owned());
        directories.chain(addresses).chain(names).collect()
    }

    /// What one instance sees. Clocks and random numbers are for everybody; the rest is what is granted.
    pub(super) fn context(
        &self,
        plugin: &Arc<str>,
        limits: &Limits,
        tail: &Tail,
        fixed: Option<&Fixed>,
    ) -> wasmtime::Result<WasiCtx> {
        let mut wasi = WasiCtxBuilder::new();
        if let Some(fixed) = fixed {
            fixed.give(&mut wasi);
        }
        wasi.stdout(Output::new(plugin, "stdout", limits, None));
        wasi.stderr(Output::new(plugin, "stderr", limits, Some(tail)));
        for (name, value) in &self.env {
            wasi.env(name, value);
        }
        for directory in &self.directories {
            let permissions = if directory.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            wasi.preopened_dir(&directory.host, &directory.guest, permissions)?;
        }
        let network = !self.addresses.is_empty();
        wasi.allow_tcp(network).allow_udp(network).allow_ip_name_lookup(self.names);
        if network {
            let allowed = self.addresses.clone();
            wasi.socket_addr_check(move |address, use_| {
                let granted = is_implicit_bind(address, use_) || allowed.iter().any(|grant| grant.allows(address));
                Box::pin(async move { granted })
            });
        }
        Ok(wasi.build())
    }
}

/// A socket that connects is first bound to any address and port; that reaches nobody.
fn is_implicit_bind(address: SocketAddr, use_: SocketAddrUse) -> bool {
    matches!(use_, SocketAddrUse::TcpBind | SocketAddrUse::UdpBind)
        && address.ip().is_unspecified()
        && address.port() == 0
}
