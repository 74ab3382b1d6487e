#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stead_receipt::fuzzing::receipts(bytes));
