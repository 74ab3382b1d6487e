//! Lower crates never name higher ones, and only one crate names wasmtime.

use crate::{check, top};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// From low to high. A crate may name only crates before it.
const LAYERS: [&str; 6] = ["stead-store", "stead-schema", "stead-receipt", "stead-runtime", "stead", "stead-tests"];

pub(crate) fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(top()).other_options(vec!["--locked".into()]).exec().expect("cargo metadata")
}

fn dependencies(metadata: &Metadata, package: &str) -> Vec<String> {
    let package = metadata
        .workspace_packages()
        .into_iter()
        .find(|candidate| candidate.name.as_str() == package)
        .unwrap_or_else(|| panic!("the workspace has no package {package}"));
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn lower_crates_never_name_higher_ones() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for (layer, package) in LAYERS.iter().enumerate() {
        for dependency in dependencies(&metadata, package) {
            if LAYERS[layer..].contains(&dependency.as_str()) {
                complaints.push(format!("{package} names {dependency}, which is not below it"));
            }
        }
    }
    check(complaints);
}

#[test]
fn the_lowest_crates_know_neither_wasmtime_nor_each_other() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in ["stead-store", "stead-schema", "stead-receipt"] {
        for dependency in dependencies(&metadata, package) {
            if dependency.starts_with("wasmtime") || dependency.starts_with("stead") || dependency == "tokio" {
                complaints.push(format!("{package} names {dependency}"));
            }
        }
    }
    check(complaints);
}

#[test]
fn only_the_runtime_knows_wasmtime() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in ["stead", "stead-store", "stead-schema", "stead-receipt"] {
        for dependency in dependencies(&metadata, package) {
            if dependency.starts_with("wasmtime") {
                complaints.push(format!("{package} names {dependency}"));
            }
        }
    }
    check(complaints);
}
