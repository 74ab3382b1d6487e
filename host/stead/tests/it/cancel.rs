//! A swap that is given up from a second terminal.

use std::time::{Duration, Instant};

use crate::harness::Bench;

fn component(start: &str) -> Vec<u8> {
    let wat = format!(
        r#"(component
          (core module $code {start} (func (export "go")))
          (core instance $made (instantiate $code))
          (func (export "go") (canon lift (core func $made "go"))))"#
    );
    wat::parse_str(wat).unwrap()
}

#[test]
fn g08_a_swap_is_cancelled_from_a_second_terminal() {
    let bench = Bench::new();
    std::fs::write(bench.path("starts.wasm"), component("")).unwrap();
    std::fs::write(bench.path("spins.wasm"), component("(func $spin (loop (br 0))) (start $spin)")).unwrap();
    let _serving = bench.serve(&[]);
    bench.stead(&["deploy", "box", "starts.wasm"]).succeeds();
    std::thread::scope(|scope| {
        let swap = scope.spawn(|| bench.stead(&["swap", "box", "spins.wasm", "--migration-deadline", "1h"]));
        let since = Instant::now();
        while !bench.stead(&["list"]).succeeds().contains("hand-off, negotiating") {
            assert!(since.elapsed() < Duration::from_secs(60), "the swap never begins");
        }
        let told = bench.stead(&["cancel", "box"]).succeeds();
        assert!(told.contains("version 2 was given up while negotiating; version 1 serves `box`"), "{told}");
        swap.join().unwrap().fails(1, &["it was cancelled (`stead cancel`)", "stead history box", "goes on"]);
    });
    bench.stead(&["cancel", "box"]).fails(1, &["no hand-off of box is under way"]);
    bench.stead(&["cancel", "nothing"]).fails(1, &["there is no plugin `nothing`"]);
    assert!(bench.stead(&["history", "box"]).succeeds().contains("given up in negotiating: it was cancelled"));
    bench.stead(&["call", "box", "go"]).succeeds();
}
