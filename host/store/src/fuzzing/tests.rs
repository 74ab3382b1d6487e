//! Every decoder, over the committed seeds, over what this release writes, and over changed forms of both.

use super::seeds::Seeds;
use super::*;

#[path = "../../../../fuzz/mutations.rs"]
#[expect(clippy::print_stderr, reason = "a failing input is named")]
mod mutations;

macro_rules! targets {
    ($($test:ident: $target:ident, $times:literal;)*) => {
        $(#[test]
        fn $test() {
            let fresh = if cfg!(miri) { Vec::new() } else { Seeds::new().$target() };
            mutations::check(stringify!($target), fresh, $times, $target);
        })*

        /// Run by hand after a format was added: `cargo test -p stead-store --lib write_the_seeds -- --ignored`.
        #[test]
        #[ignore = "writes the seeds of this release beside those of earlier ones"]
        fn write_the_seeds() {
            $(mutations::commit(stringify!($target), Seeds::new().$target());)*
        }
    };
}

targets! {
    g04_hostile_segments_are_refused_or_read: journal, 3000;
    g04_hostile_records_are_refused_or_read: records, 20000;
    g04_hostile_small_files_are_refused_or_read: files, 20000;
    g04_hostile_packs_are_refused_or_read: pack, 2000;
    g04_hostile_nodes_are_refused_or_read: node, 10000;
    g04_hostile_proofs_are_refused_or_read: proof, 3000;
    g04_hostile_exports_are_refused_or_verified: export, 3000;
    g04_hostile_directories_are_refused_or_opened: directory, 2000;
}
