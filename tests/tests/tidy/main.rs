//! What a machine can check about the repository itself: layers, dependencies, file sizes, leftovers, documents.

mod audit;
mod documents;
mod layers;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's top folder.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_path_buf()
}

/// The paths of all files of the repository, relative to its top: those that git tracks, or would.
fn files() -> Vec<PathBuf> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git lists the files");
    assert!(listing.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr));
    let mut files: Vec<PathBuf> = String::from_utf8(listing.stdout)
        .expect("paths are UTF-8")
        .lines()
        .map(PathBuf::from)
        .filter(|path| top().join(path).is_file())
        .collect();
    files.sort();
    files.dedup();
    assert!(files.len() > 20, "only {} files were found", files.len());
    files
}

/// The files whose name ends in one of `endings`, with their text.
fn texts(endings: &[&str]) -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .filter_map(|path| std::fs::read_to_string(top().join(&path)).ok().map(|text| (path, text)))
        .collect()
}

/// Fails with every complaint at once.
fn check(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
