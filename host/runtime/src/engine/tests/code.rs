//! The cache of compiled code.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const WAT: &str = r#"(component
    (core module $M (func (export "two") (result i32) i32.const 2))
    (core instance $m (instantiate $M))
    (func (export "two") (result u32) (canon lift (core func $m "two"))))"#;

fn with_cache(directory: &Path) -> Engine {
    let limits = EngineLimits { instances_max: 4, ..EngineLimits::default() };
    Engine::new(EngineOptions { limits, cache: Some(directory.to_owned()) }).expect("an engine")
}

fn load(directory: &Path) {
    let wasm = wat::parse_str(WAT).expect("wat");
    let program = Program::load(&with_cache(directory), &wasm).expect("a plugin");
    assert_eq!(program.exports().len(), 1);
}

fn the_file(directory: &Path) -> PathBuf {
    let files: Vec<_> =
        fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").path()).collect();
    let [file] = &files[..] else { panic!("one file, not {files:?}") };
    file.clone()
}

#[test]
fn code_is_kept_and_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = directory.path().join("cache");
    load(&cache);
    let written = fs::metadata(the_file(&cache)).expect("a file").modified().expect("a time");
    load(&cache);
    assert_eq!(fs::metadata(the_file(&cache)).expect("a file").modified().expect("a time"), written);
}

#[test]
fn g04_damaged_code_is_compiled_again() {
    let directory = tempfile::tempdir().expect("a directory");
    load(directory.path());
    let file = the_file(directory.path());
    let good = fs::read(&file).expect("a file");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [&flipped[..], &good[..good.len() / 2], b"", b"foreign"] {
        fs::write(&file, bad).expect("written");
        load(directory.path());
        assert_eq!(fs::read(&file).expect("a file"), good, "it is written anew");
    }
}

#[test]
fn one_program_serves_all_who_load_it() {
    let wasm = wat::parse_str(WAT).expect("wat");
    let first = Program::load(&engine(), &wasm).expect("a plugin");
    let second = Program::load(&engine(), &wasm).expect("a plugin");
    assert!(std::ptr::eq(first.exports(), second.exports()));
}

#[test]
fn an_engine_ends_with_its_last_holder() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = with_cache(directory.path());
    let program = Program::load(&engine, &wat::parse_str(WAT).expect("wat")).expect("a plugin");
    let linked =
        program.link("test", &[], &Grants::default(), &Settings::default(), &Limits::default()).expect("linked");
    let wasmtime = engine.wasmtime().weak();
    drop((engine, program, linked));
    assert!(wasmtime.upgrade().is_none(), "something the engine keeps holds the engine");
}
