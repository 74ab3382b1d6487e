//! Documents: their links lead somewhere, decisions are numbered, copies of WIT are copies.

use crate::{check, files, texts, top};
use std::collections::BTreeMap;
use std::path::Path;

/// Relative targets of Markdown links in `text`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.contains(' '))
}

#[test]
fn links_lead_to_files() {
    let mut complaints = Vec::new();
    for (path, text) in texts(&[".md"]) {
        let folder = top().join(&path).parent().map(Path::to_path_buf).unwrap_or_default();
        for target in targets(&text).filter(|target| !folder.join(target).exists()) {
            complaints.push(format!("{}: the link to {target} leads nowhere", path.display()));
        }
    }
    check(complaints);
}

#[test]
fn the_code_map_names_every_folder_of_code() {
    let readme = std::fs::read_to_string(top().join("README.md")).expect("README.md");
    let complaints = texts(&["Cargo.toml"])
        .iter()
        .filter_map(|(path, _)| {
            path.parent().filter(|folder| folder.components().count() == 2).map(|folder| folder.display().to_string())
        })
        .filter(|folder| folder.starts_with("host/") && !readme.contains(folder.as_str()))
        .map(|folder| format!("README.md's code map lacks {folder}"))
        .collect();
    check(complaints);
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut names: Vec<String> = files()
        .iter()
        .filter_map(|path| path.strip_prefix("host/docs/decisions").ok().map(|name| name.display().to_string()))
        .collect();
    names.sort();
    let complaints = names
        .iter()
        .enumerate()
        .filter(|(index, name)| !name.starts_with(&format!("{:04}-", index + 1)))
        .map(|(index, name)| format!("decision {name} should start with {:04}-", index + 1))
        .collect();
    check(complaints);
}

/// The same package of WIT at the same version is the same text wherever it stands.
#[test]
fn vendored_wit_is_unchanged() {
    let mut first: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut complaints = Vec::new();
    for (path, text) in texts(&[".wit"]) {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if !path.components().any(|part| part.as_os_str() == "deps") && !path.starts_with("wit") {
            continue;
        }
        let Some(package) = text.lines().find(|line| line.starts_with("package ")) else { continue };
        let key = format!("{package} in {name}");
        let (origin, original) = first.entry(key).or_insert_with(|| (path.display().to_string(), text.clone()));
        if *original != text {
            complaints.push(format!("{} differs from {origin}", path.display()));
        }
    }
    check(complaints);
}
