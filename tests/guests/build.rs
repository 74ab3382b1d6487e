//! Builds the test guests for wasm32-wasip2.

fn main() {
    stead_guest_build::build(&[
        "test-guests/unknown-import",
        "test-guests/kinds",
        "test-guests/plain",
        "test-guests/hostile",
        "test-guests/roots",
        "test-guests/evolve-v1",
        "test-guests/evolve-rebuilt",
        "test-guests/evolve-broken",
        "test-guests/evolve-ready",
        "test-guests/evolve-ready-fails",
        "test-guests/evolve-ready-writes",
        "test-guests/evolve-widening",
        "test-guests/evolve-lossy",
        "test-guests/evolve-incompatible",
        "test-guests/evolve-v2",
        "test-guests/evolve-migrate-err",
        "test-guests/evolve-migrate-traps",
        "test-guests/evolve-migrate-loops",
        "test-guests/evolve-migrate-partly",
        "test-guests/evolve-migrate-writes-old",
        "test-guests/evolve-migrate-reads",
        "test-guests/evolve-from-widening",
        "test-guests/evolve-from-lossy",
        "test-guests/evolve-v3",
        "test-guests/keyvalue-draft",
        "test-guests/keyvalue-draft2",
        "test-guests/keyvalue-spin",
        "test-guests/keyvalue_command",
    ]);
}
