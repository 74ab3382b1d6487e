//! Builds guest components from the build script of the package that carries them.
//!
//! ```no_run
//! // build.rs of a package with `stead-guest-build` among its build dependencies
//! stead_guest_build::build(&["my-plugin"]);
//! ```
//!
//! and in that package's `src/lib.rs`
//!
//! ```ignore
//! pub const MY_PLUGIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/my-plugin.wasm"));
//! ```
//!
//! A guest is a package of the same workspace whose library is a `cdylib`, or an example target of type `cdylib`,
//! named `package/target`. Guests are compiled for `wasm32-wasip2` under the workspace's profile `guest`, in a target
//! directory of their own (`guests` inside the workspace's): the outer Cargo holds the lock on its own.
//!
//! A world that imports two versions of one track ends the build with a message that names both: the tools would merge
//! them.
//!
//! This crate is not responsible for components that were not written in Rust, nor for checking what it built.

#![allow(clippy::print_stdout, reason = "a build script talks to Cargo through its standard output")]

mod depfile;
mod target;
mod wit;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

/// One built component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the guest: its package, or its target where it is an example.
    pub name: String,
    /// The component, `$OUT_DIR/<name>.wasm`.
    pub path: PathBuf,
}

/// Variables of the outer build that must not reach the guests': flags and wrappers made for the host, and where its
/// output goes.
const OUTER_ONLY: [&str; 10] = [
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// Builds the named guests and tells Cargo which files they depend on.
///
/// Adds the target to the toolchain where it is missing. Ends the build script with a message that says what to do
/// when that or the build fails.
pub fn build(guests: &[&str]) -> Vec<Artifact> {
    let out = PathBuf::from(variable("OUT_DIR"));
    let target_dir = target_dir(&out).join("guests");
    target::ensure().unwrap_or_else(|message| stop(&message));

    let guests: Vec<Guest<'_>> = guests.iter().map(|name| Guest::parse(name)).collect();
    let libraries: Vec<&Guest<'_>> = guests.iter().filter(|guest| guest.example.is_none()).collect();
    let examples: Vec<&Guest<'_>> = guests.iter().filter(|guest| guest.example.is_some()).collect();
    let packages: BTreeSet<&str> = guests.iter().map(|guest| guest.package).collect();
    let by_custom = packages.iter().filter_map(|package| directory(package)).flat_map(|path| wit::of_package(&path));
    wit::check(&by_custom.collect()).unwrap_or_else(|message| stop(&message));
    for group in [libraries, examples] {
        if !group.is_empty() {
            compile(&group, &target_dir);
        }
    }

    println!("cargo::rerun-if-changed=build.rs");
    if let Some(lock) = above(Path::new(&variable("CARGO_MANIFEST_DIR")), "Cargo.lock") {
        println!("cargo::rerun-if-changed={}", lock.display());
    }
    guests.iter().map(|guest| guest.collect(&target_dir, &out)).collect()
}

/// `package`, or `package/example`.
struct Guest<'a> {
    package: &'a str,
    example: Option<&'a str>,
}

impl<'a> Guest<'a> {
    fn parse(name: &'a str) -> Self {
        match name.split_once('/') {
            Some((package, example)) => Guest { package, example: Some(example) },
            None => Guest { package: name, example: None },
        }
    }

    fn name(&self) -> &'a str {
        self.example.unwrap_or(self.package)
    }

    /// Copies the component to where the carrying package includes it from, and names its sources to Cargo.
    fn collect(&self, target_dir: &Path, out: &Path) -> Artifact {
        let built = target_dir.join(target::TRIPLE).join("guest");
        let built = match self.example {
            Some(example) => built.join("examples").join(example.replace('-', "_")),
            None => built.join(self.package.replace('-', "_")),
        };
        let sources = depfile::sources(&built.with_extension("d"));
        // WIT may stand anywhere; where, only the compiler could say.
        wit::check(&wit::of_sources(&sources)).unwrap_or_else(|message| stop(&message));
        let manifests: BTreeSet<PathBuf> = sources.iter().filter_map(|source| above(source, "Cargo.toml")).collect();
        for path in sources.iter().chain(&manifests) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        let path = out.join(self.name()).with_extension("wasm");
        let component = built.with_extension("wasm");
        copy_if_different(&component, &path)
            .unwrap_or_else(|error| stop(&format!("cannot copy {}: {error}", component.display())));
        Artifact { name: self.name().to_owned(), path }
    }
}

/// One nested `cargo build`.
fn compile(guests: &[&Guest<'_>], target_dir: &Path) {
    let mut cargo = Command::new(variable("CARGO"));
    cargo.args(["build", "--locked", "--profile", "guest", "--target", target::TRIPLE]);
    let mut packages: Vec<&str> = guests.iter().map(|guest| guest.package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        cargo.args(["--package", package]);
    }
    for example in guests.iter().filter_map(|guest| guest.example) {
        cargo.args(["--example", example]);
    }
    for name in OUTER_ONLY {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_TARGET_DIR", target_dir);
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(_) => stop("the guest components do not build; what their compiler said stands below"),
        Err(error) => stop(&format!("cannot start Cargo: {error}")),
    }
}

/// The directory of a package of the workspace. None if Cargo cannot say; it will say why when it builds.
fn directory(package: &str) -> Option<PathBuf> {
    let output = Command::new(variable("CARGO")).args(["pkgid", "--locked", "--package", package]).output().ok()?;
    let id = String::from_utf8(output.stdout).ok()?;
    let (path, _) = id.trim().strip_prefix("path+file://")?.rsplit_once('#')?;
    Some(PathBuf::from(path))
}

/// The outer build's target directory: Cargo marks it, and gives it to build scripts by no other way.
fn target_dir(out: &Path) -> PathBuf {
    out.ancestors().filter(|directory| directory.join("CACHEDIR.TAG").is_file()).last().unwrap_or(out).to_owned()
}

/// The nearest file of that name in the directories that hold a path.
fn above(path: &Path, name: &str) -> Option<PathBuf> {
    path.ancestors().map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Leaves an equal file untouched, so that nothing which includes it is compiled again.
fn copy_if_different(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(to, bytes)
}

/// A variable that Cargo sets for every build script.
fn variable(name: &str) -> std::ffi::OsString {
    env::var_os(name).unwrap_or_else(|| stop(&format!("{name} is not set: build() belongs into a build script")))
}

fn stop(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}
