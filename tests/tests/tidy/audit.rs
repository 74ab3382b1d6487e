//! Audit of the dependencies: where they come from, under which licence, and why each is there.

use crate::layers::metadata;
use crate::{check, top};
use std::collections::BTreeSet;

/// Licences that `MIT OR Apache-2.0` software may be built from, as SPDX names.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "Unicode-3.0",
    "BSL-1.0",
    "MIT-0",
    "MPL-2.0",
    "MPL-2.0+",
];

/// One alternative of an `OR`, all parts of which must be allowed.
fn allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" OR ").any(|choice| choice.split(" AND ").all(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let complaints = metadata()
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(allowed))
        .map(|package| {
            format!("{} {}: licence {:?} is not on the list", package.name, package.version, package.license)
        })
        .collect();
    check(complaints);
}

#[test]
fn every_dependency_comes_from_the_default_registry() {
    let complaints = metadata()
        .packages
        .iter()
        .filter(|package| package.source.as_ref().is_some_and(|source| !source.is_crates_io()))
        .map(|package| format!("{} {} comes from {:?}", package.name, package.version, package.source))
        .collect();
    check(complaints);
}

#[test]
fn each_wasm_crate_has_one_version() {
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    let complaints = metadata
        .packages
        .iter()
        .filter(|package| package.name.starts_with("wasmtime") || package.name.starts_with("cranelift"))
        .filter(|package| !seen.insert(package.name.clone()))
        .map(|package| format!("{} stands in the tree twice", package.name))
        .collect();
    check(complaints);
}

#[test]
fn members_take_versions_from_the_workspace() {
    let mut complaints = Vec::new();
    for (path, text) in crate::texts(&["Cargo.toml"]) {
        if path.as_os_str() == "Cargo.toml" {
            continue;
        }
        for line in text.lines().filter(|line| line.contains("version = \"") && line.contains('{')) {
            complaints.push(format!("{}: `{line}` should name the workspace's version", path.display()));
        }
    }
    check(complaints);
}

#[test]
fn the_lock_file_is_committed() {
    assert!(top().join("Cargo.lock").is_file());
}
